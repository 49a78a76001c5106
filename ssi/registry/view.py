"""The registry's answers as the log of one size gives them.

Source:  the project's answerability text, sections 2.1 (keys), 2.2 (accreditation, ending, status commitment), 6 and 8
         (chains of at most four accreditations to a configured root); design decisions 8 and 9.
Input:   the histories of a fold (``ssi.registry.fold``); a view is a size and a look at their prefixes.
Shapes:  times are Unix seconds; a period runs from ``valid_from`` up to, not including, ``valid_until``.
I/O:     none.
Errors:  DidNotFoundError; GuardError G10 from ``statement_key``.

Revoking an accreditor does not undo what it did before: a chain is judged link by link at the time each link was made.
What stands on the ledger after an ending was made after it, whatever its own ``iat`` says; ``acting`` applies that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError, InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.ledger.quorum import Witnessed
from ssi.ports import Accredited, Commitment
from ssi.registry.dids_view import DidsSnapshot
from ssi.registry.histories import STATE_ROOTS
from ssi.registry.histories import Histories as Histories
from ssi.registry.history import Accepted, Entry, before, last_before
from ssi.registry.types import (
    MAX_TIME,
    Accreditation,
    CheckpointAnchor,
    Ending,
    StateRoot,
    StatusCommitment,
    Withholding,
    as_commitment,
)

MAX_CHAIN: Final = 4
MAX_ENDINGS_NEST: Final = 4


class RegistrySnapshot(DidsSnapshot):
    """A RegistryView of one fold at one size. Later entries do not show, though the fold goes on growing."""

    __slots__ = ("_left_out", "_roots", "_time", "_witnessed")

    def __init__(
        self,
        histories: Histories,
        roots: frozenset[str],
        size: int,
        *,
        checkpoint_time: int | None = None,
        left_out: int = 0,
        witnessed: Witnessed | None = None,
    ) -> None:
        """Built by ``RegistryState.at``."""
        super().__init__(histories, size)
        self._roots = roots
        self._time = checkpoint_time
        self._left_out = left_out
        self._witnessed = witnessed

    @property
    def checkpoint_time(self) -> int | None:
        """Unix seconds of the checkpoint that this view was proven against; None if it was proven against none."""
        return self._time

    @property
    def left_out(self) -> int:
        """How many entries the fold has never seen, since it is of an excerpt; 0 for a whole ledger."""
        return self._left_out

    def until(self, size: int) -> RegistrySnapshot:
        """Return what the same fold said at an earlier size."""
        return RegistrySnapshot(self._histories, self._roots, min(size, self._size), left_out=self._left_out)

    @property
    def witnessed(self) -> Witnessed | None:
        """By how many trusted witnesses the checkpoint is cosigned; None where none are named."""
        return self._witnessed

    @property
    def roots(self) -> frozenset[str]:
        """The configured root accreditors."""
        return self._roots

    # --- keys, endings, accreditations -----------------------------------------------------------------------

    def statement_key(self, kid: str, *, at: int) -> PublicKey:
        """Return the key that ``kid`` names for statements at this size (section 2.1), ``at`` being their ``iat``.

        Raises GuardError G10 if the DID has no log here or is deactivated, does not list the key under
        assertionMethod, or an ending declared it compromised.
        """
        version = self.did_version(kid.partition("#")[0])
        if version is None:
            raise GuardError("G10", "the signer has no DID log on this ledger")
        if version.version.parameters.deactivated:
            raise GuardError("G10", "the signer's DID is deactivated")
        if self.compromised_since(kid, at=at) is not None:
            raise GuardError("G10", "the signing key was declared compromised")
        try:
            return version.document.key(kid, "assertionMethod", at=at)
        except (VerificationError, InvalidInputError) as exc:
            raise GuardError("G10", "kid is no assertion key in the signer's DID document") from exc

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        """Return since when ``kid`` counts as compromised for something said at ``at``, or None if it does not."""
        effective: list[int] = []
        for ending in before(self._histories.compromises.get(kid, ()), self._size):
            moment = max(at, ending.body.iat)
            if ending.body.effective <= moment and not self.ended(ending.id, at=moment):
                effective.append(ending.body.effective)
        return min(effective, default=None)

    # --- statements ---------------------------------------------------------------------------------------------

    def entry(self, identifier: str) -> Entry | None:
        """Return the accepted entry with this id, or None if this size knows none."""
        found = self._histories.entries.get(identifier)
        return found if found is not None and found.index < self._size else None

    def entries_since(self, size: int) -> Iterator[Entry]:
        """Yield the accepted entries from the index ``size`` on, the newest first."""
        for entry in reversed(self._histories.entries.values()):
            if entry.index < size:
                return
            if entry.index < self._size:
                yield entry

    def state_roots(self) -> Sequence[Accepted[StateRoot]]:
        """Return every state root, in the order of the log."""
        return before(self._histories.state_roots.get(STATE_ROOTS, ()), self._size)

    def state_root(self) -> Accepted[StateRoot] | None:
        """Return the newest state root, or None."""
        return last_before(self._histories.state_roots.get(STATE_ROOTS, ()), self._size)

    def endings(self, identifier: str) -> Sequence[Accepted[Ending]]:
        """Return the endings of the entry with this id, in the order of the log."""
        return before(self._histories.endings.get(identifier, ()), self._size)

    def ended(self, identifier: str, *, at: int, acting: bool = False) -> bool:
        """Return whether an ending, itself not ended, ends this entry at Unix time ``at``.

        With ``acting`` the question is about a statement that stands on the ledger after every ending of this view,
        so that its ``iat`` cannot lie before theirs.
        """
        for ending in self.endings(identifier):
            moment = max(at, ending.body.iat) if acting else at
            if ending.body.effective <= moment and not self.ended(ending.id, at=moment, acting=acting):
                return True
        return False

    def accreditations(self, subject: str) -> Sequence[Accepted[Accreditation]]:
        """Return every accreditation of ``subject``, in force or not, in the order of the log."""
        return before(self._histories.accreditations.get(subject, ()), self._size)

    def in_force(self, given: Accepted[Accreditation], *, at: int, acting: bool = False) -> bool:
        """Return whether this accreditation holds at Unix time ``at``."""
        body = given.body
        return body.valid_from <= at < body.valid_until and not self.ended(given.id, at=at, acting=acting)

    def chain(self, given: Accepted[Accreditation]) -> tuple[str, ...] | None:
        """Return the ids from a root's accreditation to this one, or None if no chain of MAX_CHAIN leads there.

        Every accreditor's own accreditation held when it gave the next one (by ``iat``).
        """
        path = [given.id]
        body = given.body
        while body.iss not in self._roots or body.refs:
            parent = self.entry(body.refs.by) if body.refs else None
            if not isinstance(parent, Accepted) or len(path) >= MAX_CHAIN:
                return None
            above = parent.body
            if not isinstance(above, Accreditation) or not hands_on(above, body):
                return None
            if not above.valid_from <= body.iat < above.valid_until or self.ended(parent.id, at=body.iat):
                return None
            path.append(parent.id)
            body = above
        return tuple(reversed(path))

    def role(
        self, subject: str, role: str, *, at: int, credential_type: str | None = None, acting: bool = False
    ) -> Accepted[Accreditation] | None:
        """Return the newest accreditation that gives ``subject`` this role at ``at``, chained to a root, or None."""
        for given in reversed(self.accreditations(subject)):
            body = given.body
            if body.role != role or not self.in_force(given, at=at, acting=acting):
                continue
            if credential_type is not None and body.types and credential_type not in body.types:
                continue
            if self.chain(given) is not None:
                return given
        return None

    def is_organisation(self, did: str, *, at: int, acting: bool = False) -> bool:
        """Return whether ``did`` is a root or holds an ``organisation`` accreditation at ``at``."""
        return did in self._roots or self.role(did, "organisation", at=at, acting=acting) is not None

    def may_issue(self, issuer: str, credential_type: str, *, at: int) -> Accredited | None:
        """Return why ``issuer`` may issue ``credential_type`` at Unix time ``at``, or None if it may not.

        It takes an ``issuer`` accreditation for the type and, unless the issuer is a root, one as ``organisation``.
        """
        given = self.role(issuer, "issuer", at=at, credential_type=credential_type)
        if given is None or not self.is_organisation(issuer, at=at):
            return None
        return Accredited(accreditation=given.id, accreditor=given.body.iss, path=self.chain(given) or ())

    def compromises_of(self, kid: str) -> Sequence[Accepted[Ending]]:
        """Return the endings that declare the verification method ``kid`` compromised, in the order of the log."""
        return before(self._histories.compromises.get(kid, ()), self._size)

    def compromises(self, did: str) -> list[Accepted[Ending]]:
        """Return every ending that declares a key of ``did`` compromised."""
        found: list[Accepted[Ending]] = []
        for kid, endings in self._histories.compromises.items():
            if kid.partition("#")[0] == did:
                found += before(endings, self._size)
        return found

    # --- status lists -------------------------------------------------------------------------------------------

    def newest(self, uri: str) -> Accepted[StatusCommitment] | None:
        """Return the accepted commitment with the highest epoch for ``uri``, ended or not."""
        return last_before(self._histories.commitments.get(uri, ()), self._size)

    def lists_of(self, issuer: str) -> Iterator[str]:
        """Yield the URI of every status list whose newest commitment ``issuer`` made, ended or not."""
        for uri in self._histories.commitments:
            found = self.newest(uri)
            if found is not None and found.body.iss == issuer:
                yield uri

    def newest_commitment(self, uri: str) -> Commitment | None:
        """Return the newest commitment for the list at ``uri``; None if there is none or the newest was ended.

        An ended commitment never makes the one before it the newest again: that would undo revocations.
        """
        found = self.newest(uri)
        return None if found is None or self.withdrawn(found) else as_commitment(found.body, found.index)

    def commitments(self, uri: str) -> Sequence[Accepted[StatusCommitment]]:
        """Return every commitment at ``uri``, in force or not, in the order of the log."""
        return before(self._histories.commitments.get(uri, ()), self._size)

    def has_commitment(self, uri: str, digest: str) -> bool:
        """Return whether a commitment to ``digest`` stands at ``uri``, in force or not."""
        return self.commitment_index(uri, digest) is not None

    def commitment_index(self, uri: str, digest: str) -> int | None:
        """Return where the newest commitment to ``digest`` at ``uri`` stands, in force or not; None if nowhere."""
        for found in reversed(self.commitments(uri)):
            if found.body.digest == digest:
                return found.index
        return None

    def commitment_before_compromise(self, kid: str, *, uri: str, digest: str) -> Commitment | None:
        """Return the commitment to ``digest`` that stands before the compromise of ``kid``, by place and by time.

        Before every ending that declares it, and said before the earliest moment from which they count. A commitment
        counts only if it was not withdrawn and the key that signed it is not compromised itself: whoever has that key
        says of the time what he likes.
        """
        endings = [
            ending
            for ending in before(self._histories.compromises.get(kid, ()), self._size)
            if not self.ended(ending.id, at=MAX_TIME if self._time is None else self._time)
        ]
        index = min((ending.index for ending in endings), default=self._size)
        since = min((ending.body.effective for ending in endings), default=MAX_TIME)
        for found in before(self._histories.commitments.get(uri, ()), index):
            if found.body.digest == digest and found.body.iat < since and not self.withdrawn(found):
                stolen = before(self._histories.compromises.get(found.kid, ()), self._size)
                return None if stolen else as_commitment(found.body, found.index)
        return None

    def withdrawn(self, commitment: Accepted[StatusCommitment]) -> bool:
        """Return whether this commitment is ended at the view's time; without one, whether it ever will be."""
        return self.ended(commitment.id, at=MAX_TIME if self._time is None else self._time)

    # --- logs ---------------------------------------------------------------------------------------------------

    def anchors(self, origin: str) -> Sequence[Accepted[CheckpointAnchor]]:
        """Return every anchored head of the log ``origin``, in the order of epochs, ended ones too."""
        return before(self._histories.anchors.get(origin, ()), self._size)

    def newest_anchor(self, origin: str) -> Accepted[CheckpointAnchor] | None:
        """Return the newest anchored head of the log ``origin``, or None."""
        return last_before(self._histories.anchors.get(origin, ()), self._size)

    def anchor_ended(self, anchor: Accepted[CheckpointAnchor]) -> bool:
        """Return whether an anchor was ended, which frees its origin for another organisation."""
        return self.ended(anchor.id, at=MAX_TIME if self._time is None else self._time)

    def withholding(self, index: int) -> Accepted[Withholding] | None:
        """Return the order that withholds the body of entry ``index``, or None."""
        return last_before(self._histories.withholdings.get(index, ()), self._size)

    def order_over(self, index: int, leaf_hash: bytes) -> Accepted[Withholding] | None:
        """Return the order that withholds exactly the entry with this leaf hash, or None."""
        given = self.withholding(index)
        return given if given is not None and given.body.leaf == b64url_encode(leaf_hash) else None


def hands_on(above: Accreditation, below: Accreditation) -> bool:
    """Return whether ``above`` lets the signer of ``below`` give it: an accreditor, within its own types."""
    if above.subject != below.iss or above.role != "accreditor":
        return False
    if not above.types or below.role not in ("issuer", "accreditor"):
        return True
    return bool(below.types) and set(below.types or ()) <= set(above.types)

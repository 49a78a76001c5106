"""The registry for whoever has answers instead of the log: a RegistryView over a set of them.

Source:  design decision 9 (anchored means newest at a checkpoint that is fresh enough); ``ssi.registry.answer``.
Input:   verified answers, of one log.
Shapes:  ``size`` and ``checkpoint_time`` are those of the oldest answer: what it says is said as of then. Unix seconds.
I/O:     none; ``AnswersSource`` keeps the newest answers for a verifier.
Errors:  UnavailableError for everything that no answer is about: "not known" is never "nothing there".
         InclusionProofError for two checkpoints of one size with different roots, which is the proof of a fork.

The answers themselves come out of the same code as for the whole log, over the histories that the answers give.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from ssi.errors import DidNotFoundError, InclusionProofError, InvalidInputError, UnavailableError
from ssi.ledger.note import NoteKey
from ssi.ledger.rules import ORGANISATION_METHODS
from ssi.ports import Accredited, Commitment, Fetch
from ssi.registry.answer import MAX_ANSWER_BYTES, MEDIA_TYPE, VerifiedAnswer, verify_answer
from ssi.registry.answer_facts import Facts, histories_of
from ssi.registry.state_records import Thing
from ssi.registry.view import RegistrySnapshot

MAX_KEPT: Final = 4_096


class AnswersView:
    """``RegistryView`` over answers. Where two are about one thing, the newer one counts."""

    def __init__(self, answers: Iterable[VerifiedAnswer]) -> None:
        """Put answers together. Raises InvalidInputError for none, or for several logs; InclusionProofError."""
        known = sorted(answers, key=lambda answer: answer.size)
        if not known:
            raise InvalidInputError("expected at least one answer of the registry")
        if len({(answer.checkpoint.origin, answer.roots) for answer in known}) > 1:
            raise InvalidInputError("expected answers about one log, under the same roots")
        _check_fork(known)
        facts: Facts = {}
        for answer in known:
            facts.update(answer.facts)
        self._facts = facts
        self._size = known[0].size
        self._time = min(answer.time for answer in known)
        newest, roots = known[-1].size, known[0].roots
        self._view = RegistrySnapshot(histories_of(facts), roots, newest, checkpoint_time=self._time)
        self._issued = RegistrySnapshot(histories_of(facts, issuance=True), roots, newest, checkpoint_time=self._time)

    @property
    def size(self) -> int:
        """The number of entries as of which the oldest of the answers is the newest."""
        return self._size

    @property
    def checkpoint_time(self) -> int | None:
        """How fresh the oldest of the answers is, in Unix seconds."""
        return self._time

    @property
    def things(self) -> Sequence[Thing]:
        """What the answers are about."""
        return list(self._facts)

    def did_log(self, did: str) -> bytes:
        """As ``RegistryView.did_log``."""
        self._check_did(did)
        return self._view.did_log(did)

    def did_witness(self, did: str) -> bytes:
        """Return the did-witness.json of ``did``. Raises DidNotFoundError."""
        self._check_did(did)
        return self._view.did_witness(did)

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        """As ``RegistryView.compromised_since``."""
        if _never_here(kid):
            return None
        return self._view.compromised_since(kid, at=at)

    def commitment_before_compromise(self, kid: str, *, uri: str, digest: str) -> Commitment | None:
        """As ``RegistryView.commitment_before_compromise``."""
        if ("issuance", f"{uri} {digest}") not in self._facts:
            raise UnavailableError("no answer of the registry about this commitment is at hand")
        return self._issued.commitment_before_compromise(kid, uri=uri, digest=digest)

    def newest_commitment(self, uri: str) -> Commitment | None:
        """As ``RegistryView.newest_commitment``."""
        return self._view.newest_commitment(uri)

    def may_issue(self, issuer: str, credential_type: str, *, at: int) -> Accredited | None:
        """As ``RegistryView.may_issue``."""
        return self._view.may_issue(issuer, credential_type, at=at)

    def _check_did(self, did: str) -> None:
        """Of one history several DIDs may be names: what was asked about one says nothing of another."""
        if ("did", did) in self._facts:
            return
        if not did.startswith("did:webvh:"):
            raise DidNotFoundError(f"no ledger has a log of {did}")
        raise UnavailableError(f"no answer of the registry about the DID {did} is at hand")


class AnswersSource:
    """A verifier's registry (``RegistrySource``) that is fed with answers, from files or from the web."""

    def __init__(self, *, log_keys: Sequence[NoteKey], roots: Sequence[str]) -> None:
        """Believe what ``log_keys`` sign and the operator among ``roots`` says."""
        self._keys = tuple(log_keys)
        self._roots = tuple(roots)
        self._answers: dict[Thing, VerifiedAnswer] = {}
        self._view: AnswersView | None = None

    def take(self, data: bytes, *, expected: Thing | None = None) -> VerifiedAnswer:
        """Keep an answer in place of an older one about the same thing; raises as ``verify_answer``.

        An older one than is kept is refused with InclusionProofError: the registry does not go back.
        """
        answer = verify_answer(data, log_keys=self._keys, roots=self._roots, expected=expected)
        thing = answer.kind, answer.name
        kept = self._answers.get(thing)
        if kept is not None and kept.size > answer.size:
            raise InclusionProofError(
                f"the answer is as of entry {answer.size}, one as of {kept.size} was given before"
            )
        if kept is None and len(self._answers) >= MAX_KEPT:
            raise UnavailableError(f"at most {MAX_KEPT} answers are kept")
        view = AnswersView([*(each for known, each in self._answers.items() if known != thing), answer])
        self._answers[thing], self._view = answer, view
        return answer

    async def ask(self, fetch: Fetch, base_url: str, kind: str, name: str) -> VerifiedAnswer:
        """Ask whoever serves answers below ``base_url``, and ``take`` the one that comes. Raises as ``Fetch``, too."""
        url = f"{base_url.rstrip('/')}/answers/{kind}/{quote(name, safe='')}"
        found = await fetch(url, accept=MEDIA_TYPE, max_bytes=MAX_ANSWER_BYTES)
        return self.take(found.body, expected=(kind, name))

    def view(self) -> AnswersView:
        """Return the registry as the answers give it. Raises UnavailableError without any."""
        if self._view is None:
            raise UnavailableError("no answer of the registry is at hand")
        return self._view

    async def did_log(self, did: str) -> bytes:
        """Return the log of a DID (``LogSource``)."""
        return self.view().did_log(did)

    async def did_witness(self, did: str) -> bytes:
        """Return the witness proofs of a DID (``WitnessSource``)."""
        return self.view().did_witness(did)


def _never_here(kid: str) -> bool:
    """Tell whether a key is of a DID whose method no ledger entry can speak of."""
    parts = kid.split(":", 2)
    return len(parts) == 3 and parts[0] == "did" and parts[1] not in ORGANISATION_METHODS


def _check_fork(answers: Sequence[VerifiedAnswer]) -> None:
    roots: dict[int, bytes] = {}
    for answer in answers:
        head = answer.checkpoint
        if roots.setdefault(head.size, head.root) != head.root:
            raise InclusionProofError(
                f"two signed checkpoints of size {head.size} have different roots: the log forked"
            )

"""Verify a did:webvh log: every step for every entry.

Source:  did:webvh 1.0, "Read (Resolve)", "Authorized Keys", "DID Portability", "Verifying Witness Proofs During
         Resolution".
Input:   the bytes of ``did.jsonl``, and of ``did-witness.json`` where the log names witnesses.
Shapes:  ``now`` in Unix seconds; an entry may lie at most 300 seconds in the future.
I/O:     none.
Errors:  InvalidInputError, InvalidDidError (malformed), VerificationError with its InvalidSignatureError,
         ProofPurposeError and ValidityError (not to be believed). The message names the entry.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.did.webvh.entry import LogEntry, parse_entry, split_log
from ssi.did.webvh.hashing import entry_hash, preliminary_entry, scid_of
from ssi.did.webvh.keys import did_key_of_method, update_key
from ssi.did.webvh.parameters import Parameters, first_parameters, next_parameters
from ssi.did.webvh.url import parse_webvh_did
from ssi.did.webvh.witness import WitnessRule, approvals, check_witnessed, parse_witness_file
from ssi.encoding.timestamps import NANOSECONDS
from ssi.errors import InvalidInputError, VerificationError
from ssi.proofs.data_integrity import EDDSA_JCS_2022, verify_one
from ssi.types import JsonObject

MAX_FUTURE_SECONDS: Final = 300


class Version(msgspec.Struct, frozen=True):
    """One verified version of a DID: its entry, and what is in force after it."""

    entry: LogEntry
    parameters: Parameters
    did: str
    """The ``id`` of the document; it changes when a portable DID moves."""
    witness: WitnessRule
    """Who had to approve this entry. ``verify_next`` does not ask for it, ``verify_log`` does."""

    @property
    def number(self) -> int:
        """The version number, from 1."""
        return self.entry.number

    @property
    def document(self) -> JsonObject:
        """The DID document of this version."""
        return self.entry.state


class WebvhLog(msgspec.Struct, frozen=True):
    """A verified log; ``failure`` says why a log is cut off after its last version here."""

    versions: tuple[Version, ...]
    failure: InvalidInputError | VerificationError | None = None

    @property
    def head(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def scid(self) -> str:
        """The SCID."""
        return self.head.parameters.scid

    @property
    def did(self) -> str:
        """The DID as its newest version has it."""
        return self.head.did

    @property
    def deactivated(self) -> bool:
        """Whether the newest version deactivates the DID."""
        return self.head.parameters.deactivated

    @property
    def log(self) -> bytes:
        """The bytes of ``did.jsonl``, up to the newest version."""
        return b"".join(version.entry.line + b"\n" for version in self.versions)


def verify_log(log: bytes, *, did: str, now: int, witness_proofs: bytes | None = None) -> WebvhLog:
    """Return the whole verified log of ``did``.

    ``witness_proofs`` are the bytes of ``did-witness.json``. Raises on the first entry that does not verify.
    """
    verified = read_log(log, did=did, now=now, witness_proofs=witness_proofs)
    if verified.failure is not None:
        raise verified.failure
    return verified


def read_log(log: bytes, *, did: str, now: int, witness_proofs: bytes | None = None) -> WebvhLog:
    """Return the versions of ``did`` that verify, up to the first that does not, and why that one does not.

    A version that verifies may be asked for by its versionId even if later ones do not ("Read (Resolve)", step 11).
    Raises if not even the first entry verifies, or if no version is one of ``did``.
    """
    requested = parse_webvh_did(did)
    versions: list[Version] = []
    failure: InvalidInputError | VerificationError | None = None
    for line in split_log(log):
        try:
            versions.append(verify_next(versions[-1] if versions else None, line, now=now))
        except (InvalidInputError, VerificationError) as exc:
            failure = exc
            break
    if versions and versions[0].parameters.scid != requested.scid:
        raise VerificationError("the log has another SCID than the DID")
    # Witnesses come last: approval never stands in for a hash or a signature.
    count, unwitnessed = _witnessed(versions, witness_proofs, now=now)
    if unwitnessed is not None:
        versions, failure = versions[:count], unwitnessed
    if not versions:
        raise failure if failure is not None else InvalidInputError("expected a log with an entry")
    if not any(version.did == did for version in versions):
        raise failure if failure is not None else VerificationError("no entry of the log is one of the DID")
    return WebvhLog(tuple(versions), failure)


def verify_lines(log: bytes, *, now: int) -> WebvhLog:
    """Return a log that verifies but for the approvals of its witnesses, which are not asked for.

    For whoever makes or approves a line: what resolvers believe is for ``verify_log``. Raises on the first entry that
    does not verify.
    """
    versions: list[Version] = []
    for line in split_log(log):
        versions.append(verify_next(versions[-1] if versions else None, line, now=now))
    if not versions:
        raise InvalidInputError("expected a log with an entry")
    return WebvhLog(tuple(versions))


def verify_next(previous: Version | None, line: bytes, *, now: int) -> Version:
    """Return the version that ``line`` adds to a log whose newest version is ``previous`` (None: the first entry).

    Witness approval is not asked for here. Raises an error that names the entry.
    """
    number = 1 if previous is None else previous.number + 1
    try:
        return _verify_next(previous, parse_entry(line), number=number, now=now)
    except (InvalidInputError, VerificationError) as exc:
        raise _at_entry(number, exc) from exc


def _verify_next(previous: Version | None, entry: LogEntry, *, number: int, now: int) -> Version:
    if previous is None:
        parameters = first_parameters(entry.parameters)
        authorised, predecessor = parameters.update_keys, parameters.scid
    else:
        if previous.parameters.deactivated:
            raise VerificationError("expected no entry after the one that deactivates the DID")
        parameters = next_parameters(previous.parameters, entry.parameters)
        pre_rotated = bool(previous.parameters.next_key_hashes)
        authorised = parameters.update_keys if pre_rotated else previous.parameters.update_keys
        predecessor = previous.entry.version_id
    _check_proofs(entry, authorised, now=now)
    if entry.number != number:
        raise VerificationError(f"expected version {number}, got {entry.number}")
    if entry_hash(entry.unsigned, predecessor) != entry.entry_hash:
        raise VerificationError("the entry hash does not hold")
    if previous is None and scid_of(preliminary_entry(entry.unsigned, parameters.scid)) != parameters.scid:
        raise VerificationError("the SCID does not hold")
    _check_time(previous, entry, now=now)
    did = _check_id(previous, entry, parameters)
    witness = parameters.witness
    # A replacement takes effect after its entry, the first set of witnesses at once.
    if previous is not None and previous.parameters.witness.ids:
        witness = previous.parameters.witness
    return Version(entry, parameters, did, witness)


def _check_proofs(entry: LogEntry, authorised: tuple[str, ...], *, now: int) -> None:
    """Every proof of the entry holds, each under an active update key ("Authorized Keys")."""
    for proof in entry.proofs:
        if proof.cryptosuite != EDDSA_JCS_2022.name:
            raise VerificationError(f"expected the cryptosuite {EDDSA_JCS_2022.name}")
        multikey = did_key_of_method(proof.verification_method)
        if multikey not in authorised:
            raise VerificationError("expected a proof by an active update key")
        verify_one(
            entry.unsigned,
            proof,
            key=update_key(multikey),
            expected_purpose="assertionMethod",
            now=now,
            max_skew_seconds=MAX_FUTURE_SECONDS,
        )


def _check_time(previous: Version | None, entry: LogEntry, *, now: int) -> None:
    if previous is not None and entry.time_nanoseconds <= previous.entry.time_nanoseconds:
        raise VerificationError("expected a versionTime after that of the entry before")
    if entry.time_nanoseconds > (now + MAX_FUTURE_SECONDS) * NANOSECONDS:
        raise VerificationError("expected a versionTime that is not in the future")


def _check_id(previous: Version | None, entry: LogEntry, parameters: Parameters) -> str:
    """Return the DID of the entry's document, once it may have that id ("DID Portability")."""
    did = parse_webvh_did(entry.state.get("id", ""))
    if did.scid != parameters.scid:
        raise VerificationError("the document's id has another SCID than the log")
    if previous is not None and did.did != previous.did:
        if not parameters.portable:
            raise VerificationError("expected the document's id not to change: the DID is not portable")
        known_as = entry.state.get("alsoKnownAs")
        if not isinstance(known_as, list) or previous.did not in known_as:
            raise VerificationError("expected the DID before the move in alsoKnownAs")
    return did.did


def _witnessed(
    versions: list[Version], witness_proofs: bytes | None, *, now: int
) -> tuple[int, InvalidInputError | VerificationError | None]:
    """Return how many versions, from the first on, have their approvals, and why the next one has not."""
    candidates = frozenset(witness_id for version in versions for witness_id in version.witness.ids)
    if not candidates:
        return len(versions), None
    try:
        proofs = {} if witness_proofs is None else parse_witness_file(witness_proofs)
    except InvalidInputError as exc:
        first = next(version.number for version in versions if version.witness.ids)
        return first - 1, exc
    version_ids = [version.entry.version_id for version in versions]
    newest = approvals(version_ids, proofs, candidates=candidates, now=now)
    for version in versions:
        try:
            check_witnessed(version.number, version.witness, newest)
        except VerificationError as exc:
            return version.number - 1, exc
    return len(versions), None


def _at_entry(number: int, exc: InvalidInputError | VerificationError) -> InvalidInputError | VerificationError:
    """Return the same error with the entry's number in front."""
    return type(exc)(f"log entry {number}: {exc}")

"""The admission guard: may this entry stand on the ledger, after what stands there already?

Source:  the project's answerability text, section 6; design decision 10 (submit refuses, the fold ignores).
Input:   the entry's bytes and the state at the log size where it would stand.
Shapes:  ``now`` in Unix seconds at submission; None when the log is folded, since the past is judged by itself alone.
         What passes with a ``now`` also passes without: submit is never laxer than the fold.
I/O:     none.
Errors:  GuardError with the code of the rule; InvalidSignatureError (statement), VerificationError and
         InvalidInputError from the did:webvh log rules.

G01 type                G02 schema, size, header        G03 signer or subject is no accredited organisation
G04 identifier of a person     G05 free text, numbers   G06 opaque token
G07 refs not on this ledger    G10 signer not entitled  G11 version or epoch out of order
G12 URL with query, fragment or user part               G13 a time absent, too long or outside its window
(G08 and G09 belong to types of later releases.)

The signature comes last: everything else is cheaper, and refusing early bounds the work that a stranger can ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.did.document import DidDocument, parse_document
from ssi.did.webvh.hashing import entry_hash
from ssi.did.webvh.log import Version, verify_next
from ssi.did.webvh.witness import verified_witness
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import NANOSECONDS, parse_utc_nanoseconds
from ssi.errors import GuardError, InvalidInputError, InvalidSignatureError
from ssi.keys import PublicKey
from ssi.ledger.rules import check_did, check_method_id, check_name, check_url
from ssi.registry.did_history import scid_of_did
from ssi.registry.did_line import DidLogEntry, parse_did_line
from ssi.registry.guard_logs import check_anchor, check_withholding
from ssi.registry.history import Accepted, DidVersion, Entry, WitnessApproval, type_of
from ssi.registry.statement import MAX_LEDGER_BYTES, Statement, parse_envelope, parse_typed, verify_statement
from ssi.registry.types import (
    LEDGER_TYPES,
    MAX_TIME,
    Accreditation,
    CheckpointAnchor,
    Ending,
    StateRoot,
    StatusCommitment,
    Withholding,
)
from ssi.registry.view import MAX_CHAIN, MAX_ENDINGS_NEST, RegistrySnapshot, hands_on
from ssi.registry.witness_proofs import MEMBERS, DidWitnessProofs, parse_witness_entry

MAX_SKEW_SECONDS: Final = 60
MAX_AGE_SECONDS: Final = 86_400
"""How old ``iat`` may be at submission: a statement signed in a safe place may take a day to arrive."""

_DAY: Final = 86_400
MAX_DEPTH: Final = 16
MAX_ACCREDITATION_SECONDS: Final = 3_660 * _DAY
MAX_COMMITMENT_SECONDS: Final = 366 * _DAY

EPOCH_SECONDS: Final = 60
"""The shortest epoch: one state root in each at most. An operator's own may be longer."""

MAX_WAITING_LINES: Final = 256
"""How many lines of a log may wait for witnesses one after the other; rivals of one number are not counted."""

_REASONS: Final = {
    "Accreditation": frozenset({"retired", "repealed", "revoked", "overturned", "stayed", "succeeded", "compromised"}),
    "StatusCommitment": frozenset({"retired", "revoked", "overturned", "stayed", "compromised"}),
    "CheckpointAnchor": frozenset({"retired", "revoked", "overturned", "compromised"}),
    "Ending": frozenset({"retired", "lifted", "overturned", "stayed", "remedied", "compromised"}),
    "DidLogEntry": frozenset({"compromised"}),
}
"""By the type of what ends. A DID's own end is the deactivation in its log."""


class CheckedStatement(msgspec.Struct, frozen=True):
    """A statement that the guard admits: signature and rules hold at this log size."""

    statement: Statement


class CheckedDidLine(msgspec.Struct, frozen=True):
    """A did:webvh line that the guard admits, and the DID's version after it."""

    line: DidLogEntry
    version: Version
    document: DidDocument
    after: str
    """The versionId of the line that it follows; the SCID for the first."""


class CheckedWitnessProofs(msgspec.Struct, frozen=True):
    """Proofs that hold, for a version that stands here, by witnesses who are asked; in the order of the entry."""

    proofs: DidWitnessProofs
    scid: str
    witnesses: tuple[str, ...]


Checked: TypeAlias = CheckedStatement | CheckedDidLine | CheckedWitnessProofs
Parsed: TypeAlias = Statement | DidLogEntry | DidWitnessProofs


def parse_entry(entry: bytes) -> Parsed:
    """Return the entry with the shape of its type. Raises GuardError G01, G02 and, for a DID line, G04 to G12."""
    if len(entry) > MAX_LEDGER_BYTES:
        raise GuardError("G02", f"an entry has at most {MAX_LEDGER_BYTES} bytes")
    try:
        if entry[:1] == b"{":
            raw = parse_object(entry, max_depth=MAX_DEPTH)
            return parse_witness_entry(entry, raw) if raw.keys() == MEMBERS else parse_did_line(entry, raw)
        envelope = parse_envelope(entry)
        if envelope.type not in LEDGER_TYPES:
            raise GuardError("G01", "this type has no place on the ledger")
        return parse_typed(envelope)
    except GuardError:
        raise
    except InvalidInputError as exc:
        raise GuardError("G02", str(exc)) from exc


def check_entry(entry: bytes, view: RegistrySnapshot, *, now: int | None) -> Checked:
    """Return the entry as admitted after everything that ``view`` knows.

    Raises GuardError, InvalidSignatureError, or what the did:webvh rules raise; nothing else.
    """
    return check_parsed(parse_entry(entry), view, now=now)


def check_parsed(
    parsed: Parsed,
    view: RegistrySnapshot,
    *,
    now: int | None,
    verify: Callable[[Statement, PublicKey], object] = verify_statement,
) -> Checked:
    """Return a parsed entry as admitted; see ``check_entry``.

    ``verify`` raises unless the signature holds under the key; it may remember what it has verified.
    """
    if isinstance(parsed, DidLogEntry):
        return _check_line(parsed, view, now=now)
    if isinstance(parsed, DidWitnessProofs):
        return _check_witness_proofs(parsed, view, now=now)
    if view.entry(parsed.id) is not None:
        raise GuardError("G11", "this statement stands on the ledger already")
    body = parsed.body
    check_did(body.iss, "iss")
    _check_iat(body.iat, now)
    if not view.is_organisation(body.iss, at=body.iat, acting=True):
        raise GuardError("G03", "the signer is no accredited organisation")
    if isinstance(body, Accreditation):
        _check_accreditation(body, view)
    elif isinstance(body, Ending):
        _check_ending(body, view)
    elif isinstance(body, StatusCommitment):
        _check_commitment(body, view)
    elif isinstance(body, CheckpointAnchor):
        check_anchor(body, view)
    elif isinstance(body, Withholding):
        check_withholding(body, view)
    elif isinstance(body, StateRoot):
        _check_state_root(body, view)
    else:
        raise GuardError("G01", "this type has no place on the ledger")
    verify(parsed, _key(parsed, view))
    return CheckedStatement(parsed)


def _key(statement: Statement, view: RegistrySnapshot) -> PublicKey:
    return view.statement_key(statement.kid, at=statement.body.iat)


def _check_iat(iat: int, now: int | None) -> None:
    if now is not None and not now - MAX_AGE_SECONDS <= iat <= now + MAX_SKEW_SECONDS:
        raise GuardError("G13", "iat lies in the future or more than a day back")


def _check_period(valid_from: int, valid_until: int, iat: int, longest: int) -> None:
    if valid_until <= max(valid_from, iat) or valid_until - valid_from > longest:
        raise GuardError("G13", "valid_until comes before valid_from or iat, or more than its type allows after")


def _check_accreditation(body: Accreditation, view: RegistrySnapshot) -> None:
    check_did(body.subject, "subject")
    for did in body.answerable_to:
        check_did(did, "answerable_to")
    for name in body.types or ():
        check_name(name, "types")
    if body.types and body.role not in ("issuer", "accreditor"):
        raise GuardError("G02", "types belong to the roles issuer and accreditor")
    _check_period(body.valid_from, body.valid_until, body.iat, MAX_ACCREDITATION_SECONDS)
    if not body.refs:
        if body.iss not in view.roots:
            raise GuardError("G10", "only a root accredits without refs.by")
        return
    parent = view.entry(body.refs.by)
    if parent is None:
        raise GuardError("G07", "refs.by is not on this ledger")
    if not isinstance(parent, Accepted) or not isinstance(parent.body, Accreditation):
        raise GuardError("G10", "refs.by is no accreditation")
    above = Accepted(parent.index, parent.id, parent.kid, parent.body)
    if not hands_on(above.body, body) or not view.in_force(above, at=body.iat, acting=True):
        raise GuardError("G10", "refs.by does not entitle the signer to give this accreditation")
    chain = view.chain(above)
    if chain is None or len(chain) >= MAX_CHAIN:
        raise GuardError("G10", f"no chain of at most {MAX_CHAIN} accreditations leads from a root to this one")


def _check_commitment(body: StatusCommitment, view: RegistrySnapshot) -> None:
    check_url(body.uri, "uri")
    _check_period(body.valid_from, body.valid_until, body.iat, MAX_COMMITMENT_SECONDS)
    if view.role(body.iss, "issuer", at=body.iat, acting=True) is None:
        raise GuardError("G10", "the signer is no accredited issuer")
    newest = view.newest(body.uri)
    if newest is None:
        return
    # Whoever anchored a list first keeps its uri; the accreditor frees a squatted one by an Ending.
    if newest.body.iss != body.iss and not view.withdrawn(newest):
        raise GuardError("G10", "another issuer anchors the list at this uri")
    if body.epoch <= newest.body.epoch:
        raise GuardError("G11", f"the epoch comes after {newest.body.epoch}")


def _check_state_root(body: StateRoot, view: RegistrySnapshot) -> None:
    """Who says what the state comes to says it of everything before, at most once in an epoch.

    Whether the root is right is not asked here: that takes the whole map, and is what the audit is for.
    """
    if body.iss not in view.roots:
        raise GuardError("G10", "only the operator, a root accreditor, says what the registry's state comes to")
    if body.size != view.size:
        raise GuardError("G11", f"the state root is of {body.size} entries and would stand after {view.size}")
    newest = view.state_root()
    if newest is not None and body.iat // EPOCH_SECONDS <= newest.body.iat // EPOCH_SECONDS:
        raise GuardError("G11", f"a state root of this epoch ({EPOCH_SECONDS} seconds), or of a later one, stands")


def _check_ending(body: Ending, view: RegistrySnapshot) -> None:
    if bool(body.kid) != (body.reason == "compromised") or bool(body.successor) != (body.reason == "succeeded"):
        raise GuardError("G02", "kid belongs to compromised and successor to succeeded, always")
    if body.successor:
        check_did(body.successor, "successor")
    target = view.entry(body.refs.ends)
    if target is None:
        raise GuardError("G07", "refs.ends is not on this ledger")
    if body.reason not in _REASONS.get(type_of(target), frozenset()):
        raise GuardError("G02", "what ends is of a type that does not end for this reason")
    if body.effective > body.iat + MAX_ACCREDITATION_SECONDS:
        raise GuardError("G13", "effective lies too far ahead")
    if body.kid:
        _check_compromise(body, body.kid, target)
        if body.effective > body.iat + MAX_SKEW_SECONDS:
            raise GuardError("G13", "a key is compromised already, not from later on")
    if _nesting(target, view) >= MAX_ENDINGS_NEST:
        raise GuardError("G02", f"endings end one another at most {MAX_ENDINGS_NEST} deep")
    if not _may_end(body, target, view):
        raise GuardError("G10", "the signer may not end this")


def _check_compromise(body: Ending, kid: str, target: Entry) -> None:
    """The key is one of the organisation that the target is about (2.2: what the ending names is on the ledger)."""
    owner = kid.partition("#")[0]
    check_method_id(kid, "kid")
    if owner not in _concerned(target):
        raise GuardError("G02", "kid is no key of the organisation that refs.ends is about")


def _may_end(body: Ending, target: Entry, view: RegistrySnapshot) -> bool:
    """Whether the signer is the target's signer, its accreditor, or an appeal body of those it concerns (2.2)."""
    if isinstance(target, WitnessApproval):
        return False
    signer = target.did if isinstance(target, DidVersion) else target.body.iss
    if body.iss == signer or body.iss in view.roots:
        return True
    at = body.iat
    for given in view.accreditations(signer):
        if given.body.iss == body.iss and view.in_force(given, at=at, acting=True) and view.chain(given) is not None:
            return True
    appeal = view.role(body.iss, "appeal", at=at, acting=True) is not None
    return appeal and any(
        body.iss in given.body.answerable_to for did in _affected(target, view) for given in view.accreditations(did)
    )


def _affected(target: Entry, view: RegistrySnapshot) -> frozenset[str]:
    """Return those whom a change of the target touches; for an ending, those whom the ended statement touches."""
    found: Entry | None = target
    while isinstance(found, Accepted) and isinstance(found.body, Ending):
        found = view.entry(found.body.refs.ends)
    return frozenset() if found is None else _concerned(found)


def _concerned(target: Entry) -> frozenset[str]:
    if isinstance(target, DidVersion):
        return frozenset({target.did})
    if isinstance(target, WitnessApproval):
        return frozenset()
    body = target.body
    return frozenset({body.iss, body.subject} if isinstance(body, Accreditation) else {body.iss})


def _nesting(target: Entry, view: RegistrySnapshot) -> int:
    """Return how many endings lie between the target, itself counted, and what is no ending."""
    count = 0
    found: Entry | None = target
    while isinstance(found, Accepted) and isinstance(found.body, Ending):
        found = view.entry(found.body.refs.ends)
        count += 1
    return count


def _check_line(line: DidLogEntry, view: RegistrySnapshot, *, now: int | None) -> CheckedDidLine:
    """Admit a line that follows the head of an accredited organisation's log, or a line after it that waits."""
    scid = scid_of_did(line.did)
    head = view.head(scid)
    if line.number - (head.version.number if head else 0) > MAX_WAITING_LINES:
        raise GuardError("G11", f"at most {MAX_WAITING_LINES} lines wait for witnesses one after the other")
    previous = _line_before(line, view.lines_before(scid, line.number))
    said = _version_time(line)
    # Accredited under the new name or an old one: the accreditor may speak of a move before or after it.
    for at in (said,) if now is None else (said, max(said, now)):
        if not _anchors_lines(line.did, view, at=at) and not any(
            _anchors_lines(name, view, at=at) for name in view.names(scid)
        ):
            raise GuardError("G03", "the DID is of no accredited organisation")
    version = verify_next(previous.version if previous else None, line.entry, now=MAX_TIME if now is None else now)
    if version.did != line.did:
        raise GuardError("G02", "the document's id is not spelled as the log rules read it")
    if view.anchored(version.entry.version_id) is not None:
        raise GuardError("G11", "this version stands on the ledger already")
    after = previous.version_id if previous else version.parameters.scid
    return CheckedDidLine(line, version, parse_document(version.document, did=line.did), after)


def _line_before(line: DidLogEntry, candidates: Sequence[DidVersion | None]) -> DidVersion | None:
    """Return the one of ``candidates`` whose versionId the line's entry hash was made over; None: it is the first."""
    if not candidates:
        raise GuardError("G11", "the line's number is not the next of this DID, nor of a line that waits for witnesses")
    if len(candidates) == 1:
        return candidates[0]
    unsigned = {name: value for name, value in line.raw.items() if name != "proof"}
    said = str(line.raw["versionId"]).partition("-")[2]
    for candidate in candidates:
        if candidate is not None and entry_hash(unsigned, candidate.version_id) == said:
            return candidate
    raise GuardError("G11", "the line follows none of those that may count")


def _check_witness_proofs(entry: DidWitnessProofs, view: RegistrySnapshot, *, now: int | None) -> CheckedWitnessProofs:
    """Admit proofs that all hold, one at least by a witness who has not approved this version here."""
    line = view.anchored(entry.version_id)
    if line is None:
        raise GuardError("G07", "versionId is of no line on this ledger")
    path = view.path_to(line)
    if not path:
        raise GuardError("G11", "the line lost against another one that counts")
    asked = {witness for each in path for witness in each.version.witness.ids}
    known = {witness for each in view.approvals(entry.version_id) for witness in each.witnesses}
    # Whose proof it is stands in it: everything else is cheaper than the signatures.
    claimed = [proof.verification_method.partition("#")[0] for proof in entry.proofs]
    if len(set(claimed)) != len(claimed) or not set(claimed) <= asked:
        raise GuardError("G10", "a proof is by nobody who is asked to approve this version, or twice by the same")
    if set(claimed) <= known:
        raise GuardError("G11", "these witnesses approved this version already")
    at = MAX_TIME if now is None else now
    for proof, witness in zip(entry.proofs, claimed, strict=True):
        if verified_witness(proof, entry.version_id, now=at) != witness:
            raise InvalidSignatureError("a witness proof does not hold for its versionId")
    return CheckedWitnessProofs(entry, line.scid, tuple(claimed))


def _version_time(line: DidLogEntry) -> int:
    try:
        return parse_utc_nanoseconds(line.raw["versionTime"]) // NANOSECONDS
    except InvalidInputError as exc:
        raise GuardError("G02", f"versionTime: {exc}") from exc


def _anchors_lines(did: str, view: RegistrySnapshot, *, at: int) -> bool:
    """Whether the DID's organisation is accredited; a log begun before its accreditation may be anchored whole."""
    return did in view.roots or any(
        given.body.role == "organisation"
        and at < given.body.valid_until
        and not view.ended(given.id, at=at, acting=True)
        and view.chain(given) is not None
        for given in view.accreditations(did)
    )

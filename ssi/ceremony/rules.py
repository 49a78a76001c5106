"""What must hold before the signing machine touches a key: the request, its turn, the approvals.

Input:   papers as they were read, the charter that this machine keeps, and the turn that its own records give.
Shapes:  times are Unix seconds.
I/O:     none.
Errors:  VerificationError (altered, wrong key, missing approval, expired), ConflictError (replayed, out of order),
         InvalidInputError (an operation that makes no sense).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ssi.ceremony.documents import (
    MAX_SKEW_SECONDS,
    Approval,
    Charter,
    CheckpointKey,
    FirstLine,
    NextLine,
    Operation,
    Paper,
    Request,
    verify_paper,
)
from ssi.did.webvh import WebvhLog, WitnessRule
from ssi.did.webvh.entry import split_log
from ssi.did.webvh.log import verify_lines
from ssi.did.webvh.witness import parse_witness_rule
from ssi.errors import ConflictError, InvalidInputError, ValidityError, VerificationError
from ssi.ledger.note import NoteKey, open_note, parse_vkey
from ssi.types import JsonValue


class Turn(msgspec.Struct, frozen=True):
    """Where a charter's ceremonies stand: how many there were, and what the last ones left behind."""

    number: int = 0
    result: str | None = None
    """Digest of the last result."""
    heads: Mapping[str, str] = {}
    """By SCID, the versionId of the newest line that was signed."""


def check_request(request: Paper[Request], *, charter: Paper[Charter], now: int, at: int | None = None) -> Request:
    """Return the request once its coordinator signed it, under this charter, and it is in time.

    ``at`` is when it was carried out, for those who look back; by default it is about to be, ``now``.
    """
    body = request.body
    if body.charter != charter.digest:
        raise VerificationError("expected a request under this charter: it names another one")
    moment = now if at is None else at
    if body.at > moment + MAX_SKEW_SECONDS:
        raise ValidityError("the request comes from the future: look at the clocks")
    verify_paper(request, by=charter.body.coordinator, who="the coordinator", now=now)
    if moment >= body.expires_at:
        raise ValidityError("the request has expired: have it prepared again")
    check_operation(body)
    return body


def check_turn(request: Request, turn: Turn) -> None:
    """Raise ConflictError unless the request is the next one after ``turn``."""
    if request.number <= turn.number:
        raise ConflictError(f"replayed: ceremony {request.number} was carried out already, and is not done twice")
    if request.number != turn.number + 1:
        raise ConflictError(f"out of order: expected ceremony {turn.number + 1}, got {request.number}")
    if (request.previous or None) != turn.result:
        raise ConflictError("out of order: the request does not follow the result of the ceremony before it")
    if isinstance(request.operation, NextLine):
        log = log_of(request.operation, now=request.at)
        known = turn.heads.get(log.scid)
        if known is not None and known != log.head.entry.version_id:
            raise ConflictError("the log does not end with the line that was signed last: a fork would come of it")


def check_approvals(
    approvals: Sequence[Paper[Approval]], request: Paper[Request], *, charter: Charter, now: int, at: int | None = None
) -> None:
    """Raise VerificationError unless enough officers approved exactly this request; every approval given must hold."""
    approved: set[str] = set()
    for approval in approvals:
        body = approval.body
        key = charter.officers.get(body.officer)
        if key is None:
            raise VerificationError(f"{body.officer} is no officer of the charter")
        if body.officer in approved:
            raise VerificationError(f"{body.officer} approved twice, and counts once: give each approval once")
        verify_paper(approval, by=key, who=body.officer, now=now)
        if body.request != request.digest:
            raise VerificationError(f"the approval of {body.officer} is for another request")
        moment = now if at is None else at
        if not request.body.at - MAX_SKEW_SECONDS <= body.at < request.body.expires_at:
            raise ValidityError(f"the approval of {body.officer} was not given while the request was in force")
        if body.at > moment + MAX_SKEW_SECONDS:
            raise ValidityError(f"the approval of {body.officer} comes from the future: look at the clocks")
        approved.add(body.officer)
    missing = charter.threshold - len(approved)
    if missing > 0:
        count, needed, of = len(approved), charter.threshold, len(charter.officers)
        raise VerificationError(f"missing approvals: {count} of the {needed} needed (officers: {of}) approved")


def check_operation(request: Request) -> None:
    """Raise InvalidInputError or VerificationError unless the operation can be carried out as it says."""
    operation: Operation = request.operation
    if isinstance(operation, NextLine):
        log = log_of(operation, now=request.at)
        if log.deactivated:
            raise VerificationError("the DID is deactivated")
        if operation.document is not msgspec.UNSET and operation.document.get("id") != log.did:
            raise InvalidInputError("expected a document of the log's DID")
    if isinstance(operation, FirstLine | NextLine):
        witness_rule(operation.witness)
    if isinstance(operation, CheckpointKey):
        _check_possession(request, operation)


def log_of(operation: NextLine, *, now: int) -> WebvhLog:
    """Return the verified log of a request, without asking for witness proofs. Raises as ``verify_next``."""
    data = operation.log.encode("utf-8", "surrogatepass")
    lines = split_log(data)
    if not lines or b"".join(line + b"\n" for line in lines) != data:
        raise InvalidInputError("expected a log of lines that each end with a line feed")
    return verify_lines(data, now=now)


def witness_rule(raw: JsonValue | msgspec.UnsetType) -> WitnessRule | None:
    """Return the witnesses that a request sets, or None if it leaves them. Raises InvalidInputError."""
    return None if raw is msgspec.UNSET else parse_witness_rule(raw)


def possession_text(charter: str, number: int) -> bytes:
    """Return what a checkpoint key signs to show that somebody has it.

    No checkpoint: the second line of those is a decimal number.
    """
    return f"countersigned key ceremony\n{charter}\n{number}\n".encode()


def _check_possession(request: Request, operation: CheckpointKey) -> NoteKey:
    key = parse_vkey(operation.vkey)
    for replaced in operation.replaces:
        if parse_vkey(replaced).name != key.name or replaced == operation.vkey:
            raise InvalidInputError("a checkpoint key replaces other keys of the same log")
    opened = open_note(operation.possession.encode("utf-8", "surrogatepass"), keys=[key])
    if opened.text != possession_text(request.charter, request.number):
        raise VerificationError("the checkpoint key signed for another ceremony")
    return key

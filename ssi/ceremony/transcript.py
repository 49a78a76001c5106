"""The transcript of a ceremony: signed papers in a chain of hashes, which a third person verifies.

Input:   a file, and the charter that the verifier got elsewhere (its digest is public).
Shapes:  {"type": "ceremony-transcript", "v": 1, "charter": …, "records": [{"previous": digest, "paper": …}, …]}; the
         first record follows the charter, each other one the record before it. The papers are a request, approvals, a
         result and a completion, in this order; result and completion sign the head of the chain before them.
I/O:     none.
Errors:  InvalidInputError, VerificationError and its kinds, ConflictError; the message says which paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from ssi.ceremony.documents import (
    MAX_SKEW_SECONDS,
    Approval,
    Charter,
    CheckpointKey,
    Completion,
    FirstLine,
    NextLine,
    Paper,
    Request,
    Result,
    digest,
    from_file,
    parse_paper,
    to_file,
    verify_paper,
)
from ssi.ceremony.rules import Turn, check_approvals, check_request, check_turn, log_of
from ssi.did.webvh import Version, WebvhLog, build_webvh_did, verify_next
from ssi.did.webvh.hashing import SCID_PLACEHOLDER, substitute
from ssi.errors import InvalidInputError, ValidityError, VerificationError
from ssi.types import JsonObject

_TYPE: Final = "ceremony-transcript"
_MEMBERS: Final = frozenset({"type", "v", "charter", "records"})
_KINDS: Final[dict[str, Any]] = {
    "ceremony-request": Request,
    "ceremony-approval": Approval,
    "ceremony-result": Result,
    "ceremony-completion": Completion,
}
MAX_RECORDS: Final = 70

Kind = TypeVar("Kind", Request, Approval, Result, Completion)


class Transcript(msgspec.Struct, frozen=True):
    """The papers of one ceremony, in order; read, not believed (``verify_transcript``)."""

    charter: Paper[Charter]
    request: Paper[Request]
    approvals: tuple[Paper[Approval], ...]
    result: Paper[Result] | None = None
    completion: Paper[Completion] | None = None

    @property
    def papers(self) -> tuple[JsonObject, ...]:
        """All papers as they are written."""
        last = [paper.raw for paper in (self.result, self.completion) if paper is not None]
        return (self.request.raw, *(paper.raw for paper in self.approvals), *last)

    @property
    def records(self) -> list[JsonObject]:
        """The chain."""
        records: list[JsonObject] = []
        previous = self.charter.digest
        for paper in self.papers:
            records.append({"previous": previous, "paper": paper})
            previous = digest(records[-1])
        return records

    @property
    def head(self) -> str:
        """The digest of the last record: what the next paper signs."""
        return digest(self.records[-1])

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return to_file({"type": _TYPE, "v": 1, "charter": self.charter.raw, "records": self.records})


class VerifiedTranscript(msgspec.Struct, frozen=True):
    """What a transcript proves: who approved what, and what came of it."""

    transcript: Transcript
    request: Request
    officers: tuple[str, ...]
    """Who approved."""
    version: Version | None
    """The line that was signed, if the operation made one."""
    log: WebvhLog | None
    """The log with it."""
    vkey: str | None
    """The checkpoint key that was certified."""

    @property
    def turn(self) -> Turn:
        """Where the ceremonies stand after this one, if nobody knows of earlier lines."""
        return self.after(Turn())

    def after(self, turn: Turn) -> Turn:
        """Return where the ceremonies stand after this one, which came after ``turn``."""
        result = self.transcript.result
        heads = dict(turn.heads)
        if self.log is not None:
            heads[self.log.scid] = self.log.head.entry.version_id
        return Turn(self.request.number, None if result is None else result.digest, heads)


def read_transcript(data: bytes) -> Transcript:
    """Return the papers of a transcript file, its chain checked and nothing else. Raises InvalidInputError."""
    raw = from_file(data, "transcript")
    if raw.keys() != _MEMBERS or raw["type"] != _TYPE or type(raw["v"]) is not int or raw["v"] != 1:
        raise InvalidInputError("expected a ceremony transcript")
    if not isinstance(raw["charter"], dict) or not isinstance(raw["records"], list):
        raise InvalidInputError("expected a transcript with a charter and records")
    if not 1 <= len(raw["records"]) <= MAX_RECORDS:
        raise InvalidInputError(f"expected 1 to {MAX_RECORDS} records")
    papers = [_paper(record, number) for number, record in enumerate(raw["records"])]
    transcript = _ordered(parse_paper(raw["charter"], Charter), papers)
    if transcript.records != raw["records"]:
        raise VerificationError("the records do not form a chain: one was altered, left out or moved")
    return transcript


def verify_transcript(
    transcript: Transcript, *, charter: Paper[Charter], now: int, after: Turn | None = None, finished: bool = True
) -> VerifiedTranscript:
    """Return what a transcript proves under ``charter``.

    With ``after`` it must also be the ceremony that follows. ``finished`` asks for the coordinator's completion; the
    signing machine hands out a transcript without it.
    """
    if transcript.charter.digest != charter.digest:
        raise VerificationError("expected a transcript under this charter: it has another one")
    result, completion = transcript.result, transcript.completion
    if result is None:
        raise VerificationError("expected a transcript with the result of the signing machine")
    if finished and completion is None:
        raise VerificationError("expected a finished transcript: the coordinator's completion is not there")
    done = result.body.at
    request = check_request(transcript.request, charter=charter, now=now, at=done)
    check_approvals(transcript.approvals, transcript.request, charter=charter.body, now=now, at=done)
    if after is not None:
        check_turn(request, after)
    before = msgspec.structs.replace(transcript, result=None, completion=None)
    verify_paper(result, by=charter.body.machine, who="the signing machine", now=now)
    if result.body.follows != before.head:
        raise VerificationError("the result does not follow these approvals")
    log = _check_made(request, result.body)
    if completion is not None:
        verify_paper(completion, by=charter.body.coordinator, who="the coordinator", now=now)
        if completion.body.follows != msgspec.structs.replace(transcript, completion=None).head:
            raise VerificationError("the completion does not follow this result")
        if completion.body.at + MAX_SKEW_SECONDS < done:
            raise ValidityError("the ceremony was finished before its result was signed")
    return VerifiedTranscript(
        transcript=transcript,
        request=request,
        officers=tuple(approval.body.officer for approval in transcript.approvals),
        version=None if log is None else log.head,
        log=log,
        vkey=result.body.vkey or None,
    )


def _check_made(request: Request, result: Result) -> WebvhLog | None:
    """Return the log with the line that was signed; what was made is exactly what was asked for."""
    operation = request.operation
    if isinstance(operation, CheckpointKey):
        if result.vkey != operation.vkey or result.line:
            raise VerificationError("the result certifies another key than was asked for")
        return None
    if not result.line or result.vkey:
        raise VerificationError("expected the result to be a log line")
    before = log_of(operation, now=result.at) if isinstance(operation, NextLine) else None
    line = result.line.encode("utf-8", "surrogatepass")
    version = verify_next(None if before is None else before.head, line, now=result.at)
    if not version.parameters.next_key_hashes:
        raise VerificationError("expected a line that commits to the next update key")
    check_line(operation, version, before)
    return WebvhLog((*(() if before is None else before.versions), version))


def check_line(operation: FirstLine | NextLine, version: Version, before: WebvhLog | None) -> None:
    """Raise VerificationError unless the line says what was asked for, and nothing else."""
    asked: set[str] = {"updateKeys", "nextKeyHashes"}
    if before is None:
        asked |= {"method", "scid", "portable"}
    if operation.witness is not msgspec.UNSET:
        asked.add("witness")
    said = version.entry.parameters
    if not set(said) <= asked or said.get("portable", False) or len(version.parameters.update_keys) != 1:
        raise VerificationError("the line says more than was asked for")
    if operation.witness is not msgspec.UNSET and operation.witness != {} and said.get("witness") != operation.witness:
        raise VerificationError("the line names other witnesses than were asked for")
    if operation.witness == {} and version.parameters.witness.ids:
        raise VerificationError("the line names witnesses, and none were asked for")
    if isinstance(operation, FirstLine):
        wanted = substitute(operation.document, SCID_PLACEHOLDER, version.parameters.scid)
        port = operation.port or None
        did = build_webvh_did(operation.domain, port=port, path=operation.path, scid=version.parameters.scid)
        if version.did != did:
            raise VerificationError("the line makes a DID of another place than was asked for")
    else:
        assert before is not None  # a next line has lines before it  # noqa: S101
        wanted = before.head.document if operation.document is msgspec.UNSET else operation.document
    if version.document != wanted:
        raise VerificationError("the line has another document than was asked for")


def _paper(record: Any, number: int) -> Paper[Any]:
    if not isinstance(record, dict) or record.keys() != {"previous", "paper"} or not isinstance(record["paper"], dict):
        raise InvalidInputError(f"record {number}: expected previous and paper")
    kind = _KINDS.get(str(record["paper"].get("type")))
    if kind is None:
        raise InvalidInputError(f"record {number}: expected a paper of a ceremony")
    paper: Paper[Any] = parse_paper(record["paper"], kind)
    return paper


def _ordered(charter: Paper[Charter], papers: Sequence[Paper[Any]]) -> Transcript:
    """Return the papers in their places: request, approvals, then result, then completion."""
    kinds = [type(paper.body) for paper in papers]
    approvals = kinds.count(Approval)
    last = kinds[1 + approvals :]
    if kinds[0] is not Request or kinds[1 : 1 + approvals] != [Approval] * approvals:
        raise InvalidInputError("expected a request and then its approvals")
    if last not in ([], [Result], [Result, Completion]):
        raise InvalidInputError("expected a result and then its completion, each once")
    return Transcript(
        charter,
        papers[0],
        tuple(papers[1 : 1 + approvals]),
        papers[1 + approvals] if last else None,
        papers[2 + approvals] if len(last) == 2 else None,
    )

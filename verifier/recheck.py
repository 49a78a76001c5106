"""Recheck evidence: verify again from the file alone, as of then, and compare with what was recorded.

Source:  the steps of ``verifier.verifier``; nothing is decided here that is not decided there.
Input:   evidence that anybody may have made, and what the caller believes beforehand (``verifier.anchors``).
Shapes:  times are Unix seconds; clocks stand where they stood.
I/O:     none but the anchors' whole ledger, if there is one.
Errors:  EvidenceDiffers (another result; says which check), CouldNotCheck (something is missing), InvalidInputError,
         VerificationError, InclusionProofError, InvalidSignatureError (the ledger, or the time stamp).

What evidence proves: that the signatures, lists and ledger in it give this result under these anchors. Without anchors
of one's own, those are the recorded ones: the word of whoever made it. An excerpt proves what it shows, not that
nothing was left out: the whole ledger among the anchors does. The time is the word of the maker until a time stamp
bounds it. Documents of did:web prove nothing but what was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec

from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError, VerificationError
from ssi.files import Files, MemberFiles
from ssi.ports import Fetched
from ssi.registry.view import RegistrySnapshot
from ssi.status.folder import ListFolder
from ssi.types import JsonObject, JsonValue

from .anchors import Anchors
from .offline_ledger import ENTRIES, OfflineLedger, read_ledger
from .pinned import DOCUMENTS, read_documents
from .policy import Policy, Registry
from .recording import WEB, WORLD, described
from .report import EXCERPT, Refused, Report
from .verified import VerifiedPresentation
from .verifier import Verifier

if TYPE_CHECKING:
    from .evidence import Evidence

MAX_MEMBER_BYTES: Final = 1 << 26
Kind = TypeVar("Kind")


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence holds: verifying again gave what was recorded."""

    outcome: Literal["accepted", "refused"]
    """What was recorded, and came out again."""
    at: int
    made_at: int
    keep_until: int | None
    ledger: Literal["whole", "excerpt", "none"]
    anchors: Literal["given", "recorded", "none"]
    """Whose roots and keys the ledger was believed under."""
    stamped_at: int | None
    """When an authority under the given roots had seen the evidence."""
    notes: tuple[str, ...]
    """What was not looked at, in words."""
    report: Report

    def to_json(self) -> JsonObject:
        """Return the result as a JSON object."""
        built: JsonObject = msgspec.to_builtins(self)
        return built


class Difference(msgspec.Struct, frozen=True):
    """Where the new result is another than the recorded one. No claim value is in here."""

    check: str
    recorded: str
    found: str


class EvidenceDiffers(VerificationError):
    """Verifying again gave something else: ``check`` is the first that differs."""

    def __init__(self, differences: tuple[Difference, ...], report: Report) -> None:
        first = differences[0]
        self.check = first.check
        self.reason = f"recorded {first.recorded}, found {first.found}"
        super().__init__(f"{self.check}: {self.reason}")
        self.differences = differences
        self.report = report


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at: int
    clock: int
    logs_clock: int
    nonce: str | None = None


class _RecordedAnchors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roots: tuple[str, ...]
    keys: tuple[str, ...]


async def recheck(
    evidence: Evidence, *, anchors: Anchors | str | Path | None = None, policy: Policy | None = None
) -> Recheck:
    """Return what was recorded, if verifying again gives the same.

    ``anchors`` (or their folder) go before those of ``policy``, and those before the recorded ones. Under a ``policy``
    of one's own the claims and the outcome of each check must be the same, and what the report says of them may not be.
    Raises as the module says.
    """
    given = Anchors.load(anchors) if isinstance(anchors, str | Path) else anchors or Anchors()
    recorded = parse_object(evidence.members["result.json"], max_bytes=MAX_MEMBER_BYTES)
    world, source = _world(evidence, given, policy)
    stamped_at, notes = _stamp(evidence, given)
    kept = _member(evidence, "policy.json", Policy)
    rules = kept if policy is None else policy.with_contexts(_documents(kept))
    if world.ledger is None and rules.anchoring is not None and rules.registry is not None:
        rules, source = _receipt_rules(rules, given, policy)
    outcome = await _verify_again(evidence, world, rules)
    report = outcome.report if isinstance(outcome, Refused) else outcome[0].report
    again = parse_object(jcs(described(outcome)), max_bytes=MAX_MEMBER_BYTES)  # as it would have been recorded
    found = tuple(differences(recorded, again, words=policy is None))
    if found:
        raise EvidenceDiffers(found, report)
    ledger: Literal["whole", "excerpt", "none"] = "none"
    if world.ledger is not None:
        ledger = "whole" if world.ledger.whole else "excerpt"
    return Recheck(
        outcome="refused" if isinstance(outcome, Refused) else "accepted",
        at=report.at,
        made_at=evidence.manifest.made_at,
        keep_until=evidence.manifest.keep_until,
        ledger=ledger,
        anchors=source,
        stamped_at=stamped_at,
        notes=(*_not_looked_at(ledger, source, world), *notes),
        report=report,
    )


class RecordedWorld:
    """The ports of a verifier, as they answered then."""

    def __init__(self, files: Files, ledger: OfflineLedger | None) -> None:
        self.ledger: Final = ledger
        self.lists: Final = ListFolder(files)
        self.documents: Final = read_documents(files, DOCUMENTS)
        self._files = files
        name = WEB.removeprefix(WORLD)
        self.pages: Final[JsonObject] = (
            parse_object(files.read(name, max_bytes=MAX_MEMBER_BYTES)) if files.has(name) else {}
        )

    def view(self) -> RegistrySnapshot:
        """Return the registry of that day. Raises UnavailableError without one."""
        if self.ledger is None:
            raise UnavailableError("the evidence has no ledger")
        return self.ledger.snapshot

    async def did_log(self, did: str) -> bytes:
        """Return the log that the ledger of that day had. Raises DidNotFoundError."""
        return self.view().did_log(did)

    async def did_witness(self, did: str) -> bytes:
        """Return the witness proofs that the ledger of that day had. Raises DidNotFoundError."""
        return self.view().did_witness(did)

    async def fetch(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """Return what the web answered then. Raises NotFoundError, or UnavailableError if it was not asked."""
        page = self.pages.get(url)
        if not isinstance(page, dict):
            raise UnavailableError("the evidence does not have what would be fetched")
        name, content_type = page.get("file"), page.get("type")
        if name is None:
            raise NotFoundError("there was nothing at this address")
        if not isinstance(name, str) or "/" in name or not isinstance(content_type, str):
            raise InvalidInputError("expected an index that names files beside it")
        return Fetched(url, 200, content_type, self._files.read(f"web/{name}", max_bytes=max_bytes))


class _WithLedger:
    """The files of the evidence, with the ledger's entries from elsewhere."""

    def __init__(self, files: Files, entries: Files) -> None:
        self._files = files
        self._entries = entries

    def names(self, folder: str, suffix: str) -> list[str]:
        return self._files.names(folder, suffix)

    def has(self, name: str) -> bool:
        return self._files.has(name)

    def read(self, name: str, *, max_bytes: int) -> bytes:
        return self._files.read(name, max_bytes=max_bytes)

    def lines(self, name: str, *, max_bytes: int) -> Iterator[bytes]:
        return (self._entries if name == ENTRIES else self._files).lines(name, max_bytes=max_bytes)


def _world(
    evidence: Evidence, given: Anchors, policy: Policy | None
) -> tuple[RecordedWorld, Literal["given", "recorded", "none"]]:
    files = MemberFiles(evidence.members, WORLD)
    if not files.has(ENTRIES):
        return RecordedWorld(files, None), "none"
    believed, source = _believed(evidence, given, policy)
    whole = files if given.ledger is None else _WithLedger(files, given.ledger)
    registry = Registry(roots=believed[0], keys=believed[1], accept_excerpts=True)
    return RecordedWorld(files, read_ledger(whole, registry)), source


def _believed(
    evidence: Evidence, given: Anchors, policy: Policy | None
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], Literal["given", "recorded"]]:
    if given.registry is not None:
        return (given.registry.roots, given.registry.keys), "given"
    if policy is not None and policy.registry is not None:
        return (policy.registry.roots, policy.registry.keys), "given"
    recorded = _member(evidence, "anchors.json", _RecordedAnchors)
    return (recorded.roots, recorded.keys), "recorded"


def _receipt_rules(rules: Policy, given: Anchors, policy: Policy | None) -> tuple[Policy, Literal["given", "recorded"]]:
    """Receipts of lists are believed under the ledger's keys, which anchors of one's own go before."""
    if given.registry is None:
        return rules, "recorded" if policy is None else "given"
    own = Registry(roots=given.registry.roots, keys=given.registry.keys)
    return msgspec.structs.replace(rules, registry=own), "given"


async def _verify_again(
    evidence: Evidence, world: RecordedWorld, rules: Policy
) -> tuple[VerifiedPresentation, ...] | Refused:
    """Verify with the clocks of then. Raises CouldNotCheck where something is missing."""
    request = _member(evidence, "request.json", _Request)
    registry = None if world.ledger is None else world
    verifier = Verifier(
        rules,
        resolver=default_resolver(fetch=world.fetch, log_source=registry, now=lambda: request.logs_clock),
        lists=None if rules.status == "not-checked" else world.lists,
        registry=registry,
        now=lambda: request.clock,
        documents=world.documents,
    )
    try:
        return await verifier.verify_all(evidence.members["presentation.txt"], nonce=request.nonce, now=request.at)
    except Refused as exc:
        return exc


def _documents(kept: Policy) -> dict[str, bytes]:
    """Return the contexts that were recorded, which a policy of one's own may pin without having them."""
    return {pin.url: pin.document.encode() for pin in kept.context if pin.document is not None}


def _stamp(evidence: Evidence, given: Anchors) -> tuple[int | None, tuple[str, ...]]:
    from .evidence import MANIFEST, TIMESTAMP

    token = evidence.members.get(TIMESTAMP)
    if token is None:
        return None, ("no time stamp: when this was recorded is the word of whoever did",)
    if not given.timestamp_roots:
        return None, ("the time stamp was not looked at: the anchors have no roots for it",)
    from .timestamp import verify_timestamp

    return verify_timestamp(token, evidence.members[MANIFEST], roots=given.timestamp_roots), ()


def _not_looked_at(ledger: str, source: str, world: RecordedWorld) -> Iterator[str]:
    if source == "recorded":
        yield "the ledger was believed under the recorded roots and keys: no others were given"
    if ledger == "excerpt":
        yield "the ledger is an excerpt: whether it left out what would matter was not looked at"
    if world.pages:
        yield "documents from the web are as recorded; did:web gives no proof of them"


def differences(recorded: JsonValue, found: JsonObject, *, words: bool) -> Iterator[Difference]:
    """Yield where two results differ, the first that matters first; ``words`` compares what the checks say, too."""
    if not isinstance(recorded, dict):
        raise InvalidInputError("result.json: expected a result")
    before, after = _checks(recorded), _checks(found)
    for position in range(max(len(before), len(after))):
        old = before[position] if position < len(before) else {}
        new = after[position] if position < len(after) else {}
        if _seen(old, words=words) != _seen(new, words=words):
            yield Difference(str(new.get("name") or old.get("name")), _said(old), _said(new))
    if recorded.get("outcome") != found["outcome"]:
        yield Difference("outcome", str(recorded.get("outcome")), str(found["outcome"]))
    if recorded.get("credentials") != found.get("credentials"):
        yield Difference("claims", "other credentials, or claims", "what the presentation shows")
    old_at, new_at = _report(recorded).get("at"), _report(found).get("at")
    if old_at != new_at:
        yield Difference("time", str(old_at), str(new_at))


def _report(result: JsonObject) -> JsonObject:
    report = result.get("report")
    return report if isinstance(report, dict) else {}


def _checks(result: JsonObject) -> list[JsonObject]:
    checks = _report(result).get("checks")
    return [check for check in checks if isinstance(check, dict)] if isinstance(checks, list) else []


def _seen(check: JsonObject, *, words: bool) -> tuple[str, ...]:
    names = ("name", "outcome", "source", "detail") if words else ("name", "outcome")
    # Whether an answer came from the whole ledger or from an excerpt is said once, by the recheck itself.
    return tuple(str(check.get(name, "")).replace(EXCERPT, "") for name in names)


def _said(check: JsonObject) -> str:
    if not check:
        return "nothing"
    return ", ".join(str(check[name]) for name in ("outcome", "source", "detail") if check.get(name))


def _member(evidence: Evidence, name: str, kind: type[Kind]) -> Kind:
    if name not in evidence.members:
        raise InvalidInputError(f"expected evidence with a member {name}")
    try:
        return msgspec.convert(parse_object(evidence.members[name], max_bytes=MAX_MEMBER_BYTES), kind)
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"{name}: {exc}") from exc

"""Ask the watchers of a DID whether they saw the same log.

Source:  did:webvh 1.0, "DID Watchers", "Watcher HTTP API Operations".
Input:   a verified log, whose newest version names its watchers; their answers come through the ``Fetch`` port.
Shapes:  a watcher is the https URL under which ``/log`` and ``/witness`` answer; other schemes are not asked.
I/O:     two GETs for each watcher that is asked, one after the other.
Errors:  ``ask_watchers`` reports; ``require_watched`` raises VerificationError. A watcher that is down or serves what
         does not verify proves nothing against the log: only a log that verifies does.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from ssi.did.webvh.entry import MAX_LOG_BYTES
from ssi.did.webvh.history import Relation, compare_logs
from ssi.did.webvh.log import WebvhLog, read_log
from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
from ssi.errors import InvalidInputError, NotFoundError, SsiError, VerificationError

if TYPE_CHECKING:
    from ssi.ports import Fetch

MAX_ASKED: Final = 8
"""How many watchers are asked: a log may name 256, and each costs its time-out."""


class Finding(StrEnum):
    """What a watcher's answer means for the log that it was held against."""

    AGREES = "agrees"
    BEHIND = "behind"
    """The watcher has a beginning of the log: it was not told yet."""
    AHEAD = "ahead"
    """The watcher has versions that the log lacks: the log is old or was cut back."""
    FORKED = "forked"
    """Both verify and contradict each other: the DID was written twice."""
    UNKNOWN = "unknown"
    """The watcher has no log for the SCID."""
    UNUSABLE = "unusable"
    """The watcher did not answer, serves what does not verify, or has a URL that is not asked."""


class WatcherReport(msgspec.Struct, frozen=True):
    """What one watcher said."""

    watcher: str
    finding: Finding
    common: int | None = None
    """The last version that both logs have, where the watcher's verifies."""
    newest: int | None = None
    """The newest version of the watcher's log."""
    reason: str = ""
    """Why the answer is of no use."""


def watcher_url(watcher: str, operation: str, scid: str) -> str:
    """Return the URL that asks ``watcher`` for the ``log`` or ``witness`` file of ``scid``.

    Raises InvalidInputError unless the watcher is an https URL without query and fragment.
    """
    try:
        parts = urlsplit(watcher)
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInputError("expected a watcher with an https URL, without query and fragment")
    return f"{watcher.rstrip('/')}/{operation}?{urlencode({'scid': scid})}"


def compare_watched(
    log: WebvhLog, watched: bytes, *, watcher: str, now: int, witness_proofs: bytes | None = None
) -> WatcherReport:
    """Return what the bytes of a watcher's ``did.jsonl`` mean for ``log``.

    Its versions that verify are compared; ``now`` is in Unix seconds.
    """
    try:
        theirs = _read(log, watched, now=now, witness_proofs=witness_proofs)
        compared = compare_logs(theirs, log)
    except (InvalidInputError, VerificationError) as exc:
        return WatcherReport(watcher, Finding.UNUSABLE, reason=str(exc))
    finding = {
        Relation.SAME: Finding.AGREES,
        Relation.AHEAD: Finding.AHEAD,
        Relation.BEHIND: Finding.BEHIND,
        Relation.FORKED: Finding.FORKED,
    }[compared.relation]
    return WatcherReport(watcher, finding, compared.common, theirs.head.number)


async def ask_watchers(log: WebvhLog, *, fetch: Fetch, now: int) -> tuple[WatcherReport, ...]:
    """Ask the first 8 watchers of the newest version, and return what each said, in their order."""
    return tuple([await _ask(log, watcher, fetch, now) for watcher in log.head.parameters.watchers[:MAX_ASKED]])


def require_watched(reports: Sequence[WatcherReport], *, at_least: int = 1) -> None:
    """Raise VerificationError if a watcher has a fork or later versions, or fewer than ``at_least`` agree.

    One watcher is enough to refuse: what it has verifies, so the controller did sign it.
    """
    for report in reports:
        if report.finding is Finding.FORKED:
            raise VerificationError(f"a watcher has another log, from version {(report.common or 0) + 1} on")
        if report.finding is Finding.AHEAD:
            raise VerificationError(f"a watcher has version {report.newest}, and the log ends at {report.common}")
    agreeing = sum(report.finding is Finding.AGREES for report in reports)
    if agreeing < at_least:
        raise VerificationError(f"{agreeing} watchers have the same log, {at_least} must")


async def _ask(log: WebvhLog, watcher: str, fetch: Fetch, now: int) -> WatcherReport:
    try:
        watched = (
            await fetch(watcher_url(watcher, "log", log.scid), accept="text/jsonl", max_bytes=MAX_LOG_BYTES)
        ).body
    except NotFoundError:
        return WatcherReport(watcher, Finding.UNKNOWN)
    except SsiError as exc:
        return WatcherReport(watcher, Finding.UNUSABLE, reason=str(exc))
    proofs: bytes | None = None
    if b'"witnesses"' in watched:
        try:
            url = watcher_url(watcher, "witness", log.scid)
            proofs = (await fetch(url, max_bytes=MAX_WITNESS_FILE_BYTES)).body
        except SsiError:
            proofs = None
    return compare_watched(log, watched, watcher=watcher, now=now, witness_proofs=proofs)


def _read(log: WebvhLog, watched: bytes, *, now: int, witness_proofs: bytes | None) -> WebvhLog:
    """Read a watcher's log under the newest name that it knows: a beginning of ours may lack our newest ones."""
    failure: VerificationError | None = None
    for did in dict.fromkeys(version.did for version in reversed(log.versions)):
        try:
            return read_log(watched, did=did, now=now, witness_proofs=witness_proofs)
        except VerificationError as exc:
            failure = exc
    raise failure if failure is not None else VerificationError("expected a log with a version")

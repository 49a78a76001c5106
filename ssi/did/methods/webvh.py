"""did:webvh: a DID whose whole history is a log that anyone can verify.

Source:  did:webvh 1.0, "Read (Resolve)" and "DID Portability".
Input:   a did:webvh DID; its log comes from a ledger, from its own web server, or from the one and then the other.
Shapes:  times are Unix seconds.
I/O:     the log source and the outbound door it was given; nothing is asked for a DID that is not well formed.
Errors:  InvalidDidError, InvalidInputError (malformed log), VerificationError (a log not to be believed, or not the one
         seen before), DidNotFoundError (no log, or no such version), UnavailableError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ssi.did.resolver import Clock, Resolution, system_clock
from ssi.did.webvh.entry import MAX_LOG_BYTES
from ssi.did.webvh.history import Relation, SeenHeads, check_continues, compare_logs, version_number
from ssi.did.webvh.log import WebvhLog, read_log, verify_log
from ssi.did.webvh.resolve import build_resolution, find_version
from ssi.did.webvh.url import WebvhDid, parse_webvh_did
from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
from ssi.errors import DidNotFoundError, InvalidInputError, NotFoundError, VerificationError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ssi.ports import Fetch, LogSource


class PublishedLog(msgspec.Struct, frozen=True):
    """A verified log with the bytes it was read from, for those who take it along."""

    verified: WebvhLog
    source: str
    """Where it came from: "ledger" or "https"."""
    log: bytes
    """The bytes of did.jsonl."""
    witness_proofs: bytes | None
    """The bytes of did-witness.json, if the log may need it and it is there."""


MAX_MOVES: Final = 4
"""How many times a log may send us on to the place of a newer name."""


class DidWebvh:
    """The did:webvh method. A ledger is asked first; the web only about a DID that the ledger has no log of."""

    method: Final = "webvh"

    def __init__(
        self,
        *,
        fetch: Fetch | None = None,
        log_source: LogSource | None = None,
        now: Clock = system_clock,
        heads: MutableMapping[str, str] | None = None,
    ) -> None:
        """At least one of the two sources is needed. ``now`` tells the time.

        ``heads`` keeps the newest version id seen of each SCID: a log that lacks it was cut back or rewritten, and is
        refused. By default it is kept in memory, for as long as this object lives.
        """
        if fetch is None and log_source is None:
            raise InvalidInputError("did:webvh needs a log source or a way to fetch")
        self._fetch = fetch
        self._log_source = log_source
        self._now = now
        self._heads = SeenHeads() if heads is None else heads

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document of ``did``: the newest, the one named, or the one in force at ``version_time``."""
        found = await self._verified(did, whole=version_id is None and version_time is None)
        version = find_version(found.verified, version_id=version_id, version_time=version_time)
        return build_resolution(found.verified, version, source=found.source)

    async def resolve_number(self, did: str, version_number: int) -> Resolution:
        """Return version ``version_number``, from 1, of ``did``."""
        found = await self._verified(did, whole=False)
        version = find_version(found.verified, version_number=version_number)
        return build_resolution(found.verified, version, source=found.source)

    async def log(self, did: str) -> WebvhLog:
        """Return the whole verified log of ``did``, such as to ask its watchers about it."""
        return (await self.published(did)).verified

    async def published(self, did: str) -> PublishedLog:
        """Return the whole verified log of ``did`` as it is published, such as to take it along."""
        return await self._verified(did, whole=True)

    async def _verified(self, did: str, *, whole: bool) -> PublishedLog:
        """Return the log and its source; if it need not be ``whole``, up to the first entry that does not verify."""
        seen = self._heads.get(parse_webvh_did(did).scid)
        found = await self._read(did, whole=whole)
        for _ in range(MAX_MOVES):
            log = found.verified
            if found.source != "https" or log.failure is not None or log.did == did:
                break
            # What lies at the old place may have been left there when the DID moved, and is then out of date.
            did = log.did
            found = await self._read(did, whole=whole)
            if compare_logs(found.verified, log).relation not in (Relation.SAME, Relation.AHEAD):
                raise VerificationError("the log at the place that the DID moved to does not continue the one before")
        else:
            raise VerificationError(f"the DID moved more than {MAX_MOVES} times from the place asked for")
        self._check_and_remember(found.verified, seen)
        return found

    async def _read(self, did: str, *, whole: bool) -> PublishedLog:
        parsed = parse_webvh_did(did)
        data, source = await self._log(parsed)
        verify = verify_log if whole else read_log
        proofs = await self._witness_proofs(parsed, data, source)
        return PublishedLog(verify(data, did=did, now=self._now(), witness_proofs=proofs), source, data, proofs)

    def _check_and_remember(self, log: WebvhLog, seen: str | None) -> None:
        """Refuse a log without the head ``seen`` before it was asked for, and remember its own head if it is newer.

        A question asked meanwhile may have brought a newer log: that does not make this one's answer wrong.
        """
        if seen is not None:
            check_continues(log, seen)
        newest = self._heads.get(log.scid)
        if newest is not None and version_number(newest) > log.head.number:
            return
        if newest is not None:
            check_continues(log, newest)
        self._heads[log.scid] = log.head.entry.version_id

    async def _log(self, did: WebvhDid) -> tuple[bytes, str]:
        """Return the log and where it came from. A ledger that does not answer is not replaced by the web."""
        if self._log_source is not None:
            try:
                return await self._log_source.did_log(did.did), "ledger"
            except DidNotFoundError:
                pass
        if self._fetch is None:
            raise DidNotFoundError(f"the ledger has no log for {did.did}")
        try:
            answer = await self._fetch(did.log_url, accept="text/jsonl", max_bytes=MAX_LOG_BYTES)
        except NotFoundError as exc:
            raise DidNotFoundError(f"no log is published for {did.did}") from exc
        return answer.body, "https"

    async def _witness_proofs(self, did: WebvhDid, log: bytes, source: str) -> bytes | None:
        """Return ``did-witness.json`` if the log may need it. Proofs speak for themselves, wherever they come from.

        A ledger that keeps them serves those of its own log; of one that does not, the web may have them.

        A log that hides the word behind JSON escapes gets no proofs, and is refused if it has witnesses.
        """
        if b'"witnesses"' not in log:
            return None
        if source == "ledger":
            did_witness = getattr(self._log_source, "did_witness", None)
            if did_witness is not None:
                try:
                    file: bytes = await did_witness(did.did)
                except DidNotFoundError:
                    pass  # a source that has this log from elsewhere, without its proofs
                else:
                    return file
        if self._fetch is None:
            return None
        try:
            return (await self._fetch(did.witness_url, max_bytes=MAX_WITNESS_FILE_BYTES)).body
        except NotFoundError:
            return None

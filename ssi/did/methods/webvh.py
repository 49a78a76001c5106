"""did:webvh: a DID whose whole history is a log that anyone can verify.

Source:  did:webvh 1.0, "Read (Resolve)".
Input:   a did:webvh DID; its log comes from a ledger, from its own web server, or from the one and then the other.
Shapes:  times are Unix seconds.
I/O:     the log source and the outbound door it was given; nothing is asked for a DID that is not well formed.
Errors:  InvalidDidError, InvalidInputError (malformed log), VerificationError (a log not to be believed),
         DidNotFoundError (no log, or no such version), UnavailableError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.did.resolver import Clock, Resolution, system_clock
from ssi.did.webvh.entry import MAX_LOG_BYTES
from ssi.did.webvh.resolve import resolve_log
from ssi.did.webvh.url import WebvhDid, parse_webvh_did
from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
from ssi.errors import DidNotFoundError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from ssi.ports import Fetch, LogSource


class DidWebvh:
    """The did:webvh method. A ledger is asked first; the web only about a DID that the ledger has no log of."""

    method: Final = "webvh"

    def __init__(
        self, *, fetch: Fetch | None = None, log_source: LogSource | None = None, now: Clock = system_clock
    ) -> None:
        """At least one of the two sources is needed. ``now`` tells the time."""
        if fetch is None and log_source is None:
            raise InvalidInputError("did:webvh needs a log source or a way to fetch")
        self._fetch = fetch
        self._log_source = log_source
        self._now = now

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document of ``did``: the newest, the one named, or the one in force at ``version_time``."""
        parsed = parse_webvh_did(did)
        log, source = await self._log(parsed)
        return resolve_log(
            log,
            did=did,
            now=self._now(),
            version_id=version_id,
            version_time=version_time,
            witness_proofs=await self._witness_proofs(parsed, log),
            source=source,
        )

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

    async def _witness_proofs(self, did: WebvhDid, log: bytes) -> bytes | None:
        """Return ``did-witness.json`` if the log may need it. Proofs speak for themselves, wherever they come from.

        A log that hides the word behind JSON escapes gets no proofs, and is refused if it has witnesses.
        """
        if self._fetch is None or b'"witnesses"' not in log:
            return None
        try:
            return (await self._fetch(did.witness_url, max_bytes=MAX_WITNESS_FILE_BYTES)).body
        except NotFoundError:
            return None

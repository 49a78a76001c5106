"""Get the list a reference names: from the cache, or from where lists are served, and through verification.

Source:  draft-ietf-oauth-status-list-20, section 8 (request and response); W3C Bitstring Status List v1.0, section 3.2.
Input:   the reference of a credential whose issuer policy already trusts: an unknown issuer steers no fetch.
Shapes:  the receipt of the list at ``uri`` is served at ``uri`` + ``.receipt``: a compact JWS has no room for it.
I/O:     awaits the ``StatusListSource`` port and the key resolution; concurrent asks for one list share one of each.
Errors:  UnavailableError (not to be had: the status is unknown, never "valid"), ForbiddenUrlError, InvalidInputError,
         VerificationError, StatusError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ssi.errors import NotFoundError, UnavailableError, VerificationError
from ssi.keys import PublicKey
from ssi.ports import Fetch, PublishedList, StatusListSource
from ssi.status.bitstring import CREDENTIAL_MEDIA_TYPE, EMBEDDED_MEDIA_TYPE
from ssi.status.cache import StatusListCache
from ssi.status.content import MAX_LIST_CHARACTERS
from ssi.status.deflate import MAX_EXPANDED_BYTES
from ssi.status.reference import StatusReference
from ssi.status.token import TOKEN_MEDIA_TYPE
from ssi.status.verify import UnverifiedStatusList, VerifiedStatusList, parse_status_list, verify_status_list

if TYPE_CHECKING:
    import asyncio

ACCEPT: Final = f"{TOKEN_MEDIA_TYPE}, {CREDENTIAL_MEDIA_TYPE}, {EMBEDDED_MEDIA_TYPE}"
RECEIPT_SUFFIX: Final = ".receipt"
MAX_RECEIPT_BYTES: Final = 1 << 18


class FetchedLists:
    """The ``StatusListSource`` that reads lists from the web."""

    def __init__(self, fetch: Fetch, *, receipts: bool = False, max_bytes: int = MAX_LIST_CHARACTERS) -> None:
        """``receipts`` also asks for the receipt beside each list, which costs a second request."""
        self._fetch = fetch
        self._receipts = receipts
        self._max_bytes = max_bytes

    async def status_list(self, uri: str) -> PublishedList:
        """Return the list at ``uri`` and, if asked for and served, its receipt; errors as ``Fetch``."""
        fetched = await self._fetch(uri, accept=ACCEPT, max_bytes=self._max_bytes)
        receipt: bytes | None = None
        if self._receipts:
            try:
                receipt = (await self._fetch(uri + RECEIPT_SUFFIX, max_bytes=MAX_RECEIPT_BYTES)).body
            except NotFoundError:
                receipt = None
        return PublishedList(uri, fetched.body, fetched.content_type, receipt)


class ResolveListKey(Protocol):
    """How the verifier finds the key of a list."""

    async def __call__(self, unverified: UnverifiedStatusList, issuer: str) -> PublicKey:
        """Return the key of ``issuer`` that ``unverified.kid`` names.

        It must come from what ``issuer`` publishes (its DID document, for assertions), never from the list.
        Raises VerificationError if the issuer has no such key, UnavailableError if that cannot be told.
        """
        ...


class ObtainedList(msgspec.Struct, frozen=True):
    """A verified list and the receipt that came along, of which nothing was looked at."""

    status_list: VerifiedStatusList
    receipt: bytes | None


class StatusLists:
    """Verified lists by reference, asked for when the cache has none."""

    def __init__(
        self,
        *,
        source: StatusListSource,
        resolve_key: ResolveListKey,
        cache: StatusListCache,
        clock: Callable[[], int],
        require_id: bool = True,
        max_characters: int = MAX_LIST_CHARACTERS,
        max_expanded_bytes: int = MAX_EXPANDED_BYTES,
    ) -> None:
        """``clock`` returns Unix seconds; ``require_id`` and the bounds are those of ``ssi.status.verify``."""
        self._source = source
        self._resolve_key = resolve_key
        self._cache = cache
        self._clock = clock
        self._require_id = require_id
        self._max_characters = max_characters
        self._max_expanded_bytes = max_expanded_bytes
        self._in_flight: dict[tuple[str, ...], asyncio.Task[ObtainedList]] = {}

    def cached(self, reference: StatusReference) -> VerifiedStatusList | None:
        """Return the list if it is at hand and may still be used; nothing waits and nothing is fetched."""
        return self._cache.get(reference.uri, now=self._clock())

    def receipt(self, reference: StatusReference) -> bytes | None:
        """Return the receipt that came with the list at hand, unread; None without list or receipt."""
        return self._cache.receipt(reference.uri, now=self._clock())

    async def get(self, reference: StatusReference, *, issuers: Sequence[str]) -> VerifiedStatusList:
        """Return the list that ``reference`` names, signed by one of ``issuers``.

        The first of ``issuers`` (the credential's own, so give them in order) is taken for a list that names none.
        Raises what the module says; a failed attempt is not kept, so that the next one asks again.
        """
        return (await self.obtain(reference, issuers=issuers)).status_list

    async def obtain(self, reference: StatusReference, *, issuers: Sequence[str]) -> ObtainedList:
        """As ``get``, with the receipt."""
        status_list = self.cached(reference)
        if status_list is not None:
            return ObtainedList(status_list, self.receipt(reference))
        import asyncio

        flight = (reference.format, reference.uri, *issuers)
        task = self._in_flight.get(flight)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._obtain(reference, tuple(issuers)))
            self._in_flight[flight] = task
            task.add_done_callback(lambda done: self._landed(flight, done))
        # One caller that gives up must not take the list away from the others.
        return await asyncio.shield(task)

    def _landed(self, flight: tuple[str, ...], task: asyncio.Task[ObtainedList]) -> None:
        """Make room for the next attempt; a failure nobody waits for any more is looked at, so that none is logged."""
        self._in_flight.pop(flight, None)
        if not task.cancelled():
            task.exception()

    async def _obtain(self, reference: StatusReference, issuers: tuple[str, ...]) -> ObtainedList:
        # Counted from before the request: the answer may be as old as the question.
        retrieved_at = self._clock()
        try:
            published = await self._source.status_list(reference.uri)
        except NotFoundError as exc:
            raise UnavailableError("expected a status list at the address that the credential refers to") from exc
        unverified = parse_status_list(published.body.strip(), max_characters=self._max_characters)
        if unverified.format is not reference.format:
            raise VerificationError(f"expected a status list of format {reference.format.value}")
        issuer = unverified.issuer or (issuers[0] if issuers else None)
        if issuer is None or issuer not in issuers:
            raise VerificationError("expected a status list of the credential's issuer or of a delegate")
        status_list = verify_status_list(
            unverified,
            await self._resolve_key(unverified, issuer),
            expected_uri=reference.uri,
            issuer=issuer,
            now=self._clock(),
            require_id=self._require_id,
            max_expanded_bytes=self._max_expanded_bytes,
        )
        self._cache.put(status_list, retrieved_at=retrieved_at, receipt=published.receipt)
        return ObtainedList(status_list, published.receipt)

"""Keep verified lists for as long as they may be used, and no older list in the place of a newer one.

Source:  draft-ietf-oauth-status-list-20, section 13.7 (ttl counts from the fetch, exp is absolute);
         W3C Bitstring Status List v1.0, section 2.2 (ttl does not prolong the validity period).
Shapes:  times are Unix seconds; a list is kept until the earliest of retrieval + max_age_seconds, retrieval + ttl, exp.
I/O:     none. One event loop uses a cache; it is not made for several threads.
Errors:  StatusError (a list older than one that was already seen).

The time from a revocation to its refusal is the time until the issuer publishes, plus at most ``max_age_seconds``.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from ssi.errors import InvalidInputError, StatusError
from ssi.status.verify import VerifiedStatusList

MAX_REMEMBERED: Final = 4096
"""How many addresses the newest issue time is remembered for, once their lists are gone."""


class _Kept(msgspec.Struct, frozen=True):
    status_list: VerifiedStatusList
    retrieved_at: int
    keep_until: int
    receipt: bytes | None


class StatusListCache:
    """A bounded cache of verified lists by address; what was used longest ago leaves first."""

    def __init__(self, *, max_age_seconds: int, max_lists: int = 256, max_bytes: int = 64 << 20) -> None:
        """``max_age_seconds`` bounds how long a revocation may go unnoticed; ``max_bytes`` counts expanded lists.

        Raises InvalidInputError unless every bound is positive; 0 seconds keep nothing.
        """
        if max_age_seconds < 0 or max_lists < 1 or max_bytes < 1:
            raise InvalidInputError("expected the bounds of a status list cache to be positive")
        self._max_age = max_age_seconds
        self._max_lists = max_lists
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._newest: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        """Return how many lists are kept, expired ones that nobody asked for included."""
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        """The expanded bytes of all lists that are kept."""
        return self._bytes

    def get(self, uri: str, *, now: int) -> VerifiedStatusList | None:
        """Return the list of ``uri`` if it may still be used at ``now``; a clock that was set back finds nothing."""
        kept = self._kept.get(uri)
        if kept is None:
            return None
        if not kept.retrieved_at <= now < kept.keep_until:
            self.discard(uri)
            return None
        self._kept.move_to_end(uri)
        return kept.status_list

    def receipt(self, uri: str, *, now: int) -> bytes | None:
        """Return the receipt that came with the list that ``get`` returns, if there is one."""
        return None if self.get(uri, now=now) is None else self._kept[uri].receipt

    def put(self, status_list: VerifiedStatusList, *, retrieved_at: int, receipt: bytes | None = None) -> None:
        """Keep a list that was fetched at ``retrieved_at``, with the receipt that came along.

        Raises StatusError if it was issued before a list of the same address that this cache has held: whoever served
        it plays back an old one.
        """
        uri = status_list.uri
        self._remember(uri, status_list.issued_at)
        self.discard(uri)
        keep_until = retrieved_at + self._max_age
        if status_list.ttl_seconds is not None:
            keep_until = min(keep_until, retrieved_at + status_list.ttl_seconds)
        if status_list.expires_at is not None:
            keep_until = min(keep_until, status_list.expires_at)
        if keep_until <= retrieved_at or len(status_list.data) > self._max_bytes:
            return
        self._kept[uri] = _Kept(status_list, retrieved_at, keep_until, receipt)
        self._bytes += len(status_list.data)
        while len(self._kept) > self._max_lists or self._bytes > self._max_bytes:
            self.discard(next(iter(self._kept)))

    def discard(self, uri: str) -> None:
        """Forget the list of ``uri``, but not how new it was."""
        kept = self._kept.pop(uri, None)
        if kept is not None:
            self._bytes -= len(kept.status_list.data)

    def _remember(self, uri: str, issued_at: int | None) -> None:
        if issued_at is None:
            return
        newest = self._newest.get(uri)
        if newest is not None and issued_at < newest:
            raise StatusError(f"expected a status list issued at {newest} or later, got one from {issued_at}")
        self._newest[uri] = issued_at
        self._newest.move_to_end(uri)
        if len(self._newest) > MAX_REMEMBERED:
            self._newest.popitem(last=False)

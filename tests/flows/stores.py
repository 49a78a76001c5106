"""Issuers' stores in memory that are closed when the test that opened them ends (``tests/flows/conftest.py``)."""

from __future__ import annotations

from issuer.stores.sqlite import SqliteIssuerStore

_OPEN: list[SqliteIssuerStore] = []


async def memory_store() -> SqliteIssuerStore:
    """Open a store that nobody has to close."""
    store = await SqliteIssuerStore.open(":memory:")
    _OPEN.append(store)
    return store


async def close_stores() -> None:
    """Close every store that is open."""
    while _OPEN:
        await _OPEN.pop().close()

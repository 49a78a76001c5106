"""Is this store the newest state of what the agency has published? Asked before it draws an index or publishes.

Source:  decisions 9 and 11 of the design; draft-ietf-oauth-status-list-20, section 13.2 (no index twice).
Shapes:  a store that keeps a count of its acts outside of its database knows by itself; any other one is held against
         the ledger, where no list may have a later epoch than here, and no family an address that is not here.
I/O:     store and registry.
Errors:  RestoredStoreError.

The ledger sees what was published, and not how many indexes were given out since: it is the weaker witness of the two.
"""

from __future__ import annotations

import re
from typing import Final

from ssi.errors import RestoredStoreError
from ssi.registry.registry import Registry
from ssi.status.lists import StatusFamily

from .store import Family, IssuerStore

_ADDRESS: Final = r"/(?:[a-p]{8}-)?[0-9]+(?:/revocation|/suspension)?"
"""What the addresses of lists have after the base, as stores give them."""


class Continuity:
    """The question for one agency; answered once, since the store itself watches what is done through it."""

    def __init__(self, did: str, *, store: IssuerStore, registry: Registry | None, status_base: str) -> None:
        self._did = did
        self._store = store
        self._registry = registry
        self._base = status_base
        self._answered = False

    async def require(self) -> None:
        """Raise RestoredStoreError if anything was published that the store does not know."""
        if self._answered:
            return
        if not await self._store.is_newest() and self._registry is not None:
            behind = await behind_ledger(self._did, self._base, self._store, self._registry)
            if behind:
                raise RestoredStoreError(
                    f"the issuer's store is older than the ledger, which has later lists at {', '.join(behind[:3])}:"
                    " nothing is issued, changed or published from it before `ssi issuer recover`"
                )
        self._answered = True


async def behind_ledger(did: str, base: str, store: IssuerStore, registry: Registry) -> list[str]:
    """Return the addresses of lists of which the ledger has a later state than the store, or which it alone has."""
    # The ledger is read first: what another process publishes meanwhile is in the store before it is on the ledger.
    view = registry.view()
    anchored = {uri: found.body.epoch for uri in view.lists_of(did) if (found := view.newest(uri)) is not None}
    known = {uri: 0 for family in await store.families() for uri in addresses(family, did)}
    known |= {stored.uri: stored.epoch for stored in await store.lists()}
    ours = re.compile(re.escape(base) + _ADDRESS)
    return sorted(uri for uri, epoch in anchored.items() if epoch > known.get(uri, 0) and _is_ours(uri, known, ours))


def addresses(family: Family, did: str) -> tuple[str, ...]:
    """Return the addresses of a family's lists."""
    lists = StatusFamily(format=family.format, issuer=did, uri=family.uri, entries=family.entries)
    return tuple(uri for _, uri in lists.list_uris)


def _is_ours(uri: str, known: dict[str, int], ours: re.Pattern[str]) -> bool:
    return uri in known or ours.fullmatch(uri) is not None

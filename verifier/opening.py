"""Put a verifier together from names: an offline folder or bundle, or the URL of a ledger, and a policy.

Input:   a place and a policy, or the path of one.
Shapes:  a place with a scheme (``sqlite:…``) is a ledger, any other the path of an offline folder or bundle.
I/O:     opens the ledger and reads it up to its newest checkpoint, or reads the folder; nothing over the network.
Errors:  InvalidInputError (policy without what the place needs, or no such place), NotFoundError, UnavailableError,
         InclusionProofError and InvalidSignatureError (a ledger that is not what was signed).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ssi.did.resolver import system_clock
from ssi.errors import InvalidInputError

from .policy import Policy
from .verifier import Verifier

if TYPE_CHECKING:
    from ssi.ledger.quorum import Pin
    from ssi.ports import Fetch, StatusListSource
    from ssi.registry import RegistryFollower

# A drive letter is no scheme.
_LEDGER = re.compile(r"[a-z][a-z0-9+.-]+:")


class OpenedVerifier(Verifier):
    """A verifier that opened its ledger itself. Close it, or use ``async with``."""

    _follower: RegistryFollower | None = None

    async def refresh(self) -> None:
        """Read what the ledger has gained. Without it, what is anchored is judged as of the last time."""
        if self._follower is not None:
            await self._follower.refresh()

    async def close(self) -> None:
        """Release the ledger."""
        if self._follower is not None:
            await self._follower.ledger.close()

    async def __aenter__(self) -> OpenedVerifier:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def open_verifier(
    place: str | Path,
    *,
    policy: Policy | str | Path,
    lists: StatusListSource | str | Path | None = None,
    fetch: Fetch | None = None,
    pin: Pin | str | Path | None = None,
    now: Callable[[], int] = system_clock,
) -> OpenedVerifier:
    """Return a verifier over ``place``; raises as the module says.

    A ledger is followed under the roots and keys of the policy's registry, which it must name. ``lists`` are status
    lists, or the path of a folder of them; over a ledger without it, they come through ``fetch``. A folder or bundle
    brings its own. ``pin`` is the file that keeps the last checkpoint believed: a ledger that goes back behind it, or
    is another history, is refused by the next process, too.
    """
    known = policy if isinstance(policy, Policy) else Policy.load(policy)
    if isinstance(place, str) and _LEDGER.match(place):
        return await _over_ledger(place, known, lists=lists, fetch=fetch, pin=pin, now=now)
    if lists is not None or fetch is not None or pin is not None:
        raise InvalidInputError("an offline folder or bundle brings its own lists, and nothing is fetched beside it")
    from .bundle import open_offline

    return OpenedVerifier(known, **open_offline(place, registry=known.registry).ports(known, now=now))


async def _over_ledger(
    url: str,
    policy: Policy,
    *,
    lists: StatusListSource | str | Path | None,
    fetch: Fetch | None,
    pin: Pin | str | Path | None,
    now: Callable[[], int],
) -> OpenedVerifier:
    from ssi.ledger import open_ledger
    from ssi.ledger.note import parse_vkey
    from ssi.ledger.quorum import FilePin
    from ssi.registry import RegistryFollower
    from ssi.status.folder import ListFolder
    from ssi.status.source import FetchedLists

    if policy.registry is None:
        raise InvalidInputError("policy: expected a registry, with the roots and keys that the ledger is read under")
    keys = [parse_vkey(text) for text in policy.registry.keys]
    if isinstance(lists, str | Path):
        lists = ListFolder(Path(lists))
    elif lists is None and fetch is not None:
        lists = FetchedLists(fetch)
    ledger = open_ledger(url, create=False, keys=keys, fetch=fetch)
    kept = FilePin(Path(pin)) if isinstance(pin, str | Path) else pin
    try:
        follower = RegistryFollower(
            ledger, roots=policy.registry.roots, keys=keys, quorum=policy.registry.quorum(), pin=kept
        )
        await follower.refresh()
        opened = OpenedVerifier(policy, lists=lists, registry=follower, fetch=fetch, now=now)
    except BaseException:
        await ledger.close()
        raise
    opened._follower = follower
    return opened

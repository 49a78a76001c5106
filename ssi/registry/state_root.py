"""Say in each epoch what the registry's state comes to, and hold against the ledger what was said.

Source:  the project's answerability text, 2.2 (``StateRoot``); docs/adr/0012-the-map-of-the-registry.md.
Input:   the operator's registry and organisation, and a kept map; or the fold of an audit.
Shapes:  times and epochs in Unix seconds; an epoch is a number of seconds, counted from time 0.
I/O:     the ledger, the key store and the map.
Errors:  those of registry, key store and map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.errors import EntryNotFoundError, InvalidInputError
from ssi.ledger.sparse_map import EMPTY_ROOT
from ssi.registry.guard import EPOCH_SECONDS
from ssi.registry.registry import Registry, Submitted
from ssi.registry.state_map import Plan, StateMap
from ssi.registry.state_records import STEP, Thing, changes
from ssi.registry.types import StatementBody, StateRoot
from ssi.registry.view import RegistrySnapshot
from ssi.types import UnixSeconds

HOUR: Final = 3_600


class MapFollower:
    """A kept map that goes along with a fold."""

    def __init__(self, state_map: StateMap) -> None:
        self.map: Final = state_map
        self._own: tuple[int, bytes] | None = None

    async def plan(self, view: RegistrySnapshot) -> Plan:
        """Return what the map would be at the size of ``view``.

        A map that nobody vouches for (neither a root on the ledger, nor this object, which made it) is made anew: one
        of another ledger would otherwise have its operator log a wrong root.
        """
        await self.approach(view)
        size, _ = await self.map.head()
        records: dict[Thing, bytes] = {}
        for part in changes(view, size):
            records |= part
        return await self.map.plan(records)

    async def approach(self, view: RegistrySnapshot) -> None:
        """Bring the map near ``view`` if it is far from it, in bounded memory; until it is there it has no answers."""
        size, root = await self.map.head()
        known = self._own == (size, root) or (size, root) == (0, EMPTY_ROOT) or _said(view, size) == b64url_encode(root)
        if known and 0 <= size <= view.size and view.size - size <= STEP:
            return
        keep = known and 0 <= size <= view.size
        root = await self.map.load(changes(view, size if keep else 0), size=view.size, keep=keep)
        self._own = view.size, root

    async def bring(self, view: RegistrySnapshot) -> None:
        """Bring the map to ``view``, whose size a state root speaks of: after a crash, or if its file was lost."""
        if (await self.map.head())[0] != view.size:
            await self.commit(await self.plan(view), size=view.size)

    async def commit(self, plan: Plan, *, size: int) -> None:
        """Move the map on to what was planned."""
        await self.map.commit(plan, size=size)
        self._own = size, plan.root


def _said(view: RegistrySnapshot, size: int) -> str | None:
    """Return the root that the ledger has for its first ``size`` entries, or None."""
    found = (given.body.root for given in reversed(view.state_roots()) if given.index == size)
    return next(found, None)


class Operator(Protocol):
    """Who signs state roots: an ``Organisation`` that is a root accreditor."""

    @property
    def did(self) -> str:
        """Its DID."""
        ...

    async def sign(self, body: StatementBody) -> bytes:
        """Return ``body`` as a statement, ready to be submitted."""
        ...


class StateKeeper:
    """The operator's duty: one state root in each epoch, in empty ones too."""

    def __init__(
        self, registry: Registry, operator: Operator, state_map: StateMap, *, epoch_seconds: int = HOUR
    ) -> None:
        """``operator`` is a root accreditor. Raises InvalidInputError for an epoch shorter than EPOCH_SECONDS."""
        if epoch_seconds < EPOCH_SECONDS:
            raise InvalidInputError(f"an epoch has at least {EPOCH_SECONDS} seconds")
        self._registry = registry
        self._operator = operator
        self._follower = MapFollower(state_map)
        self._epoch = epoch_seconds

    async def log(self, *, now: UnixSeconds) -> Submitted:
        """Log the state root of this epoch, unless it is there; return it with its receipt. Call it from a timer.

        Asked again after a crash it brings the map to where the ledger is.
        """
        view = await self._registry.refresh()
        newest = view.state_root()
        if newest is not None and newest.body.iat // self._epoch >= now // self._epoch:
            await self._follower.bring(view.until(newest.index))
            return await self._registry.submit(await self._body(newest.index))
        # What takes long comes first, while others go on writing.
        await self._follower.approach(self._registry.state.at())
        plans: dict[int, Plan] = {}

        async def make(at: RegistrySnapshot) -> bytes:
            plan = plans[at.size] = await self._follower.plan(at)
            return await self._operator.sign(
                StateRoot(iss=self._operator.did, iat=now, size=at.size, root=b64url_encode(plan.root))
            )

        done = await self._registry.submit_next(make)
        await self._follower.commit(plans[done.index], size=done.index)
        return done

    async def _body(self, index: int) -> bytes:
        (entry,) = await self._registry.ledger.read(index, index + 1)
        if not isinstance(entry, bytes):
            raise EntryNotFoundError(f"the body of entry {index} is withheld")
        return entry


class RootCheck(msgspec.Struct):
    """What a monitor found of the state roots on a ledger."""

    held: int = 0
    uncheckable: int = 0
    """Those that do not come out, after an entry whose body was withheld since: nobody can tell any more."""

    def summary(self) -> Mapping[str, int]:
        """Return the counts by name."""
        return {"held": self.held, "uncheckable": self.uncheckable}


class RootMonitor:
    """Recomputes every state root along a fold."""

    def __init__(self, state_map: StateMap) -> None:
        """``state_map`` is empty, or one that was left where the fold begins."""
        self._follower = MapFollower(state_map)
        self.found: Final = RootCheck()

    async def look(self, view: RegistrySnapshot, *, withheld: int) -> str | None:
        """Hold the state root that is the newest entry of ``view`` against the entries before it.

        Return what is wrong, or None: also if its newest entry is none. ``withheld`` is the number of withheld bodies.
        """
        newest = view.state_root()
        if newest is None or newest.index != view.size - 1:
            return None
        plan = await self._follower.plan(view.until(newest.index))
        await self._follower.commit(plan, size=newest.index)
        if b64url_encode(plan.root) == newest.body.root:
            self.found.held += 1
        elif withheld:
            self.found.uncheckable += 1
        else:
            return f"the state root is not what the first {newest.index} entries come to"
        return None

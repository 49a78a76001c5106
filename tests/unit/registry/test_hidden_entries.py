"""A mirror that passes an entry off as withheld is not believed without an order on the log, and nothing is lost."""

from __future__ import annotations

import pytest

from ssi.errors import BrokenEntryError
from ssi.ledger import tiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.tile_view import LedgerTiles
from ssi.ledger.tiles import Bundle, WithheldNote
from ssi.registry import RegistryFollower
from ssi.registry.monitor import Monitor
from ssi.registry.view import RegistrySnapshot
from ssi.registry.withholding import withhold
from ssi.testing import TestFederation
from tests.contracts.tiles import AlteredSource

TYPE = "https://town.example/residence"


class Mirror:
    """A federation's log, as a mirror serves it whose operator can alter files."""

    def __init__(self, federation: TestFederation) -> None:
        self.federation = federation
        self.source = AlteredSource(LedgerTiles(federation.ledger))

    async def hide(self, index: int) -> None:
        """Serve entry ``index`` as an entry of no bytes, with a note that some court ordered so."""
        size = await self.federation.ledger.size()
        entries = [bytes(entry) for entry in await self.federation.ledger.read(0, size)]  # type: ignore[arg-type]
        entries[index] = b""
        self.source.altered[Bundle(0, size).path] = tiles.build_bundle(entries)
        self.source.altered[WithheldNote(0).path] = tiles.build_withheld({index: "court order 7/2026"})

    async def follower(self, kind: type[RegistryFollower] = RegistryFollower) -> RegistryFollower:
        key = await self.federation.registry.note_key()
        return kind(TilesLedger(self.source, keys=[key]), roots=[self.federation.ministry.did], keys=[key])


@pytest.fixture
async def mirror() -> Mirror:
    return Mirror(await TestFederation.found())


def holds(view: RegistrySnapshot, did: str, now: int) -> bool:
    return any(view.in_force(given, at=now) for given in view.accreditations(did))


async def ended_town(mirror: Mirror, name: str = "town") -> tuple[str, int]:
    """Accredit a town and end that again; return its DID and the index of the last end."""
    federation = mirror.federation
    town = await federation.enrol(name, types=[TYPE])
    index = 0
    for given in federation.registry.view().accreditations(town.did):
        done = await federation.ministry.end(
            given.id, reason="revoked", registry=federation.registry, now=federation.clock()
        )
        index = done.index
    return town.did, index


async def test_an_end_that_a_mirror_hides_is_missed_by_nobody(mirror: Mirror) -> None:
    did, index = await ended_town(mirror)
    await mirror.hide(index)
    follower = await mirror.follower()
    for _ in range(2):
        with pytest.raises(BrokenEntryError, match=f"entry {index}: its body is gone, and no order on the log"):
            await follower.refresh()
        assert follower.view().size == 0
    mirror.source.altered.clear()
    view = await follower.refresh()
    assert view.size == index + 1
    assert not holds(view, did, mirror.federation.clock())


async def test_the_view_from_before_stays(mirror: Mirror) -> None:
    town = await mirror.federation.enrol("town", types=[TYPE])
    follower = await mirror.follower()
    before = (await follower.refresh()).size
    _, index = await ended_town(mirror, "village")
    await mirror.hide(index)
    with pytest.raises(BrokenEntryError):
        await follower.refresh()
    assert follower.view().size == before
    assert holds(follower.view(), town.did, mirror.federation.clock())


async def test_an_order_on_the_log_is_enough(mirror: Mirror) -> None:
    federation = mirror.federation
    _, index = await ended_town(mirror)
    await withhold(
        index,
        order=b"order 7",
        organisation=federation.ministry,
        registry=federation.registry,
        now=federation.clock(),
        anyway=True,
    )
    view = await (await mirror.follower()).refresh()
    assert view.withholding(index) is not None
    assert view.size == await federation.ledger.size()


async def test_an_order_over_another_entry_is_not(mirror: Mirror) -> None:
    federation = mirror.federation
    _, index = await ended_town(mirror)
    await withhold(
        index - 1,
        order=b"order 7",
        organisation=federation.ministry,
        registry=federation.registry,
        now=federation.clock(),
        anyway=True,
    )
    size = await federation.ledger.size()
    found = await federation.ledger.read(0, size)
    bodies = [entry if isinstance(entry, bytes) else b"" for entry in found]
    bodies[index] = b""
    mirror.source.altered[Bundle(0, size).path] = tiles.build_bundle(bodies)
    mirror.source.altered[WithheldNote(0).path] = tiles.build_withheld({index - 1: "order 7", index: "order 7"})
    with pytest.raises(BrokenEntryError, match=f"entry {index}:"):
        await (await mirror.follower()).refresh()


async def test_a_monitor_alarms(mirror: Mirror) -> None:
    _, index = await ended_town(mirror)
    await mirror.hide(index)
    monitor = await mirror.follower(Monitor)
    assert isinstance(monitor, Monitor)
    (alarm,) = (await monitor.look(now=mirror.federation.clock())).alarms
    assert (alarm.kind, alarm.entry) == ("withheld", index)

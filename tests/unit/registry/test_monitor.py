"""The monitor: what it alarms on, that it goes on afterwards, and that its memory does not grow with the log."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest

from ssi.errors import UnavailableError
from ssi.ledger import Withheld
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.fork import parse_fork_proof, verify_fork
from ssi.ledger.quorum import MemoryPin
from ssi.registry.monitor import Monitor
from tests.contracts.tiles import Publisher
from tests.unit.registry.world import NOW, World

REGISTER = [{"name": "Aino-Kaarina Virtanen", "number": "131052-308T"}]


async def watched(log: Publisher, world: World, **more: object) -> Monitor:
    return Monitor(log.ledger, roots=[world.root.did], keys=[await log.key()], **more)  # type: ignore[arg-type]


@pytest.fixture
async def world() -> World:
    return World()


@pytest.fixture
async def log(world: World) -> Publisher:
    publisher = Publisher(MemoryLedger())
    await publisher.ledger.append([*world.root.lines, *world.agency.lines])
    await publisher.sign(now=NOW)
    return publisher


async def test_a_log_on_which_nothing_is_wrong(log: Publisher, world: World) -> None:
    log = Publisher(MemoryLedger())
    await log.ledger.append([*world.root.lines, world.root.accredit(world.agency.did, "organisation")])
    await log.sign(now=NOW)
    monitor = await watched(log, world, freeze_seconds=60, people=REGISTER)
    found = await monitor.look(now=NOW + 60)
    assert (found.alarms, found.size, found.head_time) == ((), 2, NOW)
    assert (await monitor.look(now=NOW + 60)).alarms == ()


async def test_entries_past_the_guard_alarm_once_and_by_kind(log: Publisher, world: World) -> None:
    monitor = await watched(log, world, people=REGISTER)
    await monitor.look(now=NOW)
    size = await log.ledger.size()
    smuggled = [
        b"no statement",
        world.root.accredit("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "organisation"),
        b'"name": "aino-kaarina virtanen"',
    ]
    await log.ledger.append(smuggled)
    alarms = (await monitor.look(now=NOW)).alarms
    kinds = [(alarm.kind, alarm.entry) for alarm in alarms]
    assert ("guard", size) in kinds
    assert ("personal data", size + 1) in kinds
    assert ("personal data", size + 2) in kinds
    assert len(alarms) == 4  # the last is no statement, either
    assert not any("irtanen" in alarm.reason or "131052" in alarm.reason for alarm in alarms)
    await log.sign(now=NOW + 1)
    assert (await monitor.look(now=NOW)).alarms == ()


async def test_a_fork_is_proved_and_the_watch_goes_on(log: Publisher, world: World) -> None:
    pin = MemoryPin()
    monitor = await watched(log, world, pin=pin)
    await monitor.look(now=NOW)
    honest = log.ledger
    forged = Publisher(MemoryLedger())
    forged.kms = log.kms
    await forged.ledger.append([b"another history", *world.root.lines, b"x", b"y"])
    await forged.sign(now=NOW + 9)
    monitor._ledger = forged.ledger
    (alarm,) = (await monitor.look(now=NOW)).alarms
    assert alarm.kind == "fork"
    assert verify_fork(parse_fork_proof(alarm.proof), keys=[await log.key()]).first.size == await honest.size()
    assert (await monitor.look(now=NOW)).alarms == ()
    # A new process with the pin finds it again; with the honest log it finds nothing.
    again = Monitor(forged.ledger, roots=[world.root.did], keys=[await log.key()], pin=pin)
    assert [each.kind for each in (await again.look(now=NOW)).alarms] == ["fork"]
    monitor._ledger = honest
    assert (await monitor.look(now=NOW)).alarms == ()


async def test_a_rollback(log: Publisher, world: World) -> None:
    pin = MemoryPin()
    await log.ledger.append([b"more"])
    await log.sign(now=NOW)
    await (await watched(log, world, pin=pin)).look(now=NOW)
    early = Publisher(MemoryLedger())
    early.kms = log.kms
    await early.ledger.append(world.root.lines)
    await early.sign(now=NOW)
    assert "rollback" in [each.kind for each in (await (await watched(early, world, pin=pin)).look(now=NOW)).alarms]
    empty = Publisher(MemoryLedger())
    empty.kms = log.kms
    assert [each.kind for each in (await (await watched(empty, world, pin=pin)).look(now=NOW)).alarms] == ["rollback"]


async def test_a_freeze(log: Publisher, world: World) -> None:
    monitor = await watched(log, world, freeze_seconds=100)
    assert all(alarm.kind != "freeze" for alarm in (await monitor.look(now=NOW + 100)).alarms)
    assert [alarm.kind for alarm in (await monitor.look(now=NOW + 101)).alarms] == ["freeze"]
    assert (await monitor.look(now=NOW + 500)).alarms == ()  # said once for one head
    await log.sign(now=NOW + 600)
    assert (await monitor.look(now=NOW + 600)).alarms == ()
    assert [alarm.kind for alarm in (await monitor.look(now=NOW + 701)).alarms] == ["freeze"]
    # A log that says no time, or has no head at all, is as old as the watch.
    silent = Publisher(MemoryLedger())
    await silent.key()
    waiting = await watched(silent, world, freeze_seconds=100)
    assert (await waiting.look(now=NOW)).alarms == ()
    assert [alarm.kind for alarm in (await waiting.look(now=NOW + 101)).alarms] == ["freeze"]
    await silent.ledger.append(world.root.lines)
    await silent.sign()
    assert (await waiting.look(now=NOW + 102)).alarms == ()
    assert [alarm.kind for alarm in (await waiting.look(now=NOW + 203)).alarms] == ["freeze"]


async def test_a_log_that_does_not_answer_freezes(log: Publisher, world: World) -> None:
    class Silent(MemoryLedger):
        async def checkpoint(self) -> bytes | None:
            raise UnavailableError("no answer")

    monitor = await watched(log, world, freeze_seconds=100)
    await monitor.look(now=NOW)
    monitor._ledger = Silent()
    with pytest.raises(UnavailableError):
        await monitor.look(now=NOW + 101)
    monitor._ledger = log.ledger
    assert [alarm.kind for alarm in (await monitor.look(now=NOW + 102)).alarms] == ["freeze"]


async def test_heads_that_others_were_shown(log: Publisher, world: World) -> None:
    monitor = await watched(log, world)
    await monitor.look(now=NOW)
    size = await log.ledger.size()
    forged = Publisher(MemoryLedger())
    forged.kms = log.kms
    await forged.ledger.append([b"for one reader only", *world.root.lines, *(b"%d" % i for i in range(10))])
    ahead = await forged.sign(now=NOW)
    honest = await log.ledger.checkpoint()
    assert honest is not None
    assert (await monitor.look(now=NOW, shown=[honest, ahead])).alarms == ()  # it is beyond what is known
    await log.ledger.append([b"%d" % i for i in range(20)])
    await log.sign(now=NOW + 1)
    forks = [alarm for alarm in (await monitor.look(now=NOW, shown=[honest])).alarms if alarm.kind == "fork"]
    assert len(forks) == 1
    proved = verify_fork(parse_fork_proof(forks[0].proof), keys=[await log.key()])
    assert (proved.first.size, proved.second.size) == (await forged.ledger.size(), size + 20)
    stranger = Publisher(MemoryLedger())
    await stranger.ledger.append([b"x"])
    alarms = (await monitor.look(now=NOW, shown=[await stranger.sign(), b"no note"])).alarms
    assert [alarm.kind for alarm in alarms] == ["checkpoint", "checkpoint"]


async def test_a_head_that_the_entries_do_not_give(log: Publisher, world: World) -> None:
    class Lying(MemoryLedger):
        async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
            return [b"altered"] * (stop - start)

    lying = Lying()
    await lying.append(world.root.lines)
    await lying.put_checkpoint(None, await _signed(log, lying))
    alarms = (await Monitor(lying, roots=[world.root.did], keys=[await log.key()]).look(now=NOW)).alarms
    assert "checkpoint" in [alarm.kind for alarm in alarms]


async def _signed(log: Publisher, ledger: MemoryLedger) -> bytes:
    from ssi.ledger.checkpoint import sign_checkpoint
    from tests.contracts.tiles import LABEL

    return await sign_checkpoint(ledger, kms=log.kms, label=LABEL, origin=log.origin, now=NOW)


class Endless(MemoryLedger):
    """A log whose bodies are made when they are read, so that what is measured is the monitor."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.length = size

    async def size(self) -> int:
        return self.length

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        return [b"%d" % index * 20 for index in range(start, stop)]

    async def checkpoint(self) -> bytes | None:
        return None


async def test_memory_does_not_grow_with_the_log(world: World) -> None:
    log = Publisher(MemoryLedger())
    key = await log.key()

    async def peak(size: int) -> int:
        tracemalloc.start()
        try:
            found = await Monitor(Endless(size), roots=[world.root.did], keys=[key]).look(now=NOW)
            assert found.left_out == size - 1_000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = await peak(2_000), await peak(12_000)
    assert large < small * 1.25 + 200_000

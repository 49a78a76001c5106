"""Operators that lie where a head does not show it: state roots, erased bodies, hashes, heads that were anchored."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InclusionProofError, UnavailableError
from ssi.ledger import Withheld, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.fork import parse_fork_proof, verify_fork
from ssi.registry import RegistryFollower
from ssi.registry.anchoring import AnchorWatch
from ssi.registry.monitor import ANCHOR_GRACE_SECONDS, Monitor
from ssi.registry.types import StateRoot, Withholding
from tests.contracts.tiles import Publisher
from tests.unit.registry.answering import EPOCH, Operated
from tests.unit.registry.test_anchoring import HOUR, Two
from tests.unit.registry.world import NOW, World


@pytest.fixture
async def operated() -> AsyncIterator[Operated]:
    made = await Operated.start(World())
    yield made
    await made.close()


def monitor_of(operated: Operated, **more: Any) -> Monitor:
    return Monitor(operated.registry.ledger, roots=operated.roots, keys=operated.keys, **more)


async def lie(operated: Operated) -> int:
    """Have the operator log another state root than the entries come to."""
    operated.now += EPOCH
    size = await operated.registry.ledger.size()
    body = StateRoot(iss=operated.world.root.did, iat=operated.now, size=size, root=b64url_encode(bytes(32)))
    return (await operated.registry.submit(operated.world.root.sign(body))).index


async def test_every_state_root_is_recomputed(operated: Operated) -> None:
    monitor = monitor_of(operated)
    assert (await monitor.look(now=NOW)).state_roots == 0
    await operated.epoch()
    await operated.registry.submit(operated.world.agency.commit(World.URI, 1, iat=operated.now))
    await operated.epoch()
    calm = await monitor.look(now=operated.now)
    assert (calm.alarms, calm.state_roots) == ((), 2)
    false = await lie(operated)
    found = await monitor.look(now=operated.now)
    assert [(alarm.kind, alarm.entry) for alarm in found.alarms] == [("state root", false)]
    await operated.epoch()  # the truth again, and a watch that goes on
    after = await monitor.look(now=operated.now)
    assert (after.alarms, after.state_roots) == ((), 3)
    await monitor.close()
    # Whoever replays the log later finds the same, whatever lies between the roots.
    later = monitor_of(operated)
    again = await later.look(now=operated.now)
    assert ([(alarm.kind, alarm.entry) for alarm in again.alarms], again.state_roots) == ([("state root", false)], 3)
    await later.close()


async def test_behind_an_erased_body_only_those_who_saw_it_can_tell(operated: Operated) -> None:
    witness = monitor_of(operated)
    erased = (await operated.registry.submit(operated.world.agency.commit(World.URI, 1, iat=operated.now))).index
    assert (await witness.look(now=operated.now)).alarms == ()
    ledger = operated.registry.ledger
    assert isinstance(ledger, MemoryLedger)
    (body,) = await ledger.read(erased, erased + 1)
    assert isinstance(body, bytes)
    order = operated.world.root.sign(
        Withholding(
            iss=operated.world.root.did,
            iat=operated.now,
            index=erased,
            leaf=b64url_encode(merkle.leaf_hash(body)),
            order=b64url_encode(bytes(32)),
        )
    )
    done = await operated.registry.submit(order)
    await ledger.withhold(erased, order=done.id)
    false = await lie(operated)
    assert [alarm.entry for alarm in (await witness.look(now=operated.now)).alarms] == [false]
    late = monitor_of(operated)
    found = await late.look(now=operated.now)
    assert (found.alarms, found.state_roots, found.uncheckable) == ((), 0, 1)
    await late.close()
    await witness.close()


async def test_a_body_that_is_gone_without_an_order(operated: Operated) -> None:
    ledger = operated.registry.ledger
    assert isinstance(ledger, MemoryLedger)
    index = (await operated.registry.submit(operated.world.agency.commit(World.URI, 1, iat=operated.now))).index
    await ledger.withhold(index, order="court order 7/2026, as the operator says")
    monitor = monitor_of(operated)
    assert [(a.kind, a.entry) for a in (await monitor.look(now=operated.now)).alarms] == [("withheld", index)]
    assert (await monitor.look(now=operated.now)).alarms == ()


async def test_an_epoch_without_a_state_root(operated: Operated) -> None:
    monitor = monitor_of(operated, state_root_seconds=2 * EPOCH)
    (none,) = (await monitor.look(now=operated.now)).alarms
    assert (none.kind, none.reason) == ("freeze", "there is no state root yet")
    await operated.epoch()
    assert (await monitor.look(now=operated.now + 2 * EPOCH)).alarms == ()
    assert [alarm.kind for alarm in (await monitor.look(now=operated.now + 2 * EPOCH + 1)).alarms] == ["freeze"]
    await operated.epoch()
    assert (await monitor.look(now=operated.now)).alarms == ()
    await monitor.close()


async def test_entries_that_were_served_and_others_that_were_signed() -> None:
    """Beyond its signed head a log shows entries, and later signs a head over others, with hashes that fit the head."""
    world = World()
    honest, other = Publisher(MemoryLedger()), Publisher(MemoryLedger())
    other.kms = honest.kms
    keys = [await honest.key()]
    first = [*world.entries]
    for each in (honest, other):
        await each.ledger.append(first)
        await each.sign(now=NOW)
    shown = [world.root.accredit(f"did:web:shown{number}.example", "organisation") for number in range(5)]
    signed = [world.root.accredit(f"did:web:signed{number}.example", "organisation") for number in range(3)]
    await honest.ledger.append(shown)
    await other.ledger.append(signed)
    await other.sign(now=NOW + 1)

    class TwoFaced(MemoryLedger):
        """Entries of one history, head and hashes of the other one."""

        now_lying = False

        async def size(self) -> int:
            return await honest.ledger.size()

        async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
            return await honest.ledger.read(start, stop)

        async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
            return await (other.ledger if self.now_lying else honest.ledger).hashes(level, start, stop)

        async def checkpoint(self) -> bytes | None:
            return await (other.ledger if self.now_lying else honest.ledger).checkpoint()

    ledger = TwoFaced()
    follower = RegistryFollower(ledger, roots=[world.root.did], keys=keys)
    monitor = Monitor(ledger, roots=[world.root.did], keys=keys)
    assert (await follower.refresh()).size == len(first)
    assert (await monitor.look(now=NOW)).alarms == ()
    ledger.now_lying = True
    with pytest.raises(InclusionProofError):
        await follower.refresh()
    assert follower.view().size == len(first)
    assert "checkpoint" in [alarm.kind for alarm in (await monitor.look(now=NOW)).alarms]


async def test_a_log_that_was_rewritten_after_it_was_anchored(two: Two) -> None:
    registry = two.federation.registry
    keys = [await registry.note_key()]
    await two.federation.enrol("town", types=["https://town.example/residence"])
    await two.anchor()
    entries = [bytes(entry) for entry in await registry.ledger.read(0, await registry.ledger.size()) if entry]  # type: ignore[arg-type]
    monitor = await watched(two)
    assert (await monitor.look(now=two.clock())).alarms == ()
    # The operator rewrites its log, signs the new one with its own key, and shows that to everybody who is new.
    forged = MemoryLedger()
    await forged.append([entries[0], b"another second entry", *entries[2:], b"and more", b"and more still"])
    note = await sign_checkpoint(
        forged, kms=two.federation.kms, label=registry._label, origin="log.example", now=two.clock()
    )
    await forged.put_checkpoint(None, note)
    newcomer = await watched(two, ledger=forged)
    forks = [alarm for alarm in (await newcomer.look(now=two.clock())).alarms if alarm.kind == "fork"]
    assert len(forks) == 1
    assert "of the other ledger" in forks[0].reason
    assert verify_fork(parse_fork_proof(forks[0].proof), keys=keys).first.size == len(entries)
    assert not [alarm for alarm in (await newcomer.look(now=two.clock())).alarms if alarm.kind == "fork"]


@pytest.fixture
async def two() -> Two:
    return await Two.make()


async def watched(two: Two, *, ledger: Any = None, other: Any = None, **more: Any) -> Monitor:
    registry = two.federation.registry
    keys = [await registry.note_key()]
    into = RegistryFollower(other or two.public.ledger, roots=[two.root.did], keys=[await two.public.note_key()])
    return Monitor(
        ledger or registry.ledger,
        roots=[two.ministry.did],
        keys=keys,
        anchors=AnchorWatch(into, keys=keys),
        **more,
    )


async def test_a_log_that_is_older_than_what_was_anchored_of_it(two: Two) -> None:
    registry = two.federation.registry
    old = MemoryLedger()
    await old.append([bytes(entry) for entry in await registry.ledger.read(0, await registry.ledger.size())])  # type: ignore[arg-type]
    note = await registry.ledger.checkpoint()
    assert note is not None
    await old.put_checkpoint(None, note)
    await two.federation.enrol("town", types=["https://town.example/residence"])
    anchored = await two.anchor()
    monitor = await watched(two, ledger=old)
    # It may be published a little later than it is anchored; after that it is a rollback.
    assert (await monitor.look(now=two.clock() + ANCHOR_GRACE_SECONDS)).alarms == ()
    (alarm,) = (await monitor.look(now=two.clock() + ANCHOR_GRACE_SECONDS + 1)).alarms
    assert (alarm.kind, f"entry {anchored.entry} of the other ledger" in alarm.reason) == ("anchor", True)
    assert (await monitor.look(now=two.clock() + ANCHOR_GRACE_SECONDS + 2)).alarms == ()
    monitor._ledger = registry.ledger
    assert (await monitor.look(now=two.clock() + HOUR)).alarms == ()


async def test_anchors_that_stop_and_a_ledger_of_them_that_is_away_or_lies(two: Two) -> None:
    class Away(MemoryLedger):
        async def size(self) -> int:
            raise UnavailableError("no answer")

    await two.anchor()
    monitor = await watched(two, anchor_seconds=2 * HOUR)
    assert (await monitor.look(now=two.clock() + 2 * HOUR)).alarms == ()
    assert [alarm.kind for alarm in (await monitor.look(now=two.clock() + 2 * HOUR + 1)).alarms] == ["freeze"]
    away = await watched(two, other=Away(), anchor_seconds=HOUR)
    (alarm,) = (await away.look(now=two.clock())).alarms
    assert (alarm.kind, alarm.reason) == ("freeze", "there is no anchor yet")
    false = MemoryLedger()
    await false.append([b"x"])
    public = await two.public.ledger.checkpoint()
    assert public is not None

    class Liar(MemoryLedger):
        async def checkpoint(self) -> bytes | None:
            note: bytes = public
            return note

    lied = await watched(two, other=Liar())
    assert [alarm.kind for alarm in (await lied.look(now=two.clock())).alarms] == ["anchor"]


async def test_a_ledger_of_anchors_that_is_opened_later(two: Two) -> None:
    await two.anchor()
    tries = 0

    def opened() -> RegistryFollower:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise UnavailableError("no answer")
        return RegistryFollower(two.public.ledger, roots=[two.root.did])

    registry = two.federation.registry
    keys = [await registry.note_key()]
    watch = AnchorWatch(opened, keys=keys)
    monitor = Monitor(registry.ledger, roots=[two.ministry.did], keys=keys, anchors=watch, anchor_seconds=HOUR)
    assert [alarm.kind for alarm in (await monitor.look(now=two.clock())).alarms] == ["freeze"]
    assert (await monitor.look(now=two.clock())).alarms == ()
    assert watch.newest is not None
    assert tries == 2


async def test_memory_does_not_grow_with_bodies_that_are_gone() -> None:
    class Gone(MemoryLedger):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.length = size

        async def size(self) -> int:
            return self.length

        async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
            return [Withheld(merkle.leaf_hash(b"%d" % index), "no order") for index in range(start, stop)]

        async def checkpoint(self) -> bytes | None:
            return None

    world, log = World(), Publisher(MemoryLedger())
    keys = [await log.key()]

    async def peak(size: int) -> int:
        tracemalloc.start()
        try:
            found = await Monitor(Gone(size), roots=[world.root.did], keys=keys).look(now=NOW)
            assert len(found.alarms) + found.left_out == size
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = await peak(2_000), await peak(12_000)
    assert large < small * 1.25 + 200_000

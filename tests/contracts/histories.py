"""One round of the contract suite: writers and readers over a troubled ledger, and the check of their history.

Each writer submits commitments one after the other to a registry of its own, asks again while the outcome is unknown,
and writes down what was acknowledged: a receipt that holds. A reader follows and writes down which heads it believed.
Afterwards, without faults, everything that was acknowledged is in the log once, at its place, in the order in which it
was asked for; every head that was believed is one of this log; and the rest can be submitted without any help.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec

from ssi.errors import GuardError, SsiError, UnavailableError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.receipt import verify_receipt
from ssi.registry import Registry, RegistryFollower, audit
from tests.contracts.scenes import Scene
from tests.unit.registry.world import NOW, World

ORIGIN = "contract.example/registry"
WRITERS = 3
EACH = 4
ATTEMPTS = 80


class Acknowledged(msgspec.Struct, frozen=True):
    """An entry with a receipt that holds, and when, in steps of the round, it was asked for and acknowledged."""

    index: int
    entry: bytes
    begun: int
    ended: int


class Round:
    """The history of one round."""

    def __init__(self, world: World, kms: MemoryKms, scene: Scene) -> None:
        self.world, self.kms, self.scene = world, kms, scene
        self.alarms = 0
        self.acknowledged: list[Acknowledged] = []
        self.heads: list[tuple[int, bytes]] = []
        self.open: list[bytes] = []
        self._step = 0
        self._writing = True

    def registry(self, ledger: Ledger) -> Registry:
        return _registry(self.world, self.kms, ledger, lambda: self.scene.now(ledger, NOW))

    def tick(self) -> int:
        self._step += 1
        return self._step

    async def run(self) -> list[str]:
        """Play the round; return what was violated."""
        try:
            await self._play()
        except SsiError as exc:
            return [f"the log cannot be used: {type(exc).__name__}: {exc}"]
        ledger = await self.scene.plain()
        try:
            problems = await self._check(ledger)
        except SsiError as exc:
            problems = [f"afterwards the log does not hold: {type(exc).__name__}: {exc}"]
        finally:
            await ledger.close()
        if self.alarms and not self.scene.lies:
            problems.append(f"{self.alarms} alarms, though nobody lied")
        return problems

    async def _play(self) -> None:
        first = await self.scene.plain()
        troubled: list[Ledger] = []
        try:
            registry = _registry(self.world, self.kms, first, lambda: NOW)
            for entry in self.world.entries:
                await registry.submit(entry)
            await registry.submit(self.world.agency.commit(_uri("first"), 1))
            troubled += [await self.scene.troubled() for _ in range(WRITERS + 1)]
            follower = RegistryFollower(troubled[-1], roots=[self.world.root.did], keys=registry.keys)
            await follower.refresh()  # whoever has seen nothing of a log can be shown any
            async with self.scene.trouble():
                reader = asyncio.create_task(self._read(follower))
                try:
                    await asyncio.gather(*(self._write(each, number) for number, each in enumerate(troubled[:WRITERS])))
                finally:
                    self._writing = False
                    await reader
        finally:
            for ledger in (first, *troubled):
                await ledger.close()

    async def _write(self, ledger: Ledger, number: int) -> None:
        registry = self.registry(ledger)
        for epoch in range(1, EACH + 1):
            entry, begun = self.world.agency.commit(_uri("abcdefgh"[number]), epoch), self.tick()
            for _ in range(ATTEMPTS):
                try:
                    submitted = await registry.submit(entry)
                    head = verify_receipt(submitted.receipt, entry, keys=[await registry.note_key()])
                except UnavailableError:
                    await asyncio.sleep(self.scene.pause)
                    continue
                except GuardError:
                    if not self.scene.astray:
                        self.alarms += 1
                        registry = self.registry(ledger)
                    continue
                except SsiError:  # it noticed that the ledger lies: as after an alarm, begin anew
                    self.alarms += 1
                    registry = self.registry(ledger)
                    continue
                self.heads.append((head.size, head.root))
                self.acknowledged.append(Acknowledged(submitted.receipt.entry_index, entry, begun, self.tick()))
                break
            else:
                self.open.append(entry)
                return  # later epochs would overtake it

    async def _read(self, follower: RegistryFollower) -> None:
        while self._writing:
            await asyncio.sleep(self.scene.pause)
            try:
                await follower.refresh()
            except UnavailableError:
                continue
            except SsiError:
                self.alarms += 1
                return  # it has seen that the log lies, and says so
            head = follower.checkpoint
            if head is not None and follower._checkpoint is not None:
                self.heads.append((follower._checkpoint.size, follower._checkpoint.root))

    async def _check(self, ledger: Ledger) -> list[str]:
        registry = self.registry(ledger)
        for entry in self.open:
            await registry.submit(entry)
        size = await ledger.size()
        entries = list(await ledger.read(0, size))
        problems = [f"{count} times the same entry" for count in Counter(map(bytes, entries)).values() if count > 1]  # type: ignore[arg-type]
        problems += [
            f"entry {each.index} was acknowledged and is not there"
            for each in self.acknowledged
            if entries[each.index : each.index + 1] != [each.entry]
        ]
        expected = len(self.world.entries) + 1 + len(self.acknowledged) + len(self.open)
        if size != expected:
            problems.append(f"the log has {size} entries, {expected} were submitted")
        problems += [
            f"entry {later.index} was asked for after {earlier.index} was acknowledged"
            for earlier in self.acknowledged
            for later in self.acknowledged
            if earlier.ended < later.begun and earlier.index > later.index
        ]
        for at, root in set(self.heads):
            if at > size or await merkle.root(ledger, at) != root:
                problems.append(f"a head of size {at} was believed that is none of this log")
        report = await audit(ledger, roots=[self.world.root.did], keys=[await registry.note_key()])
        return problems + [f"the audit fails: {each.reason}" for each in report.broken]


async def forked(world: World, kms: MemoryKms) -> Ledger:
    """Return another log of the same signer, longer than the one of a round becomes."""
    fork = _registry(world, kms, MemoryLedger(), lambda: NOW)
    for entry in world.entries:
        await fork.submit(entry)
    for epoch in range(1, 9):
        await fork.submit(world.agency.commit(_uri("fork"), epoch))
    return fork.ledger


def _registry(world: World, kms: MemoryKms, ledger: Ledger, now: Callable[[], int]) -> Registry:
    return Registry(ledger, roots=[world.root.did], kms=kms, checkpoint_label="log", origin=ORIGIN, now=now)


def _uri(name: str) -> str:
    return f"https://agency.example/status/{name}"


async def new_kms() -> MemoryKms:
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    return kms

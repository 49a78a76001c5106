"""Registries that share a ledger: what is done in a turn, what after it, and whose head counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.receipt import verify_receipt
from ssi.registry import Registry
from tests.unit.registry.world import NOW, World


class Turns(MemoryLedger):
    """A ledger with turns, which tells what happened in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []
        self.afterwards: list[Callable[[], Awaitable[object]]] = []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self.acts.append("turn")
        yield
        self.acts.append("end")
        while self.afterwards:
            await self.afterwards.pop()()

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        self.acts.append("append")
        return await super().append(entries, expected_size=expected_size)

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        self.acts.append("put")
        await super().put_checkpoint(old, new)


async def registries(count: int) -> tuple[Turns, World, list[Registry]]:
    """Return registries over one ledger that all have the log's key."""
    ledger, world, kms = Turns(), World(), MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    made = [
        Registry(ledger, roots=[world.root.did], kms=kms, checkpoint_label="log", origin="log.example", now=lambda: NOW)
        for _ in range(count)
    ]
    for entry in world.entries:
        await made[0].submit(entry)
    ledger.acts.clear()
    return ledger, world, made


async def test_a_turn_ends_before_the_head_is_signed() -> None:
    ledger, world, (registry,) = await registries(1)
    await registry.submit(world.agency.commit(world.URI, 1))
    assert ledger.acts == ["turn", "append", "end", "put"]


async def test_the_head_that_another_signed_meanwhile_counts() -> None:
    ledger, world, (one, two) = await registries(2)
    ledger.afterwards.append(lambda: two.submit(world.agency.commit(f"{world.URI}/2", 1)))
    entry = world.agency.commit(world.URI, 1)
    submitted = await one.submit(entry)
    assert ledger.acts == ["turn", "append", "end", "turn", "append", "end", "put"]
    head = verify_receipt(submitted.receipt, entry, keys=[await one.note_key()])
    assert (submitted.index, head.size) == (4, 6)
    assert one.view().newest_commitment(f"{world.URI}/2") is not None

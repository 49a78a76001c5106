"""Rows: statements through the admission guard onto the SQLite log, and the fold of what stands there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.registry import Registry, fold_ledger
from tests.bench.harness import Spread
from tests.bench.rows import Effort, Line, row, value_line
from tests.bench.suites.ledger import WRITERS, append_lines, directory, percentile
from tests.unit.registry.world import NOW, Organisation, World


@row("log submit")
def submit(effort: Effort) -> Iterator[Line]:
    count, rounds = (640, 2) if effort.quick else (6_400, 5)
    runs, folds = [], []
    world = World()
    agency = Organisation("p256.example", curve=Curve.P256)
    world.entries += [world.root.accredit(agency.did, "organisation"), agency.lines[0]]
    world.entries.append(world.root.accredit(agency.did, "issuer"))
    lists = [
        [agency.commit(f"https://p256.example/status/{writer}", epoch) for epoch in range(count // WRITERS)]
        for writer in range(WRITERS)
    ]
    with directory() as place:
        for number in range(rounds):
            rate, wait, fold = asyncio.run(submitted_by_many(place / f"log-{number}.db", world, lists))
            runs.append((rate, wait))
            folds.append(fold)
    others = "ES256 statements, receipt under a signed checkpoint included"
    operation = "log on SQLite through submit, acknowledged after fsync, 64 writers"
    yield from append_lines(operation, runs, at_least=2_500, others=others)
    yield value_line("fold of the same log, every signature checked", Spread.of(folds), "entries/s")


async def submitted_by_many(path: Path, world: World, lists: Sequence[Sequence[bytes]]) -> tuple[float, float, float]:
    """Return statements per second, the slowest hundredth of the waits (s), and entries folded per second."""
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = open_ledger(f"sqlite://{path}")
    roots, waits = [world.root.did], []
    registry = Registry(ledger, roots=roots, kms=kms, checkpoint_label="log", origin="bench", now=lambda: NOW)

    async def writer(mine: Sequence[bytes]) -> None:
        for entry in mine:
            begun = time.perf_counter()
            await registry.submit(entry)
            waits.append(time.perf_counter() - begun)

    try:
        for entry in world.entries:
            await registry.submit(entry)
        begun = time.perf_counter()
        await asyncio.gather(*map(writer, lists))
        taken = time.perf_counter() - begun
        begun = time.perf_counter()
        state = await fold_ledger(ledger, roots)
        folded = state.size / (time.perf_counter() - begun)
        assert not state.refusals
    finally:
        await ledger.close()
    return len(waits) / taken, percentile(waits, 99), folded

"""Rows: append to the log on an EVM chain, leaf hashes on chain, with a real node on this machine."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from ssi.ledger import Ledger
from ssi.ledger.backends.evm.contract import Mode
from tests.bench.harness import Spread
from tests.bench.rows import Absent, Effort, Line, row, value_line
from tests.bench.suites.ledger import directory, entries, percentile, written_by_many
from tests.evm import npm
from tests.evm.ledger import deployed, opened
from tests.evm.node import Node, node

PIECE = 64
TARGET = 3_500


async def in_pieces(ledger: Ledger, bodies: list[bytes]) -> tuple[float, list[float]]:
    """Append ``bodies`` from 64 tasks, 64 entries a call; return the seconds in all and those that each call waited."""
    waits: list[float] = []
    pieces = [bodies[start : start + PIECE] for start in range(0, len(bodies), PIECE)]

    async def writer(mine: list[list[bytes]]) -> None:
        for piece in mine:
            begun = time.perf_counter()
            await ledger.append(piece)
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(writer(pieces[start::64]) for start in range(64)))
    return time.perf_counter() - begun, waits


@row("evm append")
def append(effort: Effort) -> Iterator[Line]:
    count, rounds = (1_024, 1) if effort.quick else (16_384, 5)
    try:
        npm.find_anvil()
    except npm.Absent as exc:
        raise Absent(str(exc)) from exc
    with directory() as place, node() as chain:
        single, piecewise = [], []
        for number in range(rounds):
            single.append(asyncio.run(_once(chain, place / f"a{number}", entries(count), pieces=False)))
            piecewise.append(asyncio.run(_once(chain, place / f"b{number}", entries(count), pieces=True)))
        delays = asyncio.run(_final(chain, place / "final", 2 if effort.quick else 10))
    what = "log on EVM, leaf hashes on chain, in a block of the local node and in the mirror, 64 writers"
    # Of one entry a call there are never more than 64 on the way: that shows how long a turn takes, not how much fits.
    for name, runs, at_least in (("one entry a call", single, None), (f"{PIECE} entries a call", piecewise, TARGET)):
        waits = f"p99 of the wait: {statistics.median(wait for _, wait in runs) * 1000:.0f} ms"
        rates = Spread.of([rate for rate, _ in runs])
        yield value_line(f"{what}, {name}", rates, "entries/s", at_least=at_least, others=waits)
    others = "the node calls a block final two blocks later; Ethereum after two epochs, some 13 minutes"
    yield value_line("log on EVM: until final, with a block each 100 ms", Spread.of(delays), "ms", others=others)


async def _once(chain: Node, place: Path, bodies: list[bytes], *, pieces: bool) -> tuple[float, float]:
    place.mkdir()
    ledger = opened(chain, place, await deployed(chain, Mode.LEAVES), Mode.LEAVES, finality=0, poll=0.002)
    try:
        seconds, waits = await (in_pieces(ledger, bodies) if pieces else written_by_many(ledger, bodies))
        assert await ledger.size() == len(bodies)
    finally:
        await ledger.close()
    return len(bodies) / seconds, percentile(waits, 99)


async def _final(chain: Node, place: Path, rounds: int) -> list[float]:
    place.mkdir()
    ledger = opened(chain, place, await deployed(chain, Mode.LEAVES), Mode.LEAVES)
    try:
        with chain.mining(0.1):
            delays = []
            for number in range(rounds):
                begun = time.perf_counter()
                await ledger.append([number.to_bytes(8, "big")])
                delays.append((time.perf_counter() - begun) * 1000)
            return delays
    finally:
        await ledger.close()

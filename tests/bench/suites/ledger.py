"""Rows: append to the SQLite log from many writers, prove inclusion in a log of a million entries (full: ten)."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ssi.ledger import Ledger, open_ledger
from tests.bench.harness import Spread
from tests.bench.log_peers import Appends
from tests.bench.long_log import proof_lines
from tests.bench.rows import Effort, Line, row, value_line

PLACE = Path(__file__).resolve().parents[3] / ".bench"
WRITERS = 64
ENTRY_BYTES = 300


@contextmanager
def directory() -> Iterator[Path]:
    """Give a directory on the disk of the repository (a temporary one may lie in memory, where fsync is free)."""
    PLACE.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=PLACE))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def entries(count: int) -> list[bytes]:
    """Return ``count`` different entries of the size of a small signed statement."""
    draw = random.Random(count)
    return [number.to_bytes(8, "big") + draw.randbytes(ENTRY_BYTES - 8) for number in range(count)]


async def written_by_many(ledger: Ledger, bodies: Sequence[bytes]) -> tuple[float, list[float]]:
    """Append ``bodies`` one by one from 64 tasks; return the seconds in all and those that each call waited."""
    waits: list[float] = []

    async def writer(mine: Sequence[bytes]) -> None:
        for body in mine:
            begun = time.perf_counter()
            await ledger.append([body])
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(writer(bodies[start::WRITERS]) for start in range(WRITERS)))
    return time.perf_counter() - begun, waits


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value below which ``share`` percent lie."""
    return statistics.quantiles(values, n=100)[share - 1]


def append_lines(
    operation: str, runs: Sequence[tuple[float, float]], *, at_least: float, others: str, wait_ms: float = 50
) -> Iterator[Line]:
    """Return the two lines of a measured log: entries per second, and the slowest hundredth of the waits."""
    yield value_line(operation, Spread.of([rate for rate, _ in runs]), "entries/s", at_least=at_least, others=others)
    waits = Spread.of([wait * 1000 for _, wait in runs])
    yield value_line(f"{operation}: p99 of the wait", waits, "ms", at_most=wait_ms)


@row("log append")
def append(effort: Effort) -> Iterator[Line]:
    count, rounds = (2_000, 2) if effort.quick else (30_000, 7)

    async def once(path: Path, bodies: Sequence[bytes]) -> tuple[float, float]:
        ledger = open_ledger(f"sqlite://{path}")
        try:
            seconds, waits = await written_by_many(ledger, bodies)
            assert await ledger.size() == len(bodies)
        finally:
            await ledger.close()
        return len(bodies) / seconds, percentile(waits, 99)

    bodies, runs = entries(count), []
    peers = Appends(bodies, WRITERS)
    with directory() as place:
        for number in range(rounds):
            runs.append(asyncio.run(once(place / f"log-{number}.db", bodies)))
            peers.measure(place / f"peers-{number}")
        others = f"one fsync of 4 KiB: {fsync_seconds(place) * 1e6:.0f} µs; "
        others += (
            f"bare SQLite, one transaction each, synchronous=FULL: {bare_sqlite(place, bodies[:2000]):,.0f}/s; {peers}"
        )
    yield from append_lines(
        "log on SQLite, acknowledged after fsync, 64 writers, one entry a call", runs, at_least=15_000, others=others
    )


def fsync_seconds(place: Path) -> float:
    """Return the median time of writing 4 KiB and waiting for the disk."""
    times = []
    with open(place / "fsync", "wb", buffering=0) as file:
        for _ in range(50):
            begun = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def bare_sqlite(place: Path, bodies: Sequence[bytes]) -> float:
    """Return the rows per second that one connection commits, each in a transaction of its own."""
    connection = sqlite3.connect(place / "bare.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, body BLOB)")
        begun = time.perf_counter()
        for body in bodies:
            connection.execute("INSERT INTO entry (body) VALUES (?)", (body,))
        return len(bodies) / (time.perf_counter() - begun)
    finally:
        connection.close()


@row("inclusion proof")
def proofs(effort: Effort) -> Iterator[Line]:
    count = 20_000 if effort.quick else 10_000_000 if effort.full else 1_000_000
    with directory() as place:
        log, peer = place / "log", place / "pymerkle.db"
        log.mkdir()
        yield from proof_lines("SQLite", f"sqlite://{log}/log.db", count, effort.rounds, folder=log, beside=peer)

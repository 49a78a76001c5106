"""A log of millions of entries: how fast it grows, how long a proof takes, how much memory either needs.

Input:   the URL of a log that is empty, and how long it becomes.
Shapes:  memory is a process's own peak in MiB. Each reading is taken in a new process, since a peak never goes down:
         one that grows the log, one that reads all of it, recomputes its root and asks for proofs.
I/O:     processes of this program; the log. Peaks are read from /proc.
Errors:  AssertionError if what was read is not what was written.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ssi.ledger import Ledger, open_ledger
from ssi.ledger.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
from ssi.ledger.port import stream
from ssi.registry.tree import EdgeTree
from tests.bench.harness import Spread
from tests.bench.log_peers import proofs_beside_pymerkle
from tests.bench.rows import Line, value_line

SHORTER = 10
"""Memory is compared with that of a log of a tenth of the length."""

MORE_MIB = 16
"""What counts as flat: the peak of a log ten times as long is at most this much higher."""

MOST_BESIDE = 1_000_000

_CALL = 2_000


class Read(NamedTuple):
    """What a process found that read a whole log: times in milliseconds."""

    entries_per_second: float
    proofs: list[float]
    checks: list[float]
    hashes: int
    peak: float


def proof_lines(
    operation: str, url: str, count: int, rounds: int, *, folder: Path, beside: Path | None = None
) -> Iterator[Line]:
    """Grow the log at ``url`` to ``count`` entries; yield the lines of its proofs and of the memory that it takes.

    ``folder`` is where its tables are. ``beside`` is where a peer keeps its log, if one is measured. That has at most
    MOST_BESIDE entries: its proofs read the whole log.
    """
    tenth = count // SHORTER
    _, grower_before = in_new_process(grow, url, 0, tenth)
    before = in_new_process(read_all, url, tenth, rounds)
    stored = folder_bytes(folder)
    rate, grower = in_new_process(grow, url, tenth, count)
    each = (folder_bytes(folder) - stored) / (count - tenth)
    read = in_new_process(read_all, url, count, rounds)
    others = f"built at {rate:,.0f} entries/s in batches, {each:.0f} bytes on disk for each of {len(body(0))}; "
    others += f"{read.hashes} hashes read in one proof; "
    others += f"verifying one: {statistics.median(read.checks) * 1000:.0f} µs"
    if beside is not None:
        others += "; "
        if count > MOST_BESIDE:
            others += f"pymerkle: not measured beyond {MOST_BESIDE:,}"
        else:
            others += in_new_process(proofs_beside_pymerkle, url, str(beside), count, rounds, body)
    yield value_line(
        f"inclusion proof, {count:,} entries on {operation}", Spread.of(read.proofs), "ms", at_most=5, others=others
    )
    more = max(read.peak - before.peak, grower - grower_before)
    others = (
        f"peak of a process that reads all of it and proves: {read.peak:.0f} MiB; that appends it: {grower:.0f} MiB; "
    )
    others += f"read and its root recomputed at {read.entries_per_second:,.0f} entries/s"
    yield value_line(
        f"memory, {count:,} entries on {operation}, beyond that of {tenth:,}",
        Spread.of([more]),
        "MiB",
        at_most=MORE_MIB,
        others=others,
    )


def folder_bytes(folder: Path) -> int:
    """Return how long the files below ``folder`` are, as far as they stay while they are counted."""
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.stat().st_size
        except FileNotFoundError:
            continue
    return found


def in_new_process(work: Callable[..., Any], *arguments: object) -> Any:
    """Return what ``work`` returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def grow(url: str, start: int, stop: int) -> tuple[float, float]:
    """Append entries start..stop-1; return entries per second and the process's peak."""

    async def work() -> float:
        ledger = open_ledger(url)
        try:
            begun = time.perf_counter()
            for first in range(start, stop, _CALL):
                numbers = range(first, min(first + _CALL, stop))
                await ledger.append([body(number) for number in numbers])
            return (stop - start) / (time.perf_counter() - begun)
        finally:
            await ledger.close()

    return asyncio.run(work()), peak()


def read_all(url: str, count: int, rounds: int) -> Read:
    """Stream ``count`` entries, recompute their root, then prove some at random."""

    async def work() -> Read:
        ledger = open_ledger(url)
        try:
            begun = time.perf_counter()
            head = await _recomputed(ledger, count)
            rate = count / (time.perf_counter() - begun)
            assert head == await root(ledger, count)
            times, checks, length, draw = [], [], 0, random.Random(count)
            for _ in range(rounds * 10):
                index = draw.randrange(count)
                begun = time.perf_counter()
                path = await inclusion_proof(ledger, index, count)
                times.append((time.perf_counter() - begun) * 1000)
                begun = time.perf_counter()
                verify_inclusion(index, count, leaf_hash(body(index)), path, head)
                checks.append((time.perf_counter() - begun) * 1000)
                length = max(length, len(path))
            return Read(rate, times, checks, length, peak())
        finally:
            await ledger.close()

    return asyncio.run(work())


async def _recomputed(ledger: Ledger, count: int) -> bytes:
    tree, leaves = EdgeTree(), []
    async for _, entry in stream(ledger, 0, count):
        assert isinstance(entry, bytes)
        leaves.append(leaf_hash(entry))
        if len(leaves) == _CALL:
            tree.extend(leaves)
            tree.prune()
            leaves = []
    tree.extend(leaves)
    return tree.root()


def peak() -> float:
    """Return this process's peak of resident memory in MiB; 0 where the system does not say.

    Not ``ru_maxrss``: Linux has a new program begin with the peak of the one that started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def body(number: int) -> bytes:
    """Return entry ``number`` of the log."""
    return number.to_bytes(64, "big")

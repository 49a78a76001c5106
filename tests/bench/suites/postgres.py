"""Rows: two processes append to one log on PostgreSQL, bare and through the admission guard; proofs from it."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.registry import Registry
from tests.bench.long_log import proof_lines
from tests.bench.rows import Absent, Effort, Line, row
from tests.bench.suites.ledger import (
    WRITERS,
    append_lines,
    directory,
    entries,
    fsync_seconds,
    percentile,
)
from tests.contracts.postgres import Server, find_binaries
from tests.unit.registry.world import NOW, Organisation, World

PROCESSES = 2
SECRET = bytes(range(32))  # Both processes sign the one log's heads.

Run = tuple[float, float]
Work = Callable[..., tuple[float, float, list[float]]]


@contextmanager
def database() -> Iterator[tuple[Server, float]]:
    """Start a server on the disk of the repository; give it and what one fsync costs there."""
    if find_binaries() is None:
        raise Absent("PostgreSQL is not installed here")
    with directory() as place:
        place.chmod(0o755)
        server = Server(place)
        try:
            yield server, fsync_seconds(place)
        finally:
            server.remove()


@row("log append, PostgreSQL")
def append(effort: Effort) -> Iterator[Line]:
    count, rounds = (2_000, 2) if effort.quick else (30_000, 7)
    bodies, runs = entries(count), []
    with database() as (server, fsync):
        for _ in range(rounds):
            url = server.url()
            asyncio.run(open_ledger(url).close())
            runs.append(in_processes(append_in_process, [(url, bodies[i::PROCESSES]) for i in range(PROCESSES)]))
    operation = f"log on PostgreSQL, acknowledged after commit, {WRITERS} writers in {PROCESSES} processes"
    others = f"one fsync of 4 KiB: {fsync * 1e6:.0f} µs; server and writers share the machine"
    yield from append_lines(operation, runs, at_least=10_000, others=others, wait_ms=100)


@row("log submit, PostgreSQL")
def submit(effort: Effort) -> Iterator[Line]:
    count, rounds = (640, 2) if effort.quick else (6_400, 5)
    world, agency = World(), Organisation("p256.example", curve=Curve.P256)
    world.entries += [world.root.accredit(agency.did, "organisation"), agency.lines[0]]
    world.entries.append(world.root.accredit(agency.did, "issuer"))
    lists = [
        [agency.commit(f"https://p256.example/status/{writer}", epoch) for epoch in range(count // WRITERS)]
        for writer in range(WRITERS)
    ]
    runs = []
    with database() as (server, _):
        for _ in range(rounds):
            url = server.url()
            asyncio.run(submit_all(url, world.root.did, [world.entries]))
            arguments = [(url, world.root.did, lists[i::PROCESSES]) for i in range(PROCESSES)]
            runs.append(in_processes(submit_in_process, arguments))
    operation = f"log on PostgreSQL through submit, {WRITERS} writers in {PROCESSES} processes"
    others = "ES256 statements; each process checks every signature; receipt under a signed checkpoint included"
    yield from append_lines(operation, runs, at_least=2_500, others=others, wait_ms=100)


@row("inclusion proof, PostgreSQL")
def proofs(effort: Effort) -> Iterator[Line]:
    count = 20_000 if effort.quick else 10_000_000 if effort.full else 1_000_000
    with database() as (server, _):
        yield from proof_lines("PostgreSQL", server.url(), count, effort.rounds, folder=server.data / "base")


def in_processes(work: Work, arguments: Sequence[tuple[Any, ...]]) -> Run:
    """Run ``work`` in one process for each of ``arguments``, all at once; return entries per second and p99 (s)."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(len(arguments)) as pool:
        together = manager.Barrier(len(arguments))
        parts = pool.starmap(work, [(*each, together) for each in arguments])
    waits = [wait for _, _, part in parts for wait in part]
    seconds = max(end for _, end, _ in parts) - min(begin for begin, _, _ in parts)
    return len(waits) / seconds, percentile(waits, 99)


def append_in_process(url: str, bodies: Sequence[bytes], together: Any) -> tuple[float, float, list[float]]:
    """Append ``bodies`` one by one from this process's share of the writers."""
    waits: list[float] = []
    tasks = WRITERS // PROCESSES

    async def run() -> tuple[float, float]:
        ledger = open_ledger(url)

        async def writer(mine: Sequence[bytes]) -> None:
            for body in mine:
                begun = time.perf_counter()
                await ledger.append([body])
                waits.append(time.perf_counter() - begun)

        together.wait()
        begin = time.time()
        await asyncio.gather(*(writer(bodies[start::tasks]) for start in range(tasks)))
        end = time.time()
        await ledger.close()
        return begin, end

    return (*asyncio.run(run()), waits)


def submit_in_process(
    url: str, root: str, lists: Sequence[Sequence[bytes]], together: Any
) -> tuple[float, float, list[float]]:
    """Submit each of ``lists`` by a writer of its own."""
    return asyncio.run(submit_all(url, root, lists, together))


async def submit_all(
    url: str, root: str, lists: Sequence[Sequence[bytes]], together: Any = None
) -> tuple[float, float, list[float]]:
    """Submit each of ``lists`` by a writer of its own; return begin, end and the waits."""
    kms, ledger, waits = MemoryKms(), open_ledger(url), []
    await kms.add("log", PrivateKey.from_raw(Curve.ED25519, SECRET), purpose=KeyPurpose.CHECKPOINT)
    registry = Registry(ledger, roots=[root], kms=kms, checkpoint_label="log", origin="bench", now=lambda: NOW)

    async def writer(mine: Sequence[bytes]) -> None:
        for entry in mine:
            begun = time.perf_counter()
            await registry.submit(entry)
            waits.append(time.perf_counter() - begun)

    try:
        await registry.refresh()
        if together is not None:
            together.wait()
        begin = time.time()
        await asyncio.gather(*map(writer, lists))
        return begin, time.time(), waits
    finally:
        await ledger.close()

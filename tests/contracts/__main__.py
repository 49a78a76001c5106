"""Run the contract suite with faults over every backend, and print backend x fault x rounds x violations.

    python -m tests.contracts --rounds 25

Backends run side by side, each in a process of its own. A round that fails is named by its seed, with which it can be
run again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence

import msgspec
from _pytest.outcomes import Skipped

from tests.contracts.backends import BACKENDS, load
from tests.contracts.rows import HEADING, Row, rows

SHOWN = 5
"""Violations of one line that are printed."""


async def one(name: str, *, rounds: int, seed: int) -> None:
    """Play one backend; write each line of the table as JSON."""
    try:
        backend = load(name)
    except Skipped as exc:
        print(msgspec.json.encode(Row(name, "everything", left_out=str(exc))).decode(), flush=True)
        return
    async for row in rows(backend, rounds=rounds, seed=seed):
        print(msgspec.json.encode(row).decode(), flush=True)


async def every(names: Sequence[str], *, rounds: int, seed: int, jobs: int) -> list[Row]:
    """Play backends side by side; return the lines of the table, printed as they come."""
    found: list[Row] = []
    turn = asyncio.Semaphore(jobs)

    async def play(name: str) -> None:
        command = ["-m", "tests.contracts", "--one", name, "--rounds", str(rounds), "--seed", str(seed)]
        async with turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdout=asyncio.subprocess.PIPE, limit=1 << 20
            )
            assert process.stdout is not None
            async for line in process.stdout:
                found.append(msgspec.json.decode(line, type=Row))
                tell(found[-1])
            if await process.wait():
                found.append(Row(name, "everything", violations=["the suite itself failed"]))
                tell(found[-1])

    print(HEADING, flush=True)
    await asyncio.gather(*map(play, names))
    return found


def tell(row: Row) -> None:
    """Print a line, and what was violated."""
    print(row.text(), flush=True)
    for line in row.violations[:SHOWN]:
        print(f"    {line}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=25, help="of each fault at the port; fewer below it")
    parser.add_argument("--backend", action="append", choices=sorted(BACKENDS), help="by default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="backends side by side")
    parser.add_argument("--one", choices=sorted(BACKENDS), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        asyncio.run(one(given.one, rounds=given.rounds, seed=given.seed))
        return 0
    begun = time.monotonic()
    names = given.backend or list(BACKENDS)
    found = asyncio.run(every(names, rounds=given.rounds, seed=given.seed, jobs=given.jobs))
    for name in names:
        print(f"{name}: {summary([row for row in found if row.backend == name])}")
    print(f"all: {summary(found)}, {time.monotonic() - begun:.0f} s")
    return 1 if any(row.violations for row in found) else 0


def summary(found: Sequence[Row]) -> str:
    """Return what some lines of the table come to."""
    played, violations = [row for row in found if row.rounds], sum(len(row.violations) for row in found)
    return (
        f"{len(played)} faults, {len(found) - len(played)} left out for the reasons above,"
        f" {sum(row.rounds for row in played)} rounds, {violations} violations"
    )


if __name__ == "__main__":
    sys.exit(main())

"""Run the contract suite with faults over every backend, and print backend x fault x rounds x violations.

    python -m tests.contracts --rounds 25

A round that fails is named by its seed, with which it can be run again.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from _pytest.outcomes import Skipped

from ssi.testing.faulty_ledger import Fault
from tests.contracts.backends import BACKENDS, Backend, load
from tests.contracts.histories import Round, new_kms
from tests.unit.registry.world import World


class Row(msgspec.Struct):
    """One line of the table."""

    backend: str
    fault: str
    rounds: int = 0
    injected: int = 0
    acknowledged: int = 0
    alarms: int = 0
    left_out: str = ""
    seconds: float = 0
    violations: list[str] = []


async def wrapped(backend: Backend, fault: Fault, *, rounds: int, seed: int) -> Row:
    """Run rounds with a fault between library and backend."""
    row, world, kms = Row(backend.name, str(fault)), World(), await new_kms()
    for number in range(rounds):
        one = Round(world, kms, fault, seed + number)
        with tempfile.TemporaryDirectory(prefix="contract-") as place:
            found = await one.run(backend, Path(place))
        row.rounds += 1
        row.injected += one.injected
        row.acknowledged += len(one.acknowledged)
        row.alarms += one.alarms
        row.violations += [f"seed {seed + number}: {each}" for each in found]
    return row


async def native(backend: Backend, name: str, *, rounds: int, seed: int) -> Row:
    """Run rounds of a backend's own fault."""
    row = Row(backend.name, f"{name} (below the port)")
    for number in range(rounds):
        place = Path(tempfile.mkdtemp(prefix="contract-"))
        try:
            found = await backend.native[name](place, seed + number)
        except Skipped as exc:
            row.left_out = str(exc)
            break
        finally:
            shutil.rmtree(place, ignore_errors=True)
        row.rounds += 1
        row.violations += [f"seed {seed + number}: {each}" for each in found]
    return row


async def run(names: Sequence[str], *, rounds: int, seed: int) -> list[Row]:
    """Return one row for each backend and fault, printed as they come."""
    rows = []
    print(f"{'backend':9} {'fault':32} {'rounds':>6} {'injected':>8} {'acked':>6} {'alarms':>6} {'violations':>10}")
    for name in names:
        try:
            backend = load(name)
        except Skipped as exc:
            print(f"{name:9} left out: {exc}")
            continue
        jobs = [wrapped(backend, fault, rounds=rounds, seed=seed) for fault in Fault]
        jobs += [native(backend, fault, rounds=max(1, rounds // 5), seed=seed) for fault in backend.native]
        for job in jobs:
            begin = time.monotonic()
            row = await job
            row.seconds = time.monotonic() - begin
            rows.append(row)
            print(
                f"{row.backend:9} {row.fault:32} {row.rounds:6} {row.injected:8} {row.acknowledged:6} {row.alarms:6}"
                f" {len(row.violations):10}   {row.seconds:.1f} s {row.left_out and 'left out: ' + row.left_out}",
                flush=True,
            )
            for line in row.violations[:5]:
                print(f"    {line}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=25, help="of each fault; a fifth of that below the port")
    parser.add_argument("--backend", action="append", choices=sorted(BACKENDS), help="by default all")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    rows = asyncio.run(run(given.backend or list(BACKENDS), rounds=given.rounds, seed=given.seed))
    violations = sum(len(row.violations) for row in rows)
    print(f"{sum(row.rounds for row in rows)} rounds, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())

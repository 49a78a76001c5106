"""Kill processes at random moments and look whether anything that they acknowledged is lost.

    python -m tests.tools.crash --rounds 1000

Each round forks some processes that work on one directory, kills them with SIGKILL after a random time, and checks
what is left; every directory serves a number of rounds, and ends with a whole audit. A kill leaves the page cache in
place, so this shows that no state in between is wrong; that bytes reach the disk first is shown by the test that traces
system calls (tests/unit/ledger/test_durability.py).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.tools.workloads import ON_REQUEST, WORKLOADS, Workload, make

ROUNDS_PER_DIRECTORY = 50
THOROUGH_EVERY = 10
LONGEST_RUN_SECONDS = 0.1


class Child:
    """A forked process that runs the workload, and the pipe on which it acknowledges."""

    def __init__(self, workload: Workload, directory: Path, seed: int) -> None:
        self.pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            _work(workload, directory, seed, write)
        os.close(write)
        self.output = bytearray()

    def read(self) -> bool:
        """Take what is in the pipe; return False at its end."""
        part = os.read(self.pipe, 1 << 16)
        self.output += part
        return bool(part)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> list[str]:
        """Return every line that got out, once the process is gone."""
        while self.read():
            pass
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        return self.output.decode().splitlines()


def _work(workload: Workload, directory: Path, seed: int, pipe: int) -> None:
    """Run in the child and never return."""

    def acknowledge(line: str) -> None:
        # A write below PIPE_BUF is whole or absent.
        os.write(pipe, line.encode() + b"\n")

    try:
        asyncio.run(workload.run(directory, seed=seed, acknowledge=acknowledge))
    except BaseException:
        acknowledge("failed " + traceback.format_exc()[-1500:].replace("\n", " | "))
    finally:
        os._exit(1)


def run_round(workload: Workload, directory: Path, rng: random.Random, processes: int) -> list[str]:
    """Start, wait, kill; return all lines acknowledged."""
    children = [Child(workload, directory, rng.randrange(1 << 48)) for _ in range(processes)]
    waiting = {child.pipe: child for child in children}
    longest = getattr(workload, "longest_run_seconds", LONGEST_RUN_SECONDS)
    deadlines = {child.pipe: time.monotonic() + rng.uniform(0, longest) for child in children}
    while deadlines:
        rest = max(0.0, min(deadlines.values()) - time.monotonic())
        for pipe in select.select(list(waiting), [], [], rest)[0]:
            if not waiting[pipe].read():
                del waiting[pipe]
        for pipe in [pipe for pipe, when in deadlines.items() if when <= time.monotonic()]:
            next(child for child in children if child.pipe == pipe).kill()
            del deadlines[pipe]
    return [line for child in children for line in child.reap()]


def run_directory(name: str, rounds: int, rng: random.Random, processes: int) -> tuple[int, list[str]]:
    """Run ``rounds`` rounds on one new directory; return how many lines were acknowledged, and what is wrong."""
    directory = Path(tempfile.mkdtemp(prefix=f"crash-{name}-"))
    workload = make(name)
    try:
        return _run_rounds(workload, directory, rounds, rng, processes)
    finally:
        getattr(workload, "close", lambda: None)()


def _run_rounds(
    workload: Workload, directory: Path, rounds: int, rng: random.Random, processes: int
) -> tuple[int, list[str]]:
    count = 0
    for number in range(1, rounds + 1):
        lines = run_round(workload, directory, rng, processes)
        count += len(lines)
        thorough = number % THOROUGH_EVERY == 0 or number == rounds
        problems = [line for line in lines if line.startswith("failed ")]
        good = [line for line in lines if not line.startswith("failed ")]
        problems += asyncio.run(workload.check(directory, good, thorough=thorough))
        if problems:
            return count, [*problems[:10], f"round {number} of {rounds}; kept for a look: {directory}"]
    shutil.rmtree(directory)
    return count, []


def run(name: str, *, rounds: int, seed: int, processes: int) -> list[str]:
    """Run a workload; print one line about it and return what is wrong."""
    rng = random.Random(seed)
    begin = time.monotonic()
    done = acknowledged = 0
    while done < rounds:
        part = min(ROUNDS_PER_DIRECTORY, rounds - done)
        count, problems = run_directory(name, part, rng, processes)
        acknowledged += count
        if problems:
            return problems
        done += part
    seconds = time.monotonic() - begin
    print(
        f"{name}: {done} rounds, {done * processes} processes killed, {acknowledged} acknowledgements,"
        f" none lost, audits clean, {seconds:.0f} s (seed {seed})",
        flush=True,
    )
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=1000, help="of each workload")
    parser.add_argument(
        "--workload", action="append", choices=sorted(WORKLOADS), help="by default all that need no other program"
    )
    parser.add_argument("--processes", type=int, default=2, help="that work on one directory at once")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args(arguments)
    failed = False
    for name in options.workload or [name for name in WORKLOADS if name not in ON_REQUEST]:
        problems = run(name, rounds=options.rounds, seed=options.seed, processes=options.processes)
        for line in problems:
            failed = True
            print(f"{name}: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

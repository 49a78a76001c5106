"""Processes that work on a ledger of any URL while system calls fail or they are killed, for the contract suite.

Input:   a URL; a seed.
I/O:     traces by strace, forks and kills; ``tests.needs`` decides where that cannot be done.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile

from ssi.errors import SsiError
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.storage import verify_storage
from tests import needs
from tests.contracts.backends import Outcome
from tests.tools import crash
from tests.tools.strace import REPOSITORY

_WRITER = """
import asyncio, sys
from ssi.errors import UnavailableError
from ssi.ledger import open_ledger

async def main(url, name):
    for _ in range(9):
        try:
            ledger = open_ledger(url)
        except UnavailableError:
            continue
        break
    for number in range(40):
        entries = [f"{name}/{number}/{part}".encode() * 40 for part in range(1 + number % 3)]
        for _ in range(6):
            try:
                indexes = await ledger.append(entries)
            except UnavailableError:
                continue
            for index, entry in zip(indexes, entries):
                print("ACK", index, entry.decode(), flush=True)
            break

asyncio.run(main(*sys.argv[1:]))
"""


async def traced(url: str, seed: int, fault: str, *, every: tuple[int, int] = (15, 40)) -> Outcome:
    """Let system calls of a writing process fail by strace, then look for what it acknowledged.

    ``every`` is in how many calls one fails, at least and at most: more than one append takes, else none ever succeeds.
    """
    needs.programs("strace")
    rng = random.Random(seed)
    acknowledged: list[tuple[int, bytes]] = []
    injected = 0
    for run in range(2):
        when = f"{rng.randint(1, 60)}+{rng.randint(*every)}"
        with tempfile.NamedTemporaryFile("r", prefix="trace-") as trace:
            command = ["strace", "-f", "-q", "-o", trace.name, "-e", "trace=pwrite64,fdatasync,fsync"]
            command += ["-e", f"inject={fault}:when={when}", sys.executable, "-c", _WRITER, url, f"{seed}.{run}"]
            done = await asyncio.to_thread(
                subprocess.run, command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
            )
            injected += trace.read().count("(INJECTED)")
        if "Traceback" in done.stderr:
            return Outcome(problems=[f"{fault} at {when}: {done.stderr[-500:]}"], injected=injected)
        for line in done.stdout.splitlines():
            _, index, entry = line.split(" ", 2)
            acknowledged.append((int(index), entry.encode()))
    problems = await _acknowledged(url, acknowledged) if acknowledged else ["nothing was written at all"]
    return Outcome(problems=problems, injected=injected, acknowledged=len(acknowledged))


async def _acknowledged(url: str, acknowledged: list[tuple[int, bytes]]) -> list[str]:
    ledger = open_ledger(url)
    try:
        size = await ledger.size()
        entries = list(await ledger.read(0, size))
        problems = [f"entry {index} is lost" for index, entry in acknowledged if entries[index : index + 1] != [entry]]
        if len(set(entries)) != size:
            problems.append("an entry is there twice")
        await verify_storage(ledger)
    except SsiError as exc:
        return [f"the ledger does not hold: {exc}"]
    finally:
        await ledger.close()
    return problems


async def signed(ledger: Ledger, kms: MemoryKms, name: str, count: int) -> None:
    """Append entries, sign the head after each, and close."""
    for number in range(count):
        await ledger.append([f"{name}/{number}".encode()])
        note = await sign_checkpoint(ledger, kms=kms, label="log", origin="contract.example")
        await ledger.put_checkpoint(await ledger.checkpoint(), note)
    await ledger.close()


async def killed(workload: str, seed: int, *, rounds: int = 2, processes: int = 2) -> Outcome:
    """Kill processes that share a log."""
    needs.fork()
    count, problems = await asyncio.to_thread(crash.run_directory, workload, rounds, random.Random(seed), processes)
    return Outcome(problems=problems, injected=rounds * processes, acknowledged=count)

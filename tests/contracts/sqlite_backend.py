"""The SQLite backend, for the contract suite, with what happens to its process, its disk and its file."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
from pathlib import Path

from ssi.errors import InclusionProofError, SsiError
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.storage import verify_storage
from tests import needs
from tests.contracts.backends import Backend
from tests.tools import crash, unsynced
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


def backend() -> Backend:
    return Backend(
        name="sqlite",
        open=_open,
        native={
            "disk full": _disk_full,
            "fsync error": _fsync_error,
            "rollback": _rollback,
            "kill -9": _kill,
            "unsynced subsets": unsynced.violations,
        },
    )


async def _open(place: Path) -> Ledger:
    return open_ledger(f"sqlite://{place}/log.db")


async def _disk_full(place: Path, seed: int) -> list[str]:
    return await _injected(place, seed, "pwrite64:error=ENOSPC")


async def _fsync_error(place: Path, seed: int) -> list[str]:
    return await _injected(place, seed, "fdatasync,fsync:error=EIO")


async def _injected(place: Path, seed: int, fault: str) -> list[str]:
    """Let system calls of a writing process fail by strace, then look for what it acknowledged."""
    needs.programs("strace")
    rng = random.Random(seed)
    acknowledged: list[tuple[int, bytes]] = []
    for run in range(2):
        when = f"{rng.randint(1, 60)}+{rng.randint(15, 40)}"
        command = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync"]
        command += ["-e", f"inject={fault}:when={when}", sys.executable, "-c", _WRITER]
        command += [f"sqlite://{place}/log.db", f"{seed}.{run}"]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
        )
        if "Traceback" in done.stderr:
            return [f"{fault} at {when}: {done.stderr[-500:]}"]
        for line in done.stdout.splitlines():
            _, index, entry = line.split(" ", 2)
            acknowledged.append((int(index), entry.encode()))
    if not acknowledged:
        return [f"{fault}: nothing was written at all"]
    return await _acknowledged(place, acknowledged)


async def _acknowledged(place: Path, acknowledged: list[tuple[int, bytes]]) -> list[str]:
    ledger = open_ledger(f"sqlite://{place}/log.db")
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


async def _rollback(place: Path, seed: int) -> list[str]:
    """Put an older copy of the database back: unless nothing was signed since, it is refused at start."""
    from ssi.keys import Curve, KeyPurpose
    from ssi.keys.backends.memory import MemoryKms
    from ssi.ledger.checkpoint import sign_checkpoint

    rng, kms = random.Random(seed), MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)

    async def write(name: str, count: int) -> None:
        ledger = await _open(place)
        for number in range(count):
            await ledger.append([f"{name}/{number}".encode()])
            note = await sign_checkpoint(ledger, kms=kms, label="log", origin="contract.example")
            await ledger.put_checkpoint(await ledger.checkpoint(), note)
        await ledger.close()

    await write("first", rng.randint(0, 20))
    shutil.copy(place / "log.db", place / "old.db")
    more = rng.randint(0, 3)
    await write("then", more)
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (place / name).unlink(missing_ok=True)
    shutil.move(place / "old.db", place / "log.db")
    try:
        await (await _open(place)).close()
    except InclusionProofError:
        return [] if more else ["a database that is the newest was refused"]
    return ["an older database was opened"] if more else []


async def _kill(place: Path, seed: int) -> list[str]:
    needs.fork()
    return (await asyncio.to_thread(crash.run_directory, "append", 2, random.Random(seed), 2))[1]

"""The SQLite backend, for the contract suite, with what happens to its process, its disk and its file."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from ssi.errors import InclusionProofError
from ssi.ledger import Ledger, open_ledger
from tests.contracts.backends import Backend, Outcome
from tests.contracts.histories import new_kms
from tests.contracts.processes import killed, signed, traced
from tests.tools import unsynced


def backend() -> Backend:
    return Backend(
        name="sqlite",
        open=_open,
        native={
            "disk full": _disk_full,
            "fsync error": _fsync_error,
            "rollback": _rollback,
            "kill -9": _kill,
            "unsynced subsets": _unsynced,
        },
    )


async def _open(place: Path, seed: int = 0) -> Ledger:
    return open_ledger(f"sqlite://{place}/log.db")


async def _disk_full(place: Path, seed: int) -> Outcome:
    return await traced(f"sqlite://{place}/log.db", seed, "pwrite64:error=ENOSPC")


async def _fsync_error(place: Path, seed: int) -> Outcome:
    return await traced(f"sqlite://{place}/log.db", seed, "fdatasync,fsync:error=EIO")


async def _rollback(place: Path, seed: int) -> Outcome:
    """Put an older copy of the database back: unless nothing was signed since, it is refused at start."""
    rng, kms = random.Random(seed), await new_kms()
    await signed(await _open(place), kms, "first", rng.randint(0, 20))
    shutil.copy(place / "log.db", place / "old.db")
    more = seed % 4
    await signed(await _open(place), kms, "then", more)
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (place / name).unlink(missing_ok=True)
    shutil.move(place / "old.db", place / "log.db")
    try:
        await (await _open(place)).close()
    except InclusionProofError:
        problems = [] if more else ["a database that is the newest was refused"]
        return Outcome(problems=problems, injected=1, acknowledged=more, alarms=1)
    return Outcome(problems=["an older database was opened"] if more else [], injected=1, acknowledged=more)


async def _kill(place: Path, seed: int) -> Outcome:
    return await killed("append", seed, rounds=6)


async def _unsynced(place: Path, seed: int) -> Outcome:
    images, problems = await unsynced.replay(place, seed, appends=6)
    return Outcome(problems=problems, injected=images)

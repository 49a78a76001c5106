"""What happens to the mirror of an EVM log and to its process: killed, a full disk, a failing disk, an older backup.

With leaf hashes on chain the mirror holds the only copy of a body, which is durable before the chain learns of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

from ssi.errors import UnavailableError
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLedger
from ssi.ledger.storage import verify_storage
from tests.contracts.backends import Outcome, Play
from tests.contracts.evm_nodes import mode_of
from tests.contracts.histories import new_kms
from tests.contracts.processes import killed, signed, traced
from tests.evm.ledger import deployed, opened, url
from tests.evm.node import node
from tests.tools import unsynced


async def _kill(place: Path, seed: int) -> Outcome:
    return await killed("evm", seed, rounds=3)


async def _disk_full(place: Path, seed: int) -> Outcome:
    return await _traced(place, seed, "pwrite64:error=ENOSPC", (80, 200))


async def _fsync_error(place: Path, seed: int) -> Outcome:
    return await _traced(place, seed, "fdatasync,fsync:error=EIO", (15, 40))


async def _traced(place: Path, seed: int, fault: str, every: tuple[int, int]) -> Outcome:
    with node() as chain:
        address = await deployed(chain, mode_of(seed))
        return await traced(url(chain, place, address, mode_of(seed), finality=0), seed, fault, every=every)


async def _rollback(place: Path, seed: int) -> Outcome:
    """Put an older mirror back: the chain fills it up; bodies that are nowhere else are named, never made up."""
    rng, mode, kms, problems = Random(seed), mode_of(seed), await new_kms(), list[str]()
    with node() as chain:
        address = await deployed(chain, mode)

        def again(**options: object) -> EvmLedger:
            return opened(chain, place, address, mode, finality=0, **options)

        count, more = rng.randint(0, 10), rng.randint(1, 4)
        await signed(again(), kms, "first", count)
        await again().close()
        shutil.copy(place / "mirror.db", place / "old.db")
        await signed(again(), kms, "then", more)
        for name in ("mirror.db", "mirror.db-wal", "mirror.db-shm"):
            (place / name).unlink(missing_ok=True)
        shutil.move(place / "old.db", place / "mirror.db")
        entries = [b"first/%d" % number for number in range(count)] + [b"then/%d" % number for number in range(more)]
        ledger = again()
        try:
            problems += await _restored(ledger, mode, entries, count)
        finally:
            await ledger.close()
    return Outcome(problems=problems, injected=1, acknowledged=len(entries))


async def _restored(ledger: EvmLedger, mode: Mode, entries: list[bytes], count: int) -> list[str]:
    problems = []
    if await ledger.size() != len(entries):
        problems.append("the chain did not fill up an older mirror")
    if mode is Mode.LEAVES:
        if list(await ledger.missing()) != list(range(count, len(entries))):
            problems.append("the missing bodies are not those that came after the backup")
        try:
            problems.append(f"a body that is nowhere was read: {await ledger.read(count, count + 1)!r}")
        except UnavailableError:
            await ledger.supply(entries)
    if list(await ledger.read(0, len(entries))) != entries:
        problems.append("the log is not what was acknowledged")
    if list(await ledger.append(entries)) != list(range(len(entries))):
        problems.append("an entry that was asked for again has another place")
    await verify_storage(ledger)
    return problems


async def _unsynced(place: Path, seed: int) -> Outcome:
    """Cut the power at every moment of a run; the chain has gone on to its end when the mirror is opened again."""
    mode = mode_of(seed + 1)
    with node() as chain:
        address = await deployed(chain, mode)
        images, problems = await unsynced.replay(
            place,
            seed,
            appends=2,
            url=lambda folder: url(chain, folder, address, mode, finality=0),
            images_each=4,
        )
    return Outcome(problems=problems, injected=images)


FAULTS: Final[Mapping[str, Play]] = {
    "disk full": _disk_full,
    "fsync error": _fsync_error,
    "rollback": _rollback,
    "kill -9": _kill,
    "unsynced subsets": _unsynced,
}

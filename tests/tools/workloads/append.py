"""Append entries and sign heads on one ledger (SQLite here), from several tasks, until killed."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ssi.errors import ConflictError, SsiError, UnavailableError
from ssi.keys import Curve, PrivateKey
from ssi.ledger import Ledger, Withheld, merkle, open_ledger, stream
from ssi.ledger.checkpoint import Checkpoint, NoteKey, build_note, checkpoint_text, verify_note
from ssi.ledger.port import MAX_READ
from ssi.ledger.storage import verify_storage
from tests.tools.workloads import Acknowledge

ORIGIN = "crash.example/log"
TASKS = 8


class Workload:
    """Each task appends ``seed/task/number`` and waits for the answer; one task signs heads."""

    def __init__(self) -> None:
        self._private = PrivateKey.generate(Curve.ED25519)
        self._key = NoteKey(ORIGIN, self._private.public_key)
        self._signed = 0

    def open(self, directory: Path) -> Ledger:
        """Open the ledger that the processes share."""
        return open_ledger(f"sqlite://{directory}/log.db")

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        rng = random.Random(seed)
        ledger = self.open(directory)
        tasks = [self._append(ledger, f"{seed}/{task}", rng.random(), acknowledge) for task in range(TASKS)]
        await asyncio.gather(self._sign(ledger, acknowledge), *tasks)

    async def _append(self, ledger: Ledger, name: str, several: float, acknowledge: Acknowledge) -> None:
        number = 0
        while True:
            count = 1 if several < 0.7 else 5
            entries = [f"{name}/{number + i}".encode() for i in range(count)]
            try:
                indexes = await ledger.append(entries)
            except UnavailableError:
                continue  # The outcome is unknown: the same entries again.
            for index, entry in zip(indexes, entries, strict=True):
                acknowledge(f"entry {index} {entry.decode()}")
            number += count

    async def _sign(self, ledger: Ledger, acknowledge: Acknowledge) -> None:
        while True:
            try:
                old = await ledger.checkpoint()
                size = await ledger.size()
                text = checkpoint_text(Checkpoint(ORIGIN, size, await merkle.root(ledger, size)))
                await ledger.put_checkpoint(old, build_note(text, [(self._key, self._private.sign(text))]))
            except (ConflictError, UnavailableError):
                await asyncio.sleep(0)
                continue  # The other process was faster.
            acknowledge(f"head {size}")
            await asyncio.sleep(0.001)

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        try:
            ledger = self.open(directory)
        except SsiError as exc:
            return [f"the ledger does not open: {exc}"]
        try:
            problems = await self._check_acknowledged(ledger, acknowledged)
            if thorough:
                problems += await self._audit(ledger)
            return problems
        finally:
            await ledger.close()

    async def _check_acknowledged(self, ledger: Ledger, acknowledged: Sequence[str]) -> list[str]:
        wanted: list[tuple[int, bytes]] = []
        for line in acknowledged:
            kind, _, rest = line.partition(" ")
            if kind == "head":
                self._signed = max(self._signed, int(rest))
                continue
            index, _, entry = rest.partition(" ")
            wanted.append((int(index), entry.encode()))
        found = await self._found(ledger, [index for index, _ in wanted])
        problems = [
            f"acknowledged and lost: entry {index} {entry.decode()}"
            for index, entry in wanted
            if found.get(index) != entry
        ]
        note = await ledger.checkpoint()
        signed = verify_note(note, keys=[self._key]).size if note else 0
        if signed < self._signed:
            problems.append(f"a head of size {self._signed} was acknowledged, {signed} is stored")
        return problems

    async def _found(self, ledger: Ledger, indexes: Sequence[int]) -> dict[int, bytes | Withheld]:
        """Return the entries from the first to the last of ``indexes``: those of one round lie close together."""
        first, stop = min(indexes, default=0), min(max(indexes, default=-1) + 1, await ledger.size())
        found: dict[int, bytes | Withheld] = {}
        for start in range(first, stop, MAX_READ):
            found.update(enumerate(await ledger.read(start, min(start + MAX_READ, stop)), start))
        return found

    async def _audit(self, ledger: Ledger) -> list[str]:
        try:
            await verify_storage(ledger, keys=[self._key])
        except SsiError as exc:
            return [f"the audit fails: {exc}"]
        # Each task waits for its answer, so its entries stand in the log once, in order and without a gap.
        numbers: dict[str, int] = defaultdict(int)
        problems = []
        async for index, entry in stream(ledger):
            assert isinstance(entry, bytes)
            name, _, number = entry.decode().rpartition("/")
            if numbers[name] != int(number):
                problems.append(f"entry {index} is {entry.decode()}, number {numbers[name]} was next")
            numbers[name] = int(number) + 1
        return problems

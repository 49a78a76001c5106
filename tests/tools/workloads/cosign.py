"""Ask a witness to cosign heads of two histories of one log, until killed: it ever only cosigns one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ssi.errors import SizeConflictError, SsiError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import merkle
from ssi.ledger.backends.heads_sqlite import SqliteHeadStore
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import Checkpoint, NoteKey, build_note, checkpoint_text, parse_checkpoint, parse_note
from ssi.ledger.witness import AddCheckpoint, LogWitness, build_add_checkpoint
from tests.tools.workloads import Acknowledge

ORIGIN = "crash.example/witnessed"
NAMES = (b"honest", b"forged")
LENGTH = 1_000


class Workload:
    """Each process has both histories, which agree in no entry, and offers a head of either in turn."""

    longest_run_seconds = 0.8

    def __init__(self) -> None:
        self._private = PrivateKey.generate(Curve.ED25519)
        self._key = NoteKey(ORIGIN, self._private.public_key)
        self._cosigned: dict[int, str] = {}

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        logs = [MemoryLedger() for _ in NAMES]
        for log, name in zip(logs, NAMES, strict=True):
            await log.append([b"%s/%d" % (name, index) for index in range(LENGTH)])
        store = await SqliteHeadStore.open(directory / "heads.db")
        kms = MemoryKms()
        await kms.generate("w", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS)
        witness = LogWitness(name="witness.example/w", kms=kms, label="w", store=store, logs=[self._key])
        tasks = [self._ask(witness, logs, seed + task, acknowledge) for task in range(4)]
        await asyncio.gather(*tasks)

    async def _ask(
        self, witness: LogWitness, logs: Sequence[MemoryLedger], number: int, acknowledge: Acknowledge
    ) -> None:
        old = 0
        while True:
            number += 1
            log = logs[number % 2]
            size = min(old + 1 + number % 3, LENGTH)
            root = await merkle.root(log, size)
            text = checkpoint_text(Checkpoint(ORIGIN, size, root))
            proof = await merkle.consistency_proof(log, old, size) if 0 < old < size else []
            note = build_note(text, [(self._key, self._private.sign(text))])
            try:
                await witness.add_checkpoint(build_add_checkpoint(AddCheckpoint(old, tuple(proof), note)), now=1)
            except SizeConflictError as exc:
                old = exc.size
            except SsiError:
                await asyncio.sleep(0)
            else:
                acknowledge(f"cosigned {size} {root.hex()}")
                old = size

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        problems = []
        for line in acknowledged:
            _, decimal, root = line.split(" ")
            if self._cosigned.setdefault(int(decimal), root) != root:
                problems.append(f"two roots of size {decimal} were cosigned")
        newest = max([0, *self._cosigned])
        store = await SqliteHeadStore.open(directory / "heads.db")
        try:
            kept = await store.head(ORIGIN)
        finally:
            await store.close()
        size = 0 if kept is None else parse_checkpoint(parse_note(kept).unverified_text).size
        if size < newest:
            problems.append(f"the witness remembers size {size}, it cosigned {newest}")
        return problems

"""Append, sign and publish tiles, until killed: the folder always holds a head with all its tiles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ssi.errors import ConflictError, SsiError, UnavailableError
from ssi.keys import Curve, PrivateKey
from ssi.ledger import merkle, open_ledger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.checkpoint import Checkpoint, NoteKey, build_note, checkpoint_text
from ssi.ledger.storage import verify_storage
from tests.tools.workloads import Acknowledge

ORIGIN = "crash.example/tiles"


class Workload:
    """Each process appends a few entries, signs if nobody else just did, and publishes."""

    longest_run_seconds = 0.8

    def __init__(self) -> None:
        self._private = PrivateKey.generate(Curve.ED25519)
        self._key = NoteKey(ORIGIN, self._private.public_key)
        self._published = 0

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        ledger = open_ledger(f"sqlite://{directory}/log.db")
        folder = TileFolder(directory / "tiles")
        number = 0
        while True:
            # Steps of many sizes, so that tiles fill, and bundles are partial, at every kind of place.
            count = 1 + (seed + number) % 90
            try:
                await ledger.append([b"%d/%d/%d" % (seed, number, i) for i in range(count)])
                old, size = await ledger.checkpoint(), await ledger.size()
                text = checkpoint_text(Checkpoint(ORIGIN, size, await merkle.root(ledger, size)))
                await ledger.put_checkpoint(old, build_note(text, [(self._key, self._private.sign(text))]))
            except (ConflictError, UnavailableError):
                await asyncio.sleep(0)
            number += 1
            try:
                done = await folder.update(ledger)
            except UnavailableError:
                await asyncio.sleep(0.001)  # the other process publishes
                continue
            acknowledge(f"published {done.size}")

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        sizes = [int(line.partition(" ")[2]) for line in acknowledged]
        self._published = max([self._published, *sizes])
        if not (directory / "tiles").exists():
            return [] if not self._published else ["the folder is gone"]
        reader = TilesLedger(FolderTiles(directory / "tiles"), keys=[self._key])
        try:
            size = await reader.size()
            problems = []
            if size < self._published:
                problems.append(f"the folder has {size} entries, {self._published} were published")
            if thorough or size < 5_000:
                await verify_storage(reader)
        except SsiError as exc:
            return [f"the folder does not hold together: {exc}"]
        return problems

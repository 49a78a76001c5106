"""A ledger for the contract suite whose reading half goes by static files: written, published, and read back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ssi.errors import NotFoundError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, Withheld
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import TileSource
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.checkpoint import NoteKey, sign_checkpoint
from ssi.ledger.tile_view import LedgerTiles

ORIGIN = "log.example/published"
LABEL = "checkpoint"


class Publisher:
    """Somebody's log: signs its head after each change and publishes it."""

    def __init__(self, ledger: Ledger | None = None, *, folder: TileFolder | None = None, origin: str = ORIGIN) -> None:
        self.ledger: Ledger = ledger or MemoryLedger()
        self.kms = MemoryKms()
        self.origin = origin
        self._folder = folder
        self._lock = asyncio.Lock()

    async def key(self) -> NoteKey:
        if LABEL not in await self.kms.labels():
            await self.kms.generate(LABEL, curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        return NoteKey(self.origin, await self.kms.public_key(LABEL))

    async def sign(self, *, now: int | None = None) -> bytes:
        await self.key()
        note = await sign_checkpoint(self.ledger, kms=self.kms, label=LABEL, origin=self.origin, now=now)
        await self.ledger.put_checkpoint(await self.ledger.checkpoint(), note)
        return note

    async def publish(self, *, now: int | None = None, withheld: Sequence[int] = ()) -> None:
        async with self._lock:
            await self.sign(now=now)
            if self._folder is not None:
                await self._folder.update(self.ledger, withheld=withheld)

    def live(self) -> TileSource:
        """The files without a folder."""
        return LedgerTiles(self.ledger)


class PublishedLedger:
    """The Ledger port: what is written goes to the publisher, what is read comes from its files."""

    def __init__(self, publisher: Publisher, reader: TilesLedger) -> None:
        self._publisher = publisher
        self._reader = reader

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        found = await self._publisher.ledger.append(entries, expected_size=expected_size)
        await self._publisher.publish()
        await self._reader.size()
        return found

    async def size(self) -> int:
        return await self._reader.size()

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        return await self._reader.read(start, stop)

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        return await self._reader.hashes(level, start, stop)

    async def checkpoint(self) -> bytes | None:
        return await self._reader.checkpoint()

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        await self._reader.put_checkpoint(old, new)

    async def withhold(self, index: int, *, order: str) -> None:
        ledger = self._publisher.ledger
        assert isinstance(ledger, MemoryLedger)
        await ledger.withhold(index, order=order)
        await self._publisher.publish(withheld=[index])

    async def close(self) -> None:
        await self._reader.close()


class AlteredSource:
    """Files of which some were altered: by path, None for one that is gone."""

    def __init__(self, source: TileSource, altered: dict[str, bytes | None] | None = None) -> None:
        self.source = source
        self.altered = dict(altered or {})
        self.asked: list[str] = []

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        self.asked.append(path)
        if path in self.altered:
            found = self.altered[path]
            if found is None:
                raise NotFoundError("gone")
            return found
        return await self.source.get(path, max_bytes=max_bytes)

"""Keep a folder of static files in step with a ledger, so that any web server can serve the log.

Source:  C2SP tlog-tiles: full tiles and bundles never change; the checkpoint is replaced last.
Input:   a ledger with a checkpoint; a folder that this module alone writes.
Shapes:  the folder is the log's prefix; ``.lock`` and ``.new`` in it are this module's own.
I/O:     every file is written beside, synchronised and renamed, its folder synchronised, and only then the checkpoint
         that speaks of it. Whatever interrupts this, the folder holds a checkpoint with all its tiles.
Errors:  ConflictError (the folder is ahead of the ledger), InclusionProofError (it is another log's, or a tile in it is
         another than the ledger's), BrokenEntryError, UnavailableError (the file system, or another writer).

A bundle with a body that is withheld is rewritten in every width; caches in front of the folder keep what they have.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from ssi.durable import replace_file, sync_directory
from ssi.errors import ConflictError, InclusionProofError, UnavailableError
from ssi.ledger import merkle, tiles
from ssi.ledger.backends.head import HeadFile
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint
from ssi.ledger.note import parse_note
from ssi.ledger.port import Ledger
from ssi.ledger.tile_view import bundle_bytes, tile_bytes
from ssi.ledger.tiles import WIDTH, Bundle, Tile, WithheldNote

_BATCH: Final = 64
_LOCK: Final = ".lock"
_NEW: Final = ".new"


class Written(msgspec.Struct, frozen=True):
    """What was done: the sizes before and after, and how many files were written or removed."""

    old_size: int
    size: int
    files: int = 0
    removed: int = 0


class TileFolder:
    """One folder of tiles. Several processes may try to write it; one does at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head = HeadFile(folder / tiles.CHECKPOINT)
        self._changed: set[Path] = set()

    async def update(self, ledger: Ledger, *, withheld: Collection[int] = (), whole: bool = False) -> Written:
        """Write what the newest checkpoint of ``ledger`` covers and the folder does not have yet, then the checkpoint.

        ``withheld`` are indexes of entries whose bodies were erased since the last time; ``whole`` compares every tile
        and bundle instead. Without a checkpoint nothing is written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise UnavailableError("the folder of tiles cannot be made") from exc
        with self._locked():
            self._sweep()
            note = await ledger.checkpoint()
            kept = self._head.read()
            if note is None:
                if kept is not None:
                    raise ConflictError("the folder has a checkpoint and the ledger has none")
                return Written(0, 0)
            new = parse_checkpoint(parse_note(note).unverified_text)
            old = None if kept is None else kept[1]
            await self._check(ledger, old, new)
            begin = 0 if old is None else old.size
            again = {index // WIDTH for index in withheld if index < new.size}
            files = await self._write_tiles(ledger, 0 if whole else begin, new.size)
            files += await self._write_bundles(ledger, 0 if whole else begin, new.size, again)
            await asyncio.to_thread(self._sync)
            if kept is None or kept[0] != note:
                await asyncio.to_thread(self._publish, note)
                files += 1
            return Written(begin, new.size, files, await asyncio.to_thread(self._remove_partial, begin, new.size))

    async def _check(self, ledger: Ledger, old: Checkpoint | None, new: Checkpoint) -> None:
        if await merkle.root(ledger, new.size) != new.root:
            raise InclusionProofError(f"the ledger does not have the root that was signed for size {new.size}")
        if old is None:
            return
        if old.origin != new.origin:
            raise InclusionProofError(f"the folder holds the log {old.origin}")
        if old.size > new.size:
            raise ConflictError(f"the folder holds {old.size} entries, the ledger's checkpoint is for {new.size}")
        if await merkle.root(ledger, old.size) != old.root:
            raise InclusionProofError(f"the folder holds another history of the log, of size {old.size}")

    async def _write_tiles(self, ledger: Ledger, old: int, new: int) -> int:
        written = 0
        batch: list[tuple[str, bytes]] = []
        for tile in tiles.grown(old, new):
            batch.append((tile.path, await tile_bytes(ledger, tile)))
            if len(batch) == _BATCH:
                written += await asyncio.to_thread(self._write, batch, fixed=True)
                batch = []
        return written + await asyncio.to_thread(self._write, batch, fixed=True)

    async def _write_bundles(self, ledger: Ledger, old: int, new: int, again: Collection[int]) -> int:
        written = 0
        first = old // WIDTH if old < new else -(-new // WIDTH)
        wanted = [Bundle(index, tiles.width_at(0, index, new)) for index in sorted(again) if index < first]
        for bundle in chain(wanted, tiles.bundles(old, new)):
            data, orders = await bundle_bytes(ledger, bundle)
            batch = [(bundle.path, data)]
            if orders:
                batch.append((WithheldNote(bundle.index).path, tiles.build_withheld(orders)))
                batch += self._narrower(bundle, data)
            written += await asyncio.to_thread(self._write, batch, fixed=False)
        return written

    def _narrower(self, bundle: Bundle, data: bytes) -> list[tuple[str, bytes]]:
        """Return the files of the bundle's other widths that are there, as they are without what is withheld."""
        entries = tiles.parse_bundle(data, bundle.width)
        folder = (self._folder / Bundle(bundle.index, 1).path).parent
        widths = [int(file.name) for file in folder.iterdir() if file.name.isdecimal()] if folder.is_dir() else []
        return [
            (Bundle(bundle.index, width).path, tiles.build_bundle(entries[:width]))
            for width in widths
            if width < bundle.width
        ]

    def _write(self, batch: Sequence[tuple[str, bytes]], *, fixed: bool) -> int:
        """Write files durably, but for their names; ``fixed`` ones that are there with other bytes are refused."""
        renames: list[tuple[Path, Path]] = []
        try:
            (self._folder / _NEW).mkdir(exist_ok=True)
            for number, (name, data) in enumerate(batch):
                path = self._folder / name
                there = path.read_bytes() if path.exists() else None
                if there == data:
                    continue
                if there is not None and fixed:
                    raise InclusionProofError(f"{name} in the folder is another tile than the ledger's")
                self._make_folders(path.parent)
                beside = self._folder / _NEW / str(number)
                with beside.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                renames.append((beside, path))
            for beside, path in renames:
                beside.replace(path)
                self._changed.add(path.parent)
        except OSError as exc:
            raise UnavailableError(f"the folder of tiles cannot be written: {exc.strerror}") from exc
        return len(renames)

    def _sweep(self) -> None:
        """Remove what a writer that was killed left beside the checkpoint."""
        for left in self._folder.glob(f"{tiles.CHECKPOINT}.*.new"):
            left.unlink(missing_ok=True)

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            self._changed.add(each.parent)

    def _sync(self) -> None:
        for folder in sorted(self._changed):
            sync_directory(folder)
        self._changed.clear()

    def _publish(self, note: bytes) -> None:
        replace_file(self._folder / tiles.CHECKPOINT, note, what="the checkpoint of the folder", mode=0o644)
        shutil.rmtree(self._folder / _NEW, ignore_errors=True)

    def _remove_partial(self, old: int, new: int) -> int:
        """Remove what the full tiles and bundles of this update took the place of."""
        removed = 0
        filled: list[Tile | Bundle] = [tile for tile in tiles.grown(old, new) if tile.width == WIDTH]
        filled += [bundle for bundle in tiles.bundles(old, new) if bundle.width == WIDTH]
        for resource in filled:
            folder = self._folder / f"{resource.path}.p"
            if folder.is_dir():
                removed += sum(1 for _ in folder.iterdir())
                shutil.rmtree(folder, ignore_errors=True)
        return removed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        try:
            handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise UnavailableError("the folder of tiles cannot be locked") from exc
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise UnavailableError("another process writes this folder of tiles") from exc
            yield
        finally:
            os.close(handle)

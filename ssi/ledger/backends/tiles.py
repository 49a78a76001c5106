"""Somebody else's log, read from its static files: nothing is used that does not hash to a head that the log signed.

Source:  C2SP tlog-tiles and tlog-checkpoint; RFC 6962, section 2.1.
Input:   the files, which anybody may have made, and the keys that may sign the log's checkpoints.
Shapes:  as the Ledger port; a withheld entry as ``ssi.ledger.tiles`` says. At most CACHED_TILES tiles of 8 kB are kept.
I/O:     the source of the files. Each call of ``size`` or ``checkpoint`` asks for the newest checkpoint; a tile is
         asked for once as long as it is kept, a bundle each time.
Errors:  InvalidSignatureError (not signed by a given key), InclusionProofError (files that do not give the signed
         root), RollbackError (a checkpoint that goes back), ForkError (two signed heads that exclude each other),
         BrokenEntryError, UnavailableError (a file is not served), InvalidInputError (asked to write).

A head is believed in this order: its signature, its root from the partial tiles at its right edge, then that the head
before is a prefix of it. A full tile is believed if it hashes to its place in the tile above, believed before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from ssi.errors import (
    BrokenEntryError,
    InclusionProofError,
    InvalidInputError,
    NotFoundError,
    RollbackError,
    UnavailableError,
)
from ssi.ledger import merkle, tiles
from ssi.ledger.backends.tile_source import TileSource
from ssi.ledger.backends.tile_tree import TileTree, read_resource
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.fork import prove_fork
from ssi.ledger.note import MAX_NOTE_BYTES, NoteKey
from ssi.ledger.port import Withheld, check_level, check_range
from ssi.ledger.tiles import WIDTH, Bundle, WithheldNote

CACHED_TILES: Final = 2048
_READ_ONLY: Final = "this ledger is somebody else's log: it is only read here"


class TilesLedger:
    """The reading half of the Ledger port over static files."""

    def __init__(self, source: TileSource, *, keys: Sequence[NoteKey], cached_tiles: int = CACHED_TILES) -> None:
        """``keys`` may sign the log's checkpoints. Raises InvalidInputError without one: nothing could be believed."""
        if not keys:
            raise InvalidInputError("a log that is read from files is read under the key of its checkpoints")
        self._source = source
        self._keys = tuple(keys)
        self._most = max(cached_tiles, 16)
        self._head: tuple[bytes, VerifiedCheckpoint, TileTree] | None = None
        self._lock = asyncio.Lock()

    async def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint that the log serves, verified; None while it serves none."""
        await self._refresh()
        return None if self._head is None else self._head[0]

    async def size(self) -> int:
        """Return the size of the newest checkpoint: what is not signed for does not exist here."""
        await self._refresh()
        return 0 if self._head is None else self._head[1].size

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        tree = await self._tree()
        check_range(start, stop, 0 if tree is None else tree.size)
        found: list[bytes | Withheld] = []
        for bundle in tiles.bundles(start, stop):
            assert tree is not None  # noqa: S101  # check_range refused every range of an empty log
            first = bundle.index * WIDTH
            whole = Bundle(bundle.index, tiles.width_at(0, bundle.index, tree.size))
            found += (await self._bundle(tree, whole))[max(start - first, 0) : stop - first]
        return found

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        tree = await self._tree()
        if tree is not None:
            return await tree.hashes(level, start, stop)
        check_level(level)
        check_range(start, stop, 0, what=f"subtree of level {level}")
        return []

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        """Refuse: the log is somebody else's. Raises InvalidInputError."""
        raise InvalidInputError(_READ_ONLY)

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        """Refuse: the log is somebody else's. Raises InvalidInputError."""
        raise InvalidInputError(_READ_ONLY)

    async def close(self) -> None:
        """Nothing is held."""

    async def _tree(self) -> TileTree | None:
        if self._head is None:
            await self._refresh()
        return None if self._head is None else self._head[2]

    async def _refresh(self) -> None:
        async with self._lock:
            try:
                note = await self._source.get(tiles.CHECKPOINT, max_bytes=MAX_NOTE_BYTES)
            except NotFoundError as exc:
                if self._head is not None:
                    raise UnavailableError("the log does not serve its checkpoint any more") from exc
                return
            if self._head is None or note != self._head[0]:
                await self._believe(note)

    async def _believe(self, note: bytes) -> None:
        new = verify_note(note, keys=self._keys)
        if self._head is None:
            self._head = (note, new, await TileTree.of(self._source, new, most=self._most))
            return
        old_note, old, old_tree = self._head
        if new.origin != old.origin:
            raise InclusionProofError("the log serves a checkpoint of another origin")
        if new.size < old.size:
            if await merkle.root(old_tree.as_ledger(), new.size) != new.root:
                raise await prove_fork(note, old_note, old_tree.as_ledger(), keys=self._keys)
            # It is of the same history: a cache that serves yesterday's head, or a log that was set back.
            raise RollbackError(f"the checkpoint is for size {new.size}, after {old.size}")
        if new.size == old.size:
            if new.root != old.root:
                raise await prove_fork(old_note, note, None, keys=self._keys)
            self._head = (note, new, old_tree)  # the same head with other signatures
            return
        tree = await TileTree.of(self._source, new, most=self._most)
        if await merkle.root(tree.as_ledger(), old.size) != old.root:
            raise await prove_fork(old_note, note, tree.as_ledger(), keys=self._keys)
        old_tree.kept.update(tree.kept)
        tree.kept = old_tree.kept
        self._head = (note, new, tree)

    async def _bundle(self, tree: TileTree, bundle: Bundle) -> list[bytes | Withheld]:
        leaves = await tree.tile(0, bundle.index)
        first = bundle.index * WIDTH
        data = await read_resource(self._source, bundle, tiles.MAX_BUNDLE_BYTES)
        try:
            entries = tiles.parse_bundle(data, bundle.width)
        except InvalidInputError as exc:
            raise BrokenEntryError(first, f"its bundle is malformed: {exc}") from exc
        found: list[bytes | Withheld] = list(entries)
        broken = [place for place, entry in enumerate(entries) if merkle.leaf_hash(entry) != leaves[place]]
        orders = await self._orders(bundle.index) if any(not entries[place] for place in broken) else {}
        for place in broken:
            if entries[place] or place not in orders:
                raise BrokenEntryError(first + place, "its bytes do not give the hash in its tile")
            found[place] = Withheld(leaves[place], orders[place])
        return found

    async def _orders(self, index: int) -> dict[int, str]:
        try:
            data = await self._source.get(WithheldNote(index).path, max_bytes=tiles.MAX_WITHHELD_BYTES)
            return tiles.parse_withheld(data)
        except (NotFoundError, InvalidInputError):
            return {}

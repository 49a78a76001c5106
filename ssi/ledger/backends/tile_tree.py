"""The tree of one signed head, read from tiles, each believed only under the hash above it.

Source:  C2SP tlog-tiles; RFC 6962, section 2.1.
Input:   files that anybody may have made, and a checkpoint whose signature was verified.
Shapes:  hashes of 32 bytes; the full tiles used last are kept, 8 kB each.
I/O:     the source of the files.
Errors:  InclusionProofError (files that do not give the signed root), UnavailableError (a file is not served).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeAlias, cast

from ssi.errors import InclusionProofError, InvalidInputError, NotFoundError, UnavailableError
from ssi.ledger import merkle, tiles
from ssi.ledger.backends.tile_source import TileSource
from ssi.ledger.checkpoint import Checkpoint
from ssi.ledger.port import Ledger, check_level, check_range
from ssi.ledger.tiles import WIDTH, Bundle, Tile

Kept: TypeAlias = OrderedDict[tuple[int, int], list[bytes]]
"""Full tiles by level and index, the one used last at the end."""

_AT_ONCE: Final = 8


class TileTree:
    """The tree of ``head``. Its full tiles are those of every later tree of the log, its partial ones are its own."""

    def __init__(self, source: TileSource, head: Checkpoint, edge: dict[int, list[bytes]], *, most: int) -> None:
        """Use ``TileTree.of``."""
        self.size: Final = head.size
        self.kept: Kept = OrderedDict()
        self._source = source
        self._edge = edge
        self._most = most

    @classmethod
    async def of(cls, source: TileSource, head: Checkpoint, *, most: int) -> TileTree:
        """Read the partial tiles of ``head`` and hold them against its root: together they are all of it."""
        partial = tiles.edge(head.size)
        found = await asyncio.gather(*(_read_tile(source, tile) for tile in partial))
        edge = {tile.level: hashes for tile, hashes in zip(partial, found, strict=True)}
        root = merkle.root_from_hashes(head.size, lambda node: tiles.node_from(edge[node[0] // tiles.HEIGHT], node))
        if root != head.root:
            raise InclusionProofError(f"the tiles do not give the signed root of size {head.size}")
        return cls(source, head, edge, most=most)

    def as_ledger(self) -> Ledger:
        """Return the tree as what ``merkle`` asks: it calls only ``hashes``."""
        return cast("Ledger", self)

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """As ``Ledger.hashes``; holds a few tiles at a time, however long the range is."""
        check_level(level)
        check_range(start, stop, self.size >> level, what=f"subtree of level {level}")
        found: list[bytes] = []
        if start == stop:
            return found
        row, first = tiles.tile_of((level, start))
        _, last = tiles.tile_of((level, stop - 1))
        for begin in range(first, last + 1, _AT_ONCE):
            step = range(begin, min(begin + _AT_ONCE, last + 1))
            for index, tile in zip(step, await asyncio.gather(*(self.tile(row, each) for each in step)), strict=True):
                per_tile = WIDTH >> level % tiles.HEIGHT
                here = range(max(start, index * per_tile), min(stop, (index + 1) * per_tile))
                found += [tiles.node_from(tile, (level, node)) for node in here]
        return found

    async def tile(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile of this tree."""
        if tiles.width_at(level, index, self.size) < WIDTH:
            return self._edge[level]
        kept = self.kept.get((level, index))
        if kept is not None:
            self.kept.move_to_end((level, index))
            return kept
        tile = Tile(level, index)
        above, parent, place = tile.parent
        expected = (await self.tile(above, parent))[place]
        hashes = await _read_tile(self._source, tile)
        if tiles.fold(hashes) != expected:
            raise InclusionProofError(f"tile {index} of level {level} does not hash to its place in the tree")
        self.kept[level, index] = hashes
        while len(self.kept) > self._most:
            self.kept.popitem(last=False)
        return hashes


async def _read_tile(source: TileSource, tile: Tile) -> list[bytes]:
    data = await read_resource(source, tile, tiles.MAX_TILE_BYTES)
    try:
        return tiles.parse_tile(data, tile.width)
    except InvalidInputError as exc:
        raise InclusionProofError(f"tile {tile.index} of level {tile.level} is malformed: {exc}") from exc


async def read_resource(source: TileSource, resource: Tile | Bundle, max_bytes: int) -> bytes:
    """Return the bytes of a tile or bundle; a partial one may be gone once the full one is there."""
    try:
        return await source.get(resource.path, max_bytes=max_bytes)
    except NotFoundError as exc:
        missing = exc
    if resource.width < WIDTH:
        try:
            return await source.get(resource.full.path, max_bytes=max_bytes)
        except NotFoundError as exc:
            missing = exc
    raise UnavailableError(f"the log does not serve {resource.path}") from missing

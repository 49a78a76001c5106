"""Tiles and bundles of any ledger: what their files hold, from what the Ledger port says.

Source:  C2SP tlog-tiles.
Input:   a ledger and a resource of its tree.
Shapes:  as ``ssi.ledger.tiles``; the bytes of a bundle are believed only if they hash to the ledger's leaf hashes.
I/O:     one reading of hashes or entries for each resource.
Errors:  EntryNotFoundError (the tree is not that large), BrokenEntryError (bodies and hashes disagree).
"""

from __future__ import annotations

from ssi.errors import BrokenEntryError, EntryNotFoundError, NotFoundError
from ssi.ledger import merkle, tiles
from ssi.ledger.checkpoint import parse_checkpoint
from ssi.ledger.note import parse_note
from ssi.ledger.port import Ledger, Withheld
from ssi.ledger.tiles import WIDTH, Bundle, Resource, Tile


async def tile_bytes(ledger: Ledger, tile: Tile) -> bytes:
    """Return the bytes of a tile."""
    start = tile.index * WIDTH
    return tiles.build_tile(await ledger.hashes(tile.level * tiles.HEIGHT, start, start + tile.width))


async def bundle_bytes(ledger: Ledger, bundle: Bundle) -> tuple[bytes, dict[int, str]]:
    """Return the bytes of a bundle, and the orders by which entries of it are withheld, by their place."""
    start = bundle.index * WIDTH
    entries = await ledger.read(start, start + bundle.width)
    leaves = await ledger.hashes(0, start, start + bundle.width)
    bodies: list[bytes] = []
    orders: dict[int, str] = {}
    for place, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
        if isinstance(entry, Withheld):
            orders[place] = entry.order
            bodies.append(b"")
        elif merkle.leaf_hash(entry) != leaf:
            raise BrokenEntryError(start + place, "its bytes do not give its leaf hash")
        else:
            bodies.append(entry)
    return tiles.build_bundle(bodies), orders


class LedgerTiles:
    """The files of a ledger that are made when they are asked for: a ``TileSource`` without a folder."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Return the resource at ``path``. What no checkpoint covers is not there: its hashes could still change.

        Raises NotFoundError, InvalidInputError for a path that is none; ``max_bytes`` is what the caller can take, and
        none of these is longer than it has to be.
        """
        note = await self._ledger.checkpoint()
        if note is None:
            raise NotFoundError("the log has no checkpoint yet")
        if path == tiles.CHECKPOINT:
            return note
        size = parse_checkpoint(parse_note(note).unverified_text).size
        return await self._resource(tiles.parse_path(path), size)

    async def _resource(self, resource: Resource, size: int) -> bytes:
        if isinstance(resource, Tile):
            width = tiles.width_at(resource.level, resource.index, size)
        else:
            width = tiles.width_at(0, resource.index, size)
        if width < (resource.width if isinstance(resource, Tile | Bundle) else 1):
            raise EntryNotFoundError(f"the log of size {size} has no such tile")
        if isinstance(resource, Tile):
            return await tile_bytes(self._ledger, resource)
        if isinstance(resource, Bundle):
            return (await bundle_bytes(self._ledger, resource))[0]
        _, orders = await bundle_bytes(self._ledger, Bundle(resource.index, width))
        if not orders:
            raise NotFoundError("nothing is withheld there")
        return tiles.build_withheld(orders)

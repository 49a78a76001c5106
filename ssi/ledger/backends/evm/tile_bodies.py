"""Bodies that never came to a mirror, from the static files of whoever has them.

Source:  C2SP tlog-tiles (entry bundles); ``ssi.ledger.tiles`` for withheld entries.
Input:   files that anybody may have made: a body counts only where its leaf hash is on the chain, as the mirror checks.
Shapes:  indexes of entries; a bundle is asked for once for all the indexes in it.
I/O:     the source of the files.
Errors:  UnavailableError (no file, or one without the shape of its path).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.ledger import tiles
from ssi.ledger.backends.tile_source import FolderTiles, TileSource, WebTiles
from ssi.ledger.backends.tile_tree import read_resource
from ssi.ledger.checkpoint import parse_checkpoint
from ssi.ledger.note import MAX_NOTE_BYTES, parse_note
from ssi.ledger.tiles import WIDTH, Bundle, WithheldNote
from ssi.ports import Fetch


class Served(NamedTuple):
    """What the files say: bodies, and the orders by which others are withheld. None of it is believed yet."""

    bodies: Sequence[bytes]
    orders: Mapping[int, str]


class TileBodies:
    """The bundles of one log."""

    def __init__(self, source: TileSource) -> None:
        self._source = source

    @classmethod
    def of(cls, place: str, fetch: Fetch | None) -> TileBodies:
        """Return those at an https prefix, or of ``tiles:FOLDER``. Raises InvalidInputError for another place."""
        parts = urlsplit(place)
        if parts.scheme == "tiles" and parts.path and not parts.query and not parts.fragment:
            return cls(FolderTiles(Path(unquote(parts.path))))
        if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment:
            raise InvalidInputError("the option tiles is the https prefix of a log's static files, or tiles:FOLDER")
        if fetch is None:
            raise InvalidInputError("bodies on the web are read over a fetch port: none was given")
        return cls(WebTiles(place if place.endswith("/") else f"{place}/", fetch))

    async def checkpoint(self) -> bytes | None:
        """Return the signed note that is served, not verified here; None while there is none."""
        try:
            return await self._source.get(tiles.CHECKPOINT, max_bytes=MAX_NOTE_BYTES)
        except NotFoundError:
            return None

    async def find(self, indexes: Sequence[int]) -> Served:
        """Return what is served of the entries ``indexes``, which are in order, and of those beside them."""
        bodies: list[bytes] = []
        orders: dict[int, str] = {}
        size = await self._size()
        for number, group in groupby(indexes, key=lambda index: index // WIDTH):
            places = [index % WIDTH for index in group]
            width = tiles.width_at(0, number, size)
            if not width:
                break
            entries = await self._bundle(Bundle(number, width))
            bodies += filter(None, entries)
            empty = [place for place in places if place < width and not entries[place]]
            if empty:
                said = await self._orders(number)
                orders |= {number * WIDTH + place: said[place] for place in empty if place in said}
        return Served(bodies, orders)

    async def _size(self) -> int:
        """Return the size that is served: how wide the last bundle is."""
        note = await self.checkpoint()
        if note is None:
            return 0
        try:
            return parse_checkpoint(parse_note(note).unverified_text).size
        except InvalidInputError as exc:
            raise UnavailableError("the tiles have a checkpoint that is none") from exc

    async def _bundle(self, bundle: Bundle) -> list[bytes]:
        data = await read_resource(self._source, bundle, tiles.MAX_BUNDLE_BYTES)
        try:
            return tiles.parse_bundle(data, bundle.width)
        except InvalidInputError as exc:
            raise UnavailableError(f"bundle {bundle.index} of the tiles is malformed: {exc}") from exc

    async def _orders(self, number: int) -> dict[int, str]:
        try:
            data = await self._source.get(WithheldNote(number).path, max_bytes=tiles.MAX_WITHHELD_BYTES)
            return tiles.parse_withheld(data)
        except (NotFoundError, InvalidInputError):
            return {}

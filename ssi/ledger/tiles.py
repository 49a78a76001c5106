"""A log as static files: where each hash and each entry stands, and what is in the files.

Source:  C2SP tlog-tiles (2026-07), over RFC 6962, section 2.1.
Input:   sizes and coordinates of our own; paths and files that anybody may have made.
Shapes:  a tile of level l holds up to 256 hashes of complete subtrees of 256**l leaves; an entry bundle holds up to 256
         entries, each behind its length in 16 bits. A tile that is not full says its width in its path, ``.p/W``.
I/O:     none.
Errors:  InvalidInputError (no such path, or a file without the shape of its path).

The C2SP text knows no erased entry. Here a withheld one stands in its bundle as an entry of no bytes, and the resource
``withheld/N`` beside it says which places of bundle N are meant and by which order. So a reader that knows nothing of
this finds a bundle that does not hash to its tile, and never takes the empty entry for the one that was logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.ledger import merkle
from ssi.ledger.port import HASH_BYTES, MAX_ENTRY_BYTES

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
CHECKPOINT: Final = "checkpoint"
MAX_TILE_LEVEL: Final = 7
"""No tree of this library reaches further: 256**8 leaves are more than 2**63."""
MAX_TILE_BYTES: Final = WIDTH * HASH_BYTES
MAX_BUNDLE_BYTES: Final = WIDTH * (MAX_ENTRY_BYTES + 2)
MAX_WITHHELD_BYTES: Final = 1 << 20
WITHHELD_FORMAT: Final = "log-withheld/1"

_INDEX: Final = r"(?:x[0-9]{3}/){0,6}[0-9]{3}"
_PATH: Final = re.compile(
    rf"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>{_INDEX})(?:\.p/(?P<width>[1-9][0-9]{{0,2}}))?"
)
_WITHHELD: Final = re.compile(rf"withheld/(?P<index>{_INDEX})")


class Tile(msgspec.Struct, frozen=True, order=True):
    """Hashes ``index * 256`` and on of level ``level``, ``width`` of them."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def full(self) -> Tile:
        """The same tile once it is full."""
        return Tile(self.level, self.index)

    @property
    def parent(self) -> tuple[int, int, int]:
        """Level and index of the tile that holds the hash of this one when it is full, and the place there."""
        return self.level + 1, self.index // WIDTH, self.index % WIDTH


class Bundle(msgspec.Struct, frozen=True, order=True):
    """Entries ``index * 256`` and on, ``width`` of them."""

    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix."""
        return f"tile/entries/{_place(self.index, self.width)}"

    @property
    def full(self) -> Bundle:
        """The same bundle once it is full."""
        return Bundle(self.index)


class WithheldNote(msgspec.Struct, frozen=True):
    """Which entries of bundle ``index`` are withheld; mutable, since a court may order more."""

    index: int

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix."""
        return f"withheld/{_place(self.index, WIDTH)}"


Resource: TypeAlias = Tile | Bundle | WithheldNote


def _place(index: int, width: int) -> str:
    if not 0 <= index < 1 << 56 or not 0 < width <= WIDTH:
        raise InvalidInputError(f"there is no tile {index} of width {width}")
    groups: list[str] = []
    rest = index
    while rest or not groups:
        groups.append(f"{rest % 1000:03d}")
        rest //= 1000
    text = "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])
    return text if width == WIDTH else f"{text}.p/{width}"


def parse_path(path: str) -> Resource:
    """Return what ``path`` names below the log's prefix, in its one spelling. Raises InvalidInputError."""
    found = _PATH.fullmatch(path)
    withheld = _WITHHELD.fullmatch(path)
    if withheld is not None:
        return _exactly(WithheldNote(_index(withheld["index"])), path)
    if found is None:
        raise InvalidInputError("expected the path of a tile, tile/L/N or tile/entries/N, or withheld/N")
    index, width = _index(found["index"]), int(found["width"] or WIDTH)
    if found["width"] and width >= WIDTH:
        raise InvalidInputError(f"a partial tile is at most {WIDTH - 1} wide")
    if found["level"] == "entries":
        return _exactly(Bundle(index, width), path)
    level = int(found["level"])
    if level > MAX_TILE_LEVEL:
        raise InvalidInputError(f"there is no tile of level {level}, at most {MAX_TILE_LEVEL}")
    return _exactly(Tile(level, index, width), path)


def _exactly(resource: Resource, path: str) -> Resource:
    """Return ``resource`` if ``path`` is its own spelling: leading groups of zeros are another name for it."""
    if resource.path != path:
        raise InvalidInputError("expected the index of a tile without leading groups of zeros")
    return resource


def _index(text: str) -> int:
    return int(text.replace("x", "").replace("/", ""))


# --- which tiles a tree has ---------------------------------------------------------------------------------------


def width_at(level: int, index: int, size: int) -> int:
    """Return how many hashes tile (level, index) has in a tree of ``size`` leaves, 0 for none."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))


def edge(size: int) -> list[Tile]:
    """Return the partial tiles of a tree of ``size`` leaves, from level 0: their hashes make its root."""
    tiles = []
    for level in range(MAX_TILE_LEVEL + 1):
        complete = size >> HEIGHT * level
        if complete % WIDTH:
            tiles.append(Tile(level, complete // WIDTH, complete % WIDTH))
    return tiles


def grown(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles of a tree of ``new`` leaves that one of ``old`` leaves did not have, or not as wide."""
    for level in range(MAX_TILE_LEVEL + 1):
        before, after = old >> HEIGHT * level, new >> HEIGHT * level
        if after == before:
            return  # a level above grows only if this one does
        for index in range(before // WIDTH, -(-after // WIDTH)):
            yield Tile(level, index, width_at(level, index, new))


def bundles(old: int, new: int) -> Iterator[Bundle]:
    """Yield the bundles of ``new`` entries that ``old`` entries did not have, or not as wide."""
    if old < new:
        for index in range(old // WIDTH, -(-new // WIDTH)):
            yield Bundle(index, width_at(0, index, new))


def tile_of(node: merkle.Node) -> tuple[int, int]:
    """Return level and index of the tile from whose hashes the complete subtree ``node`` can be computed."""
    level, index = node
    return level // HEIGHT, (index << level % HEIGHT) // WIDTH


def node_from(tile: Sequence[bytes], node: merkle.Node) -> bytes:
    """Return the hash of ``node`` from the hashes of its tile (``tile_of``), which are believed here."""
    level, index = node
    height = level % HEIGHT
    start = (index << height) % WIDTH
    return fold(tile[start : start + (1 << height)])


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of the subtree over ``hashes``, whose number is a power of two."""
    row = list(hashes)
    if not row or len(row) & (len(row) - 1):
        raise InvalidInputError("the hashes of a complete subtree are a power of two in number")
    while len(row) > 1:
        row = [merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


# --- what is in the files -----------------------------------------------------------------------------------------


def build_tile(hashes: Sequence[bytes]) -> bytes:
    """Return the bytes of a tile."""
    return b"".join(hashes)


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile; nothing is believed yet. A full tile serves for a narrower one.

    Raises InvalidInputError.
    """
    if len(data) not in (width * HASH_BYTES, MAX_TILE_BYTES):
        raise InvalidInputError(f"a tile of width {width} has {width * HASH_BYTES} bytes, not {len(data)}")
    return [data[place * HASH_BYTES : (place + 1) * HASH_BYTES] for place in range(width)]


def build_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of a bundle; an entry that is withheld is given as no bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the first ``width`` entries of a bundle, which may be full; nothing is believed yet.

    Raises InvalidInputError.
    """
    entries, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        stop = place + 2 + length
        if place + 2 > len(data) or stop > len(data):
            raise InvalidInputError("a bundle ends in the middle of an entry")
        entries.append(data[place + 2 : stop])
        place = stop
    if len(entries) not in (width, WIDTH):
        raise InvalidInputError(f"a bundle of width {width} has as many entries, not {len(entries)}")
    return entries[:width]


def build_withheld(orders: Mapping[int, str]) -> bytes:
    """Return the resource that names the withheld places of one bundle, with the order for each."""
    document = {"format": WITHHELD_FORMAT, "orders": {str(place): orders[place] for place in sorted(orders)}}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def parse_withheld(data: bytes) -> dict[int, str]:
    """Return the orders by place in the bundle. Raises InvalidInputError."""
    document = parse_object(data, max_bytes=MAX_WITHHELD_BYTES, max_depth=3)
    orders = document.get("orders")
    if document.keys() != {"format", "orders"} or document["format"] != WITHHELD_FORMAT or not isinstance(orders, dict):
        raise InvalidInputError(f"expected withheld places in the format {WITHHELD_FORMAT}")
    found = {}
    for place, order in orders.items():
        if not re.fullmatch(r"0|[1-9][0-9]{0,2}", place) or int(place) >= WIDTH or not isinstance(order, str):
            raise InvalidInputError("a withheld place is a number below 256 with the order as text")
        found[int(place)] = order
    return found

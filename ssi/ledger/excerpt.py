"""An excerpt of a log: some entries, and the hashes of everything between them, under the log's own root.

Source:  RFC 6962, section 2.1 (the tree); the lines are this library's own.
Input:   a ledger, the indexes to keep and the size; or lines that anybody may have made.
Shapes:  one JSON value in each line, from the first entry on: a string, the entry in base64url;
         ``{"leaf_hash", "order"}``, an entry whose body was withheld; ``{"hash", "level"}``, a complete subtree of
         2**level entries that is left out. k entries of n cost O(k log n) lines. Without subtrees the log is whole.
I/O:     ``excerpt_lines`` reads the ledger; ``parse_line`` and ``RootBuilder`` are pure.
Errors:  InvalidInputError (not such a line, or a subtree at a place where none is), EntryNotFoundError.

An excerpt proves that its entries stand at their places in the log of the root. It proves nothing of what it leaves
out: not that a commitment is the newest, nor that an accreditation was not ended, nor that a registry which sees all
entries takes notice of these.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_json
from ssi.errors import InvalidInputError
from ssi.ledger import merkle
from ssi.ledger.port import HASH_BYTES, MAX_ENTRY_BYTES, Ledger, Withheld, stream

MAX_LINE_BYTES: Final = 2 * MAX_ENTRY_BYTES
MAX_LEVEL: Final = 48


class LeftOut(msgspec.Struct, frozen=True):
    """A complete subtree of ``2**level`` entries, known by its hash only."""

    level: int
    hash: bytes

    @property
    def entries(self) -> int:
        """How many entries it stands for."""
        return 1 << self.level


Line: TypeAlias = bytes | Withheld | LeftOut


def build_line(line: Line) -> bytes:
    """Return one line with its end."""
    if isinstance(line, bytes):
        return f"{json.dumps(b64url_encode(line))}\n".encode()
    if isinstance(line, Withheld):
        return f"{json.dumps({'leaf_hash': b64url_encode(line.leaf_hash), 'order': line.order})}\n".encode()
    return f"{json.dumps({'hash': b64url_encode(line.hash), 'level': line.level})}\n".encode()


def parse_line(data: bytes) -> Line:
    """Return what one line says. Raises InvalidInputError."""
    value = parse_json(data, max_bytes=MAX_LINE_BYTES)
    if isinstance(value, str):
        return b64url_decode(value)
    if isinstance(value, dict) and value.keys() == {"leaf_hash", "order"}:
        digest, order = value["leaf_hash"], value["order"]
        if isinstance(digest, str) and isinstance(order, str):
            return Withheld(_hash(digest), order)
    if isinstance(value, dict) and value.keys() == {"hash", "level"}:
        digest, level = value["hash"], value["level"]
        if isinstance(digest, str) and type(level) is int and 0 <= level <= MAX_LEVEL:
            return LeftOut(level, _hash(digest))
    raise InvalidInputError("expected a line of a ledger: an entry, or the hash of what is withheld or left out")


def _hash(text: str) -> bytes:
    digest = b64url_decode(text)
    if len(digest) != HASH_BYTES:
        raise InvalidInputError(f"expected hashes of {HASH_BYTES} bytes")
    return digest


class RootBuilder:
    """The root of a log, from its entries and subtrees in their order."""

    def __init__(self) -> None:
        """An empty log."""
        self.size = 0
        self._complete: list[tuple[int, bytes]] = []

    def add(self, line: Line) -> None:
        """Add the next entry or subtree. Raises InvalidInputError for a subtree that cannot begin here."""
        if isinstance(line, LeftOut):
            level, value = line.level, line.hash
        else:
            level, value = 0, line.leaf_hash if isinstance(line, Withheld) else merkle.leaf_hash(line)
        if self.size % (1 << level):
            raise InvalidInputError("expected subtrees of a ledger at places where they are complete")
        self.size += 1 << level
        while self._complete and self._complete[-1][0] == level:
            value = merkle.node_hash(self._complete.pop()[1], value)
            level += 1
        self._complete.append((level, value))

    def root(self) -> bytes:
        """Return the root over everything so far."""
        if not self._complete:
            return merkle.EMPTY_ROOT
        value = self._complete[-1][1]
        for _, left in reversed(self._complete[:-1]):
            value = merkle.node_hash(left, value)
        return value


async def excerpt_lines(ledger: Ledger, indexes: Iterable[int], size: int) -> AsyncIterator[Line]:
    """Yield the excerpt with the entries at ``indexes`` of the log of ``size`` entries.

    Raises EntryNotFoundError if the log is shorter, InvalidInputError for an index beyond ``size``.
    """
    position = 0
    for index in sorted(set(indexes)):
        if not 0 <= index < size:
            raise InvalidInputError(f"there is no entry {index} in a log of {size}")
        async for gap in _gap(ledger, position, index):
            yield gap
        (entry,) = await ledger.read(index, index + 1)
        yield entry
        position = index + 1
    async for gap in _gap(ledger, position, size):
        yield gap


async def whole_lines(ledger: Ledger, size: int) -> AsyncIterator[Line]:
    """Yield every entry of the log of ``size`` entries."""
    async for _, entry in stream(ledger, 0, size):
        yield entry


async def _gap(ledger: Ledger, start: int, stop: int) -> AsyncIterator[LeftOut]:
    for level, number in aligned(start, stop):
        (value,) = await ledger.hashes(level, number, number + 1)
        yield LeftOut(level, value)


def aligned(start: int, stop: int) -> Sequence[tuple[int, int]]:
    """Cut a range of leaves into complete subtrees (level, number), from the left and as few as there can be."""
    nodes = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes

"""The map over the registry's state as its keeper has it: kept, moved on by an epoch's changes, asked for proofs.

Source:  docs/adr/0012-the-map-of-the-registry.md; ``ssi.ledger.sparse_map`` for every hash.
Input:   records of things (``ssi.registry.state_records``), at the size of the log that they speak of.
Shapes:  a bucket holds the leaves whose keys share the first BUCKET_BITS bits; ``TopTree`` is what stands above: at
         most 2**(BUCKET_BITS + 1) hashes in memory, however large the map is.
I/O:     behind ``StateMap``.
Errors:  UnavailableError; InclusionProofError (what is kept does not hold together: make it anew from the ledger).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

from ssi.ledger.sparse_map import EMPTY_ROOT, Leaf, MapProof, Step, bit_of, node_hash
from ssi.registry.state_records import Thing

BUCKET_BITS: Final = 16
UNFINISHED: Final = -1
"""The size of a map whose building was interrupted."""

Place: TypeAlias = tuple[int, int]
"""A level (the number of bits that the keys below share) and those bits."""


class Plan(msgspec.Struct, frozen=True):
    """What a map would be after some changes, which are not made yet."""

    base: tuple[int, bytes]
    """Size and root of the map that it was worked out for."""
    root: bytes
    records: Mapping[bytes, bytes]
    """By key."""
    places: Mapping[Place, bytes]


class Proved(msgspec.Struct, frozen=True):
    """Records with their proofs, all under one root."""

    size: int
    root: bytes
    answers: Sequence[tuple[bytes | None, MapProof]]


class StateMap(Protocol):
    """A kept map. One process writes; any number ask."""

    async def head(self) -> tuple[int, bytes]:
        """Return the size of the log that the map speaks of, UNFINISHED if it is not whole, and its root."""
        ...

    async def plan(self, records: Mapping[Thing, bytes]) -> Plan:
        """Return what the map would be with these records, changing nothing."""
        ...

    async def commit(self, plan: Plan, *, size: int) -> None:
        """Make the changes of ``plan``: the map then speaks of ``size`` entries.

        Raises ConflictError if it is another map by now than the plan was made for.
        """
        ...

    async def load(self, batches: Iterable[Mapping[Thing, bytes]], *, size: int, keep: bool) -> bytes:
        """Take in many records, with ``keep`` beside what is there; return the root.

        The map is UNFINISHED meanwhile, and after an interruption.
        """
        ...

    async def prove(self, things: Sequence[Thing]) -> Proved:
        """Return the record of each thing, or None, with the proof. Raises UnavailableError for an unfinished map."""
        ...

    async def close(self) -> None:
        """Let go of files."""
        ...


class TopTree:
    """The map above its buckets. Places without leaves below them are not kept."""

    __slots__ = ("_hashes",)

    def __init__(self, buckets: Mapping[int, bytes]) -> None:
        """Build the tree over the hashes of the buckets that have leaves."""
        self._hashes: dict[Place, bytes] = {}
        self.take(self.changed(buckets))

    def root(self) -> bytes:
        """Return the root of the map."""
        return self._hashes.get((0, 0), EMPTY_ROOT)

    def changed(self, buckets: Mapping[int, bytes]) -> dict[Place, bytes]:
        """Return every hash that is another one if these buckets have these hashes; ``take`` makes it so."""
        new: dict[Place, bytes] = {(BUCKET_BITS, number): value for number, value in buckets.items()}
        row = set(buckets)
        for level in range(BUCKET_BITS - 1, -1, -1):
            row = {number >> 1 for number in row}
            for number in row:
                left, right = (
                    new.get(place) or self._hashes.get(place)
                    for place in ((level + 1, 2 * number), (level + 1, 2 * number + 1))
                )
                both = left is not None and right is not None
                new[level, number] = node_hash(level, left or b"", right or b"") if both else left or right or b""
        return new

    def take(self, places: Mapping[Place, bytes]) -> None:
        """Make the changes that ``changed`` returned."""
        self._hashes.update(places)

    def way(self, key: bytes) -> tuple[list[Step], int | None]:
        """Return the way of ``key`` down to a bucket, and the bucket: another than its own if that has no leaves.

        None if the map is empty.
        """
        if (0, 0) not in self._hashes:
            return [], None
        path: list[Step] = []
        number = 0
        for level in range(BUCKET_BITS):
            sides = [self._hashes.get((level + 1, 2 * number + side)) for side in (0, 1)]
            side = bit_of(key, level)
            other = sides[1 - side]
            if sides[side] is None:
                side = 1 - side
            elif other is not None:
                path.append((level, other))
            number = 2 * number + side
        return path, number


def bucket_of(key: bytes) -> int:
    """Return the number of the bucket that a key belongs to."""
    return int.from_bytes(key[: BUCKET_BITS // 8], "big")


def merged(leaves: Iterable[Leaf], changed: Mapping[bytes, bytes]) -> list[Leaf]:
    """Return the leaves of a bucket in order, with the value hashes in ``changed`` in place of theirs."""
    return sorted({**dict(leaves), **changed}.items())

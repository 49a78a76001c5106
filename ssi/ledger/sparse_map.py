"""A Merkle map: from names to values under one root, with short proofs that a value is there, or that none is.

Source:  docs/adr/0012-the-map-of-the-registry.md; a binary radix tree over hashed keys, its one-child nodes left out.
Input:   kinds and names, which become keys of 256 random-looking bits, and values as bytes; roots are 32 bytes.
Shapes:  key   = SHA-256("countersigned/map-key/1" 00 kind 00 name), value hash = SHA-256(05 value),
         leaf  = SHA-256(02 key value-hash), node = SHA-256(03 depth left right), the empty map = SHA-256(04).
         ``depth`` is one byte: the first bit in which the keys below differ, 0 the highest; left has a 0 there.
         A proof in bytes: its form (0 there, 1 another leaf is there, 2 empty), for the others 32 bytes with a bit for
         each depth at which the way branches, the other side's hash at each (top first), in form 1 that leaf.
I/O:     none.
Errors:  InvalidInputError (no such proof), InclusionProofError (it does not hold).

The way of a key is fixed by the root: at each node its own bit says the side. So no root has two answers for one key,
not even one made by a liar. Depths rise on the way, which bounds it at 256 steps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from ssi.errors import InclusionProofError, InvalidInputError
from ssi.ledger.port import HASH_BYTES

EMPTY_ROOT: Final = sha256(b"\x04").digest()
KEY_BITS: Final = 256
MAX_PROOF_BYTES: Final = 1 + HASH_BYTES * (1 + KEY_BITS + 2)

Leaf: TypeAlias = tuple[bytes, bytes]
"""A key and the hash of its value."""
Step: TypeAlias = tuple[int, bytes]
"""A depth at which the way branches, and the hash of the side that it does not take."""

_THERE, _OTHER, _EMPTY = 0, 1, 2


class MapProof(msgspec.Struct, frozen=True):
    """The way of one key from the root down, and the leaf at its end if that is another key's."""

    path: tuple[Step, ...]
    other: Leaf | None = None
    empty: bool = False
    """Whether it says that the map has nothing at all."""


def map_key(kind: str, name: str) -> bytes:
    """Return the key of a name. Raises InvalidInputError for a kind that is no ASCII word, a name that is no UTF-8."""
    if not (kind.isascii() and kind.isalpha()):
        raise InvalidInputError("the kind of a map's key is an ASCII word")
    try:
        return sha256(b"countersigned/map-key/1\0" + kind.encode() + b"\0" + name.encode()).digest()
    except UnicodeEncodeError as exc:
        raise InvalidInputError("the name of a map's key is not UTF-8") from exc


def value_hash(value: bytes) -> bytes:
    """Return the hash of a value."""
    return sha256(b"\x05" + value).digest()


def leaf_hash(leaf: Leaf) -> bytes:
    """Return the hash of a leaf, which is also the root of the map that has it alone."""
    return sha256(b"\x02" + leaf[0] + leaf[1]).digest()


def node_hash(depth: int, left: bytes, right: bytes) -> bytes:
    """Return the hash of a node whose two sides differ first in bit ``depth``."""
    return sha256(b"\x03" + depth.to_bytes(1, "big") + left + right).digest()


def branch_of(one: bytes, other: bytes) -> int:
    """Return the first bit in which two keys differ; KEY_BITS if they are the same."""
    return KEY_BITS - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


def bit_of(key: bytes, depth: int) -> int:
    """Return bit ``depth`` of a key, 0 the highest of its first byte."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def subtree_root(leaves: Iterable[Leaf]) -> bytes | None:
    """Return the hash over leaves in ascending order of their keys, None for none; memory is that of one way.

    Raises InvalidInputError unless every key is greater than the one before.
    """
    # (depth at which it is a right side, hash), the left-most first.
    stack: list[tuple[int, bytes]] = []
    before = -1
    for leaf in leaves:
        key = int.from_bytes(leaf[0], "big")
        if key <= before:
            raise InvalidInputError("expected the leaves of a map in the order of their keys, each key once")
        depth = -1 if before < 0 else KEY_BITS - (key ^ before).bit_length()
        _close(stack, depth)
        stack.append((depth, leaf_hash(leaf)))
        before = key
    _close(stack, -1)
    return stack[0][1] if stack else None


def _close(stack: list[tuple[int, bytes]], depth: int) -> None:
    """Make the nodes that are complete once the next leaf differs from the last one in bit ``depth``."""
    while len(stack) > 1 and stack[-1][0] > depth:
        at, right = stack.pop()
        above, left = stack.pop()
        stack.append((above, node_hash(at, left, right)))


def map_root(leaves: Iterable[Leaf]) -> bytes:
    """Return the root of the map of these leaves, in ascending order of their keys."""
    return subtree_root(leaves) or EMPTY_ROOT


def find_way(leaves: Sequence[Leaf], key: bytes) -> tuple[list[Step], Leaf | None]:
    """Return the way of ``key`` through the map of these ordered leaves, and the leaf at its end."""
    keys = [leaf[0] for leaf in leaves]
    path: list[Step] = []
    start, stop = 0, len(leaves)
    while stop - start > 1:
        depth = branch_of(keys[start], keys[stop - 1])
        middle = bisect_left(range(start, stop), 1, key=lambda place: bit_of(keys[place], depth)) + start
        if bit_of(key, depth):
            side, start = leaves[start:middle], middle
        else:
            side, stop = leaves[middle:stop], middle
        path.append((depth, map_root(side)))
    return path, leaves[start] if stop > start else None


def make_proof(path: Sequence[Step], end: Leaf | None, key: bytes) -> MapProof:
    """Return the proof that a way gives: of presence if it ends at the leaf of ``key``, else of absence."""
    return MapProof(tuple(path), None if end is None or end[0] == key else end, end is None)


def verify_presence(root: bytes, key: bytes, value: bytes, proof: MapProof) -> bytes:
    """Return ``value`` if the map of ``root`` has it under ``key``. Raises InclusionProofError."""
    if proof.other is not None or proof.empty:
        raise InclusionProofError("the map proof shows that nothing is there, not a value")
    _check(root, key, (key, value_hash(value)), proof.path)
    return value


def verify_absence(root: bytes, key: bytes, proof: MapProof) -> None:
    """Raise InclusionProofError unless the map of ``root`` has nothing under ``key``."""
    if proof.empty:
        if proof.path or proof.other or root != EMPTY_ROOT:
            raise InclusionProofError("the map is not empty")
        return
    if proof.other is None:
        raise InclusionProofError("the map proof shows that something is there, not that nothing is")
    other = proof.other[0]
    if other == key:
        raise InclusionProofError("the map proof shows that something is there, not that nothing is")
    if len(other) != HASH_BYTES or any(bit_of(other, depth) != bit_of(key, depth) for depth, _ in proof.path):
        raise InclusionProofError("the leaf in the map proof does not stand where the key would")
    _check(root, key, proof.other, proof.path)


def _check(root: bytes, key: bytes, end: Leaf, path: Sequence[Step]) -> None:
    if any(len(value) != HASH_BYTES for value in (root, key, *end, *(side for _, side in path))):
        raise InclusionProofError(f"a hash in the map proof is not {HASH_BYTES} bytes long")
    depths = [-1, *(depth for depth, _ in path), KEY_BITS]
    if any(depths[i] >= depths[i + 1] for i in range(len(depths) - 1)):
        raise InclusionProofError("the depths of the map proof do not rise")
    result = leaf_hash(end)
    for depth, side in reversed(path):
        result = node_hash(depth, side, result) if bit_of(key, depth) else node_hash(depth, result, side)
    if result != root:
        raise InclusionProofError("the map proof leads to another root")


def build_proof(proof: MapProof) -> bytes:
    """Return a proof in bytes."""
    if proof.empty:
        return bytes([_EMPTY])
    marks = sum(1 << (KEY_BITS - 1 - depth) for depth, _ in proof.path).to_bytes(HASH_BYTES, "big")
    form, end = (_THERE, b"") if proof.other is None else (_OTHER, b"".join(proof.other))
    return bytes([form]) + marks + b"".join(side for _, side in proof.path) + end


def parse_proof(data: bytes) -> MapProof:
    """Read a proof; every sequence of bytes is one proof or none. Raises InvalidInputError."""
    if data == bytes([_EMPTY]):
        return MapProof((), empty=True)
    size = HASH_BYTES
    if not 1 + size <= len(data) <= MAX_PROOF_BYTES or data[0] not in (_THERE, _OTHER):
        raise InvalidInputError("expected a map proof of a known form and length")
    marks = int.from_bytes(data[1 : 1 + size], "big")
    depths = [depth for depth in range(KEY_BITS) if marks >> (KEY_BITS - 1 - depth) & 1]
    parts = [data[at : at + size] for at in range(1 + size, len(data), size)]
    ends = 0 if data[0] == _THERE else 2
    if len(parts) != len(depths) + ends or len(parts[-1] if parts else b"-" * size) != size:
        raise InvalidInputError("expected a map proof with a hash for each of its depths")
    path = tuple(zip(depths, parts, strict=False))
    return MapProof(path, (parts[-2], parts[-1]) if ends else None)

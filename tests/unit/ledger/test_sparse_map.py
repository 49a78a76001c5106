"""The map's hashes and proofs: our own vectors, worked out apart from the code, and what must not pass."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InclusionProofError, InvalidInputError
from ssi.ledger.sparse_map import (
    EMPTY_ROOT,
    MapProof,
    bit_of,
    build_proof,
    find_way,
    leaf_hash,
    make_proof,
    map_key,
    map_root,
    node_hash,
    parse_proof,
    value_hash,
    verify_absence,
    verify_presence,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sparse_map.json").read_text())


def naive(leaves: dict[bytes, bytes], depth: int = 0) -> bytes | None:
    """The definition itself: a node where both sides have leaves, else whichever side has."""
    if len(leaves) < 2:
        return next((sha256(b"\x02" + key + value).digest() for key, value in leaves.items()), None)
    sides = [{k: v for k, v in leaves.items() if (k[depth // 8] >> (7 - depth % 8) & 1) == side} for side in (0, 1)]
    left, right = (naive(side, depth + 1) for side in sides)
    if left is None or right is None:
        return left or right
    return sha256(b"\x03" + bytes([depth]) + left + right).digest()


@pytest.mark.parametrize("case", VECTORS["maps"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    values = {map_key(kind, name): value.encode() for kind, name, value in case["values"]}
    leaves = sorted((key, value_hash(value)) for key, value in values.items())
    root = map_root(leaves)
    assert root.hex() == case["root"]
    assert (naive(dict(leaves)) or sha256(b"\x04").digest()) == root
    for asked in case["proofs"]:
        key, proof = map_key(asked["kind"], asked["name"]), parse_proof(bytes.fromhex(asked["proof"]))
        assert key.hex() == asked["key"]
        path, end = find_way(leaves, key)
        assert make_proof(path, end, key) == proof
        assert build_proof(proof).hex() == asked["proof"]
        if asked["value"] is None:
            verify_absence(root, key, proof)
            with pytest.raises(InclusionProofError):
                verify_presence(root, key, b"", proof)
        else:
            assert verify_presence(root, key, asked["value"].encode(), proof) == asked["value"].encode()
            with pytest.raises(InclusionProofError):
                verify_absence(root, key, proof)


def test_kinds_and_names_make_different_keys() -> None:
    assert len({map_key("list", "a"), map_key("did", "a"), map_key("list", "b"), map_key("lista", "")}) == 4
    for kind in ("", "a b", "a\0b", "ä"):
        with pytest.raises(InvalidInputError):
            map_key(kind, "name")
    with pytest.raises(InvalidInputError):
        map_key("list", "\ud800")


def test_leaves_nodes_and_values_never_have_one_hash() -> None:
    assert len({leaf_hash((b"a" * 32, b"b" * 32)), node_hash(97, b"a" * 31 + b"b", b"b" * 32), EMPTY_ROOT}) == 3
    assert value_hash(b"x" * 64) != leaf_hash((b"x" * 32, b"x" * 32))


def test_leaves_out_of_order_or_twice_are_refused() -> None:
    one, two = (b"\0" * 32, b"v" * 32), (b"\1" * 32, b"v" * 32)
    for leaves in ([two, one], [one, one]):
        with pytest.raises(InvalidInputError):
            map_root(leaves)


def test_keys_that_share_all_but_the_last_bit() -> None:
    low, high = b"\xff" * 31 + b"\xfe", b"\xff" * 32
    leaves = [(low, b"l" * 32), (high, value_hash(b"high"))]
    path, end = find_way(leaves, high)
    proof = make_proof(path, end, high)
    assert [depth for depth, _ in proof.path] == [255]
    assert verify_presence(map_root(leaves), high, b"high", parse_proof(build_proof(proof))) == b"high"


def test_depths_that_do_not_rise_and_forged_ends_are_refused() -> None:
    leaves = sorted((sha256(bytes([n])).digest(), value_hash(b"v")) for n in range(40))
    key, root = leaves[7][0], map_root(leaves)
    path, end = find_way(leaves, key)
    proof = make_proof(path, end, key)
    assert verify_presence(root, key, b"v", proof) == b"v"
    absent = sha256(b"absent").digest()
    beside = make_proof(*find_way(leaves, absent), absent)
    verify_absence(root, absent, beside)
    bad = [
        MapProof(tuple(reversed(proof.path))),
        MapProof((*proof.path, proof.path[-1])),
        MapProof(proof.path[:-1]),
        MapProof((*proof.path, (256, b"x" * 32))),
        MapProof((*proof.path, (255, b"x" * 31))),
        MapProof(proof.path, empty=True),
        beside,
    ]
    for forged in bad:
        with pytest.raises(InclusionProofError):
            verify_presence(root, key, b"v", forged)
    # Absence of a key that is there: by its own leaf, by another one, by an empty map.
    for forged in (proof, MapProof(proof.path, leaves[7]), MapProof(proof.path, leaves[8]), MapProof((), empty=True)):
        with pytest.raises(InclusionProofError):
            verify_absence(root, key, forged)
    # The leaf of another place does not show that this key is absent.
    other = next(leaf for leaf in leaves if any(bit_of(leaf[0], d) != bit_of(absent, d) for d, _ in beside.path))
    with pytest.raises(InclusionProofError):
        verify_absence(root, absent, make_proof(*find_way(leaves, other[0]), absent))


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\3" + b"\0" * 32, b"\2\0", b"\0" * 34, b"\1" + b"\0" * 64, b"\0" * 20_000]
)
def test_bytes_that_are_no_proof(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_proof(data)

"""pymerkle as an oracle: the same roots and inclusion proofs, made and checked by code that is not ours."""

from __future__ import annotations

import pytest

from ssi.errors import InclusionProofError
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from tests import needs

pytestmark = pytest.mark.interop
pymerkle = needs.module("pymerkle")

SIZES = [1, 2, 3, 7, 8, 9, 31, 64, 100, 257]


def _entries(size: int) -> list[bytes]:
    return [b"entry %d" % i for i in range(size)]


@pytest.fixture(scope="module")
def theirs() -> object:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in _entries(max(SIZES)):
        tree.append_entry(entry)
    return tree


@pytest.fixture
async def ours() -> MemoryLedger:
    ledger = MemoryLedger()
    await ledger.append(_entries(max(SIZES)))
    return ledger


@pytest.mark.parametrize("size", SIZES)
async def test_roots_are_equal(theirs: object, ours: MemoryLedger, size: int) -> None:
    assert await merkle.root(ours, size) == theirs.get_root(size)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", SIZES)
async def test_inclusion_proofs_are_equal(theirs: object, ours: MemoryLedger, size: int) -> None:
    for index in sorted({0, 1 % size, size // 3, size // 2, size - 1}):
        # pymerkle numbers from 1 and writes the leaf's own hash at the head of the path.
        proof = theirs.prove_inclusion(index + 1, size)  # type: ignore[attr-defined]
        leaf = merkle.leaf_hash(_entries(size)[index])
        root = await merkle.root(ours, size)
        pymerkle.verify_inclusion(leaf, root, proof)
        path = [node for node in proof.path if node != leaf]
        assert path == await merkle.inclusion_proof(ours, index, size)
        merkle.verify_inclusion(index, size, leaf, path, root)
        with pytest.raises(InclusionProofError):
            merkle.verify_inclusion(index, size, leaf, [*path[::-1], leaf], root)


@pytest.mark.parametrize("new", SIZES)
async def test_both_find_the_same_trees_consistent(theirs: object, ours: MemoryLedger, new: int) -> None:
    for old in (size for size in SIZES if size <= new):
        proof = theirs.prove_consistency(old, new)  # type: ignore[attr-defined]
        roots = await merkle.root(ours, old), await merkle.root(ours, new)
        pymerkle.verify_consistency(*roots, proof)
        # Its path is built otherwise than RFC 6962 says (the old tree node by node), so the paths are not compared.
        merkle.verify_consistency(old, new, await merkle.consistency_proof(ours, old, new), *roots)
        if old < new:
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_consistency(roots[1], roots[0], proof)

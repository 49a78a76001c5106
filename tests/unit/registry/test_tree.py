"""The edge of the tree gives the roots and paths of the newest leaves, and holds no more than that takes."""

from __future__ import annotations

import random

import pytest

from ssi.errors import EntryNotFoundError
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.registry.tree import MAX_EDGE, MIN_EDGE, EdgeTree


@pytest.mark.parametrize("seed", range(3))
async def test_the_edge_proves_what_the_ledger_proves(seed: int) -> None:
    draw, tree, ledger = random.Random(seed), EdgeTree(), MemoryLedger()
    size = 0
    while size < 3 * MAX_EDGE:
        entries = [number.to_bytes(4, "big") for number in range(size, size + draw.choice([1, 2, 31, 256, 300]))]
        await ledger.append(entries)
        size += len(entries)
        tree.extend([merkle.leaf_hash(entry) for entry in entries])
        tree.prune()
        assert len(tree._nodes) <= 2 * (MAX_EDGE + 300) + 64
        oldest = max(size - MIN_EDGE, 0)
        past = draw.randint(oldest, size)
        assert tree.root() == await merkle.root(ledger, size)
        assert tree.root(past) == await merkle.root(ledger, past)
        indexes = [oldest, size - 1, draw.randrange(oldest, size)]
        assert await merkle.inclusion_proofs(tree.as_ledger(), indexes, size) == await merkle.inclusion_proofs(
            ledger, indexes, size
        )


async def test_what_is_not_kept_is_refused() -> None:
    tree = EdgeTree()
    for start in range(0, 4 * MAX_EDGE, 256):
        tree.extend([merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(start, start + 256)])
        tree.prune()
    size = await tree.size()
    for asked in (3, size + 1):
        with pytest.raises(EntryNotFoundError):
            tree.root(asked)
    with pytest.raises(EntryNotFoundError):
        await merkle.inclusion_proof(tree.as_ledger(), 5, size)

"""Proof checks against what proofs are not; the laws over all trees are in tests/property."""

from __future__ import annotations

import pytest

from ssi.errors import InclusionProofError
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger

LEAVES = [b"%d" % i for i in range(13)]


@pytest.fixture
async def ledger() -> MemoryLedger:
    ledger = MemoryLedger()
    await ledger.append(LEAVES)
    return ledger


async def test_an_inclusion_proof_holds_for_one_leaf_index_and_size(ledger: MemoryLedger) -> None:
    root = await merkle.root(ledger, 13)
    for index in range(13):
        path = await merkle.inclusion_proof(ledger, index, 13)
        leaf = merkle.leaf_hash(LEAVES[index])
        merkle.verify_inclusion(index, 13, leaf, path, root)
        wrong = [
            (index, 13, leaf, path[:-1], root),
            (index, 13, leaf, path[1:], root),
            (index, 13, leaf, [*path, root], root),
            (index, 13, leaf, [root, *path], root),
            (index, 13, leaf, path[::-1] if len(set(path)) > 1 else [], root),
            (index, 13, leaf, path, merkle.EMPTY_ROOT),
            (index, 13, merkle.leaf_hash(b"other"), path, root),
            (index, 13, LEAVES[index], path, root),
            (index, 13, leaf, [*path[:-1], path[-1][:-1]], root),
            (index, 13, leaf, [*path[:-1], path[-1] + b"\x00"], root),
            (index, 13, leaf, path, root[:-1]),
            (index, 13, leaf, path, b""),
            (-1, 13, leaf, path, root),
            (13, 13, leaf, path, root),
            (index, 0, leaf, path, root),
            (index, -1, leaf, path, root),
            (index, 1 << 63, leaf, path, root),
        ]
        wrong += [(other, 13, leaf, path, root) for other in range(13) if other != index]
        for arguments in wrong:
            with pytest.raises(InclusionProofError):
                merkle.verify_inclusion(*arguments)


async def test_a_consistency_proof_holds_for_one_pair_of_sizes(ledger: MemoryLedger) -> None:
    roots = [await merkle.root(ledger, size) for size in range(14)]
    for old in range(1, 14):
        path = await merkle.consistency_proof(ledger, old, 13)
        merkle.verify_consistency(old, 13, path, roots[old], roots[13])
        wrong = [
            (old, 13, [*path, roots[13]], roots[old], roots[13]),
            (old, 13, [roots[13], *path], roots[old], roots[13]),
            (old, 13, path, merkle.EMPTY_ROOT, roots[13]),
            (old, 13, path, roots[old], merkle.EMPTY_ROOT),
            (0, 13, path, merkle.EMPTY_ROOT, roots[13]),
            (-1, 13, path, roots[old], roots[13]),
            (14, 13, path, roots[old], roots[13]),
            (old, 1 << 63, path, roots[old], roots[13]),
            (old, 13, path, roots[old][:-1], roots[13]),
        ]
        wrong += [(other, 13, path, roots[old], roots[13]) for other in range(1, 14) if other != old]
        if path:
            wrong += [
                (old, 13, path[:-1], roots[old], roots[13]),
                (old, 13, path[1:], roots[old], roots[13]),
                (old, 13, [*path[:-1], path[-1][:-1]], roots[old], roots[13]),
                (old, 13, [], roots[old], roots[13]),
            ]
        for arguments in wrong:
            with pytest.raises(InclusionProofError):
                merkle.verify_consistency(*arguments)


def test_an_inner_node_is_no_leaf() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


class CountingLedger(MemoryLedger):
    """Counts what a proof reads."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.hashes_read = 0

    async def hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        self.calls += 1
        self.hashes_read += stop - start
        return list(await super().hashes(level, start, stop))


async def test_proofs_read_a_logarithm_of_the_log() -> None:
    ledger = CountingLedger()
    size = (1 << 14) - 1
    await ledger.append([b"%d" % i for i in range(size)])
    for index in (0, 1, size // 2, size - 1):
        ledger.hashes_read = 0
        await merkle.inclusion_proof(ledger, index, size)
        assert ledger.hashes_read <= 2 * 14
    ledger.hashes_read = 0
    await merkle.consistency_proof(ledger, size // 3, size)
    assert ledger.hashes_read <= 3 * 14
    ledger.calls = 0
    await merkle.inclusion_proofs(ledger, range(1000, 1064), size)
    assert ledger.calls <= 3 * 14

"""The edge of the log's tree, kept in memory: enough to prove new entries without reading the ledger.

Source:  RFC 6962, section 2.1.
Input:   leaf hashes in ledger order.
Shapes:  the frontier (one node for each bit of the size) and the nodes completed since ``prune``; O(log n + batch).
I/O:     none; ``hashes`` has the ledger's form, so that ``ssi.ledger.merkle`` computes roots and paths from it.
Errors:  EntryNotFoundError for a node that is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ssi.errors import EntryNotFoundError
from ssi.ledger import merkle
from ssi.ledger.port import Ledger


class EdgeTree:
    """The frontier of a growing tree, with the nodes of its newest leaves."""

    __slots__ = ("_frontier", "_nodes", "_size")

    def __init__(self) -> None:
        """An empty tree."""
        self._frontier: dict[int, bytes] = {}
        self._nodes: dict[merkle.Node, bytes] = {}
        self._size = 0

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes and keep every node that they complete, until ``prune``."""
        for level, first, row in merkle.grow(self._frontier, self._size, leaves):
            for offset, value in enumerate(row):
                self._nodes[level, first + offset] = value
        self._size += len(leaves)

    def prune(self) -> None:
        """Keep the frontier only."""
        kept = merkle.frontier_nodes(self._size)
        self._nodes = {node: self._nodes[node] for node in kept}

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return merkle.root_from_hashes(self._size, self._nodes.__getitem__)

    def as_ledger(self) -> Ledger:
        """Return the tree as what ``merkle`` and ``sign_checkpoint`` ask: they call only ``size`` and ``hashes``."""
        return cast("Ledger", self)

    async def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Return kept nodes of one level. Raises EntryNotFoundError for one that is not kept."""
        try:
            return [self._nodes[level, index] for index in range(start, stop)]
        except KeyError as exc:
            raise EntryNotFoundError(f"the edge of the tree has no node {exc.args[0]}") from exc

"""The edge of the log's tree, kept in memory: enough to prove the newest entries without reading the ledger.

Source:  RFC 6962, section 2.1.
Input:   leaf hashes in ledger order.
Shapes:  the frontier of some size not long ago (one node for each bit of it) and every node completed since:
         O(log n + MAX_EDGE). So roots and paths of the last MIN_EDGE leaves, and at their sizes, come from here.
I/O:     none; ``hashes`` has the ledger's form, so that ``ssi.ledger.merkle`` computes roots and paths from it.
Errors:  EntryNotFoundError for a node that is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from ssi.errors import EntryNotFoundError
from ssi.ledger import merkle
from ssi.ledger.port import Ledger

MIN_EDGE: Final = 512
MAX_EDGE: Final = 1_024
"""Leaves that are kept: pruned to the lower number when there are more than the higher one."""


class EdgeTree:
    """The nodes of the newest leaves of a growing tree, with what lies to the left of them."""

    __slots__ = ("_frontier", "_nodes", "_size", "_start")

    def __init__(self) -> None:
        """An empty tree."""
        self._frontier: dict[int, bytes] = {}
        self._nodes: dict[merkle.Node, bytes] = {}
        self._size = 0
        self._start = 0

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes and keep every node that they complete, until ``prune``."""
        for level, first, row in merkle.grow(self._frontier, self._size, leaves):
            for offset, value in enumerate(row):
                self._nodes[level, first + offset] = value
        self._size += len(leaves)

    def prune(self) -> None:
        """Drop what only older leaves need."""
        if self._size - self._start <= MAX_EDGE:
            return
        start = self._start = self._size - MIN_EDGE
        kept = {node: self._nodes[node] for node in merkle.frontier_nodes(start)}
        kept.update((node, value) for node, value in self._nodes.items() if (node[1] + 1) << node[0] > start)
        self._nodes = kept

    def root(self, size: int | None = None) -> bytes:
        """Return the root over all leaves so far, or over the first ``size``.

        Raises EntryNotFoundError if that was too long ago or is not reached yet.
        """
        at = self._size if size is None else size
        if at > self._size:
            raise EntryNotFoundError(f"the edge of the tree has {self._size} leaves, not {at}")
        try:
            return merkle.root_from_hashes(at, self._nodes.__getitem__)
        except KeyError as exc:
            raise EntryNotFoundError(f"the edge of the tree has no node {exc.args[0]}") from exc

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

"""A ledger in memory: for tests, and for a registry that is rebuilt from elsewhere at each start.

Source:  the Ledger port; RFC 6962, section 2.1.
I/O:     none. Nothing outlives the process, so nothing is promised about durability.
Errors:  those of the port.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssi.errors import ConflictError, InclusionProofError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import check_successor
from ssi.ledger.port import Withheld, check_entries, check_level, check_range


class MemoryLedger:
    """The Ledger port over lists. Safe under many tasks of one event loop."""

    def __init__(self) -> None:
        self._entries: list[bytes | Withheld] = []
        self._levels: list[list[bytes]] = []
        self._frontier: dict[int, bytes] = {}
        self._indexes: dict[bytes, int] = {}
        self._checkpoint: bytes | None = None

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        check_entries(entries)
        size = len(self._entries)
        leaves = [merkle.leaf_hash(entry) for entry in entries]
        new = {leaf: entry for leaf, entry in zip(leaves, entries, strict=True) if leaf not in self._indexes}
        if new and expected_size is not None and expected_size != size:
            raise ConflictError(f"the log has {size} entries, {expected_size} were expected")
        for level, first, row in merkle.grow(self._frontier, size, list(new)):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level][first:] = row
        self._entries.extend(new.values())
        self._indexes.update((leaf, size + offset) for offset, leaf in enumerate(new))
        return [self._indexes[leaf] for leaf in leaves]

    async def size(self) -> int:
        return len(self._entries)

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        check_range(start, stop, len(self._entries))
        return self._entries[start:stop]

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        check_level(level)
        row = self._levels[level] if level < len(self._levels) else []
        check_range(start, stop, len(row), what=f"subtree of level {level}")
        return row[start:stop]

    async def checkpoint(self) -> bytes | None:
        return self._checkpoint

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        checkpoint = check_successor(self._checkpoint, old, new)
        if checkpoint is None:
            return
        if checkpoint.size > len(self._entries):
            raise InclusionProofError(
                f"the checkpoint is for {checkpoint.size} entries, the log has {len(self._entries)}"
            )
        if merkle.root_from_hashes(checkpoint.size, lambda node: self._levels[node[0]][node[1]]) != checkpoint.root:
            raise InclusionProofError(f"the checkpoint has another root than the log at size {checkpoint.size}")
        self._checkpoint = new

    async def withhold(self, index: int, *, order: str) -> None:
        check_range(index, index + 1, len(self._entries))
        if not isinstance(self._entries[index], Withheld):
            self._entries[index] = Withheld(self._levels[0][index], order)

    async def close(self) -> None:
        """Nothing is held."""

"""A ledger that tells how much of it has been read, so that long work can show how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ssi.ledger import Ledger, SelfCheckingLedger, Withheld


class WatchedLedger:
    """The Ledger port over another ledger; ``advance`` is called with the number of entries of each read."""

    def __init__(self, ledger: Ledger, advance: Callable[[int], None]) -> None:
        self._ledger = ledger
        self._advance = advance

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        return await self._ledger.append(entries, expected_size=expected_size)

    async def size(self) -> int:
        return await self._ledger.size()

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        entries = await self._ledger.read(start, stop)
        self._advance(len(entries))
        return entries

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        return await self._ledger.hashes(level, start, stop)

    async def checkpoint(self) -> bytes | None:
        return await self._ledger.checkpoint()

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        await self._ledger.put_checkpoint(old, new)

    async def check_storage(self) -> None:
        """As the ledger's own, if it has one."""
        if isinstance(self._ledger, SelfCheckingLedger):
            await self._ledger.check_storage()

    async def close(self) -> None:
        await self._ledger.close()

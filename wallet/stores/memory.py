"""The wallet's store in this process, for tests and for wallets that end with their program.

Shapes:  as ``wallet.store``; rows are immutable values, so that what was given out never changes.
I/O:     none.
Errors:  as ``wallet.store``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ssi.errors import ConflictError, NotFoundError

from ..store import Commit, SealedRecord, StoredHead, StoredWallet, WrappedKey, entry_of


class _Rows(msgspec.Struct, frozen=True):
    head: StoredHead
    wraps: tuple[WrappedKey, ...]
    records: dict[bytes, SealedRecord]


class MemoryWalletStore:
    """``WalletStore`` over a dictionary."""

    def __init__(self) -> None:
        self._wallets: dict[str, _Rows] = {}

    async def create(self, wallet: str, head: StoredHead, wraps: Sequence[WrappedKey]) -> None:
        """As ``WalletStore.create``."""
        if wallet in self._wallets:
            raise ConflictError("a wallet of this name is already there")
        self._wallets[wallet] = _Rows(head, _by_name(wraps), {})

    async def wallets(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """As ``WalletStore.wallets``."""
        return sorted(name for name in self._wallets if name > after)[:limit]

    async def head(self, wallet: str) -> StoredHead:
        """As ``WalletStore.head``."""
        return self._rows(wallet).head

    async def wraps(self, wallet: str) -> Sequence[WrappedKey]:
        """As ``WalletStore.wraps``."""
        return self._rows(wallet).wraps

    async def load(self, wallet: str) -> StoredWallet:
        """As ``WalletStore.load``."""
        rows = self._rows(wallet)
        entries = tuple(entry_of(record) for _, record in sorted(rows.records.items()))
        return StoredWallet(head=rows.head, wraps=rows.wraps, entries=entries)

    async def records(self, wallet: str, ids: Sequence[bytes], *, content: bool) -> Sequence[SealedRecord]:
        """As ``WalletStore.records``."""
        rows = self._rows(wallet)
        try:
            found = [rows.records[wanted] for wanted in ids]
        except KeyError:
            raise NotFoundError("the wallet has no such record") from None
        return found if content else [msgspec.structs.replace(record, content=b"") for record in found]

    async def commit(self, wallet: str, change: Commit) -> None:
        """As ``WalletStore.commit``."""
        rows = self._rows(wallet)
        if rows.head != change.before:
            raise ConflictError("the wallet has changed since its head was read")
        records = {record.id: record for record in rows.records.values() if record.id not in change.deletes}
        records.update((record.id, record) for record in change.puts)
        wraps = rows.wraps if change.wraps is None else _by_name(change.wraps)
        self._wallets[wallet] = _Rows(change.head, wraps, records)

    async def erase(self, wallet: str) -> None:
        """As ``WalletStore.erase``."""
        self._rows(wallet)
        del self._wallets[wallet]

    async def close(self) -> None:
        """Do nothing: another opening of the same object finds the wallets again."""

    def _rows(self, wallet: str) -> _Rows:
        try:
            return self._wallets[wallet]
        except KeyError:
            raise NotFoundError("the store has no wallet of this name") from None


def _by_name(wraps: Sequence[WrappedKey]) -> tuple[WrappedKey, ...]:
    return tuple(sorted(wraps, key=lambda wrap: wrap.name))

"""The wallet's store in one SQLite file.

Shapes:  as ``wallet.store``. A damaged file may hold values of any type in any column, so each is checked on its way.
I/O:     one file that only its owner may read, with a rollback journal; durable before a method returns
         (``ssi.database``). Deleted rows are overwritten.
Errors:  as ``wallet.store``; InvalidInputError if the file is of another kind, or made by a later version.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ssi.database import Database, Migration, planned_migrations
from ssi.errors import ConflictError, NotFoundError, UnavailableError, VerificationError

from ..store import (
    NONCE_BYTES,
    Commit,
    RecordEntry,
    SealedRecord,
    StoredHead,
    StoredWallet,
    WrappedKey,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

APPLICATION_ID: Final = 0x43535741
MIGRATIONS: Final = (
    Migration(
        "wallets, their wrapped keys and records",
        (
            "CREATE TABLE wallets (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, head BLOB NOT NULL) STRICT",
            """CREATE TABLE wraps (
                wallet TEXT NOT NULL REFERENCES wallets (id), name TEXT NOT NULL, box BLOB NOT NULL,
                PRIMARY KEY (wallet, name)) STRICT, WITHOUT ROWID""",
            """CREATE TABLE records (
                wallet TEXT NOT NULL REFERENCES wallets (id), id BLOB NOT NULL, category TEXT NOT NULL,
                version INTEGER NOT NULL, tags BLOB NOT NULL, summary BLOB NOT NULL, content BLOB NOT NULL,
                PRIMARY KEY (wallet, id)) STRICT""",
        ),
    ),
)

Kind = TypeVar("Kind", bytes, str, int)


class SqliteWalletStore:
    """``WalletStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteWalletStore.open``."""
        self._database = database

    @classmethod
    async def open(cls, path: str | os.PathLike[str], *, create: bool = True) -> SqliteWalletStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process.

        Raises NotFoundError if there is no file and ``create`` is not set.
        """
        if os.fspath(path) != ":memory:":
            _touch(path, create)
        return cls(await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS, journal="delete"))

    @staticmethod
    def planned(path: str | os.PathLike[str]) -> tuple[Migration, ...]:
        """Return the migrations that opening the file would apply, tried on a copy and without changing it."""
        return planned_migrations(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)

    async def create(self, wallet: str, head: StoredHead, wraps: Sequence[WrappedKey]) -> None:
        """As ``WalletStore.create``."""

        def work(connection: Connection) -> None:
            if connection.execute("SELECT 1 FROM wallets WHERE id = ?", (wallet,)).fetchone() is not None:
                raise ConflictError("a wallet of this name is already there")
            connection.execute(
                "INSERT INTO wallets (id, revision, head) VALUES (?, ?, ?)", (wallet, head.revision, head.box)
            )
            _put_wraps(connection, wallet, wraps)

        await self._database.write(work)

    async def wallets(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """As ``WalletStore.wallets``."""

        def work(connection: Connection) -> list[str]:
            rows = connection.execute("SELECT id FROM wallets WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
            return [_of(str, row[0]) for row in rows]

        return await self._database.read(work)

    async def head(self, wallet: str) -> StoredHead:
        """As ``WalletStore.head``."""
        return await self._database.read(lambda connection: _head(connection, wallet))

    async def wraps(self, wallet: str) -> Sequence[WrappedKey]:
        """As ``WalletStore.wraps``."""

        def work(connection: Connection) -> tuple[WrappedKey, ...]:
            _head(connection, wallet)
            return _wraps(connection, wallet)

        return await self._database.read(work)

    async def load(self, wallet: str) -> StoredWallet:
        """As ``WalletStore.load``."""

        def work(connection: Connection) -> StoredWallet:
            head = _head(connection, wallet)
            return StoredWallet(head=head, wraps=_wraps(connection, wallet), entries=_entries(connection, wallet))

        return await self._database.read(work)

    async def records(self, wallet: str, ids: Sequence[bytes], *, content: bool) -> Sequence[SealedRecord]:
        """As ``WalletStore.records``."""
        last = "content" if content else "x''"
        statement = f"SELECT id, category, version, tags, summary, {last} FROM records WHERE wallet = ? AND id = ?"

        def work(connection: Connection) -> list[SealedRecord]:
            rows = [connection.execute(statement, (wallet, wanted)).fetchone() for wanted in ids]
            if None in rows:
                raise NotFoundError("the wallet has no such record")
            return [_record(row) for row in rows]

        return await self._database.read(work)

    async def commit(self, wallet: str, change: Commit) -> None:
        """As ``WalletStore.commit``."""

        def work(connection: Connection) -> None:
            if _head(connection, wallet) != change.before:
                raise ConflictError("the wallet has changed since its head was read")
            connection.execute(
                "UPDATE wallets SET revision = ?, head = ? WHERE id = ?",
                (change.head.revision, change.head.box, wallet),
            )
            for gone in change.deletes:
                connection.execute("DELETE FROM records WHERE wallet = ? AND id = ?", (wallet, gone))
            for record in change.puts:
                connection.execute(
                    "INSERT OR REPLACE INTO records (wallet, id, category, version, tags, summary, content)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (wallet, *(getattr(record, name) for name in _RECORD_COLUMNS)),
                )
            if change.wraps is not None:
                connection.execute("DELETE FROM wraps WHERE wallet = ?", (wallet,))
                _put_wraps(connection, wallet, change.wraps)

        await self._database.write(work)

    async def erase(self, wallet: str) -> None:
        """As ``WalletStore.erase``."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM records WHERE wallet = ?", (wallet,))
            connection.execute("DELETE FROM wraps WHERE wallet = ?", (wallet,))
            if not connection.execute("DELETE FROM wallets WHERE id = ?", (wallet,)).rowcount:
                raise NotFoundError("the store has no wallet of this name")

        await self._database.write(work)

    async def close(self) -> None:
        """As ``WalletStore.close``."""
        await self._database.close()


_RECORD_COLUMNS: Final = ("id", "category", "version", "tags", "summary", "content")


def _touch(path: str | os.PathLike[str], create: bool) -> None:
    """Make the file before SQLite does, closed to others; its journal takes over the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600))
    except FileNotFoundError as exc:
        raise NotFoundError("there is no wallet file at this path") from exc
    except OSError as exc:
        raise UnavailableError("the wallet's file cannot be opened for writing") from exc


def _head(connection: Connection, wallet: str) -> StoredHead:
    row = connection.execute("SELECT revision, head FROM wallets WHERE id = ?", (wallet,)).fetchone()
    if row is None:
        raise NotFoundError("the store has no wallet of this name")
    return StoredHead(revision=_of(int, row[0]), box=_of(bytes, row[1]))


def _wraps(connection: Connection, wallet: str) -> tuple[WrappedKey, ...]:
    rows = connection.execute("SELECT name, box FROM wraps WHERE wallet = ? ORDER BY name", (wallet,))
    return tuple(WrappedKey(name=_of(str, row[0]), box=_of(bytes, row[1])) for row in rows)


def _put_wraps(connection: Connection, wallet: str, wraps: Sequence[WrappedKey]) -> None:
    for wrap in wraps:
        connection.execute("INSERT INTO wraps (wallet, name, box) VALUES (?, ?, ?)", (wallet, wrap.name, wrap.box))


def _entries(connection: Connection, wallet: str) -> tuple[RecordEntry, ...]:
    rows = connection.execute(
        f"SELECT id, category, version, tags, substr(summary, 1, {NONCE_BYTES}), substr(content, 1, {NONCE_BYTES})"
        " FROM records WHERE wallet = ? ORDER BY id",
        (wallet,),
    )
    return tuple(
        RecordEntry(
            id=_of(bytes, row[0]),
            category=_of(str, row[1]),
            version=_of(int, row[2]),
            tags=_of(bytes, row[3]),
            nonces=_of(bytes, row[4]) + _of(bytes, row[5]),
        )
        for row in rows
    )


def _record(row: Sequence[Any]) -> SealedRecord:
    return SealedRecord(
        id=_of(bytes, row[0]),
        category=_of(str, row[1]),
        version=_of(int, row[2]),
        tags=_of(bytes, row[3]),
        summary=_of(bytes, row[4]),
        content=_of(bytes, row[5]),
    )


def _of(kind: type[Kind], value: Any) -> Kind:
    if type(value) is not kind:
        raise VerificationError("the wallet's file holds a value of another type than was stored")
    return value

"""A witness's heads in one SQLite file.

Shapes:  as ``ssi.ledger.witness``; one row for each log.
I/O:     one file, durable before a method returns (``ssi.database``).
Errors:  as ``ssi.ledger.witness``.
"""

from __future__ import annotations

import os
from sqlite3 import Connection
from typing import Final

from ssi.database import Database, Migration
from ssi.errors import ConflictError

APPLICATION_ID: Final = 0x43534348
MIGRATIONS: Final = (
    Migration(
        "heads",
        (
            "CREATE TABLE heads (origin TEXT PRIMARY KEY, note BLOB NOT NULL) STRICT, WITHOUT ROWID",
            "CREATE TABLE forks (origin TEXT PRIMARY KEY, proof BLOB NOT NULL) STRICT, WITHOUT ROWID",
        ),
    ),
)


class SqliteHeadStore:
    """``HeadStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteHeadStore.open``."""
        self._database = database

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteHeadStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process."""
        return cls(await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS))

    async def head(self, origin: str) -> bytes | None:
        """As ``HeadStore.head``."""
        return await self._database.read(lambda connection: _head(connection, origin))

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> None:
        """As ``HeadStore.replace``."""

        def work(connection: Connection) -> None:
            if _head(connection, origin) != old:
                raise ConflictError("another head was cosigned meanwhile")
            connection.execute("INSERT OR REPLACE INTO heads (origin, note) VALUES (?, ?)", (origin, new))

        await self._database.write(work)

    async def keep_fork(self, origin: str, proof: bytes) -> None:
        """As ``HeadStore.keep_fork``."""

        def work(connection: Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO forks (origin, proof) VALUES (?, ?)", (origin, proof))

        await self._database.write(work)

    async def fork(self, origin: str) -> bytes | None:
        """As ``HeadStore.fork``."""

        def work(connection: Connection) -> bytes | None:
            row = connection.execute("SELECT proof FROM forks WHERE origin = ?", (origin,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._database.read(work)

    async def close(self) -> None:
        """Release the file."""
        await self._database.close()


def _head(connection: Connection, origin: str) -> bytes | None:
    row = connection.execute("SELECT note FROM heads WHERE origin = ?", (origin,)).fetchone()
    return None if row is None else bytes(row[0])

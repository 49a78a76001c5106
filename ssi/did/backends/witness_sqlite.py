"""A witness's copies of logs in one SQLite file.

Shapes:  as ``ssi.did.webvh.witness_desk``; one row for each SCID.
I/O:     one file, durable before a method returns (``ssi.database``).
Errors:  as ``ssi.did.webvh.witness_desk``.
"""

from __future__ import annotations

import os
from sqlite3 import Connection
from typing import Final

from ssi.database import Database, Migration
from ssi.errors import ConflictError

APPLICATION_ID: Final = 0x43535754
MIGRATIONS: Final = (
    Migration("logs", ("CREATE TABLE logs (scid TEXT PRIMARY KEY, log BLOB NOT NULL) STRICT, WITHOUT ROWID",)),
)


class SqliteWitnessStore:
    """``WitnessStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteWitnessStore.open``."""
        self._database = database

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteWitnessStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process."""
        return cls(await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS))

    async def copy(self, scid: str) -> bytes | None:
        """As ``WitnessStore.copy``."""
        return await self._database.read(lambda connection: _copy(connection, scid))

    async def replace(self, scid: str, old: bytes | None, new: bytes) -> None:
        """As ``WitnessStore.replace``."""

        def work(connection: Connection) -> None:
            if _copy(connection, scid) != old:
                raise ConflictError("another version was approved meanwhile")
            connection.execute("INSERT OR REPLACE INTO logs (scid, log) VALUES (?, ?)", (scid, new))

        await self._database.write(work)

    async def close(self) -> None:
        """Release the file."""
        await self._database.close()


def _copy(connection: Connection, scid: str) -> bytes | None:
    row = connection.execute("SELECT log FROM logs WHERE scid = ?", (scid,)).fetchone()
    return None if row is None else bytes(row[0])

"""The issuance book in one SQLite file.

Shapes:  as ``issuer.issuance``; a batch keeps its leaves as one value of 32 bytes each.
I/O:     one file, durable before a method returns (``ssi.database``).
Errors:  as ``issuer.issuance``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from secrets import token_bytes
from sqlite3 import Connection
from typing import Final

from ssi.database import Database, Migration
from ssi.status.issuance import CAPACITY

from ..issuance import Batch
from ..outbox import Intent, IntentKind, IntentState
from .outbox import OUTBOX
from .outbox_methods import SqliteOutbox

APPLICATION_ID: Final = 0x4353424B
MIGRATIONS: Final = (
    Migration(
        "leaves and batches",
        (
            "CREATE TABLE key (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL) STRICT",
            """CREATE TABLE batches (
                epoch INTEGER PRIMARY KEY, leaves BLOB NOT NULL, anchored INTEGER NOT NULL DEFAULT 0) STRICT""",
            """CREATE TABLE leaves (
                number INTEGER PRIMARY KEY, leaf BLOB NOT NULL UNIQUE,
                epoch INTEGER REFERENCES batches (epoch)) STRICT""",
            "CREATE INDEX waiting ON leaves (number) WHERE epoch IS NULL",
        ),
    ),
    OUTBOX,
)


class SqliteIssuanceStore(SqliteOutbox):
    """``IssuanceStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteIssuanceStore.open``."""
        self._database = database

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteIssuanceStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process."""
        return cls(await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS))

    async def key(self) -> bytes:
        """As ``IssuanceStore.key``."""

        def work(connection: Connection) -> bytes:
            connection.execute("INSERT OR IGNORE INTO key (id, value) VALUES (1, ?)", (token_bytes(32),))
            return bytes(connection.execute("SELECT value FROM key").fetchone()[0])

        return await self._database.write(work)

    async def add(self, leaf: bytes) -> None:
        """As ``IssuanceStore.add``."""
        await self._database.write(
            lambda connection: connection.execute("INSERT OR IGNORE INTO leaves (leaf) VALUES (?)", (leaf,))
        )

    async def close_batch(self, epoch: int, fill: Callable[[Sequence[bytes]], Sequence[bytes]]) -> None:
        """As ``IssuanceStore.close_batch``."""

        def work(connection: Connection) -> None:
            if connection.execute("SELECT 1 FROM batches WHERE epoch >= ?", (epoch,)).fetchone():
                return
            waiting = connection.execute(
                "SELECT number, leaf FROM leaves WHERE epoch IS NULL ORDER BY number LIMIT ?", (CAPACITY,)
            ).fetchall()
            whole = b"".join(fill([row[1] for row in waiting]))
            connection.execute("INSERT INTO batches (epoch, leaves) VALUES (?, ?)", (epoch, whole))
            connection.executemany("UPDATE leaves SET epoch = ? WHERE number = ?", [(epoch, row[0]) for row in waiting])

        await self._database.write(work)

    async def batch_of(self, leaf: bytes) -> Batch | None:
        """As ``IssuanceStore.batch_of``."""
        condition = "WHERE epoch = (SELECT epoch FROM leaves WHERE leaf = ?)"
        found = await self._database.read(_batches(condition, (leaf,)))
        return found[0] if found else None

    async def pending(self) -> Sequence[Batch]:
        """As ``IssuanceStore.pending``."""
        return await self._database.read(_batches("WHERE anchored = 0 ORDER BY epoch", ()))

    def settled(self, connection: Connection, intent: Intent, state: IntentState, receipt: bytes | None) -> None:
        """Mark a batch as anchored, or as not anchored any more, with the intent to commit to it."""
        if intent.kind is IntentKind.BATCH:
            anchored = state is IntentState.DONE
            connection.execute("UPDATE batches SET anchored = ? WHERE epoch = ?", (int(anchored), intent.number))

    async def close(self) -> None:
        """Release the file."""
        await self._database.close()


def _batches(condition: str, arguments: tuple[object, ...]) -> Callable[[Connection], list[Batch]]:
    def work(connection: Connection) -> list[Batch]:
        rows = connection.execute(f"SELECT epoch, leaves, anchored FROM batches {condition}", arguments)
        return [
            Batch(
                epoch=row[0],
                leaves=tuple(row[1][at : at + 32] for at in range(0, len(row[1]), 32)),
                anchored=bool(row[2]),
            )
            for row in rows
        ]

    return work

"""Intents in a SQLite file: the table, and the queries of ``issuer.outbox.Outbox``.

Shapes:  as ``issuer.outbox``. The index allows one live intent of a kind, subject and number.
I/O:     a connection inside a transaction of the store.
Errors:  none of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from ssi.database import Migration

from ..outbox import Intent, IntentKind, IntentState, NewIntent

OUTBOX: Final = Migration(
    "intents: what is to be on the ledger",
    (
        """CREATE TABLE intents (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL, number INTEGER NOT NULL,
            entry BLOB NOT NULL, made_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending', idx INTEGER,
            receipt BLOB, reason TEXT NOT NULL DEFAULT '') STRICT""",
        "CREATE UNIQUE INDEX one_intent ON intents (kind, subject, number) WHERE state <> 'superseded'",
        "CREATE INDEX open_intents ON intents (id) WHERE state IN ('pending', 'refused')",
        "CREATE INDEX standing_intents ON intents (idx) WHERE state = 'done'",
    ),
)
_COLUMNS: Final = "id, kind, subject, number, entry, made_at, state, idx, receipt, reason"
_LIMIT: Final = 1000


def put_intents(connection: Connection, intents: Sequence[NewIntent]) -> list[Intent]:
    """As ``Outbox.put_intents``."""
    return [_put(connection, intent) for intent in intents]


def _put(connection: Connection, new: NewIntent) -> Intent:
    connection.execute(
        "INSERT INTO intents (kind, subject, number, entry, made_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (str(new.kind), new.subject, new.number, new.entry, new.made_at),
    )
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM intents WHERE kind = ? AND subject = ? AND number = ? AND state <> 'superseded'",
        (str(new.kind), new.subject, new.number),
    ).fetchone()
    return _read(row)


def read_intents(connection: Connection, states: Sequence[IntentState], after: int) -> list[Intent]:
    """As ``Outbox.intents``."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM intents WHERE id > ? AND state IN ({', '.join('?' * len(states))})"
        " ORDER BY id LIMIT ?",
        (after, *map(str, states), _LIMIT),
    )
    return [_read(row) for row in rows]


def last_done(connection: Connection) -> Intent | None:
    """As ``Outbox.last_done``."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM intents WHERE state = 'done' ORDER BY idx DESC LIMIT 1"
    ).fetchone()
    return None if row is None else _read(row)


def settle(
    connection: Connection,
    intent: Intent,
    state: IntentState,
    *,
    reason: str,
    index: int | None,
    receipt: bytes | None,
    entry: bytes | None,
) -> None:
    """Write what ``Outbox.settle`` says of the intent itself."""
    connection.execute(
        "UPDATE intents SET state = ?, reason = ?, idx = coalesce(?, idx), receipt = coalesce(?, receipt),"
        " entry = coalesce(?, entry) WHERE id = ?",
        (str(state), reason, index, receipt, entry, intent.id),
    )


def renew(connection: Connection, intent: Intent, new: NewIntent) -> Intent:
    """As ``Outbox.renew_intent``."""
    connection.execute(
        "UPDATE intents SET state = 'superseded', reason = 'signed anew' WHERE id = ? AND state <> 'done'", (intent.id,)
    )
    return _put(connection, new)


def forget(connection: Connection, before: int) -> int:
    """As ``Outbox.forget_intents``."""
    return connection.execute(
        """DELETE FROM intents WHERE state IN ('done', 'superseded') AND made_at < ?
        AND id IS NOT (SELECT id FROM intents WHERE state = 'done' ORDER BY idx DESC LIMIT 1)""",
        (before,),
    ).rowcount


def _read(row: Sequence[Any]) -> Intent:
    return Intent(
        id=row[0],
        kind=IntentKind(row[1]),
        subject=row[2],
        number=row[3],
        entry=row[4],
        made_at=row[5],
        state=IntentState(row[6]),
        index=row[7],
        receipt=row[8],
        reason=row[9],
    )

"""The tables of the issuer's SQLite file, and how an earlier file becomes one of today.

Shapes:  a published migration never changes: another one follows it.
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

from typing import Final

from ssi.database import Migration

from .adoption import ADOPTION
from .head import MARK
from .outbox import OUTBOX

APPLICATION_ID: Final = 0x43534E49
MIGRATIONS: Final = (
    Migration(
        "credentials, families and lists",
        (
            "CREATE TABLE secret (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL) STRICT",
            """CREATE TABLE families (
                id INTEGER PRIMARY KEY, format TEXT NOT NULL, uri TEXT NOT NULL UNIQUE, entries INTEGER NOT NULL,
                capacity INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0,
                version INTEGER NOT NULL DEFAULT 0) STRICT""",
            """CREATE TABLE credentials (
                number INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, type TEXT NOT NULL,
                format TEXT NOT NULL, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, holder TEXT, request_tag BLOB,
                issued_at INTEGER NOT NULL, valid_until INTEGER NOT NULL,
                family INTEGER REFERENCES families (id), idx INTEGER, state INTEGER NOT NULL DEFAULT 0,
                replaced_by INTEGER REFERENCES credentials (number), UNIQUE (family, idx)) STRICT""",
            "CREATE UNIQUE INDEX current_reference ON credentials (reference) WHERE replaced_by IS NULL",
            "CREATE INDEX of_type ON credentials (type)",
            "CREATE INDEX of_key ON credentials (key)",
            "CREATE INDEX of_state ON credentials (family, state, idx) WHERE state <> 0",
            """CREATE TABLE retained (
                number INTEGER PRIMARY KEY REFERENCES credentials (number), claims BLOB NOT NULL,
                until INTEGER NOT NULL) STRICT""",
            """CREATE TABLE acts (
                id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES credentials (number), act TEXT NOT NULL,
                reason TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL) STRICT""",
            "CREATE INDEX of_credential ON acts (number)",
            """CREATE TABLE lists (
                uri TEXT PRIMARY KEY, family INTEGER NOT NULL REFERENCES families (id), epoch INTEGER NOT NULL,
                version INTEGER NOT NULL, body BLOB NOT NULL, media_type TEXT NOT NULL, issued_at INTEGER NOT NULL,
                valid_until INTEGER NOT NULL, receipt BLOB) STRICT""",
        ),
    ),
    ADOPTION,
    MARK,
    OUTBOX,
)

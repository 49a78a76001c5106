"""Families that another system made, in the issuer's SQLite file.

Source:  draft-ietf-oauth-status-list-20, section 13.2 (no index is given twice, whoever gave it).
Shapes:  ``adopted`` has every index that a family came with and its state of then: what the other system still believes
         if the takeover is rolled back. An index without a row in ``credentials`` keeps that state for ever.
I/O:     a connection inside a transaction of the store.
Errors:  ConflictError; the transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, IntegrityError
from typing import Final

from ssi.database import Migration
from ssi.errors import ConflictError
from ssi.status.lists import CredentialState

from ..store import AdoptedFamily

ADOPTION: Final = Migration(
    "families of another system",
    (
        "ALTER TABLE families ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE families ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE adopted (
            family INTEGER NOT NULL REFERENCES families (id), idx INTEGER NOT NULL, state INTEGER NOT NULL,
            PRIMARY KEY (family, idx)) STRICT, WITHOUT ROWID""",
    ),
)

_UNPUBLISHED: Final = "SELECT id FROM families WHERE adopted AND id NOT IN (SELECT family FROM lists)"


def adopt(connection: Connection, families: Sequence[AdoptedFamily]) -> set[int]:
    """Insert families and their credentials, held, and return the families' numbers. Raises ConflictError."""
    return {_adopt_one(connection, family) for family in families}


def _adopt_one(connection: Connection, family: AdoptedFamily) -> int:
    taken = [(credential.index, credential.state) for credential in family.credentials] + list(family.taken)
    (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM families").fetchone()
    try:
        connection.execute(
            "INSERT INTO families (id, format, uri, entries, capacity, taken, adopted, held)"
            " VALUES (?, ?, ?, ?, ?, ?, 1, 1)",
            (number, str(family.format), family.uri, family.entries, family.capacity, len(taken)),
        )
        connection.executemany(
            "INSERT INTO adopted (family, idx, state) VALUES (?, ?, ?)",
            ((number, index, int(state)) for index, state in taken),
        )
        connection.executemany(
            "INSERT INTO credentials (reference, type, format, id, key, holder, issued_at, valid_until, family, idx,"
            " state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(row.reference, row.type, row.format, row.id, row.key, row.holder, row.issued_at),
                    *(row.valid_until, number, row.index, int(row.state)),
                )
                for row in family.credentials
            ),
        )
    except IntegrityError as exc:
        text = str(exc)
        for column, what in _CLASHES.items():
            if column in text:
                raise ConflictError(f"{what} is here already, or is given twice") from exc
        raise
    return int(number)


_CLASHES: Final = {
    "families.uri": "the address of a status list",
    "adopted.idx": "an index of a status list",
    "credentials.reference": "a reference",
    "credentials.id": "the identifier of a credential",
}


def adopted(connection: Connection, family: int) -> list[tuple[int, CredentialState]]:
    """Return every index that a family came with, in order, and its state then."""
    rows = connection.execute("SELECT idx, state FROM adopted WHERE family = ? ORDER BY idx", (family,))
    return [(index, CredentialState(state)) for index, state in rows]


def refuse_held(connection: Connection, family: int | None) -> None:
    """Raise ConflictError if another system still serves the family."""
    if connection.execute("SELECT 1 FROM families WHERE id = ? AND held", (family,)).fetchone():
        raise ConflictError("the system that issued this credential still serves its status list: act there")


def refuse_during_takeover(connection: Connection) -> None:
    """Raise ConflictError while any family is held: two systems must not issue under one DID at a time."""
    if connection.execute("SELECT 1 FROM families WHERE held").fetchone():
        raise ConflictError("another system still issues: finish the takeover first")


def abandon(connection: Connection) -> int:
    """Delete adopted families and return how many credentials went with them. Raises ConflictError."""
    if connection.execute("SELECT 1 FROM lists JOIN families ON id = family WHERE adopted").fetchone():
        raise ConflictError("an adopted status list was published here: what was done since must be carried over")
    changed = connection.execute(
        f"""SELECT 1 FROM credentials LEFT JOIN adopted USING (family, idx) WHERE family IN ({_UNPUBLISHED})
        AND (adopted.state IS NOT credentials.state OR replaced_by IS NOT NULL)"""
    ).fetchone()
    if changed:
        raise ConflictError("an adopted family was changed here: what was done since must be carried over")
    of_ours = f"SELECT number FROM credentials WHERE family IN ({_UNPUBLISHED})"
    connection.execute(f"DELETE FROM acts WHERE number IN ({of_ours})")
    connection.execute(f"DELETE FROM retained WHERE number IN ({of_ours})")
    gone = connection.execute(f"DELETE FROM credentials WHERE family IN ({_UNPUBLISHED})").rowcount
    connection.execute(f"DELETE FROM adopted WHERE family IN ({_UNPUBLISHED})")
    connection.execute(f"DELETE FROM families WHERE id IN ({_UNPUBLISHED})")
    return gone

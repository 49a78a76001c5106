"""Rows of the issuer's SQLite file as the values of ``issuer.store``, and the queries that give them.

Shapes:  a column list and the function that reads its rows stand together; times are Unix seconds.
I/O:     a connection inside a transaction of the store.
Errors:  NotFoundError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import Any, Final

from ssi.errors import NotFoundError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState

from ..store import Act, Family, Issued, Selection, StoredList

ISSUED: Final = (
    "number, reference, type, format, id, key, holder, request_tag, issued_at, valid_until, family, idx, state,"
    " replaced_by"
)
FAMILY: Final = "id, format, uri, entries, capacity, version, adopted, held"
LIST: Final = "uri, family, epoch, version, body, media_type, issued_at, valid_until, receipt"


def current_row(connection: Connection, reference: str) -> Issued | None:
    """Return the current credential of a reference, or None."""
    row = connection.execute(
        f"SELECT {ISSUED} FROM credentials WHERE reference = ? AND replaced_by IS NULL",
        (reference,),
    ).fetchone()
    return None if row is None else read_issued(row)


def select_rows(connection: Connection, selection: Selection, after: int, limit: int) -> list[Issued]:
    """Return matching credentials above ``after``, in order; a negative ``limit`` is none."""
    conditions, values = ["number > ?"], [after]
    arguments: list[object] = [*values]
    for column in ("reference", "type", "key"):
        value = getattr(selection, column)
        if value is not None:
            conditions.append(f"{column} = ?")
            arguments.append(value)
    if selection.numbers is not None:
        conditions.append(f"number IN ({', '.join('?' * len(selection.numbers))})")
        arguments += selection.numbers
    elif not selection.replaced:
        conditions.append("replaced_by IS NULL")
    rows = connection.execute(
        f"SELECT {ISSUED} FROM credentials WHERE {' AND '.join(conditions)} ORDER BY number LIMIT ?",
        (*arguments, limit),
    )
    return [read_issued(row) for row in rows]


def read_issued(row: Sequence[Any]) -> Issued:
    """Return a credential from a row of ISSUED."""
    return Issued(
        number=row[0],
        reference=row[1],
        type=row[2],
        format=row[3],
        id=row[4],
        key=row[5],
        holder=row[6],
        request_tag=row[7],
        issued_at=row[8],
        valid_until=row[9],
        family=row[10],
        index=row[11],
        state=CredentialState(row[12]),
        replaced_by=row[13],
    )


def read_family(row: Sequence[Any]) -> Family:
    """Return a family from a row of FAMILY."""
    return Family(
        id=row[0],
        format=StatusFormat(row[1]),
        uri=row[2],
        entries=row[3],
        capacity=row[4],
        version=row[5],
        adopted=bool(row[6]),
        held=bool(row[7]),
    )


def read_lists(condition: str, arguments: tuple[object, ...]) -> Callable[[Connection], list[StoredList]]:
    """Return what reads the lists that a condition chooses."""

    def work(connection: Connection) -> list[StoredList]:
        rows = connection.execute(f"SELECT {LIST} FROM lists {condition}", arguments)
        return [
            StoredList(
                uri=row[0],
                family=row[1],
                epoch=row[2],
                version=row[3],
                body=row[4],
                media_type=row[5],
                issued_at=row[6],
                valid_until=row[7],
                receipt=row[8],
            )
            for row in rows
        ]

    return work


def read_states(connection: Connection, family: int) -> tuple[int, list[tuple[int, CredentialState]]]:
    """Return a family's version, and index and state of every entry of it that is not VALID. Raises NotFoundError."""
    row = connection.execute("SELECT version FROM families WHERE id = ?", (family,)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no family {family} of status lists")
    states = connection.execute(
        """SELECT idx, state FROM credentials WHERE family = :family AND state <> 0
        UNION ALL SELECT idx, state FROM adopted WHERE family = :family AND state <> 0 AND NOT EXISTS
        (SELECT 1 FROM credentials AS own WHERE own.family = :family AND own.idx = adopted.idx)""",
        {"family": family},
    )
    return row[0], [(index, CredentialState(state)) for index, state in states]


def read_acts(connection: Connection, number: int) -> list[Act]:
    """Return what was done to a credential, oldest first."""
    rows = connection.execute("SELECT number, act, reason, by, at FROM acts WHERE number = ? ORDER BY id", (number,))
    return [Act(number=row[0], act=row[1], reason=row[2], by=row[3], at=row[4]) for row in rows]

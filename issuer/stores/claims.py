"""Claim a credential's row and its status index, and give states, in the issuer's SQLite file.

Source:  decision 11 of the design; draft-ietf-oauth-status-list-20, section 13.2 (no index twice).
Shapes:  an index is drawn at random, and the unique key of the table decides whether it was free.
I/O:     a connection inside a transaction of the store.
Errors:  ConflictError; the transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, IntegrityError

from ssi.errors import ConflictError
from ssi.status.lists import CredentialState, draw_index

from ..store import Act, Draft, Family, Issued
from .adoption import refuse_during_takeover, refuse_held
from .rows import ISSUED, current_row, read_issued


def claim(
    connection: Connection,
    draft: Draft,
    family: Family | None,
    replaces: int | None,
    when: Sequence[CredentialState],
) -> Issued:
    """As ``IssuerStore.claim``."""
    current = current_row(connection, draft.reference)
    if replaces is None and current is not None:
        return current
    refuse_during_takeover(connection)
    if replaces is not None:
        if current is None or current.number != replaces:
            raise ConflictError("another credential was issued under this reference meanwhile")
        if current.state not in when:
            raise ConflictError(f"this reference is {current.state.name.lower()} meanwhile")
        # The reference is unique among current credentials: the old row steps aside before the new one comes in.
        connection.execute("UPDATE credentials SET replaced_by = number WHERE number = ?", (replaces,))
    number = _insert(connection, draft, family)
    if current is not None:
        connection.execute("UPDATE credentials SET replaced_by = ? WHERE number = ?", (number, current.number))
        if current.state is not CredentialState.REVOKED:
            act = Act(number=current.number, act="reissue", reason="replaced", by="", at=draft.issued_at)
            set_state(connection, current, CredentialState.REVOKED, act)
    if draft.retained is not None:
        connection.execute(
            "INSERT INTO retained (number, claims, until) VALUES (?, ?, ?)",
            (number, draft.retained, draft.retained_until),
        )
    row = connection.execute(f"SELECT {ISSUED} FROM credentials WHERE number = ?", (number,)).fetchone()
    return read_issued(row)


def _insert(connection: Connection, draft: Draft, family: Family | None) -> int:
    """Insert a row with a random index that the unique key lets through, while the family has room."""
    columns = "reference, type, format, id, key, holder, request_tag, issued_at, valid_until, family, idx"
    fixed = (
        *(draft.reference, draft.type, draft.format, draft.id, draft.key, draft.holder, draft.request_tag),
        *(draft.issued_at, draft.valid_until),
    )
    if family is not None:
        room = "UPDATE families SET taken = taken + 1 WHERE id = ? AND taken < capacity AND NOT held"
        if not connection.execute(room, (family.id,)).rowcount:
            raise ConflictError("the family of status lists is full; open another one")
    while True:
        place = (None, None) if family is None else (family.id, draw_index(family.entries))
        if connection.execute("SELECT 1 FROM adopted WHERE family = ? AND idx = ?", place).fetchone():
            continue
        try:
            cursor = connection.execute(
                f"INSERT INTO credentials ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*fixed, *place),
            )
        except IntegrityError as exc:
            if "idx" in str(exc):
                continue
            raise
        return int(cursor.lastrowid or 0)


def set_state(connection: Connection, found: Issued, state: CredentialState, act: Act) -> None:
    """Give a credential a state, which its family's version shows, and record the act."""
    refuse_held(connection, found.family)
    connection.execute("UPDATE credentials SET state = ? WHERE number = ?", (int(state), found.number))
    connection.execute("UPDATE families SET version = version + 1 WHERE id = ?", (found.family,))
    connection.execute(
        "INSERT INTO acts (number, act, reason, by, at) VALUES (?, ?, ?, ?, ?)",
        (act.number, act.act, act.reason, act.by, act.at),
    )

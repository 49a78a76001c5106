"""Make an older issuer's database go on, so that nothing that was given out since is given out again.

Source:  draft-ietf-oauth-status-list-20, section 13.2 (no index is given twice).
Shapes:  families that stand in the database take no more credentials: which of their indexes were given out since is
         not known. New families have addresses with the generation of the recovery, which no earlier one can have.
I/O:     a connection inside a transaction of the store.
Errors:  NotFoundError (a list of a family that is not here).
"""

from __future__ import annotations

from secrets import choice
from sqlite3 import Connection

from ssi.errors import NotFoundError
from ssi.status.lists import CredentialState

from ..store import Act, FoundFamily, Recovery
from .claims import set_state
from .rows import ISSUED, LIST, read_issued, read_states


def recover(connection: Connection, recovery: Recovery) -> None:
    """Take over what is published, and close every family for new credentials."""
    # Letters: a ledger takes no address with a run of digits, which could number a person.
    generation = "".join(choice("abcdefghijklmnop") for _ in range(8))
    connection.execute(
        "INSERT INTO recoveries (generation, reason, by, at) VALUES (?, ?, ?, ?)",
        (generation, recovery.reason, recovery.by, recovery.at),
    )
    for found in recovery.families:
        _take_over(connection, found, recovery)
    connection.execute("UPDATE families SET capacity = taken WHERE capacity > taken")


def generation(connection: Connection) -> str:
    """Return what the addresses of new families begin with: nothing before the first recovery."""
    row = connection.execute("SELECT generation FROM recoveries ORDER BY id DESC LIMIT 1").fetchone()
    return "" if row is None else f"{row[0]}-"


def _take_over(connection: Connection, found: FoundFamily, recovery: Recovery) -> None:
    number = _family(connection, found)
    published = dict(found.states)
    rows = connection.execute(f"SELECT {ISSUED} FROM credentials WHERE family = ?", (number,)).fetchall()
    for row in rows:
        issued = read_issued(row)
        state = published.pop(issued.index or 0, CredentialState.VALID)
        # Revoked is for good, also where the revocation was not published any more.
        if issued.state not in (state, CredentialState.REVOKED):
            act = Act(number=issued.number, act="recover", reason=recovery.reason, by=recovery.by, at=recovery.at)
            set_state(connection, issued, state, act)
    connection.executemany(
        "INSERT INTO adopted (family, idx, state) VALUES (?, ?, ?)"
        " ON CONFLICT (family, idx) DO UPDATE SET state = excluded.state",
        ((number, index, int(state)) for index, state in published.items()),
    )
    if published:
        connection.execute("UPDATE families SET version = version + 1 WHERE id = ?", (number,))
    version, _ = read_states(connection, number)
    for stored in found.lists:
        values = (stored.uri, number, stored.epoch, version, stored.body, stored.media_type)
        connection.execute(
            f"INSERT OR REPLACE INTO lists ({LIST}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, stored.issued_at, stored.valid_until, stored.receipt),
        )


def _family(connection: Connection, found: FoundFamily) -> int:
    """Return the number of the family at an address; one that is not here is made, with no room."""
    row = connection.execute("SELECT id, entries FROM families WHERE uri = ?", (found.uri,)).fetchone()
    if row is not None:
        if row[1] != found.entries:
            raise NotFoundError("a published list has another number of entries than the family at its address")
        return int(row[0])
    (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM families").fetchone()
    connection.execute(
        "INSERT INTO families (id, format, uri, entries, capacity, taken) VALUES (?, ?, ?, ?, 0, 0)",
        (number, str(found.format), found.uri, found.entries),
    )
    return int(number)

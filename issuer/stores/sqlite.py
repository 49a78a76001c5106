"""The issuer's store in one SQLite file.

Shapes:  as ``issuer.store``; a family's version and the states of its credentials change in one transaction.
I/O:     one file, durable before a method returns (``ssi.database``).
Errors:  as ``issuer.store``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from secrets import token_bytes
from sqlite3 import Connection, IntegrityError
from typing import Any, Final

import msgspec

from ssi.database import Database, Migration
from ssi.errors import ConflictError, NotFoundError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState, draw_index

from ..store import Act, AdoptedFamily, Draft, Family, Issued, Selection, StoredList
from .adoption import ADOPTION, abandon, adopt, adopted, refuse_during_takeover, refuse_held

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
)

_ISSUED: Final = (
    "number, reference, type, format, id, key, holder, request_tag, issued_at, valid_until, family, idx, state,"
    " replaced_by"
)
_FAMILY: Final = "id, format, uri, entries, capacity, version, adopted, held"
_LIST: Final = "uri, family, epoch, version, body, media_type, issued_at, valid_until, receipt"


class SqliteIssuerStore:
    """``IssuerStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteIssuerStore.open``."""
        self._database = database

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteIssuerStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process."""
        return cls(await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS))

    async def claim(
        self,
        draft: Draft,
        family: Family | None,
        *,
        replaces: int | None = None,
        when: Sequence[CredentialState] = tuple(CredentialState),
    ) -> Issued:
        """As ``IssuerStore.claim``."""
        return await self._database.write(lambda connection: _claim(connection, draft, family, replaces, when))

    async def rekey(self, number: int, key: str) -> Issued:
        """As ``IssuerStore.rekey``."""

        def work(connection: Connection) -> Issued:
            row = connection.execute(
                f"UPDATE credentials SET key = ? WHERE number = ? AND replaced_by IS NULL RETURNING {_ISSUED}",
                (key, number),
            ).fetchone()
            if row is None:
                raise ConflictError("another credential was issued under this reference meanwhile")
            return _issued(row)

        return await self._database.write(work)

    async def find(self, reference: str) -> Issued:
        """As ``IssuerStore.find``."""

        def work(connection: Connection) -> Issued:
            current = _current(connection, reference)
            if current is None:
                raise NotFoundError("no credential was issued under this reference")
            return current

        return await self._database.read(work)

    async def select(self, selection: Selection, *, after: int = 0, limit: int = 1000) -> Sequence[Issued]:
        """As ``IssuerStore.select``."""
        return await self._database.read(lambda connection: _select(connection, selection, after, limit))

    async def retained(self, number: int) -> bytes | None:
        """As ``IssuerStore.retained``."""

        def work(connection: Connection) -> bytes | None:
            row = connection.execute("SELECT claims FROM retained WHERE number = ?", (number,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._database.read(work)

    async def erase_due(self, *, now: int, retry_before: int) -> int:
        """As ``IssuerStore.erase_due``."""

        def work(connection: Connection) -> int:
            claims = connection.execute("DELETE FROM retained WHERE until <= ?", (now,)).rowcount
            tags = connection.execute(
                "UPDATE credentials SET request_tag = NULL WHERE request_tag IS NOT NULL AND issued_at < ?",
                (retry_before,),
            ).rowcount
            return claims + tags

        return await self._database.write(work)

    async def change(
        self,
        selection: Selection,
        state: CredentialState,
        *,
        when: Sequence[CredentialState],
        act: str,
        reason: str,
        by: str,
        at: int,
    ) -> Sequence[Issued]:
        """As ``IssuerStore.change``."""

        def work(connection: Connection) -> Sequence[Issued]:
            chosen = [found for found in _select(connection, selection, 0, -1) if found.state in when]
            for found in chosen:
                _set_state(connection, found, state, Act(number=found.number, act=act, reason=reason, by=by, at=at))
            return [msgspec.structs.replace(found, state=state) for found in chosen]

        return await self._database.write(work)

    async def acts(self, number: int) -> Sequence[Act]:
        """As ``IssuerStore.acts``."""

        def work(connection: Connection) -> Sequence[Act]:
            rows = connection.execute(
                "SELECT number, act, reason, by, at FROM acts WHERE number = ? ORDER BY id", (number,)
            )
            return [Act(number=row[0], act=row[1], reason=row[2], by=row[3], at=row[4]) for row in rows]

        return await self._database.read(work)

    async def open_family(self, format: StatusFormat, *, entries: int, capacity: int, base: str) -> Family:
        """As ``IssuerStore.open_family``."""

        def newest(connection: Connection) -> Family | None:
            row = connection.execute(
                f"SELECT {_FAMILY} FROM families WHERE format = ? AND entries = ? AND taken < capacity"
                " AND NOT held ORDER BY id DESC LIMIT 1",
                (str(format), entries),
            ).fetchone()
            return None if row is None else _family(row)

        def work(connection: Connection) -> Family:
            found = newest(connection)
            if found is not None:
                return found
            refuse_during_takeover(connection)
            (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM families").fetchone()
            # An adopted family may have the address that comes next, whatever its own number is.
            while connection.execute("SELECT 1 FROM families WHERE uri = ?", (f"{base}/{number}",)).fetchone():
                number += 1
            row = (number, str(format), f"{base}/{number}", entries, capacity, 0, 0, 0)
            connection.execute(f"INSERT INTO families ({_FAMILY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            return _family(row)

        found: Family | None = await self._database.read(newest)
        return found if found is not None else await self._database.write(work)

    async def family(self, id: int) -> Family:
        """As ``IssuerStore.family``."""
        for family in await self.families():
            if family.id == id:
                return family
        raise NotFoundError(f"there is no family {id} of status lists")

    async def families(self) -> Sequence[Family]:
        """As ``IssuerStore.families``."""

        def work(connection: Connection) -> Sequence[Family]:
            rows = connection.execute(f"SELECT {_FAMILY} FROM families ORDER BY id")
            return [_family(row) for row in rows]

        return await self._database.read(work)

    async def states(self, family: int) -> tuple[int, Sequence[tuple[int, CredentialState]]]:
        """As ``IssuerStore.states``."""

        def work(connection: Connection) -> tuple[int, Sequence[tuple[int, CredentialState]]]:
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

        return await self._database.read(work)

    async def put_lists(self, lists: Sequence[StoredList]) -> None:
        """As ``IssuerStore.put_lists``."""

        def work(connection: Connection) -> None:
            for new in lists:
                row = connection.execute("SELECT epoch, version FROM lists WHERE uri = ?", (new.uri,)).fetchone()
                epoch, version = (0, -1) if row is None else row
                if new.epoch != epoch + 1 or new.version < version:
                    raise ConflictError(f"another process published epoch {epoch} of a list of family {new.family}")
                connection.execute(
                    f"INSERT OR REPLACE INTO lists ({_LIST}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    msgspec.structs.astuple(new),
                )

        await self._database.write(work)

    async def put_receipt(self, uri: str, epoch: int, receipt: bytes) -> None:
        """As ``IssuerStore.put_receipt``."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE lists SET receipt = ? WHERE uri = ? AND epoch = ?", (receipt, uri, epoch)
            )
        )

    async def list_at(self, uri: str) -> StoredList:
        """As ``IssuerStore.list_at``."""
        for found in await self._database.read(_lists("WHERE uri = ?", (uri,))):
            return found
        raise NotFoundError("there is no status list at this URI")

    async def lists(self) -> Sequence[StoredList]:
        """As ``IssuerStore.lists``."""
        return await self._database.read(_lists("ORDER BY family, uri", ()))

    async def adopt(self, families: Sequence[AdoptedFamily]) -> Sequence[Family]:
        """As ``IssuerStore.adopt``."""

        def work(connection: Connection) -> Sequence[Family]:
            made = adopt(connection, families)
            rows = connection.execute(f"SELECT {_FAMILY} FROM families ORDER BY id")
            return [_family(row) for row in rows if row[0] in made]

        return await self._database.write(work)

    async def adopted(self, family: int) -> Sequence[tuple[int, CredentialState]]:
        """As ``IssuerStore.adopted``."""
        return await self._database.read(lambda connection: adopted(connection, family))

    async def release(self) -> Sequence[Family]:
        """As ``IssuerStore.release``."""

        def work(connection: Connection) -> Sequence[Family]:
            rows = connection.execute(f"UPDATE families SET held = 0 WHERE held RETURNING {_FAMILY}")
            return sorted((_family(row) for row in rows.fetchall()), key=lambda family: family.id)

        return await self._database.write(work)

    async def abandon(self) -> int:
        """As ``IssuerStore.abandon``."""
        return await self._database.write(abandon)

    async def secret(self) -> bytes:
        """As ``IssuerStore.secret``."""

        def work(connection: Connection) -> bytes:
            connection.execute("INSERT OR IGNORE INTO secret (id, value) VALUES (1, ?)", (token_bytes(32),))
            return bytes(connection.execute("SELECT value FROM secret").fetchone()[0])

        return await self._database.write(work)

    async def close(self) -> None:
        """As ``IssuerStore.close``."""
        await self._database.close()


def _claim(
    connection: Connection,
    draft: Draft,
    family: Family | None,
    replaces: int | None,
    when: Sequence[CredentialState],
) -> Issued:
    current = _current(connection, draft.reference)
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
            _set_state(connection, current, CredentialState.REVOKED, act)
    if draft.retained is not None:
        connection.execute(
            "INSERT INTO retained (number, claims, until) VALUES (?, ?, ?)",
            (number, draft.retained, draft.retained_until),
        )
    row = connection.execute(f"SELECT {_ISSUED} FROM credentials WHERE number = ?", (number,)).fetchone()
    return _issued(row)


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


def _set_state(connection: Connection, found: Issued, state: CredentialState, act: Act) -> None:
    refuse_held(connection, found.family)
    connection.execute("UPDATE credentials SET state = ? WHERE number = ?", (int(state), found.number))
    connection.execute("UPDATE families SET version = version + 1 WHERE id = ?", (found.family,))
    connection.execute(
        "INSERT INTO acts (number, act, reason, by, at) VALUES (?, ?, ?, ?, ?)",
        (act.number, act.act, act.reason, act.by, act.at),
    )


def _current(connection: Connection, reference: str) -> Issued | None:
    row = connection.execute(
        f"SELECT {_ISSUED} FROM credentials WHERE reference = ? AND replaced_by IS NULL",
        (reference,),
    ).fetchone()
    return None if row is None else _issued(row)


def _select(connection: Connection, selection: Selection, after: int, limit: int) -> list[Issued]:
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
        f"SELECT {_ISSUED} FROM credentials WHERE {' AND '.join(conditions)} ORDER BY number LIMIT ?",
        (*arguments, limit),
    )
    return [_issued(row) for row in rows]


def _issued(row: Sequence[Any]) -> Issued:
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


def _family(row: Sequence[Any]) -> Family:
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


def _lists(condition: str, arguments: tuple[object, ...]) -> Callable[[Connection], list[StoredList]]:
    def work(connection: Connection) -> list[StoredList]:
        rows = connection.execute(f"SELECT {_LIST} FROM lists {condition}", arguments)
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

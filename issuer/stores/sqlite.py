"""The issuer's store in one SQLite file.

Shapes:  as ``issuer.store``; a family's version and the states of its credentials change in one transaction.
I/O:     one file, durable before a method returns (``ssi.database``), and the head file beside it (``head``).
Errors:  as ``issuer.store``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from secrets import token_bytes
from sqlite3 import Connection
from typing import TypeVar

import msgspec

from ssi.database import Database
from ssi.errors import ConflictError, NotFoundError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState

from ..outbox import Intent, IntentKind, IntentState, NewIntent
from ..store import Act, AdoptedFamily, Draft, Family, Issued, Recovery, Selection, StoredList
from .adoption import abandon, adopt, adopted, refuse_during_takeover
from .claims import claim, set_state
from .head import StoreHead, head_path
from .outbox import put_intents
from .outbox_methods import SqliteOutbox
from .recovery import generation, recover
from .rows import (
    FAMILY,
    ISSUED,
    LIST,
    current_row,
    read_acts,
    read_family,
    read_issued,
    read_lists,
    read_states,
    select_rows,
)
from .schema import APPLICATION_ID as APPLICATION_ID
from .schema import MIGRATIONS as MIGRATIONS

Result = TypeVar("Result")


class SqliteIssuerStore(SqliteOutbox):
    """``IssuerStore`` over one file; several processes may have it open."""

    def __init__(self, database: Database, head: StoreHead) -> None:
        """Use ``SqliteIssuerStore.open``."""
        self._database = database
        self._head = head

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteIssuerStore:
        """Open or make the file at ``path``; ``":memory:"`` keeps it in this process.

        A file that is older than its head file (the same name and ``.head``) is opened, and refuses every act.
        """
        head = StoreHead(None if str(path) == ":memory:" else head_path(path))
        database = await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)
        try:
            await database.write(head.start)
        except BaseException:
            await database.close()
            raise
        return cls(database, head)

    async def claim(
        self,
        draft: Draft,
        family: Family | None,
        *,
        replaces: int | None = None,
        when: Sequence[CredentialState] = tuple(CredentialState),
    ) -> Issued:
        """As ``IssuerStore.claim``."""
        return await self._act(lambda connection: claim(connection, draft, family, replaces, when))

    async def rekey(self, number: int, key: str) -> Issued:
        """As ``IssuerStore.rekey``."""

        def work(connection: Connection) -> Issued:
            row = connection.execute(
                f"UPDATE credentials SET key = ? WHERE number = ? AND replaced_by IS NULL RETURNING {ISSUED}",
                (key, number),
            ).fetchone()
            if row is None:
                raise ConflictError("another credential was issued under this reference meanwhile")
            return read_issued(row)

        return await self._database.write(work)

    async def find(self, reference: str) -> Issued:
        """As ``IssuerStore.find``."""

        def work(connection: Connection) -> Issued:
            current = current_row(connection, reference)
            if current is None:
                raise NotFoundError("no credential was issued under this reference")
            return current

        return await self._database.read(work)

    async def select(self, selection: Selection, *, after: int = 0, limit: int = 1000) -> Sequence[Issued]:
        """As ``IssuerStore.select``."""
        return await self._database.read(lambda connection: select_rows(connection, selection, after, limit))

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
            chosen = [found for found in select_rows(connection, selection, 0, -1) if found.state in when]
            for found in chosen:
                set_state(connection, found, state, Act(number=found.number, act=act, reason=reason, by=by, at=at))
            return [msgspec.structs.replace(found, state=state) for found in chosen]

        return await self._act(work)

    async def acts(self, number: int) -> Sequence[Act]:
        """As ``IssuerStore.acts``."""

        return await self._database.read(lambda connection: read_acts(connection, number))

    async def open_family(self, format: StatusFormat, *, entries: int, capacity: int, base: str) -> Family:
        """As ``IssuerStore.open_family``."""

        def newest(connection: Connection) -> Family | None:
            row = connection.execute(
                f"SELECT {FAMILY} FROM families WHERE format = ? AND entries = ? AND taken < capacity"
                " AND NOT held ORDER BY id DESC LIMIT 1",
                (str(format), entries),
            ).fetchone()
            return None if row is None else read_family(row)

        def work(connection: Connection) -> Family:
            found = newest(connection)
            if found is not None:
                return found
            refuse_during_takeover(connection)
            (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM families").fetchone()
            begin = f"{base}/{generation(connection)}"
            # An adopted family may have the address that comes next, whatever its own number is.
            while connection.execute("SELECT 1 FROM families WHERE uri = ?", (f"{begin}{number}",)).fetchone():
                number += 1
            row = (number, str(format), f"{begin}{number}", entries, capacity, 0, 0, 0)
            connection.execute(f"INSERT INTO families ({FAMILY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            return read_family(row)

        found: Family | None = await self._database.read(newest)
        return found if found is not None else await self._act(work)

    async def family(self, id: int) -> Family:
        """As ``IssuerStore.family``."""
        for family in await self.families():
            if family.id == id:
                return family
        raise NotFoundError(f"there is no family {id} of status lists")

    async def families(self) -> Sequence[Family]:
        """As ``IssuerStore.families``."""

        def work(connection: Connection) -> Sequence[Family]:
            rows = connection.execute(f"SELECT {FAMILY} FROM families ORDER BY id")
            return [read_family(row) for row in rows]

        return await self._database.read(work)

    async def states(self, family: int) -> tuple[int, Sequence[tuple[int, CredentialState]]]:
        """As ``IssuerStore.states``."""

        return await self._database.read(lambda connection: read_states(connection, family))

    async def put_lists(self, lists: Sequence[StoredList], intents: Sequence[NewIntent] = ()) -> None:
        """As ``IssuerStore.put_lists``."""

        def work(connection: Connection) -> None:
            self._head.require(connection)
            for new in lists:
                row = connection.execute("SELECT epoch, version FROM lists WHERE uri = ?", (new.uri,)).fetchone()
                epoch, version = (0, -1) if row is None else row
                if new.epoch <= epoch or new.version < version:
                    raise ConflictError(f"another process published epoch {epoch} of a list of family {new.family}")
                connection.execute(
                    f"INSERT OR REPLACE INTO lists ({LIST}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    msgspec.structs.astuple(new),
                )
            put_intents(connection, intents)

        await self._database.write(work)

    def settled(self, connection: Connection, intent: Intent, state: IntentState, receipt: bytes | None) -> None:
        """Give a list its receipt, or take it away, with the intent to commit to it."""
        if intent.kind is IntentKind.LIST:
            connection.execute(
                "UPDATE lists SET receipt = ? WHERE uri = ? AND epoch = ?",
                (receipt if state is IntentState.DONE else None, intent.subject, intent.number),
            )

    async def list_at(self, uri: str) -> StoredList:
        """As ``IssuerStore.list_at``."""
        for found in await self._database.read(read_lists("WHERE uri = ?", (uri,))):
            return found
        raise NotFoundError("there is no status list at this URI")

    async def lists(self) -> Sequence[StoredList]:
        """As ``IssuerStore.lists``."""
        return await self._database.read(read_lists("ORDER BY family, uri", ()))

    async def adopt(self, families: Sequence[AdoptedFamily]) -> Sequence[Family]:
        """As ``IssuerStore.adopt``."""

        def work(connection: Connection) -> Sequence[Family]:
            made = adopt(connection, families)
            rows = connection.execute(f"SELECT {FAMILY} FROM families ORDER BY id")
            return [read_family(row) for row in rows if row[0] in made]

        return await self._act(work)

    async def adopted(self, family: int) -> Sequence[tuple[int, CredentialState]]:
        """As ``IssuerStore.adopted``."""
        return await self._database.read(lambda connection: adopted(connection, family))

    async def release(self) -> Sequence[Family]:
        """As ``IssuerStore.release``."""

        def work(connection: Connection) -> Sequence[Family]:
            rows = connection.execute(f"UPDATE families SET held = 0 WHERE held RETURNING {FAMILY}")
            return sorted((read_family(row) for row in rows.fetchall()), key=lambda family: family.id)

        return await self._act(work)

    async def abandon(self) -> int:
        """As ``IssuerStore.abandon``."""
        return await self._act(abandon)

    async def is_newest(self) -> bool:
        """As ``IssuerStore.is_newest``."""
        await self._database.read(self._head.require)
        return self._head.kept

    async def recover(self, recovery: Recovery) -> None:
        """As ``IssuerStore.recover``."""

        def work(connection: Connection) -> None:
            recover(connection, recovery)
            self._head.overtake(connection)

        await self._database.write(work)
        await self._database.write(self._head.overtaken)

    async def secret(self) -> bytes:
        """As ``IssuerStore.secret``."""

        def work(connection: Connection) -> bytes:
            connection.execute("INSERT OR IGNORE INTO secret (id, value) VALUES (1, ?)", (token_bytes(32),))
            return bytes(connection.execute("SELECT value FROM secret").fetchone()[0])

        return await self._database.write(work)

    async def close(self) -> None:
        """As ``IssuerStore.close``."""
        await self._database.close()

    async def _act(self, work: Callable[[Connection], Result]) -> Result:
        """Do what has to be counted, and acknowledge it when its count stands outside of the database too."""

        def counted(connection: Connection) -> tuple[Result, int]:
            self._head.require(connection)
            before = connection.total_changes
            result = work(connection)
            return result, self._head.advance(connection) if connection.total_changes != before else 0

        result, acts = await self._database.write(counted)
        if not self._head.is_recorded(acts):
            await self._database.write(self._head.record)
        return result

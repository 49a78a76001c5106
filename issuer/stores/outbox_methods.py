"""The methods of ``issuer.outbox.Outbox`` for a store over one SQLite file.

Shapes:  as ``issuer.outbox``; a store says in ``settled`` what an intent's state means for its own tables.
I/O:     the store's file.
Errors:  UnavailableError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from sqlite3 import Connection

from ssi.database import Database

from ..outbox import OPEN, Intent, IntentState, NewIntent
from . import outbox


class SqliteOutbox(ABC):
    """What the stores of an issuer share."""

    _database: Database

    @abstractmethod
    def settled(self, connection: Connection, intent: Intent, state: IntentState, receipt: bytes | None) -> None:
        """Do what goes with an intent's new state, in its transaction."""

    async def put_intents(self, intents: Sequence[NewIntent]) -> Sequence[Intent]:
        """As ``Outbox.put_intents``."""
        return await self._database.write(lambda connection: outbox.put_intents(connection, intents))

    async def intents(self, states: Sequence[IntentState] = OPEN, *, after: int = 0) -> Sequence[Intent]:
        """As ``Outbox.intents``."""
        return await self._database.read(lambda connection: outbox.read_intents(connection, states, after))

    async def last_done(self) -> Intent | None:
        """As ``Outbox.last_done``."""
        return await self._database.read(outbox.last_done)

    async def settle(
        self,
        intent: Intent,
        state: IntentState,
        *,
        reason: str = "",
        index: int | None = None,
        receipt: bytes | None = None,
        entry: bytes | None = None,
    ) -> None:
        """As ``Outbox.settle``."""

        def work(connection: Connection) -> None:
            outbox.settle(connection, intent, state, reason=reason, index=index, receipt=receipt, entry=entry)
            self.settled(connection, intent, state, receipt)

        await self._database.write(work)

    async def renew_intent(self, intent: Intent, new: NewIntent) -> Intent:
        """As ``Outbox.renew_intent``."""
        return await self._database.write(lambda connection: outbox.renew(connection, intent, new))

    async def forget_intents(self, *, before: int) -> int:
        """As ``Outbox.forget_intents``."""
        return await self._database.write(lambda connection: outbox.forget(connection, before))

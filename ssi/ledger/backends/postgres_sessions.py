"""A thread with an event loop of its own, and the connections that live on it.

Input:   coroutines from any number of event loops, or from none.
Shapes:  at most READERS connections read at once; each is made when it is needed and dropped when it fails.
I/O:     one daemon thread; what ``postgres_server.connect`` does.
Errors:  those of the work; UnavailableError after closing. Work that only reads is done again, once, on a new
         connection if the old one turns out to be gone: a server that was started anew is no error to a reader.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from ssi.errors import UnavailableError
from ssi.ledger.backends.postgres_log import LogTables
from ssi.ledger.backends.postgres_server import Place, connect, translated

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

READERS: Final = 4
# How long a writer waits for its turn before it goes on without.
TURN_SECONDS: Final = 0.5
# How long the end of a ledger waits for what was still asked of the database, after cancelling it.
END_SECONDS: Final = 2.0


class BackgroundLoop:
    """An event loop on a daemon thread."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = False
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Start ``work`` there; return a future of the caller's loop. Raises UnavailableError if closed meanwhile."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._until_closed(work), self._loop))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` there and wait for it, without a loop of the caller's own."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End what still runs, then the loop and its thread."""
        self._closing = True
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _until_closed(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except asyncio.CancelledError:
            if self._closing:
                raise UnavailableError("the ledger was closed meanwhile") from None
            raise

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=END_SECONDS)


class Session:
    """One connection that is made anew when it is gone; ``admit`` looks at each new one before it is used."""

    def __init__(self, place: Place, admit: Callable[[LogTables], Awaitable[None]]) -> None:
        self._place = place
        self._admit = admit
        self._connection: asyncpg.Connection[Any] | None = None

    async def tables(self) -> LogTables:
        """Return the tables over a connection that was alive when last seen."""
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            connection = await connect(self._place)
            try:
                with translated():
                    await self._admit(LogTables(connection, self._place.schema))
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return LogTables(self._connection, self._place.schema)

    async def run(self, work: Callable[[LogTables], Awaitable[T]], *, again: bool = False) -> T:
        """Do ``work``; with ``again`` do it once more if the connection was lost on the way.

        After an error whose outcome is unknown the connection is given up: its next user starts with a clean one.
        """
        fresh = self._connection is None
        tables = await self.tables()
        try:
            with translated():
                return await work(tables)
        except (UnavailableError, asyncio.CancelledError) as exc:
            lost = tables.connection.is_closed()
            if not lost and not isinstance(exc.__cause__, _passed()):
                self.drop()
            if not (lost and again and not fresh) or isinstance(exc, asyncio.CancelledError):
                raise
        return await self.run(work)

    def holds(self, connection: object) -> bool:
        """Return whether ``connection`` is the living one of this session."""
        alive = self._connection is not None and not self._connection.is_closed()
        return alive and connection is self._connection

    def drop(self) -> None:
        """Give the connection up without a word to the server."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Take leave of the server, briefly."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                with translated():
                    await connection.close(timeout=1)
            except UnavailableError:
                connection.terminate()


class Turns:
    """One turn after the other, first among the tasks of this process, then among all writers of the log."""

    def __init__(self, place: Place, admit: Callable[[LogTables], Awaitable[None]]) -> None:
        self._session = Session(msgspec.structs.replace(place, timeout_seconds=TURN_SECONDS), admit)
        self._lock = asyncio.Lock()
        self._has = False

    async def take(self) -> None:
        await self._lock.acquire()
        try:
            await self._session.run(LogTables.take_turn, again=True)
            self._has = True
        except UnavailableError:
            return  # Without: somebody sits on it, or the database does not answer, which the append will say.
        except BaseException:
            self._lock.release()
            raise

    async def give(self) -> None:
        try:
            if self._has:
                await self._session.run(LogTables.give_turn)
        except UnavailableError:
            self._session.drop()  # The lock goes with the connection.
        finally:
            self._has = False
            self._lock.release()

    async def close(self) -> None:
        await self._session.close()


class Readers:
    """A few sessions that read, handed to one piece of work at a time."""

    def __init__(self, place: Place, admit: Callable[[LogTables], Awaitable[None]]) -> None:
        self._idle = [Session(place, admit) for _ in range(READERS)]
        self._all = tuple(self._idle)
        self._slots = asyncio.Semaphore(READERS)

    async def run(self, work: Callable[[LogTables], Awaitable[T]]) -> T:
        async with self._slots:
            session = self._idle.pop()
            try:
                return await session.run(work, again=True)
            finally:
                self._idle.append(session)

    async def close(self) -> None:
        for session in self._all:
            await session.close()


def _passed() -> tuple[type[BaseException], ...]:
    """Return the errors after which the connection is as good as before: the server said what is wrong."""
    import asyncpg

    return (asyncpg.PostgresError,)

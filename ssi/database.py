"""A SQLite file under a store: opened durably, versioned, migrated forward, used from one thread of its own.

Source:  SQLite's documentation of ``synchronous``, ``journal_mode``, ``secure_delete``, ``application_id`` and
         ``user_version``; threats rows 26 and 27.
Shapes:  ``user_version`` is the number of migrations that were applied; ``application_id`` tells stores apart.
I/O:     the file and its journal. A write is on disk when ``write`` returns (``synchronous=EXTRA``).
Errors:  InvalidInputError (another kind of file, or one of a later version), UnavailableError (locked, full, damaged).
         What the given function raises of our own tree passes through, with the transaction rolled back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec

from ssi.errors import InvalidInputError, UnavailableError

if TYPE_CHECKING:
    from sqlite3 import Connection

Result = TypeVar("Result")
BUSY_SECONDS: Final = 10.0
_DAMAGE: Final = (UnicodeDecodeError, MemoryError)
"""What the driver raises beside its own errors: for text that is none, also in an error's message, and for lengths
that a damaged page claims."""


class Migration(msgspec.Struct, frozen=True):
    """One step forward. A published migration never changes: another one follows it."""

    name: str
    statements: tuple[str, ...]


class Database:
    """One open file. Every method may be called from any task; the work is done in order on one thread."""

    def __init__(self, connection: Connection, executor: Executor) -> None:
        """Use ``Database.open``."""
        self._connection = connection
        self._executor = executor

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        application_id: int,
        migrations: Sequence[Migration],
        journal: Literal["delete", "wal"] = "delete",
    ) -> Database:
        """Open or make the file at ``path`` (``":memory:"`` keeps it in this process) and migrate it forward."""
        import asyncio

        executor = ThreadPoolExecutor(1, thread_name_prefix="countersigned-database")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(
                executor, _connect, path, application_id, migrations, journal
            )
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(connection, executor)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return ``work(connection)`` run in one consistent view of the file."""
        return await self._run(work, "BEGIN")

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Return ``work(connection)`` run in one transaction that is on disk afterwards, or undone if it raises."""
        return await self._run(work, "BEGIN IMMEDIATE")

    async def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(self._executor, self._connection.close)
        self._executor.shutdown(wait=True)

    async def _run(self, work: Callable[[Connection], Result], begin: str) -> Result:
        import asyncio

        # Shielded: a caller who is cancelled must not leave a transaction whose end nobody awaits.
        future = asyncio.get_running_loop().run_in_executor(self._executor, _transact, self._connection, work, begin)
        return await asyncio.shield(future)


def sqlite_path(url: str) -> str:
    """Return the path in ``sqlite:///absolute/path`` or ``sqlite:relative/path``. Raises InvalidInputError."""
    scheme, _, rest = url.partition(":")
    path = rest.removeprefix("//")
    if scheme != "sqlite" or not path or (rest.startswith("//") and not path.startswith("/")):
        raise InvalidInputError("expected sqlite:///absolute/path or sqlite:relative/path")
    return path


def planned_migrations(
    path: str | os.PathLike[str], *, application_id: int, migrations: Sequence[Migration]
) -> tuple[Migration, ...]:
    """Return what opening the file would apply, changing nothing: the dry run.

    Each step is tried on a copy in memory first, so that a step that would fail is found here. Raises as ``open``.
    """
    import sqlite3

    try:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            if os.path.exists(path):
                with closing(sqlite3.connect(f"{_file_uri(path)}?mode=ro", uri=True)) as original:
                    original.backup(copy)
            done = _applied(copy, application_id, migrations)
            for migration in migrations[done:]:
                for statement in migration.statements:
                    copy.execute(statement)
    except sqlite3.Error as exc:
        raise UnavailableError(f"the migration would fail: {_kind(exc)}") from exc
    return tuple(migrations[done:])


class Snapshot(msgspec.Struct, frozen=True):
    """What a copy of a database file is of."""

    application_id: int
    version: int
    rows: dict[str, int]
    """How many rows each table has."""


def snapshot(path: str | os.PathLike[str], copy: str | os.PathLike[str]) -> Snapshot:
    """Copy the file as it is at one moment to ``copy``, which is new; others may be writing meanwhile.

    Only its owner may read the copy, which passes SQLite's integrity check; little of it is in memory at once. Raises
    UnavailableError if it does not pass, or a file cannot be read or written; then there is no copy.
    """
    import sqlite3
    from pathlib import Path

    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        target = sqlite3.connect(copy, isolation_level=None)
        try:
            # Nobody else opens it, and half a copy is thrown away: no need for a journal or for waiting on the disk.
            target.execute("PRAGMA journal_mode=OFF")
            target.execute("PRAGMA synchronous=OFF")
            # Not mode=ro: the reader of a write-ahead log may have to make its index.
            original = sqlite3.connect(f"{_file_uri(path)}?mode=rw", uri=True, timeout=BUSY_SECONDS)
            try:
                original.execute("PRAGMA query_only=ON")
                original.backup(target)
            finally:
                original.close()
            found = _looked_at(target)
        finally:
            target.close()
    except (OSError, sqlite3.Error, *_DAMAGE) as exc:
        Path(copy).unlink(missing_ok=True)
        raise UnavailableError(f"the database cannot be copied: {_kind(exc)}") from exc
    if found is None:
        Path(copy).unlink(missing_ok=True)
        raise UnavailableError("the database is damaged: SQLite's integrity check fails")
    return found


def _looked_at(copy: Connection) -> Snapshot | None:
    """Return what a copy is of, or None if it is damaged."""
    if copy.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        return None
    (application,) = copy.execute("PRAGMA application_id").fetchone()
    (version,) = copy.execute("PRAGMA user_version").fetchone()
    names = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in names}
    rows = {name: copy.execute(f"SELECT count(*) FROM {quoted[name]}").fetchone()[0] for name in names}  # noqa: S608
    return Snapshot(application, version, rows)


def _connect(
    path: str | os.PathLike[str], application_id: int, migrations: Sequence[Migration], journal: str
) -> Connection:
    import sqlite3

    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
            # FULL leaves out one thing: that the removal of a rollback journal, which is what commits, is on disk too.
            # Without it a power cut can bring the journal back, and with it the state before the last commits.
            connection.execute("PRAGMA synchronous=EXTRA")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA journal_mode={journal}")
            _transact(connection, lambda opened: _migrate(opened, application_id, migrations), "BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, *_DAMAGE) as exc:
        raise UnavailableError(f"the database cannot be opened: {_kind(exc)}") from exc
    return connection


def _migrate(connection: Connection, application_id: int, migrations: Sequence[Migration]) -> None:
    done = _applied(connection, application_id, migrations)
    for migration in migrations[done:]:
        for statement in migration.statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={application_id}")
    connection.execute(f"PRAGMA user_version={len(migrations)}")


def _applied(connection: Connection, application_id: int, migrations: Sequence[Migration]) -> int:
    """Return how many migrations the file has seen, or refuse a file that is not ours."""
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not found and not version:
        return 0
    if found != application_id:
        raise InvalidInputError("expected a database of this kind of store, got another file")
    if version > len(migrations):
        raise InvalidInputError(
            f"expected a database of version {len(migrations)} or earlier, got version {version}: use a later program"
        )
    return int(version)


def _transact(connection: Connection, work: Callable[[Connection], Result], begin: str) -> Result:
    import sqlite3

    try:
        try:
            connection.execute(begin)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except (sqlite3.Error, *_DAMAGE) as exc:
        raise UnavailableError(f"the database did not answer: {_kind(exc)}") from exc
    return result


def _kind(error: Exception) -> str:
    """Name an error of SQLite without its text, which may quote a value."""
    return str(getattr(error, "sqlite_errorname", None) or type(error).__name__)


def _file_uri(path: str | os.PathLike[str]) -> str:
    from pathlib import Path

    return Path(path).absolute().as_uri()

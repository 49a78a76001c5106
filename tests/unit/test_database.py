"""The file under a store: durable, versioned, undone when work fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from sqlite3 import Connection

import pytest

from ssi.database import Database, Migration, planned_migrations
from ssi.errors import ConflictError, InvalidInputError, UnavailableError

FIRST = Migration("first", ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",))
SECOND = Migration("second", ("ALTER TABLE notes ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",))
KIND = 0x434E5401


async def opened(path: Path | str, *migrations: Migration, kind: int = KIND) -> Database:
    return await Database.open(path, application_id=kind, migrations=migrations)


def texts(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY id")]


async def test_what_is_written_is_there_after_reopening_and_migrating(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    database = await opened(path, FIRST)
    await database.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('kept')"))
    await database.close()
    assert planned_migrations(path, application_id=KIND, migrations=[FIRST, SECOND]) == (SECOND,)
    again = await opened(path, FIRST, SECOND)
    assert await again.read(texts) == ["kept"]
    assert await again.read(lambda connection: connection.execute("SELECT seen FROM notes").fetchone()) == (0,)
    await again.close()
    assert planned_migrations(path, application_id=KIND, migrations=[FIRST, SECOND]) == ()


async def test_work_that_raises_is_undone(tmp_path: Path) -> None:
    database = await opened(tmp_path / "notes.db", FIRST)

    def fail(connection: Connection) -> None:
        connection.execute("INSERT INTO notes (text) VALUES ('lost')")
        raise ConflictError("expected failure")

    with pytest.raises(ConflictError):
        await database.write(fail)
    with pytest.raises(UnavailableError, match="SQLITE_ERROR"):
        await database.write(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    assert await database.read(texts) == []
    await database.close()


async def test_files_of_another_kind_or_a_later_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    await (await opened(path, FIRST, SECOND)).close()
    with pytest.raises(InvalidInputError, match="another file"):
        await opened(path, FIRST, SECOND, kind=KIND + 1)
    with pytest.raises(InvalidInputError, match="version 2"):
        await opened(path, FIRST)
    with pytest.raises(InvalidInputError, match="version 2"):
        planned_migrations(path, application_id=KIND, migrations=[FIRST])
    (tmp_path / "text").write_bytes(b"this is no database, it is a text that is long enough to look like a header" * 9)
    with pytest.raises(UnavailableError):
        await opened(tmp_path / "text", FIRST)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    await (await opened(path, FIRST)).close()
    before = path.read_bytes()
    broken = Migration("broken", ("CREATE TABLE more (id INTEGER)", "CREATE TABLE more (id INTEGER)"))
    with pytest.raises(UnavailableError, match="would fail"):
        planned_migrations(path, application_id=KIND, migrations=[FIRST, broken])
    with pytest.raises(UnavailableError):
        await opened(path, FIRST, broken)
    assert path.read_bytes() == before


async def test_a_cancelled_caller_leaves_no_open_transaction(tmp_path: Path) -> None:
    database = await opened(tmp_path / "notes.db", FIRST)
    task = asyncio.ensure_future(
        database.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('x')").rowcount)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('y')"))
    assert (await database.read(texts))[-1] == "y"
    await database.close()

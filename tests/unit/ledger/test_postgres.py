"""What only a database server can get wrong: restarts, old copies, several processes, versions, refusals."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.errors import (
    BrokenEntryError,
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from ssi.ledger import LeadingLedger, Ledger, TurnTakingLedger, merkle, open_ledger
from ssi.ledger.backends import postgres_schema
from ssi.ledger.backends.postgres import MAX_CALL_BYTES
from ssi.ledger.storage import verify_storage
from tests.contracts.ledger import unsigned
from tests.contracts.postgres import server
from tests.unit.ledger.heads import KEY, put_head
from tests.unit.ledger.postgres_log import Log
from tests.unit.ledger.writers import several_processes_append


@pytest.fixture
def log() -> Log:
    return Log(server())


@pytest.fixture
async def ledger(log: Log) -> AsyncIterator[Ledger]:
    opened = open_ledger(log.url)
    yield opened
    await opened.close()


async def test_everything_is_there_after_it_is_opened_again(log: Log) -> None:
    note = await log.filled(33)
    ledger = open_ledger(log.url)
    assert await ledger.size() == 33
    assert await ledger.checkpoint() == note == log.head.read_bytes()
    assert list(await ledger.append([b"entry 7", b"entry 33"])) == [7, 33]
    assert (await verify_storage(ledger)).root == await merkle.root(ledger, 34)
    await ledger.close()


async def test_an_older_database_is_refused(log: Log) -> None:
    await log.filled(5)
    older = log.head.read_bytes()
    await log.filled(5, start=5)
    await log.sql(
        "DELETE FROM S.entries WHERE idx >= 5", "DELETE FROM S.nodes WHERE pos >= 5 << 6", "UPDATE S.log SET size = 5"
    )
    await log.sql("UPDATE S.head SET note = decode('HEX', 'hex')".replace("HEX", older.hex()))
    log.refused("older than the last signed head: it has 5 entries, 10 were signed")
    await log.sql(f"DROP SCHEMA {log.schema} CASCADE")
    log.refused("older than the last signed head")


async def test_a_server_that_lost_entries_while_running_gets_no_others(log: Log, ledger: Ledger) -> None:
    await ledger.append([b"%d" % i for i in range(4)])
    await log.sql("DELETE FROM S.entries WHERE idx = 3", "DELETE FROM S.nodes WHERE pos >= 3 << 6")
    await log.sql("UPDATE S.log SET size = 3")
    with pytest.raises(InclusionProofError, match="went back"):
        await ledger.append([b"another"])
    with pytest.raises(InclusionProofError, match="went back: it has 3 entries, 4 were seen"):
        await ledger.size()
    assert [row[0] for row in await log.sql("SELECT count(*) FROM S.entries")] == [3]


async def test_another_log_of_the_same_size_is_refused(log: Log) -> None:
    other = Log(log.server)
    await log.filled(5)
    await other.filled(5, start=1)
    shutil.copy(other.head, log.head)
    log.refused("is not the log of the")


async def test_a_lost_head_file_is_a_decision_for_a_person(log: Log) -> None:
    note = await log.filled()
    log.head.unlink()
    log.refused(log.head.name)
    ledger = open_ledger(f"{log.url}&adopt_head=1")
    assert log.head.read_bytes() == note
    await ledger.close()
    log.head.write_bytes(b"no note")
    log.refused("is damaged")


async def test_writing_needs_a_head_file_and_reading_does_not(log: Log) -> None:
    await log.filled(3)
    without = log.url.replace("head=", "unused=").replace("&unused", "&head=&unused").partition("&head=&")[0]
    with pytest.raises(InvalidInputError, match="say head=PATH"):
        open_ledger(without)
    ledger = open_ledger(without, create=False)
    assert await ledger.size() == 3
    with pytest.raises(UsageError):
        await ledger.append([b"a"])
    await ledger.close()
    with pytest.raises(NotFoundError):
        open_ledger(Log(log.server).url, create=False)


async def test_a_crash_between_head_and_commit_heals_itself(log: Log) -> None:
    older = await log.filled(5)
    await log.filled(5, start=5, head=False)
    ledger = open_ledger(log.url)
    newer = unsigned(8, await merkle.root(ledger, 8), KEY)
    log.head.write_bytes(newer)
    # One that runs learns of it, too, even where the note that it brings is refused.
    with pytest.raises(ConflictError):
        await ledger.put_checkpoint(older, unsigned(7, await merkle.root(ledger, 7), KEY))
    assert await ledger.checkpoint() == newer
    await ledger.close()
    log.head.write_bytes(unsigned(9, await merkle.root(reopened := open_ledger(log.url), 9), KEY))
    await reopened.close()
    ledger = open_ledger(log.url)
    assert await ledger.checkpoint() == log.head.read_bytes()
    await ledger.close()


async def test_a_head_that_cannot_be_written_changes_nothing(log: Log, tmp_path: Path) -> None:
    ledger = open_ledger(log.server.url(log.schema, head=tmp_path / "head" / "file"))
    await ledger.append([b"a"])
    with pytest.raises(UnavailableError, match="head file cannot be written"):
        await put_head(ledger)
    assert await ledger.checkpoint() is None
    (tmp_path / "head").mkdir()
    assert await put_head(ledger) == await ledger.checkpoint()
    await ledger.close()


async def test_several_processes_make_and_fill_one_log(log: Log) -> None:
    await several_processes_append(log.url)


async def test_one_leads_until_it_stops_or_is_gone(log: Log, ledger: Ledger) -> None:
    other = open_ledger(log.url)
    assert isinstance(ledger, LeadingLedger)
    assert isinstance(other, LeadingLedger)
    assert [await ledger.lead(), await other.lead(), await ledger.lead()] == [True, False, True]
    await ledger.stop_leading()
    assert [await other.lead(), await ledger.lead()] == [True, False]
    await other.close()
    for _ in range(100):
        if await ledger.lead():
            break
        await asyncio.sleep(0.01)
    assert await ledger.lead()
    # A connection that the server ended leads no more, even if nobody has noticed yet.
    await log.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    assert await ledger.lead()


async def test_turns_go_one_after_the_other_and_hold_nobody_up(
    log: Log, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssi.ledger.backends.postgres_sessions.TURN_SECONDS", 0.2)
    other = open_ledger(log.url)
    assert isinstance(ledger, TurnTakingLedger)
    assert isinstance(other, TurnTakingLedger)
    order: list[int] = []

    async def take(number: int, one: TurnTakingLedger) -> None:
        async with one.turn():
            order.append(number)
            await asyncio.sleep(0.02)
            order.append(number)

    await asyncio.gather(*(take(i, (ledger, other)[i % 2]) for i in range(6)))
    assert order[::2] == order[1::2]
    async with ledger.turn():
        async with other.turn():  # waits, and goes on without
            assert list(await other.append([b"a"])) == [0]
        lost = asyncio.ensure_future(take(0, ledger))
        await asyncio.sleep(0.01)
        lost.cancel()
    async with ledger.turn():
        pass
    await other.close()


async def test_a_held_lock_is_unavailable_and_nothing_is_lost(log: Log) -> None:
    import asyncpg

    ledger = open_ledger(f"{log.url}&timeout=0.2")
    other = await asyncpg.connect(log.server.base())
    await other.execute(log.text("BEGIN; SELECT size FROM S.log FOR UPDATE"))
    results = await asyncio.gather(ledger.append([b"a"]), ledger.append([b"b"]), return_exceptions=True)
    assert all(isinstance(result, UnavailableError) for result in results)
    await other.execute("ROLLBACK")
    assert sorted([*await ledger.append([b"a"]), *await ledger.append([b"b"])]) == [0, 1]
    # Who signs waits for no append, and the other way round.
    await other.execute(log.text("BEGIN; SELECT note FROM S.head FOR UPDATE"))
    assert list(await ledger.append([b"c"])) == [2]
    with pytest.raises(UnavailableError):
        await put_head(ledger)
    await other.close()
    await put_head(ledger)
    await ledger.close()


async def test_many_loops_may_use_one_ledger(ledger: Ledger) -> None:
    def in_its_own_loop(writer: int) -> list[int]:
        async def write() -> list[int]:
            return [(await ledger.append([b"%d/%d" % (writer, i)]))[0] for i in range(20)]

        return asyncio.run(write())

    answers = await asyncio.gather(*(asyncio.to_thread(in_its_own_loop, i) for i in range(4)))
    assert sorted(index for answer in answers for index in answer) == list(range(80))


async def test_a_size_that_was_read_before_an_append_is_no_step_back(ledger: Ledger) -> None:
    async def measure() -> None:
        for _ in range(100):
            await ledger.size()

    async def write() -> None:
        for number in range(100):
            await ledger.append([b"%d" % number])

    await asyncio.gather(measure(), measure(), write(), write())


async def test_a_closed_ledger_says_so_and_a_cancelled_append_harms_nobody(log: Log) -> None:
    ledger = open_ledger(log.url)
    lost, *pending = [asyncio.ensure_future(ledger.append([b"%d" % i])) for i in range(5)]
    await asyncio.sleep(0)
    lost.cancel()
    await ledger.close()
    assert [list(await answer) for answer in pending] == [[1], [2], [3], [4]]
    for call in (ledger.append([b"a"]), ledger.size(), ledger.checkpoint()):
        with pytest.raises(UnavailableError):
            await call


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        ("UPDATE S.entries SET body = '\\x00' WHERE idx = 12", "entry 12"),
        ("UPDATE S.entries SET leaf = sha256('x') WHERE idx = 12", "entry 12"),
        ("UPDATE S.nodes SET hash = sha256('x') WHERE pos = (3 << 6 | 2)", "entry 0"),
        ("DELETE FROM S.nodes WHERE pos = (7 << 6 | 1)", "entry 6"),
        ("DELETE FROM S.entries WHERE idx = 3", "entry 3"),
        ("UPDATE S.log SET size = 19", "20 rows for 19"),
        ("INSERT INTO S.nodes VALUES (1 << 20, sha256('x'))", "too many"),
    ],
)
async def test_the_audit_names_what_was_damaged(log: Log, damage: str, match: str) -> None:
    await log.filled(20, head=False)
    await log.sql(damage)
    ledger = open_ledger(log.url)
    with pytest.raises(InclusionProofError, match=match) as caught:
        await verify_storage(ledger)
    assert isinstance(caught.value, BrokenEntryError) is ("entry" in match)
    await ledger.close()


async def test_an_entry_without_its_left_neighbour_is_not_appended(log: Log) -> None:
    await log.filled(3, head=False)
    await log.sql("DELETE FROM S.entries WHERE idx = 2")
    ledger = open_ledger(log.url)
    with pytest.raises(InclusionProofError, match="damaged"):
        await ledger.append([b"new"])
    assert await ledger.size() == 3
    await ledger.close()


async def test_other_versions_and_tables_are_refused(log: Log) -> None:
    await log.filled(1)
    await log.sql("UPDATE S.log SET version = 7")
    log.refused("has version 7, this program reads version 1")
    await log.sql("UPDATE S.log SET version = 1", "ALTER TABLE S.nodes ADD COLUMN more text")
    log.refused("not the ones of this version")
    await log.sql("ALTER TABLE S.nodes DROP COLUMN more")
    await open_ledger(log.url).close()
    await log.sql(
        "CREATE OR REPLACE FUNCTION S.append(bodies bytea[], expected bigint, seen bigint, OUT new_size bigint,"
        " OUT indexes bigint[]) LANGUAGE sql AS $$ SELECT 1::bigint, NULL::bigint[] $$"
    )
    log.refused("not the ones of this version")
    other = Log(log.server)
    await other.sql(f"CREATE SCHEMA {other.schema}", "CREATE TABLE S.log (line text)")
    other.refused("another program's")


async def test_an_older_version_is_migrated_by_who_writes(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    await log.filled(3)
    monkeypatch.setattr(postgres_schema, "VERSION", 3)
    monkeypatch.setitem(postgres_schema.MIGRATIONS, 1, "COMMENT ON TABLE {s}.log IS 'two'")
    monkeypatch.setitem(postgres_schema.MIGRATIONS, 2, "COMMENT ON TABLE {s}.nodes IS 'three'")
    with pytest.raises(InclusionProofError, match="has version 1, this program reads version 3"):
        open_ledger(log.url, create=False)
    ledger = open_ledger(log.url)
    assert list(await ledger.append([b"entry 3"])) == [3]
    await ledger.close()
    rows = await log.sql("SELECT version, obj_description('S.nodes'::regclass) FROM S.log")
    assert [tuple(row) for row in rows] == [(3, "three")]


async def test_the_commit_is_synchronous_whatever_the_default_is(log: Log, ledger: Ledger) -> None:
    await log.sql("ALTER ROLE CURRENT_USER IN DATABASE postgres SET synchronous_commit = off")
    try:
        await ledger.append([b"a"])
        other = open_ledger(log.url)
        before = await log.sql("SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()")
        for number in range(20):
            await other.append([b"%d" % number])
            (waiting,) = await log.sql("SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()")
            assert waiting[0] == 0, before
        await other.close()
    finally:
        await log.sql("ALTER ROLE CURRENT_USER IN DATABASE postgres RESET synchronous_commit")


async def test_a_call_that_is_too_large_is_refused(ledger: Ledger) -> None:
    entry = b"x" * 65_000
    with pytest.raises(InvalidInputError, match="one call appends at most"):
        await ledger.append([entry] * (MAX_CALL_BYTES // len(entry) + 1))
    big = [bytes([i]) * 65_000 for i in range(200)]
    answers = await asyncio.gather(*(ledger.append(big[i : i + 50]) for i in range(0, 200, 50)))
    assert sorted(index for answer in answers for index in answer) == list(range(200))


async def test_what_cannot_be_reached_is_unavailable(log: Log) -> None:
    for url, kind in (
        (log.url.replace(f":{log.server.port}/", ":1/"), UnavailableError),
        (log.url.replace("/postgres?", "/absent?"), NotFoundError),
        (log.url.replace("countersigned@", "nobody@"), UnavailableError),
    ):
        with pytest.raises(kind):
            open_ledger(url)

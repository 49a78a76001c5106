"""One file and several processes, threads and event loops: each sees the others, none loses what was acknowledged."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import ConflictError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.backends.sqlite_file import LogFile
from ssi.ledger.storage import verify_storage
from tests.contracts.ledger import unsigned
from tests.unit.ledger.heads import KEY, put_head
from tests.unit.ledger.writers import several_processes_append


async def test_two_ledgers_on_one_file_see_each_other(tmp_path: Path) -> None:
    first, second = SqliteLedger(tmp_path / "log.db"), SqliteLedger(tmp_path / "log.db")
    for number in range(10):
        for ledger in (first, second):
            await ledger.append([b"%d" % number, b"%d of %d" % (number, id(ledger))])
    assert await first.size() == await second.size() == 30
    note = await put_head(first)
    assert await second.checkpoint() == note
    await second.append([b"more"])
    with pytest.raises(ConflictError):
        await second.put_checkpoint(None, unsigned(31, await merkle.root(second, 31), KEY))
    await verify_storage(second)
    await first.close()
    await second.close()


async def test_several_processes_append_to_one_file(tmp_path: Path) -> None:
    await several_processes_append(f"sqlite://{tmp_path}/log.db")


def _open_at_the_same_moments(directory: str, ready: threading.Barrier, start: Any) -> None:
    ready.wait(30)
    for number in range(40):
        while not start.value or time.time() < start.value + number * 0.02:
            pass
        LogFile(Path(directory) / f"log-{number}.db").close()


def test_several_processes_make_one_new_file_at_the_same_moment(tmp_path: Path) -> None:
    # SQLite reports "busy" at once, and waits for nothing, where two connections switch a new file to its log.
    context = multiprocessing.get_context("spawn")
    ready, start = context.Barrier(4), context.Value("d", 0.0)
    arguments = (str(tmp_path), ready, start)
    processes = [context.Process(target=_open_at_the_same_moments, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    ready.wait(30)
    start.value = time.time() + 0.02
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]


async def test_an_audit_runs_beside_appends_and_heads(tmp_path: Path) -> None:
    ledger, other = SqliteLedger(tmp_path / "log.db"), SqliteLedger(tmp_path / "log.db")
    await ledger.append([b"%d" % i for i in range(600)])
    stop = asyncio.Event()

    async def write() -> None:
        number = 600
        while not stop.is_set():
            await other.append([b"%d" % number])
            await put_head(other)
            number += 1

    writer = asyncio.create_task(write())
    for _ in range(10):
        assert (await verify_storage(ledger)).size >= 600
    stop.set()
    await writer
    assert await ledger.size() > 600
    await ledger.close()
    await other.close()


async def test_a_locked_file_is_unavailable_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssi.ledger.backends.sqlite_file.BUSY_SECONDS", 0.05)
    ledger = SqliteLedger(tmp_path / "log.db")
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(ledger.append([b"a"]), ledger.append([b"b"]), return_exceptions=True)
    assert all(isinstance(result, UnavailableError) for result in results)
    other.execute("ROLLBACK")
    other.close()
    assert list(await ledger.append([b"a", b"b"])) == [0, 1]
    await ledger.close()


def _forked(ledger: SqliteLedger) -> int:
    child = os.fork()
    if child == 0:
        try:
            ledger._check_process()
        except UnavailableError:
            os._exit(7)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_forked_process_opens_its_own(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    assert _forked(ledger) == 7
    await ledger.close()


async def test_many_loops_may_use_one_ledger(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")

    def in_its_own_loop(writer: int) -> list[int]:
        async def write() -> list[int]:
            return [(await ledger.append([b"%d/%d" % (writer, i)]))[0] for i in range(20)]

        return asyncio.run(write())

    answers = await asyncio.gather(*(asyncio.to_thread(in_its_own_loop, i) for i in range(4)))
    assert sorted(index for answer in answers for index in answer) == list(range(80))
    await ledger.close()


async def test_opening_a_new_file_waits_for_a_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE t (n)")

    async def let_go() -> None:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(other.execute, "ROLLBACK")

    opened, _ = await asyncio.gather(asyncio.to_thread(SqliteLedger, path), let_go())
    assert await opened.size() == 0
    await opened.close()
    other.close()

"""What only a file can get wrong: restarts, old copies, lost heads, refusals of the file system."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from ssi.errors import ConflictError, InclusionProofError, InvalidInputError, UnavailableError
from ssi.ledger import Withheld, merkle, open_ledger
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.storage import verify_storage
from tests.contracts.ledger import unsigned
from tests.unit.ledger.heads import KEY, put_head


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def found_in(directory: Path, content: bytes) -> bool:
    return any(content in file.read_bytes() for file in directory.iterdir())


async def filled(path: Path, count: int = 20, *, start: int = 0, head: bool = True) -> bytes | None:
    """Append entries at ``path``, sign the head, close."""
    ledger = SqliteLedger(path)
    await ledger.append([b"entry %d" % i for i in range(start, start + count)])
    note = await put_head(ledger) if head else await ledger.checkpoint()
    await ledger.close()
    return note


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    note = await filled(path, 33)
    ledger = SqliteLedger(path)
    assert await ledger.size() == 33
    assert await ledger.checkpoint() == note == (tmp_path / "log.db.head").read_bytes()
    assert list(await ledger.append([b"entry 7", b"entry 33"])) == [7, 33]
    report = await verify_storage(ledger)
    assert report.root == await merkle.root(ledger, 34)
    await ledger.close()
    assert names(tmp_path) == ["log.db", "log.db.head"]


async def test_an_older_database_is_refused(tmp_path: Path) -> None:
    path, backup = tmp_path / "log.db", tmp_path / "backup.db"
    await filled(path, 5)
    shutil.copy(path, backup)
    await filled(path, 5, start=5)
    shutil.copy(backup, path)
    with pytest.raises(InclusionProofError, match="older than the last signed head: it has 5 entries, 10 were signed"):
        SqliteLedger(path)
    path.unlink()
    with pytest.raises(InclusionProofError, match="older than the last signed head"):
        SqliteLedger(path)


async def test_another_log_of_the_same_size_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path / "log.db", 5)
    await filled(tmp_path / "other.db", 5, start=1)
    shutil.copy(tmp_path / "other.db", tmp_path / "log.db")
    with pytest.raises(InclusionProofError, match="is not the log of the"):
        SqliteLedger(tmp_path / "log.db")


async def test_a_lost_head_file_is_a_decision_for_a_person(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    note = await filled(path)
    head = tmp_path / "log.db.head"
    head.unlink()
    with pytest.raises(InclusionProofError, match=r"log\.db\.head"):
        SqliteLedger(path)
    ledger = open_ledger(f"sqlite://{path}?adopt_head=1")
    assert head.read_bytes() == note
    await ledger.close()


@pytest.mark.parametrize("content", [b"", b"no note", b"\xff" * 100])
async def test_a_damaged_head_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.db"
    await filled(path)
    (tmp_path / "log.db.head").write_bytes(content)
    with pytest.raises(InclusionProofError, match=r"head file log\.db\.head is damaged"):
        SqliteLedger(path)


async def test_a_crash_between_head_and_commit_heals_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    older = await filled(path, 5)
    await filled(path, 5, start=5, head=False)
    ledger = SqliteLedger(path)
    newer = unsigned(8, await merkle.root(ledger, 8), KEY)
    await ledger.close()
    # The head was written, the transaction never committed.
    (tmp_path / "log.db.head").write_bytes(newer)
    ledger = SqliteLedger(path)
    assert older != await ledger.checkpoint() == newer
    await ledger.close()


async def test_a_running_process_learns_of_a_head_whose_writer_was_killed(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    await ledger.append([b"%d" % i for i in range(5)])
    notes = [unsigned(size, await merkle.root(ledger, size), KEY) for size in range(6)]
    await ledger.put_checkpoint(None, notes[2])
    # Another process wrote the head and was killed before it committed.
    (tmp_path / "log.db.head").write_bytes(notes[4])
    with pytest.raises(ConflictError):
        await ledger.put_checkpoint(notes[2], notes[3])
    assert await ledger.checkpoint() == notes[4]
    await ledger.put_checkpoint(notes[4], notes[5])
    (tmp_path / "log.db.head").write_bytes(unsigned(6, bytes(32), KEY))
    with pytest.raises(InclusionProofError, match="older than the last signed head"):
        await ledger.put_checkpoint(notes[5], notes[5])
    await ledger.close()


async def test_an_older_head_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    older = await filled(path, 5)
    newer = await filled(path, 5, start=5)
    assert older is not None
    (tmp_path / "log.db.head").write_bytes(older)
    await SqliteLedger(path).close()
    assert (tmp_path / "log.db.head").read_bytes() == newer


async def test_the_head_file_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    url = f"sqlite://{tmp_path}/log.db?head={tmp_path}/elsewhere/head"
    ledger = open_ledger(url)
    await ledger.append([b"a"])
    note = await put_head(ledger)
    await ledger.close()
    assert (tmp_path / "elsewhere" / "head").read_bytes() == note
    await open_ledger(url).close()


async def test_a_head_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db", head=tmp_path / "head" / "file")
    await ledger.append([b"a"])
    with pytest.raises(UnavailableError, match="head file cannot be written"):
        await put_head(ledger)
    assert await ledger.checkpoint() is None
    (tmp_path / "head").mkdir()
    note = await put_head(ledger)
    assert await ledger.checkpoint() == note
    await ledger.close()


async def test_a_full_disk_is_unavailable_and_nothing_is_lost(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    await ledger.append([b"a"])
    pages = ledger._writer._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._writer._db.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(UnavailableError):
        await ledger.append([b"x" * 60_000])
    ledger._writer._db.execute("PRAGMA max_page_count=1000000")
    assert list(await ledger.append([b"b"])) == [1]
    await verify_storage(ledger)
    await ledger.close()


async def test_a_closed_ledger_says_so(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    pending = [asyncio.ensure_future(ledger.append([b"%d" % i])) for i in range(5)]
    await asyncio.sleep(0)
    await ledger.close()
    assert [list(await answer) for answer in pending] == [[i] for i in range(5)]
    for call in (ledger.append([b"a"]), ledger.size(), ledger.checkpoint()):
        with pytest.raises(UnavailableError):
            await call


async def test_a_cancelled_append_harms_nobody(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    lost = asyncio.ensure_future(ledger.append([b"a"]))
    kept = asyncio.ensure_future(ledger.append([b"b"]))
    await asyncio.sleep(0)
    lost.cancel()
    assert list(await kept) == [1]
    assert list(await ledger.append([b"a"])) == [0]
    await ledger.close()


async def test_a_withheld_body_leaves_no_byte_in_any_file(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    secret = b"a body that a court had erased"
    await ledger.append([b"a", secret, b"c"])
    assert found_in(tmp_path, secret)
    await ledger.withhold(1, order="order 1")
    assert not found_in(tmp_path, secret)
    await ledger.close()
    ledger = SqliteLedger(tmp_path / "log.db")
    assert list(await ledger.read(1, 2)) == [Withheld(merkle.leaf_hash(secret), "order 1")]
    for order in ("", "x" * 2000, "two\nlines"):
        with pytest.raises(InvalidInputError):
            await ledger.withhold(0, order=order)
    await ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite://host/path",
        "sqlite:///x?unknown=1",
        "sqlite:///x?adopt_head=yes",
        "sqlite:///x#fragment",
        "nothing:x",
        "memory",
        "",
    ],
)
def test_a_url_that_names_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError):
        open_ledger(url)


async def test_a_path_is_relative_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:here.db", f"sqlite://{tmp_path}/with%20space.db", f"sqlite:///{tmp_path}/two.db"):
        await open_ledger(url).close()
    assert {"here.db", "with space.db", "two.db"} <= set(names(tmp_path))


async def test_what_is_no_ledger_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        SqliteLedger(tmp_path / "absent" / "log.db")
    (tmp_path / "text").write_bytes(b"this is no database, whatever it is called" * 200)
    with pytest.raises(InclusionProofError):
        SqliteLedger(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE entries (idx INTEGER)")
    other.close()
    with pytest.raises(InclusionProofError, match="not a ledger"):
        SqliteLedger(tmp_path / "other.db")
    await filled(tmp_path / "newer.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version=2")
    newer.close()
    with pytest.raises(InclusionProofError, match="version 2"):
        SqliteLedger(tmp_path / "newer.db")

"""The legitimate restore of an older log: forward to the signed head, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssi.errors import BrokenEntryError, InclusionProofError, InvalidInputError, InvalidSignatureError, NotFoundError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Withheld, merkle
from ssi.ledger.backends.recovery import copied_lines, recover
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.excerpt import LeftOut, Line, aligned
from ssi.ledger.note import NoteKey
from ssi.ledger.storage import verify_storage

ORIGIN = "ledger.example/log"
OLD, NEW = 300, 700


class Log:
    """A log of 700 entries whose database was restored from a backup at 300."""

    def __init__(self, folder: Path) -> None:
        self.path, self.head, self.copy = folder / "log.db", folder / "log.db.head", folder / "copy.db"
        self.url = f"sqlite://{self.path}"
        self.kms = MemoryKms()
        self.keys: list[NoteKey] = []

    async def build(self) -> Log:
        self.keys = [
            NoteKey(ORIGIN, await self.kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT))
        ]
        await self.grow(0, OLD)
        backup = self.path.with_name("backup.db")
        shutil.copy(self.path, backup)
        await self.grow(OLD, NEW, erase=(7, 400))
        shutil.copy(self.path, self.copy)
        shutil.copy(backup, self.path)
        return self

    async def grow(self, start: int, stop: int, *, erase: tuple[int, ...] = (), word: bytes = b"entry") -> None:
        ledger = SqliteLedger(self.path)
        await ledger.append([b"%s %d" % (word, index) for index in range(start, stop)])
        for index in erase:
            await ledger.withhold(index, order="court 1")
        note = await sign_checkpoint(ledger, kms=self.kms, label="log", origin=ORIGIN)
        await ledger.put_checkpoint(await ledger.checkpoint(), note)
        await ledger.close()

    def lines(self) -> list[Line]:
        return list(copied_lines(self.copy))

    def refused(self, lines: list[Line], match: str, kind: type[Exception] = InclusionProofError) -> None:
        before = self.path.read_bytes(), self.head.read_bytes()
        with pytest.raises(kind, match=match):
            recover(self.url, iter(lines), keys=self.keys)
        assert (self.path.read_bytes(), self.head.read_bytes()) == before


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    return await Log(tmp_path).build()


async def test_the_log_reaches_its_signed_head(log: Log) -> None:
    with pytest.raises(InclusionProofError, match="older than the last signed head"):
        SqliteLedger(log.path)
    done = recover(log.url, iter(log.lines()), keys=log.keys)
    assert (done.origin, done.restored_size, done.size, done.erased) == (ORIGIN, OLD, NEW, (7,))
    ledger = SqliteLedger(log.path)
    report = await verify_storage(ledger, keys=log.keys)
    assert (report.size, report.root, report.withheld) == (NEW, done.root, (7, 400))
    assert await ledger.checkpoint() == log.head.read_bytes()
    assert list(await ledger.append([b"entry 699", b"entry 700"])) == [699, 700]
    await ledger.close()
    assert b"entry 7\x00" not in log.path.read_bytes()
    assert recover(log.url, iter(log.lines()), keys=log.keys).restored_size == NEW + 1


async def test_without_the_entries_it_refuses_and_says_which(log: Log) -> None:
    log.refused(log.lines()[:-1], r"entries 699\.\.699 are missing .*the log does not go on without them")
    log.refused([], r"entries 300\.\.699 are missing")
    excerpt: list[Line] = [LeftOut(level, b"\0" * 32) for level, _ in aligned(0, 256)]
    log.refused([*excerpt, *log.lines()[256:400], LeftOut(4, b"\0" * 32)], r"entries 400\.\.699 .*an excerpt left them")
    recover(log.url, iter([*excerpt, *log.lines()[256:]]), keys=log.keys)


@pytest.mark.parametrize("index", [OLD, 500, NEW - 1])
async def test_one_altered_entry_is_refused(log: Log, index: int) -> None:
    lines = log.lines()
    lines[index] = b"another entry"
    log.refused(lines, "do not give the signed root of size 700")


async def test_entries_of_another_log_and_in_another_order_are_refused(log: Log) -> None:
    lines = log.lines()
    log.refused([b"x", *lines[1:]], "another log: entry 0 differs")
    lines[500], lines[501] = lines[501], lines[500]
    log.refused(lines, "do not give the signed root")
    lines = log.lines()
    lines[600] = Withheld(b"\0" * 32, "an order that nobody gave")
    log.refused(lines, "do not give the signed root")


async def test_a_damaged_backup_is_named(log: Log) -> None:
    connection = sqlite3.connect(log.path)
    connection.execute("UPDATE entries SET body = x'00' WHERE idx = 12")
    connection.commit()
    connection.close()
    log.refused(log.lines(), "entry 12: its bytes in the restored database", BrokenEntryError)


async def test_the_head_counts_only_as_a_known_key_signed_it(log: Log) -> None:
    other = await MemoryKms().generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    with pytest.raises(InvalidSignatureError):
        recover(log.url, iter(log.lines()), keys=[NoteKey(ORIGIN, other)])
    with pytest.raises(InvalidInputError, match="--vkey"):
        recover(log.url, iter(log.lines()), keys=[])


async def test_a_kept_checkpoint_stands_in_for_a_lost_or_older_head(log: Log) -> None:
    note = log.head.read_bytes()
    log.head.unlink()
    with pytest.raises(NotFoundError, match="no signed head to recover to"):
        recover(log.url, iter(log.lines()), keys=log.keys)
    assert recover(log.url, iter(log.lines()), keys=log.keys, kept=note).size == NEW
    assert log.head.read_bytes() == note


async def test_a_database_that_is_lost_is_made_anew_or_not_at_all(log: Log) -> None:
    for file in log.path.parent.glob("log.db*"):
        if file != log.head:
            file.unlink()
    with pytest.raises(InclusionProofError, match="are missing"):
        recover(log.url, iter(log.lines()[:50]), keys=log.keys)
    assert not log.path.exists()
    assert recover(log.url, iter(log.lines()), keys=log.keys).restored_size == 0
    ledger = SqliteLedger(log.path)
    assert (await verify_storage(ledger)).root == await merkle.root(ledger, NEW)
    await ledger.close()


async def test_a_source_that_fails_midway_changes_nothing(log: Log) -> None:
    def broken() -> Iterator[Line]:
        yield from log.lines()[:650]
        raise InvalidInputError("expected a line")

    before = log.path.read_bytes()
    with pytest.raises(InvalidInputError):
        recover(log.url, broken(), keys=log.keys)
    assert log.path.read_bytes() == before

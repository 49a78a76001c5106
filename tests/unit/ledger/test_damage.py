"""Bytes of the database changed on disk: the audit names the entry, or says what is wrong, or nothing changed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from ssi.errors import BrokenEntryError, InclusionProofError, InvalidSignatureError, SsiError
from ssi.keys import Curve, PrivateKey
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.checkpoint import Checkpoint, NoteKey, build_note, checkpoint_text
from ssi.ledger.storage import StorageReport, verify_storage
from tests.contracts.ledger import ORIGIN, unsigned

PAGE = 4096
KEY = NoteKey(ORIGIN, PrivateKey.from_raw(Curve.ED25519, bytes(32)).public_key)
# Some fit many to a page, some take pages of their own.
ENTRIES = [b"entry %d " % i + bytes([i % 251]) * (5000 if i % 40 == 7 else 90) for i in range(160)]


async def _build(path: Path) -> Checkpoint:
    ledger = SqliteLedger(path)
    await ledger.append(ENTRIES[:-1])
    await ledger.withhold(3, order="order 3")
    root = await merkle.root(ledger, len(ENTRIES) - 1)
    await ledger.put_checkpoint(None, unsigned(len(ENTRIES) - 1, root, KEY))
    await ledger.append(ENTRIES[-1:])
    head = Checkpoint(ORIGIN, len(ENTRIES), await merkle.root(ledger, len(ENTRIES)))
    await ledger.close()
    return head


async def _audit(path: Path, head: Checkpoint) -> StorageReport:
    ledger = SqliteLedger(path)
    try:
        report = await verify_storage(ledger, checkpoint=head)
        # An audit without complaint means that everything works on: old entries are found, new ones fit.
        assert list(await ledger.append(ENTRIES)) == list(range(len(ENTRIES)))
        assert list(await ledger.append([b"one more"])) == [len(ENTRIES)]
        await verify_storage(ledger, checkpoint=head)
        return report
    finally:
        await ledger.close()


class _Files:
    """The intact database and its head file, written anew for each change."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "log.db"
        self.data = self.path.read_bytes()
        self.head = (directory / "log.db.head").read_bytes()

    def write(self, data: bytes) -> None:
        for name in ("-wal", "-shm"):
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        self.path.write_bytes(data)
        self.path.with_name(self.path.name + ".head").write_bytes(self.head)

    def altered(self, position: int, bit: int) -> bytes:
        return self.data[:position] + bytes([self.data[position] ^ bit]) + self.data[position + 1 :]


async def _change_pages(tmp_path: Path, positions_per_page: int) -> dict[str, int]:
    head = await _build(tmp_path / "log.db")
    files = _Files(tmp_path)
    assert len(files.data) % PAGE == 0
    rng = random.Random(1)
    seen = {"named": 0, "clear error": 0, "without effect": 0}
    for page in range(len(files.data) // PAGE):
        # The head of a page holds its structure; the rest is cells, growing from the end.
        offsets = [rng.randrange(16), rng.randrange(16), *(rng.randrange(PAGE) for _ in range(positions_per_page - 2))]
        for offset in offsets:
            files.write(files.altered(page * PAGE + offset, 1 << rng.randrange(8)))
            outcome = await _outcome(files.path, head)
            if isinstance(outcome, BrokenEntryError):
                seen["named"] += 1
            elif isinstance(outcome, SsiError):
                seen["clear error"] += 1
            else:
                assert (outcome.size, outcome.root, outcome.withheld) == (head.size, head.root, (3,))
                seen["without effect"] += 1
    return seen


async def _outcome(path: Path, head: Checkpoint) -> StorageReport | SsiError:
    """Audit; an error outside the tree fails the test."""
    try:
        return await _audit(path, head)
    except SsiError as exc:
        return exc


async def test_one_byte_in_each_page(tmp_path: Path) -> None:
    seen = await _change_pages(tmp_path, 8)
    assert all(seen.values()), seen


@pytest.mark.slow
async def test_many_bytes_in_each_page(tmp_path: Path) -> None:
    seen = await _change_pages(tmp_path, 200)
    assert all(seen.values()), seen


@pytest.mark.parametrize("index", [0, 7, 80, 158, 159])
async def test_one_byte_of_an_entry_names_the_entry(tmp_path: Path, index: int) -> None:
    head = await _build(tmp_path / "log.db")
    files = _Files(tmp_path)
    for offset in (0, 50, -1) if len(ENTRIES[index]) < PAGE else (0, 50):
        start = files.data.index(ENTRIES[index][:60])
        position = start + offset if offset >= 0 else start + len(ENTRIES[index]) - 1
        files.write(files.altered(position, 1))
        with pytest.raises(BrokenEntryError) as caught:
            await _audit(files.path, head)
        assert caught.value.entry == index


async def test_one_byte_of_a_stored_hash_names_an_entry_below_it(tmp_path: Path) -> None:
    head = await _build(tmp_path / "log.db")
    files = _Files(tmp_path)
    twin = MemoryLedger()
    await twin.append(ENTRIES)
    for level, index in [(0, 0), (0, 158), (0, 159), (1, 20), (2, 1), (4, 9), (5, 4)]:
        (value,) = await twin.hashes(level, index, index + 1)
        files.write(files.altered(files.data.index(value) + 31, 1))
        with pytest.raises(InclusionProofError) as caught:
            await _audit(files.path, head)
        # A hash on the way to the head is noticed at opening already, before any entry is looked at.
        if isinstance(caught.value, BrokenEntryError):
            assert index << level <= caught.value.entry < (index + 1) << level
        else:
            assert "is not the log of the" in str(caught.value)


async def test_the_leaf_hash_of_a_withheld_entry_is_held_against_its_neighbour(tmp_path: Path) -> None:
    head = await _build(tmp_path / "log.db")
    files = _Files(tmp_path)
    files.write(files.altered(files.data.index(merkle.leaf_hash(ENTRIES[3])), 1))
    with pytest.raises(BrokenEntryError) as caught:
        await _audit(files.path, head)
    assert caught.value.entry == 2  # the first of the pair: nothing is left that tells the two apart


async def test_the_stored_note_is_checked_with_the_keys_given(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    await ledger.append([b"a"])
    private = PrivateKey.generate(Curve.ED25519)
    key = NoteKey(ORIGIN, private.public_key)
    text = checkpoint_text(Checkpoint(ORIGIN, 1, await merkle.root(ledger, 1)))
    await ledger.put_checkpoint(None, build_note(text, [(key, private.sign(text))]))
    await verify_storage(ledger, keys=[key])
    with pytest.raises(InvalidSignatureError):
        await verify_storage(ledger, keys=[KEY])
    await ledger.close()


@pytest.mark.parametrize("length", [0, 1, 100, PAGE, 3 * PAGE])
async def test_a_cut_database_is_refused(tmp_path: Path, length: int) -> None:
    head = await _build(tmp_path / "log.db")
    files = _Files(tmp_path)
    for data in (files.data[:length], files.data[: -length or -1]):
        files.write(data)
        with pytest.raises(InclusionProofError):
            await _audit(files.path, head)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE entries SET body = x'00' WHERE idx = 9", "entry 9: "),
        ("UPDATE entries SET body = 'text' WHERE idx = 9", "entry 9: "),
        ("UPDATE entries SET body = 7 WHERE idx = 9", "entry 9: "),
        ("UPDATE entries SET body = NULL WHERE idx = 9", "entry 9: "),
        ("UPDATE entries SET withheld = 'order' WHERE idx = 9", "entry 9: "),
        ("UPDATE entries SET body = NULL, withheld = 7.5 WHERE idx = 9", None),
        ("DELETE FROM entries WHERE idx = 9", "entry 9: "),
        ("DELETE FROM entries WHERE idx = 159", "end at different places"),
        ("UPDATE entries SET idx = 1000 WHERE idx = 159", "end at different places"),
        ("INSERT INTO entries (idx, body) VALUES (160, x'00')", "end at different places"),
        ("DELETE FROM nodes WHERE pos = 9 * 64", "entry 9: "),
        ("UPDATE nodes SET hash = x'00' WHERE pos = 9 * 64 + 1", "entry 8: "),
        ("UPDATE nodes SET hash = 7 WHERE pos = 9 * 64", "entry 9: "),
        ("DELETE FROM ids WHERE idx = 9", "entry 9: it is missing from the look-up table"),
        ("UPDATE ids SET prefix = prefix + 1 WHERE idx = 9", "entry 9: it is missing from the look-up table"),
        ("INSERT INTO ids VALUES (1, 1)", "the look-up table has 161 rows for 160 entries"),
        ("UPDATE head SET note = x'00'", "signed head does not parse"),
        ("UPDATE head SET note = 7", "signed head is no text"),
        ("DELETE FROM head", None),
        ("CREATE TABLE more (x)", "its tables are not the ones"),
        ("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM nodes; END", "its tables are not the ones"),
        ("DROP TABLE ids", "its tables are not the ones"),
    ],
)
async def test_a_changed_row_is_named(tmp_path: Path, statement: str, message: str | None) -> None:
    head = await _build(tmp_path / "log.db")
    database = sqlite3.connect(tmp_path / "log.db")
    database.execute(statement)
    database.commit()
    database.close()
    if message is None:
        # The head file restores a lost note, and an order is whatever text it is.
        assert (await _audit(tmp_path / "log.db", head)).root == head.root
        return
    with pytest.raises(InclusionProofError, match=message):
        await _audit(tmp_path / "log.db", head)


async def test_a_log_rewritten_with_all_its_hashes_needs_a_trusted_checkpoint(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "log.db")
    await ledger.append(ENTRIES[1:])
    await verify_storage(ledger)
    original = MemoryLedger()
    await original.append(ENTRIES)
    trusted = Checkpoint(ORIGIN, 159, await merkle.root(original, 159))
    with pytest.raises(InclusionProofError, match="trusted checkpoint of size 159 has another root"):
        await verify_storage(ledger, checkpoint=trusted)
    await ledger.close()

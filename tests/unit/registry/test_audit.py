"""The audit names the first entry that does not hold, and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, UnavailableError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, Withheld, open_ledger
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.note import NoteKey
from ssi.registry.audit import AuditReport, audit
from ssi.registry.registry import Registry
from ssi.registry.types import Withholding
from tests.unit.registry.world import NOW, Organisation, World

ORIGIN = "ledger.example/registry"


class Log:
    """A log of a few statements, its key and its newest head."""

    def __init__(self, world: World, ledger: Ledger, kms: MemoryKms) -> None:
        self.world = world
        self.ledger = ledger
        self.kms = kms
        self.registry = Registry(
            ledger, roots=[world.root.did], kms=kms, checkpoint_label="log", origin=ORIGIN, now=lambda: NOW
        )

    async def fill(self) -> None:
        for entry in self.world.entries:
            await self.registry.submit(entry)
        for epoch in range(4):
            await self.registry.submit(self.world.agency.commit(self.world.URI, epoch))

    async def keys(self) -> Sequence[NoteKey]:
        return [await self.registry.note_key()]

    async def audit(self, ledger: Ledger | None = None, *, checkpoint: bytes | None = None) -> AuditReport:
        return await audit(
            ledger or self.ledger, roots=[self.world.root.did], keys=await self.keys(), checkpoint=checkpoint
        )

    async def rewritten(self, entries: Sequence[bytes], *, signed: bool = True) -> Ledger:
        """Another log with these entries, every hash right, under a head of the true key if ``signed``."""
        ledger = open_ledger("memory:")
        await ledger.append(entries)
        if signed:
            note = await sign_checkpoint(ledger, kms=self.kms, label="log", origin=ORIGIN, now=NOW)
            await ledger.put_checkpoint(None, note)
        return ledger


@pytest.fixture
async def log(world: World) -> Log:
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    log = Log(world, open_ledger("memory:"), kms)
    await log.fill()
    return log


async def test_a_whole_log_holds(log: Log) -> None:
    report = await log.audit(checkpoint=log.registry.checkpoint)
    assert report.ok
    assert report.first is None
    assert (report.size, report.unsigned) == (8, 0)
    assert report.counts == {"DidLogEntry": 2, "Accreditation": 2, "StatusCommitment": 4}
    assert report.checkpoint is not None
    assert report.compared == report.checkpoint
    assert report.root == report.checkpoint.root


async def test_an_empty_log_holds(log: Log) -> None:
    report = await log.audit(open_ledger("memory:"))
    assert (report.ok, report.size, report.checkpoint) == (True, 0, None)


@pytest.mark.parametrize("index", range(8))
async def test_a_changed_byte_names_its_entry(log: Log, index: int) -> None:
    class Changed(MemoryLedger):
        async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
            found = list(await super().read(start, stop))
            if start <= index < stop:
                body = bytearray(found[index - start])  # type: ignore[arg-type]
                body[len(body) // 2] ^= 1
                found[index - start] = bytes(body)
            return found

    ledger = Changed()
    await ledger.append([entry for entry in await log.ledger.read(0, 8) if isinstance(entry, bytes)])
    report = await log.audit(ledger)
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (index, "storage")


@pytest.mark.parametrize(
    ("index", "kinds"), [(0, {"webvh", "envelope"}), (1, {"signature", "envelope"}), (5, {"signature", "envelope"})]
)
async def test_a_rewritten_log_names_the_entry_by_its_meaning(log: Log, index: int, kinds: set[str]) -> None:
    entries = [entry for entry in await log.ledger.read(0, 8) if isinstance(entry, bytes)]
    body = bytearray(entries[index])
    body[-10] ^= 1
    entries[index] = bytes(body)
    report = await log.audit(await log.rewritten(entries))
    assert report.first is not None
    assert report.first.index == index
    assert report.first.kind in kinds
    # Even a rewriter who holds the log's key cannot pass for the log that was signed before.
    against = await log.audit(await log.rewritten(entries), checkpoint=log.registry.checkpoint)
    assert any(item.kind == "checkpoint" for item in against.broken)


async def test_a_rewritten_log_of_good_entries_is_told_by_the_kept_checkpoint(log: Log) -> None:
    entries = [entry for entry in await log.ledger.read(0, 8) if isinstance(entry, bytes)]
    entries[7] = log.world.agency.commit(log.world.URI, 99)
    other = await log.rewritten(entries)
    assert (await log.audit(other)).ok
    report = await log.audit(other, checkpoint=log.registry.checkpoint)
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (None, "checkpoint")


async def test_a_log_cut_short_is_told_by_its_heads(log: Log) -> None:
    entries = [entry for entry in await log.ledger.read(0, 6) if isinstance(entry, bytes)]
    report = await log.audit(await log.rewritten(entries), checkpoint=log.registry.checkpoint)
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (6, "checkpoint")


async def test_what_was_written_past_submit_is_named(log: Log) -> None:
    person = b"jane"
    await log.ledger.append([log.world.root.commit(log.world.URI, 9), person])
    report = await log.audit()
    assert [(item.index, item.kind) for item in report.broken] == [(8, "guard"), (9, "envelope")]
    assert report.first is not None
    assert report.first.reason.startswith("G10")
    assert report.unsigned == 2
    assert report.counts["refused"] == 2


async def test_a_forged_head_is_named(log: Log) -> None:
    other = MemoryKms()
    await other.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = await log.rewritten(await log.ledger.read(0, 8), signed=False)  # type: ignore[arg-type]
    await ledger.put_checkpoint(None, await sign_checkpoint(ledger, kms=other, label="log", origin=ORIGIN))
    report = await log.audit(ledger)
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (None, "checkpoint")


async def test_a_body_that_was_erased_without_an_order_on_the_log_is_named(log: Log) -> None:
    assert isinstance(log.ledger, MemoryLedger)
    await log.ledger.withhold(7, order="court 1")
    report = await log.audit(checkpoint=log.registry.checkpoint)
    assert [(each.index, each.kind) for each in report.broken] == [(7, "withheld")]
    order = log.world.root.sign(
        Withholding(
            iss=log.world.root.did,
            iat=NOW,
            index=7,
            leaf=b64url_encode((await log.ledger.hashes(0, 7, 8))[0]),
            order=b64url_encode(bytes(32)),
        )
    )
    await log.registry.submit(order)
    assert not (await log.audit()).ok  # another order than the one that is named


async def test_withheld_entries_break_nothing(log: Log) -> None:
    assert isinstance(log.ledger, MemoryLedger)
    leaf = b64url_encode((await log.ledger.hashes(0, 7, 8))[0])
    body = Withholding(iss=log.world.root.did, iat=NOW, index=7, leaf=leaf, order=b64url_encode(bytes(32)))
    submitted = await log.registry.submit(log.world.root.sign(body))
    await log.ledger.withhold(7, order=submitted.id)
    report = await log.audit(checkpoint=log.registry.checkpoint)
    assert report.ok
    assert report.counts["withheld"] == 1


async def test_what_the_caller_brings_is_checked_first(log: Log) -> None:
    note = log.registry.checkpoint
    assert note is not None
    with pytest.raises(InvalidInputError):
        await audit(log.ledger, roots=[log.world.root.did], checkpoint=note)
    with pytest.raises((InvalidInputError, InvalidSignatureError)):
        await log.audit(checkpoint=note.replace(b"\n8\n", b"\n7\n"))


async def test_a_ledger_that_does_not_answer_is_no_broken_ledger(log: Log) -> None:
    class Silent(MemoryLedger):
        async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
            raise UnavailableError("no answer")

    ledger = Silent()
    await ledger.append([b"x"])
    with pytest.raises(UnavailableError):
        await log.audit(ledger)


async def test_a_changed_row_in_the_file_is_named(tmp_path: Path, world: World) -> None:
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = open_ledger(f"sqlite://{tmp_path}/ledger.db")
    log = Log(world, ledger, kms)
    await log.fill()
    await ledger.close()
    entry = world.organisation
    changed = entry[:-1] + (b"A" if entry[-1:] != b"A" else b"Q")
    database = sqlite3.connect(tmp_path / "ledger.db")
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    count = 0
    for table in names:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        for column in columns:
            statement = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"  # noqa: S608
            count += database.execute(statement, (changed, entry)).rowcount
    assert count == 1
    database.commit()
    database.close()
    again = open_ledger(f"sqlite://{tmp_path}/ledger.db")
    try:
        report = await log.audit(again)
    finally:
        await again.close()
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (1, "storage")


async def test_a_stranger_among_the_roots_changes_who_may_speak(log: Log) -> None:
    stranger = Organisation("stranger.example")
    report = await audit(log.ledger, roots=[stranger.did], keys=await log.keys())
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (0, "guard")

"""A log moves between the backends: proofs that were given out hold as before, and nothing else takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssi.errors import InclusionProofError, InvalidInputError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, merkle, open_ledger
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.moving import copy_ledger
from ssi.ledger.note import NoteKey
from ssi.ledger.receipt import make_receipt, verify_receipt
from tests.contracts.postgres import server

ENTRIES = [b"entry %d" % number for number in range(600)]


async def signed(entries: list[bytes]) -> tuple[MemoryLedger, NoteKey]:
    """Return a log with a signed head, and its key."""
    ledger, kms = MemoryLedger(), MemoryKms()
    key = NoteKey("log.example", await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT))
    await ledger.append(entries)
    await ledger.put_checkpoint(None, await sign_checkpoint(ledger, kms=kms, label="log", origin="log.example", now=1))
    return ledger, key


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_receipts_hold_after_the_move(tmp_path: Path, backend: str) -> None:
    old, key = await signed(ENTRIES)
    note = await old.checkpoint()
    assert note is not None
    receipt = await make_receipt(old, 17, note)
    target: Ledger = open_ledger(server().url() if backend == "postgresql" else f"sqlite://{tmp_path}/log.db")
    try:
        await target.append(ENTRIES[:300])  # as far as it came before it was interrupted
        assert await copy_ledger(old, target) == len(ENTRIES)
        assert await copy_ledger(old, target) == len(ENTRIES)
        assert await target.checkpoint() == note
        assert await merkle.root(target, len(ENTRIES)) == await merkle.root(old, len(ENTRIES))
        verify_receipt(receipt, (await target.read(17, 18))[0], keys=[key])
        back = MemoryLedger()
        await copy_ledger(target, back)
        assert list(await back.read(0, len(ENTRIES))) == ENTRIES
    finally:
        await target.close()


async def test_another_log_is_not_written_over() -> None:
    old, _ = await signed(ENTRIES[:5])
    for entries in ([b"other"], ENTRIES[:6]):
        other = MemoryLedger()
        await other.append(entries)
        with pytest.raises(InclusionProofError):
            await copy_ledger(old, other)
        assert await other.size() == len(entries)


async def test_a_withheld_body_cannot_move() -> None:
    old, _ = await signed(ENTRIES[:5])
    await old.withhold(3, order="court order 7/2026")
    with pytest.raises(InvalidInputError, match="entry 3 is withheld"):
        await copy_ledger(old, MemoryLedger())

"""Signed heads of the logs of these tests, whatever keeps the log."""

from __future__ import annotations

from ssi.keys import Curve, PrivateKey
from ssi.ledger import Ledger, merkle
from ssi.ledger.checkpoint import NoteKey
from tests.contracts.ledger import unsigned

KEY = NoteKey("ledger.example/log", PrivateKey.generate(Curve.ED25519).public_key)


async def put_head(ledger: Ledger) -> bytes:
    """Store a note over the whole log and return it."""
    size = await ledger.size()
    note = unsigned(size, await merkle.root(ledger, size), KEY)
    await ledger.put_checkpoint(await ledger.checkpoint(), note)
    return note

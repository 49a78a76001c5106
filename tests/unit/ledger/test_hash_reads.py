"""Hashes that are asked for together are read together, and each caller gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ssi.errors import EntryNotFoundError, InvalidInputError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.backends.hash_reads import HashReads, Range
from ssi.ledger.backends.sqlite import SqliteLedger


async def test_a_proof_from_sqlite_is_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, asked = SqliteLedger(tmp_path / "log.db"), list[int]()
    try:
        await ledger.append([b"entry %d" % number for number in range(1_000)])
        read = ledger._reader.hashes

        def counted(ranges: Sequence[Range]) -> object:
            asked.append(len(ranges))
            return read(ranges)

        monkeypatch.setattr(ledger._reader, "hashes", counted)
        path = await merkle.inclusion_proof(ledger, 500, 1_000)
        merkle.verify_inclusion(500, 1_000, merkle.leaf_hash(b"entry 500"), path, await merkle.root(ledger, 1_000))
        assert len(asked) == 2  # the proof and the root
        found = await asyncio.gather(
            ledger.hashes(0, 0, 2), ledger.hashes(0, 999, 1_001), ledger.hashes(99, 0, 1), return_exceptions=True
        )
        assert [type(each) for each in found] == [list, EntryNotFoundError, InvalidInputError]
    finally:
        await ledger.close()


async def test_what_fails_for_all_is_told_to_each() -> None:
    async def fail(_: list[Range]) -> list[list[bytes]]:
        raise UnavailableError("away")

    reads = HashReads(fail)  # type: ignore[arg-type]
    found = await asyncio.gather(reads.read((0, 0, 1)), reads.read((1, 0, 1)), return_exceptions=True)
    assert [type(each) for each in found] == [UnavailableError, UnavailableError]

"""``ssi ledger recover``: from every kind of source, and a refusal that says what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.cli.program import TYPE, Town


@pytest.fixture
def restored(town: Town) -> Town:
    """A town whose ledger was restored from before its last entries."""
    shutil.copy(town / "ledger.db", town / "backup.db")
    town.ok("did", "create", "village", "--domain", "village.example")
    town.ok("ledger", "enrol", "village", "--by", "ministry", "--type", TYPE)
    town.export()
    shutil.copy(town / "ledger.db", town / "copy.db")
    shutil.copy(town / "backup.db", town / "ledger.db")
    return town


@pytest.mark.parametrize("source", ["offline", "offline/ledger/entries.jsonl", "copy.db"])
def test_a_restored_ledger_goes_on(restored: Town, source: str) -> None:
    assert restored.ssi("ledger", "audit").code == 1
    done = restored.ok("ledger", "recover", "--from", restored / source)
    assert done["restored"] < done["size"]
    assert restored.ok("ledger", "audit")["broken"] == []
    restored.ok("did", "create", "hamlet", "--domain", "hamlet.example")
    assert restored.ok("ledger", "enrol", "hamlet", "--by", "ministry", "--type", TYPE)


def test_without_the_entries_it_is_refused(restored: Town, tmp_path: Path) -> None:
    done = restored.ssi("ledger", "recover", "--from", restored / "backup.db", "--json")
    assert done.code == 1
    assert "are missing" in done.document["reason"]
    assert restored.ssi("ledger", "recover", "--from", tmp_path / "nowhere", "--json").code == 2

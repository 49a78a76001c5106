"""Some rounds of the contract suite under faults, and proof that it notices a loss. ``make contracts`` runs more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ssi.ledger import Ledger
from ssi.ledger.backends.memory import MemoryLedger
from ssi.testing.faulty_ledger import Fault
from tests import needs
from tests.contracts.__main__ import native, wrapped
from tests.contracts.backends import Backend, load
from tests.tools import unsynced


@pytest.mark.parametrize("fault", list(Fault))
async def test_in_memory(fault: Fault) -> None:
    row = await wrapped(load("memory"), fault, rounds=2, seed=11)
    assert row.violations == []
    assert row.injected > 0
    assert row.acknowledged == 24


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.WRONG_ANSWER, Fault.ROLLBACK])
async def test_in_a_file(fault: Fault) -> None:
    row = await wrapped(load("sqlite"), fault, rounds=1, seed=12)
    assert (row.violations, row.acknowledged) == ([], 12)


@pytest.mark.parametrize("name", ["disk full", "fsync error", "rollback"])
async def test_below_the_port(name: str) -> None:
    row = await native(load("sqlite"), name, rounds=1, seed=13)
    if row.left_out:
        needs.absent(row.left_out)
    assert (row.violations, row.rounds) == ([], 1)


async def test_every_unsynchronised_subset_of_a_short_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsynced, "MAX_IMAGES", 6)
    images, problems = await unsynced.replay(place(tmp_path), 1, appends=1)
    assert problems == []
    assert images > 50


async def test_it_notices_a_sync_that_did_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsynced, "MAX_IMAGES", 6)
    monkeypatch.setattr(unsynced.File, "sync", lambda self: None)
    _, problems = await unsynced.replay(place(tmp_path), 1, appends=1)
    assert problems


class Forgetting(MemoryLedger):
    """Acknowledges and forgets, or writes twice."""

    doubles = False

    async def append(self, entries: Any, *, expected_size: int | None = None) -> Any:
        size = len(self._entries)
        if size != 8:
            return await super().append(entries, expected_size=expected_size)
        if not self.doubles:
            return list(range(size, size + len(entries)))
        indexes = await super().append(entries, expected_size=expected_size)
        self._indexes.clear()
        await super().append(entries)
        return indexes


@pytest.mark.parametrize("doubles", [False, True])
async def test_it_notices_a_backend_that_forgets_or_doubles(doubles: bool) -> None:
    kept: dict[Path, Forgetting] = {}

    async def opened(place: Path) -> Ledger:
        ledger = kept.setdefault(place, Forgetting())
        ledger.doubles = doubles
        return ledger

    backend = Backend(name="forgetting", open=opened)
    try:
        row = await wrapped(backend, Fault.LOST_ACKNOWLEDGEMENT, rounds=1, seed=3)
    except Exception:  # it does not even come to an end
        return
    assert row.violations


def place(folder: Path) -> Path:
    (folder / "log").mkdir()
    return folder / "log"

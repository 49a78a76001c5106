"""Some rounds of the contract suite, and proof that it notices what is wrong. ``make contracts`` plays more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ssi.ledger import Ledger
from ssi.ledger.backends.memory import MemoryLedger
from ssi.testing.faulty_ledger import Fault
from tests import needs
from tests.contracts.backends import BACKENDS, CHAIN_KINDS, KINDS, Backend, Outcome, load
from tests.contracts.evm_forks import reorganised
from tests.contracts.rows import Row, beneath, rows, wrapped
from tests.contracts.scenes import Scene, Wrapped
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


def present(row: Row) -> Row:
    if row.left_out:
        needs.absent(row.left_out)
    return row


QUICK = [
    *(("sqlite", name) for name in ("disk full", "fsync error", "rollback")),
    *(("evm", name) for name in ("reorg below finality", "other code", "rollback")),
    *(("tiles", name) for name in ("fork", "wrong answer, over https", "log gaps")),
]
SLOW = [
    *(("postgres", name) for name in ("cut", "kill -9 of the server", "fsync error")),
    *(("evm", name) for name in ("fsync error", "reorg", "log gaps", "wrong chain")),
]
BELOW = [*QUICK, *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)]


@pytest.mark.parametrize(("backend", "name"), BELOW)
async def test_below_the_port(backend: str, name: str) -> None:
    row = present(await beneath(load(backend), name, rounds=1, seed=13))
    assert (row.violations, row.rounds) == ([], 1)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_kind_of_fault_is_there_or_left_out_for_a_reason(name: str) -> None:
    backend = load(name)
    played = {*backend.scenes, *backend.native, *(map(str, Fault) if backend.open else ())}
    wanted = {*KINDS, *(CHAIN_KINDS if name == "evm" else ())}
    assert wanted <= played | backend.without.keys()
    assert not played & backend.without.keys()
    assert all(backend.without.values())


async def test_every_unsynchronised_subset_of_a_short_run(tmp_path: Path) -> None:
    images, problems = await unsynced.replay(place(tmp_path), 1, appends=1, images_each=6)
    assert problems == []
    assert images > 50


async def test_it_notices_a_sync_that_did_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsynced.File, "sync", lambda self: None)
    _, problems = await unsynced.replay(place(tmp_path), 1, appends=1, images_each=6)
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

    async def opened(place: Path, seed: int) -> Ledger:
        ledger = kept.setdefault(place, Forgetting())
        ledger.doubles = doubles
        return ledger

    backend = Backend(name="forgetting", open=opened)
    row = await wrapped(backend, Fault.LOST_ACKNOWLEDGEMENT, rounds=1, seed=3)
    assert row.violations


async def test_it_notices_a_ledger_that_acknowledges_before_a_block_is_final() -> None:
    early = Backend(name="early", scenes={"reorg": partial(reorganised, acknowledges_early=True)})
    row = present(await beneath(early, "reorg", rounds=1, seed=1))
    assert any("were final before" in line or "tree head" in line for line in row.violations)


async def test_it_notices_an_alarm_where_nothing_is_wrong() -> None:
    @asynccontextmanager
    async def setting(place: Path, seed: int) -> AsyncIterator[Scene]:
        kept = MemoryLedger()

        async def opened() -> Ledger:
            return kept

        scene = Wrapped(opened, Fault.WRONG_ANSWER, seed=seed)
        scene.lies = False
        yield scene

    row = await beneath(Backend(name="denied", scenes={"lies": setting}), "lies", rounds=1, seed=1)
    assert any("though nobody lied" in line for line in row.violations)


async def test_a_fault_that_never_strikes_is_a_violation() -> None:
    async def nothing(place: Path, seed: int) -> Outcome:
        return Outcome(problems=[], injected=0)

    found = [row async for row in rows(Backend(name="calm", native={"nothing": nothing}), rounds=5, seed=1)]
    assert [row.violations for row in found] == [["the fault never struck: nothing was shown"]]


def place(folder: Path) -> Path:
    (folder / "log").mkdir()
    return folder / "log"

"""The lines of the contract suite's table: one backend, one fault, its rounds.

A fault that never struck shows nothing, so that its line counts as a violation; a kind of fault that makes no sense
with a backend has a line with the reason.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from _pytest.outcomes import Skipped

from ssi.testing.faulty_ledger import Fault
from tests.contracts.backends import Backend, Outcome, Play, Setting
from tests.contracts.histories import Round, forked, new_kms
from tests.contracts.scenes import Wrapped
from tests.unit.registry.world import World

BELOW: Final = " (below the port)"
SHARE: Final = 5
"""Of so many rounds at the port, one is played below it, where each has far more in it."""
_MEMORY: Final = Path("/dev/shm")  # noqa: S108
"""What goes wrong at the port has nothing to do with the disk: there a synchronisation costs nothing."""


class Row(msgspec.Struct):
    """One line of the table."""

    backend: str
    fault: str
    rounds: int = 0
    injected: int = 0
    acknowledged: int = 0
    alarms: int = 0
    left_out: str = ""
    seconds: float = 0
    violations: list[str] = []

    def text(self) -> str:
        """Return the line as it is printed."""
        begin = f"{self.backend:9} {self.fault:44}"
        if self.left_out and not self.rounds:
            return f"{begin} left out: {self.left_out}"
        numbers = f"{self.rounds:6} {self.injected:8} {self.acknowledged:6} {self.alarms:6} {len(self.violations):10}"
        return f"{begin} {numbers}   {self.seconds:.1f} s"


HEADING: Final = (
    f"{'backend':9} {'fault':44} {'rounds':>6} {'injected':>8} {'acked':>6} {'alarms':>6} {'violations':>10}"
)


async def rows(backend: Backend, *, rounds: int, seed: int) -> AsyncIterator[Row]:
    """Play every fault of a backend, and yield a line for each, those that are left out at the end."""
    at_port = max(2, rounds // backend.cost) if rounds > 1 else 1
    below = max(1, rounds // SHARE // backend.cost)
    if backend.open is not None:
        for fault in Fault:
            yield await wrapped(backend, fault, rounds=at_port, seed=seed)
    for name in (*backend.scenes, *backend.native):
        yield await beneath(backend, name, rounds=below, seed=seed)
    for name, reason in backend.without.items():
        yield Row(backend.name, name, left_out=reason)


async def wrapped(backend: Backend, fault: Fault, *, rounds: int, seed: int) -> Row:
    """Play rounds with a fault between library and backend."""
    assert backend.open is not None
    opened, world, kms = backend.open, World(), await new_kms()

    async def play(place: Path, number: int) -> Outcome:
        fork = await forked(world, kms) if fault is Fault.FORK else None
        scene = Wrapped(lambda: opened(place, number), fault, seed=number, fork=fork)
        one = Round(world, kms, scene)
        return _outcome(one, await one.run())

    return await _played(Row(backend.name, str(fault)), play, rounds=rounds, seed=seed, parent=_MEMORY)


async def beneath(backend: Backend, name: str, *, rounds: int, seed: int) -> Row:
    """Play rounds of one of a backend's own faults."""
    play = partial(_staged, backend.scenes[name]) if name in backend.scenes else backend.native[name]
    return await _played(Row(backend.name, name + BELOW), play, rounds=rounds, seed=seed, parent=None)


async def _staged(setting: Setting, place: Path, seed: int) -> Outcome:
    async with setting(place, seed) as scene:
        one = Round(World(), await new_kms(), scene)
        return _outcome(one, await one.run())


def _outcome(one: Round, problems: list[str]) -> Outcome:
    return Outcome(
        problems=problems, injected=one.scene.injected, acknowledged=len(one.acknowledged), alarms=one.alarms
    )


async def _played(row: Row, play: Play, *, rounds: int, seed: int, parent: Path | None) -> Row:
    begun = time.monotonic()
    for number in range(seed, seed + rounds):
        place = Path(tempfile.mkdtemp(prefix="contract-", dir=parent if parent and parent.is_dir() else None))
        try:
            outcome = await play(place, number)
        except Skipped as exc:
            row.left_out = str(exc)
            break
        finally:
            shutil.rmtree(place, ignore_errors=True)
        row.rounds += 1
        row.injected += outcome.injected
        row.acknowledged += outcome.acknowledged
        row.alarms += outcome.alarms
        row.violations += [f"seed {number}: {each}" for each in outcome.problems]
    if row.rounds and not row.injected:
        row.violations.append("the fault never struck: nothing was shown")
    row.seconds = time.monotonic() - begun
    return row

"""Which ledger backends the contract suite runs against, and what can be done to each of them besides.

Another backend joins by a line in BACKENDS: the module that makes its ``Backend``, loaded only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec

from ssi.ledger import Ledger
from ssi.testing.faulty_ledger import Fault
from tests.contracts.scenes import Scene

# Of every backend the table has each of these, or the reason why it makes no sense there.
KINDS: Final = (*map(str, Fault), "kill -9", "unsynced subsets")
CHAIN_KINDS: Final = ("reorg", "reorg below finality", "lying RPC", "log gaps", "wrong chain", "other code")


class Outcome(msgspec.Struct, kw_only=True):
    """What a round came to."""

    problems: list[str]
    injected: int
    acknowledged: int = 0
    alarms: int = 0


Play = Callable[[Path, int], Awaitable[Outcome]]
"""One round in an empty directory under a seed."""
Setting = Callable[[Path, int], AbstractAsyncContextManager[Scene]]
"""Where a round is played, whose history is checked as that of every other."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """A backend as the suite needs it."""

    name: str
    open: Callable[[Path, int], Awaitable[Ledger]] | None = None
    """Open the log of a directory, made if it is absent; called several times, it is opened as by several processes.
    The second argument is the round's seed. None for what cannot be written: then no faults are wrapped around it."""
    scenes: Mapping[str, Setting] = {}
    """Faults below the port, under the history of writers and readers."""
    native: Mapping[str, Play] = {}
    """Faults below the port that have a history of their own."""
    without: Mapping[str, str] = {}
    """Kinds of fault that make no sense here, and why."""
    cost: int = 1
    """By how much fewer rounds are played here than elsewhere."""


# Name to module; each module has a function ``backend() -> Backend``, which may skip (``tests.needs``).
BACKENDS = {
    "memory": "tests.contracts.memory_backend",
    "sqlite": "tests.contracts.sqlite_backend",
    "postgres": "tests.contracts.postgres_backend",
    "evm": "tests.contracts.evm_backend",
    "tiles": "tests.contracts.tiles_backend",
}


def load(name: str) -> Backend:
    """Return a backend. Raises KeyError for a name that is none."""
    made: Backend = import_module(BACKENDS[name]).backend()
    return made

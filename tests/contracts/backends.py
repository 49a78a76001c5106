"""Which ledger backends the contract suite runs against, and what can be done to each of them besides.

Another backend joins by a line in BACKENDS: the module that makes its ``Backend``, loaded only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path

import msgspec

from ssi.ledger import Ledger

NativeFault = Callable[[Path, int], Awaitable[list[str]]]
"""One round in an empty directory under a seed: what was violated, as lines."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """A backend as the suite needs it."""

    name: str
    open: Callable[[Path], Awaitable[Ledger]]
    """Open the log of a directory, made if it is absent; called several times, it is opened as by several processes."""
    native: Mapping[str, NativeFault] = {}
    """Faults below the port, by their names; a name of ``Fault`` runs besides the wrapper's."""


# Name to module; each module has a function ``backend() -> Backend``, which may skip (``tests.needs``).
BACKENDS = {
    "memory": "tests.contracts.memory_backend",
    "sqlite": "tests.contracts.sqlite_backend",
    "postgres": "tests.contracts.postgres_backend",
}


def load(name: str) -> Backend:
    """Return a backend. Raises KeyError for a name that is none."""
    made: Backend = import_module(BACKENDS[name]).backend()
    return made

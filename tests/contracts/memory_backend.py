"""The backend in memory, for the contract suite."""

from __future__ import annotations

from pathlib import Path

from ssi.ledger import Ledger
from ssi.ledger.backends.memory import MemoryLedger
from tests.contracts.backends import Backend


def backend() -> Backend:
    kept: dict[Path, MemoryLedger] = {}

    async def opened(place: Path, seed: int) -> Ledger:
        return kept.setdefault(place, MemoryLedger())

    nothing = "it keeps nothing beyond its process"
    return Backend(name="memory", open=opened, without={"kill -9": nothing, "unsynced subsets": nothing})

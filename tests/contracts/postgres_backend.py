"""The PostgreSQL backend, for the contract suite, with what happens to its connections, its server and its disk."""

from __future__ import annotations

from pathlib import Path

from ssi.ledger import Ledger, open_ledger
from tests.contracts.backends import Backend
from tests.contracts.postgres import server
from tests.contracts.postgres_faults import NATIVE, SCENES, log_name


def backend() -> Backend:
    running = server()

    async def opened(place: Path, seed: int) -> Ledger:
        return open_ledger(running.url(log_name(place), head=place / "log.head"))

    return Backend(
        name="postgres",
        open=opened,
        scenes=SCENES,
        native=NATIVE,
        without={
            "unsynced subsets": "the server's own write-ahead log; fsync errors and kills of the server are above"
        },
        cost=2,
    )

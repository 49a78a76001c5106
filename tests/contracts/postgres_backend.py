"""The PostgreSQL backend, for the contract suite; its server is killed in tests/unit/ledger/test_postgres_faults."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ssi.ledger import Ledger, open_ledger
from tests.contracts.backends import Backend
from tests.contracts.postgres import server


def backend() -> Backend:
    running = server()

    async def opened(place: Path) -> Ledger:
        name = f"log_{sha256(str(place).encode()).hexdigest()[:12]}"
        return open_ledger(running.url(name, head=place / "log.head"))

    return Backend(name="postgres", open=opened)

"""The contract suite over each backend that ships."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.ledger import Ledger, open_ledger
from ssi.ledger.backends.memory import MemoryLedger
from tests.contracts.ledger import WithholdingContract, closing
from tests.contracts.postgres import server


class TestMemoryLedger(WithholdingContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[Ledger]:
        async for ledger in closing(MemoryLedger()):
            yield ledger


class TestSqliteLedger(WithholdingContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[Ledger]:
        async for ledger in closing(open_ledger(f"sqlite://{tmp_path}/log.db")):
            yield ledger


class TestPostgresLedger(WithholdingContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[Ledger]:
        async for ledger in closing(open_ledger(server().url())):
            yield ledger

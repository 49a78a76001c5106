"""The contract suite over the EVM backend, on a real node: an append is answered when it is final."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ssi.ledger import Ledger
from ssi.ledger.backends.evm.contract import Mode
from tests.contracts.ledger import LedgerContract, WithholdingContract, closing
from tests.evm.ledger import deployed, opened
from tests.evm.node import Node, node


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running, running.mining():
        yield running


class TestLeavesOnChain(WithholdingContract):
    @pytest.fixture
    async def ledger(self, chain_node: Node, tmp_path: Path) -> AsyncIterator[Ledger]:
        address = await deployed(chain_node, Mode.LEAVES)
        async for ledger in closing(opened(chain_node, tmp_path, address, Mode.LEAVES)):
            yield ledger


class TestEntriesOnChain(LedgerContract):
    @pytest.fixture
    async def ledger(self, chain_node: Node, tmp_path: Path) -> AsyncIterator[Ledger]:
        address = await deployed(chain_node, Mode.ENTRIES)
        async for ledger in closing(opened(chain_node, tmp_path, address, Mode.ENTRIES)):
            yield ledger

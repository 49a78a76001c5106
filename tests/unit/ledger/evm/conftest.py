"""One node for all tests of a module, each with a contract of its own on it, and what closes its ledgers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.evm.node import Node, node


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    """A node that makes a block for each transaction."""
    with node() as running:
        yield running


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack

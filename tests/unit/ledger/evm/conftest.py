"""One node for all tests of a module: each deploys a contract of its own on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.evm.node import Node, node


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    """A node that makes a block for each transaction."""
    with node() as running:
        yield running

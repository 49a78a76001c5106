"""One node for the tests of a module, with the registries of 2018 and of today."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ssi.did.ethr.networks import EthrNetwork
from tests.evm import registry
from tests.evm.node import Node, node


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    """A node that makes a block for each transaction."""
    with node() as running:
        yield running


@pytest.fixture(scope="module")
def network(chain_node: Node) -> EthrNetwork:
    """The registry of today."""
    return asyncio.run(registry.deployed(chain_node))


@pytest.fixture(scope="module")
def legacy(chain_node: Node) -> EthrNetwork:
    """The registry of 2018, with its way of counting nonces."""
    return asyncio.run(registry.deployed(chain_node, legacy=True))

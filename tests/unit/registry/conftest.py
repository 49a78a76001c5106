"""Shared fixtures: one world per module, since keys and proofs cost time; an operated registry for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.registry.answering import Operated
from tests.unit.registry.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """A root and one accredited agency."""
    return World()


@pytest.fixture
async def town(world: World) -> AsyncIterator[Operated]:
    """A registry with three epochs of one list and their state root."""
    made = await Operated.start(world)
    for epoch in range(3):
        await made.registry.submit(world.agency.commit(world.URI, epoch))
    await made.epoch()
    yield made
    await made.close()

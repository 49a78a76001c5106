"""Shared fixtures: one world per module, since keys and proofs cost time."""

from __future__ import annotations

import pytest

from tests.unit.registry.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """A root and one accredited agency."""
    return World()

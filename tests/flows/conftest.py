"""What holds for every flow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.flows.stores import close_stores


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    yield
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(close_stores())

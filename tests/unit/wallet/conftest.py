from __future__ import annotations

import pytest

from tests.unit.wallet.parties import Town, opened
from wallet import Wallet


@pytest.fixture
async def wallet() -> Wallet:
    return await opened()


@pytest.fixture
async def town() -> Town:
    return await Town.make()

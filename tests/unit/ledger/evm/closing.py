"""Ledgers that are closed when a test ends."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from ssi.ledger.backends.evm.ledger import EvmLedger
from tests.evm.ledger import opened


async def ledger_of(stack: AsyncExitStack, *arguments: Any, **options: Any) -> EvmLedger:
    """Open a ledger as ``opened`` does, to be closed with ``stack``."""
    ledger = opened(*arguments, **options)
    stack.push_async_callback(ledger.close)
    return ledger

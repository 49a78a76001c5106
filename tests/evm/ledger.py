"""Ledgers on a test node, as a user would open them.

Input:   a running node.
I/O:     JSON-RPC to that node; files in a folder that the test gives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ssi.durable import replace_file
from ssi.ledger import open_ledger
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLedger
from ssi.net.evm.values import format_address
from tests.evm.log import raw_log
from tests.evm.node import CHAIN_ID, KEYS, Node
from tests.evm.proxy import Proxy


async def deployed(node: Node, mode: Mode) -> bytes:
    """Deploy a contract and wait until it is final; return its address."""
    async with raw_log(node, mode) as log:
        node.mine(3)
        return log.address


def url(
    node: Node | Proxy, folder: Path, address: bytes, mode: Mode, *, mirror: str = "mirror.db", **options: Any
) -> str:
    """Return the URL of a log whose mirror is in ``folder``; with the key of the node's first account."""
    key = folder / "key"
    if not key.exists():
        replace_file(key, KEYS[0].hex().encode())  # whole at once: other processes may open it, too
    given = {"contract": format_address(address), "chain_id": CHAIN_ID, "mode": mode, "mirror": folder / mirror}
    given |= {"key_file": key, "poll": 0.01, **options}
    query = "&".join(f"{name}={value}" for name, value in given.items() if value is not None)
    return f"evm+{node.url}/?{query}"


def opened(node: Node | Proxy, folder: Path, address: bytes, mode: Mode, **options: Any) -> EvmLedger:
    """Open the log of a contract."""
    ledger = open_ledger(url(node, folder, address, mode, **options))
    assert isinstance(ledger, EvmLedger)
    return ledger

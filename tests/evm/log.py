"""Logs on a test node: deployed, written and read without the backend.

Input:   a running node.
I/O:     JSON-RPC to that node.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Head, Mode
from ssi.net.evm.account import Account, Receipt
from ssi.net.evm.chain import Chain, logs
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import LocalSigner
from tests.evm.node import CHAIN_ID, KEYS, Node

GAS = 16_000_000


class RawLog:
    """One contract, spoken to directly."""

    def __init__(self, chain: Chain, account: Account, mode: Mode, address: bytes) -> None:
        self.chain = chain
        self.account = account
        self.mode = mode
        self.address = address

    async def send(self, payload: bytes, *, account: Account | None = None) -> Receipt:
        """Send one transaction and wait until it is in a block."""
        account = account or self.account
        return await account.wait(await account.send(self.address, payload, gas=GAS), poll_seconds=0.002)

    async def append(self, size: int, items: Sequence[bytes], *, account: Account | None = None) -> Receipt:
        """Append leaf hashes or entries, as the mode has it."""
        return await self.send(contract.append_payload(self.mode, size, items), account=account)

    async def head(self) -> Head:
        """Return the head in the newest block."""
        found = await contract.head(self.chain, self.address, await self.chain.newest())
        assert found is not None
        return found

    async def batches(self) -> list[contract.Batch]:
        """Return every event so far."""
        topic, newest = contract.event_topic(self.mode), await self.chain.newest()
        found = await self.chain.first(lambda e: logs(e, self.address, topic, 0, newest.number))
        return [contract.parse_event(self.mode, log) for log in found]


def account(chain: Chain, number: int = 0) -> Account:
    """Return one of the node's accounts."""
    return Account(chain, LocalSigner(KEYS[number]))


@asynccontextmanager
async def raw_log(node: Node, mode: Mode, *, chain_id: int = CHAIN_ID) -> AsyncIterator[RawLog]:
    """Deploy a contract whose owner and only writer is the node's first account."""
    chain = Chain([Endpoint(node.url)], chain_id=chain_id, agree=1, finality=0)
    try:
        owner = account(chain)
        payload = contract.deployment(mode, owner.signer.address, [owner.signer.address])
        receipt = await owner.wait(await owner.send(b"", payload, gas=GAS), poll_seconds=0.002)
        assert receipt.succeeded
        assert receipt.contract is not None
        yield RawLog(chain, owner, mode, receipt.contract)
    finally:
        await chain.close()

"""Make the contract of a new log.

Source:  contracts/MerkleLog.sol; EIP-1559.
Input:   a node, the account that pays, who owns the log and who may append to it.
Shapes:  addresses have 20 bytes.
I/O:     JSON-RPC, the signer.
Errors:  VerificationError (another chain, or other code than was sent), UnavailableError (not taken, or in no block in
         time: look at the address that ``sent`` was told before asking again, else there are two contracts).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ssi.errors import UnavailableError, VerificationError
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Mode
from ssi.net.evm.account import MAX_FEE, Account
from ssi.net.evm.chain import Chain
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner
from ssi.net.evm.transaction import created_address
from ssi.net.evm.values import quantity, to_hex


class Cost(msgspec.Struct, frozen=True):
    """What making a contract would cost now: gas, wei at most, and the wei that the account has."""

    gas: int
    at_most: int
    balance: int


async def cost(
    endpoint: str,
    *,
    chain_id: int,
    account: bytes,
    mode: Mode = Mode.LEAVES,
    owner: bytes | None = None,
    writers: Sequence[bytes] | None = None,
    ca_file: str | Path | None = None,
    max_fee: int = MAX_FEE,
) -> Cost:
    """Ask the node what ``deploy`` with these arguments would cost ``account``; nothing is sent."""
    chain = Chain([Endpoint(endpoint, ca_file=ca_file)], chain_id=chain_id, agree=1, finality=0)
    try:
        payload = _payload(mode, account, owner, writers)
        request = {"from": to_hex(account), "data": to_hex(payload)}
        gas = quantity(await chain.ask("eth_estimateGas", request))
        price = min(max_fee, 2 * quantity(await chain.ask("eth_gasPrice")))
        balance = quantity(await chain.ask("eth_getBalance", to_hex(account), "latest"))
        return Cost(gas, gas * price, balance)
    finally:
        await chain.close()


async def deploy(
    endpoint: str,
    *,
    chain_id: int,
    signer: EvmSigner,
    mode: Mode = Mode.LEAVES,
    owner: bytes | None = None,
    writers: Sequence[bytes] | None = None,
    ca_file: str | Path | None = None,
    max_fee: int = MAX_FEE,
    poll_seconds: float = 0.5,
    wait_seconds: float = 600.0,
    sent: Callable[[bytes], None] | None = None,
) -> bytes:
    """Return the address of a new contract, once it is in a block; opening the log waits until that block is final.

    The paying account is owner and only writer unless others are named. ``sent`` is told the address as soon as the
    transaction is on its way.
    """
    chain = Chain([Endpoint(endpoint, ca_file=ca_file)], chain_id=chain_id, agree=1, finality=0)
    try:
        account = Account(chain, signer, max_fee=max_fee)
        payload = _payload(mode, signer.address, owner, writers)
        under_way = await account.send(b"", payload, gas=await account.estimate(b"", payload) * 5 // 4)
        if sent is not None:
            sent(created_address(signer.address, under_way.transaction.nonce))
        receipt = await account.wait(under_way, poll_seconds=poll_seconds, at_most=wait_seconds)
        if not receipt.succeeded:
            raise VerificationError("the chain refused to make the contract")
        if receipt.contract is None:
            raise UnavailableError("the node does not say where the contract is")
        await contract.check_code(chain, receipt.contract, mode, await chain.newest())
        return receipt.contract
    finally:
        await chain.close()


def _payload(mode: Mode, account: bytes, owner: bytes | None, writers: Sequence[bytes] | None) -> bytes:
    return contract.deployment(
        mode, account if owner is None else owner, [account] if writers is None else list(writers)
    )

"""Make the contract of a new log.

Source:  contracts/MerkleLog.sol; EIP-1559.
Input:   a node, the account that pays, who owns the log and who may append to it.
Shapes:  addresses have 20 bytes.
I/O:     JSON-RPC, the signer.
Errors:  VerificationError (another chain, or other code than was sent), UnavailableError (not taken, or in no block in
         time: look for the account's transactions before asking again, else there are two contracts).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssi.errors import UnavailableError, VerificationError
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Mode
from ssi.net.evm.account import MAX_FEE, Account
from ssi.net.evm.chain import Chain
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner


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
) -> bytes:
    """Return the address of a new contract, once it is in a block; opening the log waits until that block is final.

    The paying account is owner and only writer unless others are named.
    """
    chain = Chain([Endpoint(endpoint, ca_file=ca_file)], chain_id=chain_id, agree=1, finality=0)
    try:
        account = Account(chain, signer, max_fee=max_fee)
        named = [signer.address] if writers is None else list(writers)
        payload = contract.deployment(mode, signer.address if owner is None else owner, named)
        sent = await account.send(b"", payload, gas=await account.estimate(b"", payload) * 5 // 4)
        receipt = await account.wait(sent, poll_seconds=poll_seconds, at_most=wait_seconds)
        if not receipt.succeeded:
            raise VerificationError("the chain refused to make the contract")
        if receipt.contract is None:
            raise UnavailableError("the node does not say where the contract is")
        await contract.check_code(chain, receipt.contract, mode, await chain.newest())
        return receipt.contract
    finally:
        await chain.close()

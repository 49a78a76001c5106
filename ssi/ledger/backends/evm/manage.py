"""Look after the contract of a log: who owns it, who may append, and changes of both.

Source:  contracts/MerkleLog.sol (``setWriter``, ``setOwner``, and their events).
Input:   what the URL of the log says, and for a change the signer of the owner's account.
Shapes:  addresses have 20 bytes; the zero address as owner means that nobody names writers any more, for ever.
I/O:     JSON-RPC, the signer.
Errors:  VerificationError (other code at the address, another chain, or the account is not the owner),
         UnavailableError (no answer, or in no block in time: asking again changes nothing that was done).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from ssi.errors import RpcError, UnavailableError, VerificationError
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Head
from ssi.ledger.backends.evm.url import EvmOptions
from ssi.net.evm.account import Account
from ssi.net.evm.chain import Block, Chain, Log, logs
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner
from ssi.net.evm.values import format_address, keccak

NOBODY: Final = bytes(20)
_WRITER_SET: Final = "WriterSet(address,bool)"
_OWNER_SET: Final = "OwnerSet(address)"


class Description(msgspec.Struct, frozen=True):
    """What a contract says of itself at one final block."""

    owner: bytes
    writers: tuple[bytes, ...]
    """Those who may append, in the order in which they were named first."""
    head: Head
    block: int


async def describe(options: EvmOptions) -> Description:
    """Return owner, writers and head of the contract, at the newest final block.

    Raises UnavailableError if the contract is not final yet, or if the node leaves out events that name writers.
    """
    async with _chain(options) as chain:
        block = await chain.final()
        head = await contract.head(chain, options.contract, block)
        if head is None:
            raise UnavailableError("the contract is not there at the newest final block: wait until it is")
        await contract.check_code(chain, options.contract, options.mode, block)
        owner = await contract.owner(chain, options.contract, block)
        named = await _named(chain, options.contract, block, owner)
        writers = [each for each in named if await contract.is_writer(chain, options.contract, each, block)]
        return Description(owner, tuple(writers), head, block.number)


async def set_writer(options: EvmOptions, writer: bytes, *, allowed: bool, signer: EvmSigner) -> bool:
    """Name or dismiss a writer, as the owner; return whether anything had to be changed.

    Returns once it is in a block.
    """
    async with _chain(options) as chain:
        newest = await chain.newest()
        await contract.check_code(chain, options.contract, options.mode, newest)
        if await contract.is_writer(chain, options.contract, writer, newest) is allowed:
            return False
        await _send(options, chain, contract.set_writer_payload(writer, allowed=allowed), signer)
        return True


async def set_owner(options: EvmOptions, owner: bytes, *, signer: EvmSigner) -> bool:
    """Hand the contract over, as the owner; return whether anything had to be changed.

    The zero address (``NOBODY``) fixes the writers for ever. Returns once it is in a block.
    """
    async with _chain(options) as chain:
        newest = await chain.newest()
        await contract.check_code(chain, options.contract, options.mode, newest)
        if await contract.owner(chain, options.contract, newest) == owner:
            return False
        await _send(options, chain, contract.set_owner_payload(owner), signer)
        return True


@asynccontextmanager
async def _chain(options: EvmOptions) -> AsyncIterator[Chain]:
    endpoints = [Endpoint(url, ca_file=options.ca_file) for url in options.endpoints]
    chain = Chain(endpoints, chain_id=options.chain_id, agree=options.agree, finality=options.finality)
    try:
        yield chain
    finally:
        await chain.close()


async def _named(chain: Chain, address: bytes, block: Block, owner: bytes) -> list[bytes]:
    """Return whoever was ever named a writer. Nobody can be a writer without an event."""
    start = await contract.deployed_at(chain, address, block)
    owners = await _events(chain, address, _OWNER_SET, start, block)
    if not owners or owners[0].block != start:
        # The first owner is named where the contract is made. On some rollups it counts the blocks of another chain.
        start = 0
        owners = await _events(chain, address, _OWNER_SET, start, block)
    if not owners or _account(owners[-1]) != owner:
        raise UnavailableError("the node does not tell all of the contract's events: ask another one")
    writers = await _events(chain, address, _WRITER_SET, start, block)
    return list(dict.fromkeys(_account(log) for log in writers))


async def _events(chain: Chain, address: bytes, signature: str, start: int, block: Block) -> list[Log]:
    topic = keccak(signature.encode())
    return await chain.first(lambda endpoint: logs(endpoint, address, topic, start, block.number))


def _account(event: Log) -> bytes:
    if len(event.topics) != 2:
        raise UnavailableError("an event of the contract has another shape than this library knows")
    return event.topics[1][-20:]


async def _send(options: EvmOptions, chain: Chain, payload: bytes, signer: EvmSigner) -> None:
    account = Account(chain, signer, max_fee=options.max_fee, stuck_seconds=options.stuck_seconds)
    try:
        gas = await account.estimate(options.contract, payload) * 5 // 4
    except RpcError as exc:
        if (reason := contract.refusal(exc)) is None:
            raise
        raise VerificationError(f"the contract refuses {format_address(signer.address)}: {reason}") from exc
    sent = await account.send(options.contract, payload, gas=gas)
    poll = min(options.poll_seconds, 0.5)
    receipt = await account.wait(sent, poll_seconds=poll, at_most=options.wait_seconds)
    if not receipt.succeeded:
        raise VerificationError(f"the contract refused {format_address(signer.address)}: it was changed meanwhile")

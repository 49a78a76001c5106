"""A registry of did:ethr, read from the nodes of a chain.

Source:  ERC-1056; ETHR DID Method Specification, "Enumerating Contract Events to build the DID Document"; EIP-1898 and
         EIP-234 (calls and logs at a block's hash).
Input:   a chain that the caller connected to, and where its registry is.
Shapes:  see ``ssi.did.ethr.history``.
I/O:     JSON-RPC through ``ssi.net.evm``: two calls, then two for each block in which the DID changed.
Errors:  as ``EthrSource``; messages name nodes by their hosts only.

Everything is read below one final block, which is pinned by its hash and looked at again in the end. Links lead from
each block to an earlier one, and who owns the identity must be what the events say: a node that leaves out or repeats
is noticed, unless it leaves out what is newest. That takes nodes of several operators (``agree``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ssi.did.ethr.events import Event, Linked, OwnerChanged, parse_event
from ssi.did.ethr.history import MAX_CHANGES, MAX_HISTORY_BYTES, BlockTime, History
from ssi.did.ethr.identifier import ADDRESS_BYTES, NO_ADDRESS
from ssi.did.ethr.networks import EthrNetwork
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.net.evm.chain import Block, Chain, Finality, Header, logs_in_block
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.values import WORD_BYTES, format_address, keccak

__all__ = ["EthrRegistry"]

_PADDING: Final = bytes(WORD_BYTES - ADDRESS_BYTES)


class Standing(msgspec.Struct, frozen=True):
    """Who may change an identity at a block, and whether it can still be changed."""

    owner: bytes
    deactivated: bool


class EthrRegistry:
    """The registry of one network. Bound to the event loop of its first call, as its chain is."""

    def __init__(self, chain: Chain, network: EthrNetwork, *, max_changes: int = MAX_CHANGES) -> None:
        """``max_changes`` bounds how many blocks, and how many events, are read of one DID."""
        if chain.chain_id != network.chain_id:
            raise InvalidInputError(f"the chain is {chain.chain_id}, the network is on {network.chain_id}")
        self.chain: Final = chain
        self._network = network
        self._max_changes = max_changes

    @classmethod
    def connect(
        cls,
        nodes: Sequence[str],
        network: EthrNetwork,
        *,
        agree: int = 1,
        finality: Finality = "finalized",
        ca_file: str | Path | None = None,
        max_changes: int = MAX_CHANGES,
    ) -> EthrRegistry:
        """Return the registry of ``network`` as ``agree`` of these nodes tell it; nothing is asked yet.

        ``finality`` is ``"finalized"``, ``"safe"``, or how many blocks lie above a final one; 0 reads the newest.
        """
        if len(set(nodes)) != len(nodes):
            raise InvalidInputError("a node is named twice: it would agree with itself")
        endpoints = [Endpoint(url, ca_file=ca_file) for url in nodes]
        chain = Chain(endpoints, chain_id=network.chain_id, agree=agree, finality=finality)
        return cls(chain, network, max_changes=max_changes)

    @property
    def network(self) -> EthrNetwork:
        """Which network this is."""
        return self._network

    async def close(self) -> None:
        """Close the connections to the nodes."""
        await self.chain.close()

    async def history(self, identity: bytes) -> History:
        """As ``EthrSource.history``."""
        return await self.history_at(identity, await self.chain.final())

    async def history_at(self, identity: bytes, pin: Block) -> History:
        """Return what happened to ``identity`` up to the block ``pin``."""
        head = await self._pinned(pin)
        events: list[Event] = []
        size, blocks = 0, 0
        last = await self._number("changed(address)", identity, pin)
        number, above = last, pin.number + 1
        while number:
            if number >= above:
                raise UnavailableError("the registry's links lead to a block that is not before the one they are in")
            found, header = await self._changes(identity, number)
            blocks += 1
            events[:0] = [link.event for link in found]
            size += sum(len(getattr(link.event, "value", b"")) for link in found)
            if max(blocks, len(events)) > self._max_changes or size > MAX_HISTORY_BYTES:
                raise InvalidInputError(f"the DID changed more often than {self._max_changes} times, or at length")
            if header.time > head.time:
                raise UnavailableError("a block of the registry is later than one above it")
            number, above = found[0].previous, number
        await self._check_owner(identity, events, pin)
        await self._pinned(pin)
        return History(BlockTime(head.number, head.time), tuple(events))

    async def block_time(self, number: int) -> int:
        """As ``EthrSource.block_time``."""
        return (await self.chain.header(number)).time

    async def nonce(self, account: bytes, block: Block) -> int:
        """Return how many signed changes the registry has counted for an account."""
        return await self._number("nonce(address)", account, block)

    async def owner(self, identity: bytes, block: Block) -> bytes:
        """Return the account that may change ``identity``, as the contract says it."""
        word = await self._word("identityOwner(address)", identity, block)
        if word[: len(_PADDING)] != _PADDING:
            raise UnavailableError("the registry answered an owner of more than 20 bytes")
        return word[len(_PADDING) :]

    async def _changes(self, identity: bytes, number: int) -> tuple[list[Linked], Header]:
        """Return the events of one block, linked as the contract links them."""
        header = await self.chain.header(number)

        async def one(endpoint: Endpoint) -> tuple[Linked, ...]:
            topics = (None, _PADDING + identity)
            logs = await logs_in_block(endpoint, self._network.registry, topics, header.block)
            if not logs:
                raise UnavailableError(f"the node {endpoint.name} has no events of block {number}, where a change was")
            found = tuple(
                parse_event(log.topics, log.data, identity=identity, block=number, time=header.time) for log in logs
            )
            # The first change of a block links to an earlier one, every further one to the block itself.
            if found[0].previous >= number or any(link.previous != number for link in found[1:]):
                raise UnavailableError(f"the node {endpoint.name} answered changes that are not linked to one another")
            return found

        return list(await self.chain.agreed(one)), header

    async def _check_owner(self, identity: bytes, events: Sequence[Event], pin: Block) -> None:
        """Hold the events against the contract's own state."""
        owners = [event.owner for event in events if isinstance(event, OwnerChanged)]
        expected = owners[-1] if owners and owners[-1] != NO_ADDRESS else identity
        if await self.owner(identity, pin) != expected:
            raise UnavailableError("the registry has another owner of the DID than its events say")

    async def _pinned(self, pin: Block) -> Header:
        """Return the header of the pinned block, unless another block took its place."""
        header = await self.chain.header(pin.number)
        if header.hash != pin.hash:
            raise UnavailableError("the chain changed while it was read: ask again")
        return header

    async def _number(self, signature: str, account: bytes, block: Block) -> int:
        return int.from_bytes(await self._word(signature, account, block), "big")

    async def _word(self, signature: str, account: bytes, block: Block) -> bytes:
        payload = keccak(signature.encode())[:4] + _PADDING + account
        answer = await self.chain.call(self._network.registry, payload, block)
        if not answer:
            place = format_address(self._network.registry)
            raise VerificationError(f"chain {self.chain.chain_id} has no registry of DIDs at {place} at that block")
        if len(answer) != WORD_BYTES:
            raise UnavailableError("the registry answered in another shape than ERC-1056 gives it")
        return answer


def standing(history: History, identity: bytes) -> Standing:
    """Return who may change ``identity`` at the end of its history."""
    owners = [event.owner for event in history.events if isinstance(event, OwnerChanged)]
    return Standing(owners[-1] if owners else identity, NO_ADDRESS in owners)

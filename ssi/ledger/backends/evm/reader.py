"""Follows a log on a chain: what is final goes into the mirror if it gives the contract's own tree head.

Source:  RFC 6962, section 2.1; EIP-1898 (calls at a block hash).
Input:   a chain, the contract's address, the mirror.
Shapes:  the head is read at one final block, by its hash; events are read by number, as nothing else is offered.
I/O:     JSON-RPC; the mirror.
Errors:  InclusionProofError (the chain's entries do not give its head, or its final log is not an extension of what was
         final before), VerificationError (other code at the address, another chain), UnavailableError (no answer, no
         agreement, gaps in the events: ask again).

A node that leaves events out or makes some up is passed over for the next one. With one node, or where those that agree
lie alike, a made-up log is noticed as soon as it is not an extension of the mirror; before that, nothing here can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ssi.errors import InclusionProofError, SsiError, UnavailableError
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Batch, Head, Mode
from ssi.ledger.backends.evm.mirror import Mirror
from ssi.ledger.port import MAX_READ
from ssi.net.evm.chain import Block, Chain, logs
from ssi.net.evm.endpoint import Endpoint

MAX_STEPS: Final = 100_000
"""Blocks that a walk from entry to entry visits; longer ways are taken by ranges only."""


class Reader:
    """Brings the mirror up to date. Used from one event loop."""

    def __init__(self, chain: Chain, address: bytes, mode: Mode, mirror: Mirror) -> None:
        self.chain = chain
        self.address = address
        self.mode = mode
        self.mirror = mirror
        self.heard: Callable[[Mapping[bytes, int]], None] = lambda new: None
        """Called with the index of each leaf hash that became final."""
        self.size = 0
        self._started = False
        self.block: Block | None = None
        self._checked = False
        self._running = asyncio.Lock()
        self._queued: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def refresh(self) -> None:
        """Read what became final since the last time. Callers who come while one waits for its turn share it."""
        if self._queued is None:
            self._queued = asyncio.create_task(self._in_turn())
            self._tasks.add(self._queued)
            self._queued.add_done_callback(self._tasks.discard)
        await asyncio.shield(self._queued)

    async def close(self) -> None:
        """End what runs, before the connections are closed under it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _in_turn(self) -> None:
        async with self._running:
            self._queued = None
            block = await self.chain.final()
            try:
                await self._follow(block)
            except (InclusionProofError, UnavailableError):
                # Between head and events another fork may have come: what is final now decides.
                again = await self.chain.final()
                if again == block:
                    raise
                await self._follow(again)
            await self.mirror.check_head()

    async def _follow(self, block: Block) -> None:
        """Bring the mirror from where it is to the final ``block``."""
        known = self.size
        self.size, self.block = await self.mirror.state()
        if self._started:
            # Another process fills this mirror, too: whoever waits here is told what it read.
            for start in range(known, self.size, MAX_READ):
                self._tell(start, await self.mirror.hashes(0, start, min(start + MAX_READ, self.size)))
        self._started = True
        if self.block is not None and block.number < self.block.number:
            return  # a node that lags; what was final stays final
        head = await contract.head(self.chain, self.address, block)
        if head is None:
            await self._not_there(block)
            return
        if not self._checked:
            await contract.check_code(self.chain, self.address, self.mode, block)
            self._checked = True
        if head.size < self.size:
            raise InclusionProofError(f"the final log has {head.size} entries, {self.size} were final before")
        if head.size == self.size:
            await self._unchanged(head, block)
        else:
            await self._extend(head, block)

    async def _not_there(self, block: Block) -> None:
        """Young chains: the contract may be in a block that is not final yet."""
        if self.size:
            raise InclusionProofError(f"the final chain has no contract, {self.size} entries were final before")
        newest = await self.chain.newest()
        await contract.check_code(self.chain, self.address, self.mode, newest)

    async def _unchanged(self, head: Head, block: Block) -> None:
        if await self.mirror.root(head.size) != head.root:
            raise InclusionProofError(f"the final log of {head.size} entries has another tree head than before")
        if block != self.block:
            await self.mirror.set_block(block)
            self.block = block

    async def _extend(self, head: Head, block: Block) -> None:
        start = self.size
        failure: SsiError | None = None
        for endpoint in self.chain.endpoints:
            for way in (self._by_range, self._by_steps):
                try:
                    leaves, bodies = await way(endpoint, head, block)
                    on_chain = bodies if self.mode is Mode.ENTRIES else None
                    done = await self.mirror.integrate(start, leaves, on_chain, root=head.root, block=block)
                except (UnavailableError, InclusionProofError) as exc:
                    # That something is false weighs more than that something is missing.
                    if failure is None or isinstance(exc, InclusionProofError):
                        failure = exc
                    continue
                if done:
                    self.size, self.block = head.size, block
                    self._tell(start, leaves)
                return
        raise failure or UnavailableError("no node has the log's events")

    def _tell(self, start: int, leaves: Sequence[bytes]) -> None:
        # Where other programs appended one entry twice, its index is the first.
        self.heard({leaves[i]: start + i for i in reversed(range(len(leaves)))})

    async def _by_range(self, endpoint: Endpoint, head: Head, block: Block) -> tuple[list[bytes], list[bytes]]:
        """Read the events of every block since the last time."""
        if self.block is not None:
            first = self.block.number + 1
        else:
            first = await contract.deployed_at(self.chain, self.address, block)
        found = await logs(endpoint, self.address, contract.event_topic(self.mode), first, block.number)
        return joined([contract.parse_event(self.mode, log) for log in found], self.size, head.size)

    async def _by_steps(self, endpoint: Endpoint, head: Head, block: Block) -> tuple[list[bytes], list[bytes]]:
        """Walk back from the newest entry, from block to block as the events themselves tell."""
        topic, number = contract.event_topic(self.mode), head.last_block
        batches: list[Batch] = []
        for _ in range(MAX_STEPS):
            found = await logs(endpoint, self.address, topic, number, number)
            if not found:
                raise UnavailableError(f"the node {endpoint.name} has no events of the log in block {number}")
            here = [contract.parse_event(self.mode, log) for log in found]
            batches[:0] = here
            if here[0].first <= self.size:
                break
            if here[0].previous_block >= number:
                raise UnavailableError(f"the node {endpoint.name} has only a part of block {number}")
            number = here[0].previous_block
        return joined(batches, self.size, head.size)


async def tip(
    chain: Chain, address: bytes, mode: Mode, reader: Reader, *, sizes_only: bool = False
) -> tuple[int, set[bytes]]:
    """Return the size in the newest block, and the leaf hashes that are not final yet.

    They give the contract's tree head, so that nothing is appended again that a node left out; but all of it may still
    be replaced. With ``sizes_only`` the leaf hashes are not looked for.
    """
    newest = await chain.newest()
    head = await contract.head(chain, address, newest)
    if head is None:
        await contract.check_code(chain, address, mode, newest)
        raise UnavailableError("the contract gave no answer")
    if head.size < reader.size:
        raise UnavailableError("the node is behind what was final before")
    if head.size == reader.size or sizes_only:
        return head.size, set()
    topic = contract.event_topic(mode)
    first = reader.block.number + 1 if reader.block else await contract.deployed_at(chain, address, newest)
    found = await chain.first(lambda endpoint: logs(endpoint, address, topic, first, newest.number))
    leaves, _ = joined([contract.parse_event(mode, log) for log in found], reader.size, head.size)
    if await reader.mirror.root_with(leaves) != head.root:
        raise UnavailableError("the newest entries do not give the tree head: another fork came, or a node lies")
    return head.size, set(leaves)


def joined(batches: Sequence[Batch], start: int, stop: int) -> tuple[list[bytes], list[bytes]]:
    """Return leaf hashes and bodies start..stop-1. Raises UnavailableError if there are gaps."""
    leaves: list[bytes] = []
    bodies: list[bytes] = []
    for batch in batches:
        skip = start + len(leaves) - batch.first
        if skip >= len(batch.leaves):
            continue  # known from before
        if skip < 0:
            raise UnavailableError(f"the log's events have a gap before entry {batch.first}")
        leaves += batch.leaves[skip:]
        bodies += batch.bodies[skip:]
    if len(leaves) < stop - start:
        raise UnavailableError(f"the log's events end at entry {start + len(leaves)}, the contract has {stop}")
    return leaves[: stop - start], bodies[: stop - start]

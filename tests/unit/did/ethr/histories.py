"""Histories of did:ethr DIDs as a test states them, for what needs no chain.

Input:   events; the block and the time that are final.
Shapes:  as ``ssi.did.ethr.history``.
I/O:     none.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssi.did.ethr.events import AttributeChanged, DelegateChanged, Event
from ssi.did.ethr.history import BlockTime, History
from ssi.did.ethr.networks import EthrNetwork, known_network

FAR = 2**40
"""A time that no test reaches."""
HEAD = BlockTime(20_000_000, 1_700_000_000)


class StatedHistory:
    """One network whose every identity has the same history."""

    def __init__(self, events: Sequence[Event] = (), *, network: EthrNetwork | None = None) -> None:
        self.network = network or known_network("mainnet")
        self.events = tuple(events)
        self.asked = 0

    async def history(self, identity: bytes) -> History:
        self.asked += 1
        return History(HEAD, self.events)

    async def block_time(self, number: int) -> int:
        """The time of the event that the block follows, which fits stated times of all kinds."""
        before = [event.time for event in self.events if event.block <= number]
        return before[-1] if before else min([seconds_of(number), *(event.time - 1 for event in self.events)])


def seconds_of(block: int) -> int:
    """Return the time of a block: twelve seconds for each, so that the head has its own."""
    return HEAD.time - (HEAD.number - block) * 12


def attribute(name: str | None, value: bytes, *, block: int = 1, valid_to: int = FAR) -> AttributeChanged:
    return AttributeChanged(block, seconds_of(block), name, value, valid_to)


def delegate(kind: str | None, account: bytes, *, block: int = 1, valid_to: int = FAR) -> DelegateChanged:
    return DelegateChanged(block, seconds_of(block), kind, account, valid_to)

"""The history of a did:ethr as a registry has it, and the port that brings it.

Source:  ETHR DID Method Specification, "Enumerating Contract Events to build the DID Document".
Shapes:  events are in the order of the chain; times are Unix seconds. A history ends at ``head``, a block that was
         final when it was read.
I/O:     none here; a source may wait.
Errors:  named on every method; InvalidInputError for a history that is longer than a reader takes.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from ssi.did.ethr.events import Event
from ssi.did.ethr.networks import EthrNetwork

MAX_CHANGES: Final = 1000
"""Blocks with changes of one DID, and events in them, that are read unless more are asked for."""
MAX_HISTORY_BYTES: Final = 1 << 20
"""Length of all values of a history together."""


class BlockTime(msgspec.Struct, frozen=True):
    """A block's number, and its time in Unix seconds."""

    number: int
    time: int


class History(msgspec.Struct, frozen=True):
    """Everything that happened to one identity up to a block."""

    head: BlockTime
    events: tuple[Event, ...]


class EthrSource(Protocol):
    """One network, asked about histories."""

    @property
    def network(self) -> EthrNetwork:
        """Which network this is."""
        ...

    async def history(self, identity: bytes) -> History:
        """Return what happened to ``identity``, an address, up to the newest final block.

        Raises UnavailableError (nodes do not answer, disagree, or answer what cannot be), VerificationError (a node is
        on another chain, or has no registry), InvalidInputError (a history that is too long).
        """
        ...

    async def block_time(self, number: int) -> int:
        """Return the time of a block that is final. Raises as ``history``."""
        ...

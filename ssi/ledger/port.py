"""The ledger port: an append-only sequence of entries with the hashes of its RFC 6962 tree.

Source:  RFC 6962, section 2.1 (tree); design decision 7 (what a backend does and what it does not).
Input:   entries are opaque bytes, at most MAX_ENTRY_BYTES each; what they mean is decided above this layer.
Shapes:  indexes and sizes are integers from 0; every hash is 32 bytes; a checkpoint is a signed note.
I/O:     whatever the backend does; everything here is asynchronous for that reason.
Errors:  InvalidInputError (range or entry without the right shape), EntryNotFoundError (past the end), ConflictError
         (another size or checkpoint than expected), InclusionProofError (what is stored does not hold together),
         UnavailableError (outcome unknown, ask again).

A backend sequences, stores and serves. Proofs, checkpoints and receipts are computed once, above it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import msgspec

from ssi.errors import ConflictError, EntryNotFoundError, InvalidInputError

HASH_BYTES = 32
# The entry bundles of C2SP tlog-tiles carry 16-bit lengths: every backend can hold what one of them accepted.
MAX_ENTRY_BYTES = 65_535
# A call may not ask for more at once; longer ranges are read in steps (see ``stream``).
MAX_READ = 65_536
MAX_ORDER_LENGTH = 1024


class Withheld(msgspec.Struct, frozen=True):
    """An entry whose body was erased by ``order`` (a court's reference); its leaf hash stays, so every proof holds."""

    leaf_hash: bytes
    order: str


class Ledger(Protocol):
    """An append-only log of entries. Indexes start at 0 and never change."""

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        """Store ``entries`` durably and return their indexes, in order.

        An entry already stored keeps its index, so that a caller who lost the answer may ask again.
        Raises ConflictError if ``expected_size`` differs and any entry is new, InvalidInputError for an entry over
        MAX_ENTRY_BYTES, UnavailableError if the outcome is unknown: ask again with the same entries.
        """

    async def size(self) -> int:
        """Return the number of entries."""

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        """Return entries start..stop-1. Raises EntryNotFoundError past the end."""

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Return the 32-byte hashes of complete subtrees of 2**level leaves, number start..stop-1 from the left.

        Level 0 holds the leaf hashes. Raises EntryNotFoundError if a subtree is not complete yet.
        """

    async def checkpoint(self) -> bytes | None:
        """Return the newest signed note that was put here, or None."""

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        """Replace the note ``old`` by ``new``, durably, or change nothing.

        Raises ConflictError if the stored note is neither ``old`` nor ``new`` or if ``new`` is for a smaller size or
        another origin, InclusionProofError if its root is not the root of this log, InvalidInputError if it is no
        checkpoint. The signature is not checked here: who may sign is known above.
        """

    async def close(self) -> None:
        """Finish what was begun and release files and threads. Closing twice is allowed."""


@runtime_checkable
class WithholdingLedger(Protocol):
    """What a ledger can do besides, when a court orders a body erased."""

    async def withhold(self, index: int, *, order: str) -> None:
        """Erase the body of an entry for good; ``order`` names the decision. Asking twice keeps the first order."""


@runtime_checkable
class LeadingLedger(Protocol):
    """What a ledger of many writers can do besides: say which of them signs heads by a timer.

    To lead is a division of labour, not a right: ``put_checkpoint`` compares and swaps for everybody.
    """

    async def lead(self) -> bool:
        """Become, or stay, the one that signs; return whether this is it. Another can be once this one is gone."""

    async def stop_leading(self) -> None:
        """Let another one lead."""


@runtime_checkable
class TurnTakingLedger(Protocol):
    """What a ledger of many writers can do besides: let those who first read and then write go one after the other."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait, not for long, until the writers that asked before have had their turn.

        A turn saves work and guards nothing: who fails to get one goes on without, and ``expected_size`` decides.
        """


@runtime_checkable
class SelfCheckingLedger(Protocol):
    """What a ledger can check besides, below the port: look-up tables, file structure."""

    async def check_storage(self) -> None:
        """Raise InclusionProofError (BrokenEntryError where one entry is at fault) if anything stored is damaged."""


def check_entries(entries: Sequence[bytes]) -> None:
    """Raise InvalidInputError unless every entry is bytes of an acceptable length."""
    for position, entry in enumerate(entries):
        if not isinstance(entry, bytes):
            raise InvalidInputError(f"entry number {position} of the call is {type(entry).__name__}, expected bytes")
        if len(entry) > MAX_ENTRY_BYTES:
            raise InvalidInputError(f"entry number {position} has {len(entry)} bytes, at most {MAX_ENTRY_BYTES}")


def check_range(start: int, stop: int, size: int, *, what: str = "entry") -> None:
    """Raise InvalidInputError for a range that is none, EntryNotFoundError for one past ``size``."""
    if not 0 <= start <= stop or stop - start > MAX_READ:
        raise InvalidInputError(f"range {start}..{stop} is not ascending from 0 with at most {MAX_READ} items")
    if stop > size:
        raise EntryNotFoundError(f"{what} {max(start, size)} does not exist, there are {size}")


def check_level(level: int) -> None:
    """Raise InvalidInputError unless ``level`` is a level that a tree of below 2**63 leaves can have."""
    if not 0 <= level < 63:
        raise InvalidInputError(f"level {level} is outside 0..62")


def check_order(order: str) -> None:
    """Raise InvalidInputError unless ``order`` names a decision in one line."""
    if not order or len(order) > MAX_ORDER_LENGTH or not order.isprintable():
        raise InvalidInputError(f"an order is named in 1 to {MAX_ORDER_LENGTH} printable characters")


def refuse_size(expected: int, size: int) -> ConflictError:
    """Return the error for an append that expected another size."""
    return ConflictError(f"the log has {size} entries, {expected} were expected")


async def stream(
    ledger: Ledger, start: int = 0, stop: int | None = None, *, step: int = 256
) -> AsyncIterator[tuple[int, bytes | Withheld]]:
    """Yield (index, entry) in order, holding at most ``step`` entries in memory; ``stop`` is the size by default."""
    end = await ledger.size() if stop is None else stop
    for begin in range(start, end, step):
        for offset, entry in enumerate(await ledger.read(begin, min(begin + step, end))):
            yield begin + offset, entry

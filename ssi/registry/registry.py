"""The registry of a ledger's operator: admit, append, sign, hand out the proof.

Source:  design decision 10 (submit refuses), 7 (durable, idempotent append; checkpoints); the project's answerability
         text, section 6.
Input:   entries from any number of tasks.
Shapes:  tasks that ask in the same moment share one append, one checkpoint and its signature.
I/O:     the ledger and the key store; one drain task while entries wait, none afterwards.
Errors:  GuardError, VerificationError (refused, nothing written), UnavailableError (outcome unknown: submit the same
         bytes again, the answer will be the one index).

Several processes may write to one ledger: an append says the size that its entries were checked at, and whoever comes
second folds what came first and checks again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from ssi.errors import (
    ConflictError,
    EntryNotFoundError,
    GuardError,
    InvalidInputError,
    SsiError,
    UnavailableError,
)
from ssi.keys import Kms, PublicKey
from ssi.ledger import merkle
from ssi.ledger.port import Ledger, TurnTakingLedger
from ssi.ledger.receipt import Receipt, verify_receipt
from ssi.registry.fold import RegistryState
from ssi.registry.guard import Parsed, parse_entry
from ssi.registry.heads import MAX_CONFLICTS, SigningFollower
from ssi.registry.statement import Statement, verify_statement
from ssi.registry.tree import EdgeTree
from ssi.registry.view import RegistrySnapshot

if TYPE_CHECKING:
    import asyncio

MAX_BATCH: Final = 256
_TURN_AT_ONCE_SECONDS: Final = 0.001


class Submitted(msgspec.Struct, frozen=True):
    """An entry that stands on the ledger, durably, with its proof under a signed checkpoint.

    ``entry`` is what the ledger holds: for a statement that was there already, perhaps under another signature.
    """

    index: int
    id: str
    entry: bytes
    receipt: Receipt


class _Waiting:
    """One call of ``submit`` and the future that it waits on."""

    __slots__ = ("entry", "fresh", "future", "parsed")

    def __init__(self, entry: bytes, parsed: Parsed, future: asyncio.Future[Submitted]) -> None:
        self.entry = entry
        self.parsed = parsed
        self.future = future
        # Whether the batch being written admitted these very bytes, rather than finding the statement there already.
        self.fresh = False


_Outcome: TypeAlias = "int | SsiError | None"


class Registry(SigningFollower):
    """The registry as its operator has it: a follower that also writes."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        roots: Sequence[str],
        kms: Kms,
        checkpoint_label: str,
        origin: str,
        now: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        """Write to ``ledger`` under the name ``origin``, signing heads with the key ``checkpoint_label`` of ``kms``.

        ``now`` is the clock, in Unix seconds. Raises InvalidInputError if there is no root.
        """
        super().__init__(ledger, roots=roots, kms=kms, checkpoint_label=checkpoint_label, origin=origin, now=now)
        self._queue: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._holds: set[tuple[bytes, PublicKey]] = set()

    async def submit(self, entry: bytes | str) -> Submitted:
        """Put a statement or a did:webvh line on the ledger; return once it is durable and under a checkpoint.

        A line feed at the end is dropped. An entry that is there already keeps its index.
        Raises GuardError, InvalidSignatureError, VerificationError or InvalidInputError if the guard refuses it (then
        nothing was written), UnavailableError if the outcome is unknown.
        """
        import asyncio

        line = _line(entry)
        waiting = _Waiting(line, parse_entry(line), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._drain is None or self._drain.done():
            self._drain = asyncio.get_running_loop().create_task(self._drain_queue())
        return await waiting.future

    async def submit_next(self, make: Callable[[RegistrySnapshot], Awaitable[bytes]]) -> Submitted:
        """Put on the ledger the entry that ``make`` makes of everything before it; nothing comes in between.

        Whoever submits meanwhile waits; if another process was faster, ``make`` is asked again. Raises as ``submit``.
        """
        import asyncio

        await self.note_key()
        async with self._exclusive():
            for _ in range(MAX_CONFLICTS):
                await self._catch_up()
                size = self._state.size
                line = _line(await make(self._state.at()))
                waiting = _Waiting(line, parse_entry(line), asyncio.get_running_loop().create_future())
                await self._write([waiting])
                refused = waiting.future.exception()
                if not isinstance(refused, GuardError) or self._state.size == size:
                    return waiting.future.result()
        raise UnavailableError("other writers were always first: ask again")

    async def heal(self, receipts: Sequence[Receipt]) -> None:
        """Go on with a ledger that took back what it had acknowledged.

        What ``receipts`` prove to have stood there (their entries come along, and this log's key signed their heads) is
        put back, each in its own place, as far as nothing in between is missing; then the ledger is read anew from its
        first entry. While entries of a signed head are missing, every act raises UnavailableError: other entries in
        their places would be a fork. Raises InclusionProofError if the log went on without them, InvalidSignatureError
        for the receipt of another log.
        """
        await self.note_key()
        async with self._exclusive():
            heads = [verify_receipt(receipt, receipt.entry or b"", keys=self._keys) for receipt in receipts]
            size = await self._ledger.size()
            for receipt in sorted(receipts, key=lambda receipt: receipt.entry_index):
                if receipt.entry_index == size:
                    await self._append([receipt.entry or b""], size)
                    size += 1
            known = [head for head in (self._lost, self._checkpoint, *heads) if head is not None]
            self._lost = max(known, key=lambda head: head.size, default=None)
            self._state, self._tree = RegistryState(self._state.roots), EdgeTree()
            self._note = self._checkpoint = self._last = None  # what was seen last is kept as lost
            await self._catch_up()
            await self._require_whole()

    # --- writing ------------------------------------------------------------------------------------------------

    async def _drain_queue(self) -> None:
        import asyncio

        # Tasks woken by one answer ask again within this turn of the loop: let them join the batch.
        await asyncio.sleep(0)
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
            try:
                await self.note_key()
                async with self._exclusive():
                    await self._write(batch)
            except SsiError as exc:
                _refuse(batch, exc)
            except BaseException:
                _refuse(batch, UnavailableError("the registry stopped while it wrote: ask again"))
                raise
            await asyncio.sleep(0)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        """Check and append in one turn where the ledger gives turns to its writers; sign and answer after it."""
        self._holds.clear()
        async with AsyncExitStack() as stack:
            if isinstance(self._ledger, TurnTakingLedger):
                await self._wait_for_turn(stack.enter_async_context(self._ledger.turn()), batch)
            outcomes = await self._write_here(batch)
        await self._answer(batch, outcomes)

    async def _wait_for_turn(self, turn: Coroutine[Any, Any, None], batch: Sequence[_Waiting]) -> None:
        """Wait, and if that takes long look at the batch meanwhile: signatures that hold need no second look then."""
        import asyncio

        waiting = asyncio.get_running_loop().create_task(turn)
        try:
            if not (await asyncio.wait([waiting], timeout=_TURN_AT_ONCE_SECONDS))[0]:
                self._stage(batch)
                self._state.rollback()
        finally:
            await waiting

    async def _write_here(self, batch: Sequence[_Waiting]) -> list[_Outcome]:
        """Write the batch; on a conflict with another process fold its entries and begin again."""
        shared = isinstance(self._ledger, TurnTakingLedger)  # there, others have most likely written
        for _ in range(MAX_CONFLICTS):
            if shared or await self._ledger.size() != self._state.size:
                await self._catch_up()
            await self._require_whole()
            start = self._state.size
            try:
                outcomes = self._stage(batch)
                entries = [waiting.entry for waiting in batch if waiting.fresh]
                if entries:
                    await self._append(entries, start)
            except ConflictError:
                self._state.rollback()
                continue
            except BaseException:
                self._state.rollback()
                raise
            self._state.commit()
            self._tree.extend([merkle.leaf_hash(entry) for entry in entries])
            self._tree.prune()
            return outcomes
        raise UnavailableError("other writers were always first: ask again")

    def _stage(self, batch: Sequence[_Waiting]) -> list[_Outcome]:
        """Admit what may stand, each after the ones before it; the state can still be rolled back."""
        self._state.begin()
        now = self._now()
        outcomes: list[_Outcome] = []
        for waiting in batch:
            waiting.fresh = False
            if waiting.future.done():  # whoever asked has gone
                outcomes.append(None)
                continue
            try:
                outcomes.append(self._admit(waiting, now))
            except SsiError as exc:
                outcomes.append(exc)
        return outcomes

    def _admit(self, waiting: _Waiting, now: int) -> int:
        known = self._state.at().entry(waiting.parsed.id)
        if known is not None:
            return known.index
        blocked = self._state.blocked_at(waiting.entry)
        if blocked is not None:
            raise GuardError("G11", f"these bytes stand at index {blocked} without effect: sign the statement anew")
        index = self._state.admit(self._state.check(waiting.parsed, now=now, verify=self._verify_once))
        waiting.fresh = True
        return index

    def _verify_once(self, statement: Statement, key: PublicKey) -> None:
        """Verify a signature unless it was found to hold under this key while this batch was tried before."""
        if (statement.entry, key) not in self._holds:
            verify_statement(statement, key)
            self._holds.add((statement.entry, key))

    async def _append(self, entries: Sequence[bytes], start: int) -> None:
        indexes = await self._ledger.append(entries, expected_size=start)
        if list(indexes) != list(range(start, start + len(entries))):
            raise UnavailableError("the ledger put the entries elsewhere than expected: ask again")

    async def _answer(self, batch: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
        stored: list[tuple[_Waiting, int]] = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, int):
                stored.append((waiting, outcome))
            elif outcome is not None and not waiting.future.done():
                waiting.future.set_exception(outcome)
        if not stored:
            return
        await self._cover(max(index for _, index in stored) + 1)
        receipts = await self._receipts_for(sorted({index for _, index in stored}))
        for waiting, index in stored:
            entry = waiting.entry if waiting.fresh else await self._stored(index)
            if not waiting.future.done():
                waiting.future.set_result(Submitted(index, waiting.parsed.id, entry, receipts[index]))

    async def _stored(self, index: int) -> bytes:
        entry = (await self._ledger.read(index, index + 1))[0]
        if not isinstance(entry, bytes):
            raise EntryNotFoundError(f"the body of entry {index} is withheld")
        return entry


def _line(entry: bytes | str) -> bytes:
    """Return the entry as it would stand on the ledger. Raises InvalidInputError for text that is no UTF-8."""
    try:
        raw = entry.encode() if isinstance(entry, str) else entry
    except UnicodeEncodeError as exc:
        raise InvalidInputError("the entry is not UTF-8") from exc
    return raw.removesuffix(b"\n")


def _refuse(batch: Sequence[_Waiting], error: SsiError) -> None:
    """Answer everybody in the batch who still waits with ``error``."""
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)

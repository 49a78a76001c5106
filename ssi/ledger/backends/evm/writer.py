"""Appends to a log on a chain, and answers when what was appended is final and in the mirror.

Source:  the Ledger port; contracts/MerkleLog.sol (an append says the size that it expects).
Input:   append requests from any event loop.
Shapes:  times in seconds of a monotonic clock.
I/O:     JSON-RPC, the mirror; one task that runs while somebody waits.
Errors:  handed to those who wait: UnavailableError (not final in time, no node: ask again), ConflictError, and what the
         reader found wrong with the chain.

Nothing is kept about transactions: whatever becomes of them, of the process or of the newest blocks, the mirror shows
what is final, and an append that is sent again expects a size, so that it cannot be in the log twice. Each guess about
what is not final (the tip, the next nonce) is dropped and made anew as soon as anything contradicts it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from ssi.errors import RpcError, SsiError, UnavailableError, VerificationError
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.batch import Tip, Waiting, compose, gas_bound
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.reader import Reader, tip
from ssi.ledger.backends.group_commit import AppendRequest, answer
from ssi.net.evm.account import Account, NonceUsedError, Sent

POLL_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 1800.0
OUTAGE_SECONDS: Final = 30.0
WINDOW: Final = 8
"""Transactions that are in no block yet, at most."""


class Flight:
    """One transaction of ours that is not final."""

    def __init__(self, sent: Sent, first: int, leaves: Sequence[bytes]) -> None:
        self.sent = sent
        self.first = first
        self.leaves = leaves

    @property
    def stop(self) -> int:
        """The size of the log after it."""
        return self.first + len(self.leaves)


class Writer:
    """Sends appends for one account. Used from one event loop."""

    def __init__(
        self,
        reader: Reader,
        account: Account,
        *,
        poll_seconds: float = POLL_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
        outage_seconds: float = OUTAGE_SECONDS,
    ) -> None:
        self._reader = reader
        self._account = account
        self._poll_seconds = poll_seconds
        self._wait_seconds = wait_seconds
        self._outage_seconds = outage_seconds
        self._mode: Final[Mode] = reader.mode
        self._arrived: list[Waiting] = []
        self._waiting: dict[Waiting, None] = {}
        self._unsent: list[Waiting] = []
        self._unkept: list[Waiting] = []
        """Whose bodies are not known to be durable here: nothing of them is sent before they are."""
        self._by_leaf: dict[bytes, list[Waiting]] = {}
        self._flights: list[Flight] = []
        self._tip: Tip | None = None
        self._code_checked = False
        self._trouble: float | None = None
        self._cause = ""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        reader.heard = self._settle

    def accept(self, requests: Sequence[AppendRequest]) -> None:
        """Take over append requests; each gets its answer when it is final."""
        deadline = time.monotonic() + self._wait_seconds
        self._arrived += [Waiting(request, deadline) for request in requests]
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End. Whoever still waits is told that the outcome is unknown."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._fail(UnavailableError("the ledger is closed: what was sent may still come in"))

    async def _run(self) -> None:
        while self._arrived or self._waiting:
            self._wake.clear()
            try:
                await self._turn()
                self._trouble, self._cause = None, ""
            except UnavailableError as exc:
                self._reset()
                self._bear(exc)
            except SsiError as exc:
                self._reset()
                self._fail(exc)
            except Exception as exc:  # A mistake here must not leave callers waiting for ever.
                self._reset()
                self._fail(UnavailableError(f"the ledger's writer failed: {type(exc).__name__}"))
            self._expire()
            if not self._arrived and self._waiting:
                try:
                    await asyncio.wait_for(self._wake.wait(), self._poll_seconds)
                except TimeoutError:
                    continue
        self._reset()
        self._task = None

    async def _turn(self) -> None:
        await self._reader.refresh()
        await self._admit()
        await self._look_after_flights()
        while self._unsent and sum(flight.sent.receipt is None for flight in self._flights) < WINDOW:
            if not await self._send():
                break

    async def _admit(self) -> None:
        """Take in what arrived; what is in the mirror already is answered at once."""
        arrived, self._arrived = self._arrived, []
        # First the places where answers come to, then the look: whatever becomes final in between is not missed.
        for one in arrived:
            self._waiting[one] = None
            for leaf in one.missing:
                self._by_leaf.setdefault(leaf, []).append(one)
            if not one.missing:
                self._conclude([(one, [])])
        # Those stay among them with whom it went wrong, so that no turn passes over them to what it sends.
        self._unkept = [one for one in (*self._unkept, *arrived) if one in self._waiting]
        if not self._unkept:
            return
        pairs = (pair for one in self._unkept for pair in zip(one.request.leaves, one.request.entries, strict=True))
        known = await self._reader.mirror.admit(dict(pairs), keep=self._mode is Mode.LEAVES)
        kept, self._unkept = self._unkept, []
        self._settle(known)
        self._unsent = list(dict.fromkeys([*self._unsent, *(one for one in kept if one in self._waiting)]))

    def _settle(self, new: Mapping[bytes, int]) -> None:
        """Answer those whose last missing entry became final."""
        ready = []
        for leaf in self._by_leaf.keys() & new.keys():
            for one in self._by_leaf.pop(leaf):
                one.indexes[leaf] = new[leaf]
                one.missing.discard(leaf)
                if not one.missing:
                    ready.append(one)
        if self._tip is not None:
            self._tip.leaves -= new.keys()
        self._conclude([(one, [one.indexes[leaf] for leaf in one.request.leaves]) for one in ready])

    async def _look_after_flights(self) -> None:
        """Find out what became of each transaction, and start anew if the log went another way than was thought."""
        final = self._reader.size
        over = [flight for flight in self._flights if flight.stop <= final]
        self._flights = [flight for flight in self._flights if flight.stop > final]
        if any(leaf in self._by_leaf for flight in over for leaf in flight.leaves):
            self._reset()  # others were appended where ours should have been
        if not self._flights:
            # Whoever waits for an entry that another process sent may wait for one that a fork took away.
            self._tip = None
            self._unsent = list(self._waiting)
            return
        try:
            await self._look()
        except NonceUsedError:
            self._reset()

    async def _look(self) -> None:
        mined = [flight for flight in self._flights if flight.sent.receipt is not None]
        newest = await self._newest_size()
        if mined and newest < mined[-1].stop:
            # The newest blocks were replaced, and nodes do not always take up again what was in them.
            for flight in self._flights:
                if await self._account.look(flight.sent) is None:
                    await self._account.urge(flight.sent, now=True)
        for flight in self._flights:
            if flight.sent.receipt is None and await self._account.look(flight.sent) is None:
                await self._still_open(flight, newest)
            receipt = flight.sent.receipt
            if receipt is not None and not receipt.succeeded:
                self._reset()
                return
            if receipt is None:
                return  # those behind it have later nonces

    async def _still_open(self, flight: Flight, newest: int) -> None:
        """A transaction is in no block: see whether it can still succeed, and send it again if it waits too long."""
        if newest > flight.first or await self._account.nonce() > flight.sent.transaction.nonce:
            if await self._account.look(flight.sent) is None:
                raise NonceUsedError("its nonce, or its place in the log, is another transaction's")
        else:
            await self._account.urge(flight.sent)

    async def _newest_size(self) -> int:
        if self._reader.chain.finality == 0:
            return self._reader.size
        size, _ = await tip(self._reader.chain, self._reader.address, self._mode, self._reader, sizes_only=True)
        return size

    async def _send(self) -> bool:
        """Send one transaction with what waits; return whether there may be more to send."""
        reader = self._reader
        if self._tip is None:
            await self._check_code()
            at_once = reader.chain.finality == 0  # the mirror has the newest block
            end = (reader.size, set()) if at_once else await tip(reader.chain, reader.address, self._mode, reader)
            self._tip = Tip(*end)
        idle = not self._flights
        chosen = compose(self._mode, self._unsent, self._tip, final_size=reader.size)
        self._unsent = chosen.left
        self._conclude(chosen.outcomes)
        if not chosen.leaves:
            return False
        if known := await reader.mirror.find(chosen.leaves):
            # Never twice, whatever was missed: what is final is not sent.
            self._settle(known)
            self._reset()
            return False
        items = chosen.leaves if self._mode is Mode.LEAVES else chosen.bodies
        payload = contract.append_payload(self._mode, self._tip.size, items)
        gas = await self._estimate(payload) if idle else gas_bound(self._mode, payload, len(items))
        if gas is None:
            self._reset()
            return False
        try:
            sent = await self._account.send(reader.address, payload, gas=gas)
        except NonceUsedError:
            self._reset()
            return False
        self._flights.append(Flight(sent, self._tip.size, chosen.leaves))
        self._tip.size += len(chosen.leaves)
        self._tip.leaves.update(chosen.leaves)
        return True

    async def _estimate(self, payload: bytes) -> int | None:
        """Return the gas for an append, or None if the log went on meanwhile."""
        try:
            return await self._account.estimate(self._reader.address, payload) * 5 // 4
        except RpcError as exc:
            reason = contract.refusal(exc)
            if reason is None:
                raise
            if "expected" in reason:
                return None
            raise VerificationError(f"the log's contract refuses the append: {reason}") from exc

    async def _check_code(self) -> None:
        """Nothing is sent to a contract that is not ours, also while it is too young to be final."""
        if not self._code_checked:
            newest = await self._reader.chain.newest()
            await contract.check_code(self._reader.chain, self._reader.address, self._mode, newest)
            self._code_checked = True

    def _reset(self) -> None:
        """Drop every guess about what is not final, and look anew at everything that waits."""
        self._flights = []
        self._tip = None
        self._account.forget_nonce()
        self._unsent = list(self._waiting)

    def _bear(self, exc: UnavailableError) -> None:
        """Go on for a while if no node answers; then tell those who wait."""
        now = time.monotonic()
        self._cause = f" ({exc})"
        self._trouble = self._trouble or now
        if now - self._trouble >= self._outage_seconds:
            self._fail(exc)
            self._trouble = None

    def _expire(self) -> None:
        now = time.monotonic()
        late = [one for one in self._waiting if one.deadline <= now]
        words = f"not final after {self._wait_seconds:g} seconds: ask again with the same entries{self._cause}"
        error = UnavailableError(words)
        self._conclude([(one, error) for one in late])

    def _fail(self, error: SsiError) -> None:
        arrived, self._arrived = self._arrived, []
        self._waiting.update(dict.fromkeys(arrived))
        self._conclude([(one, error) for one in self._waiting])

    def _conclude(self, outcomes: Sequence[tuple[Waiting, Sequence[int] | SsiError]]) -> None:
        """Answer, and forget whoever is answered."""
        gone = {one for one, _ in outcomes}
        for one in gone:
            self._waiting.pop(one, None)
            for leaf in one.missing:
                others = [other for other in self._by_leaf.pop(leaf, []) if other is not one]
                if others:
                    self._by_leaf[leaf] = others
        if gone:
            self._unsent = [one for one in self._unsent if one not in gone]
        answer([one.request for one, _ in outcomes], [outcome for _, outcome in outcomes])

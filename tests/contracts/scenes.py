"""Where a round of the contract suite is played: a log, and what stands between it and the library meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ssi.ledger import Ledger
from ssi.testing.faulty_ledger import Fault, FaultyLedger

Open = Callable[[], Awaitable[Ledger]]
LIES = frozenset({Fault.WRONG_ANSWER, Fault.FORK, Fault.ROLLBACK})


class Scene:
    """A log without faults. Others do something in ``trouble``, or before a troubled ledger."""

    lies = False
    """Whether anything tells what is not so: then an alarm is what is asked for, and otherwise one is wrong."""
    astray = False
    """Whether clocks are wrong, so that what is submitted may be refused for its date."""
    pause = 0.0
    """Seconds until somebody who got no answer asks again."""

    def __init__(self, opened: Open) -> None:
        self._open = opened
        self.injected = 0

    def now(self, ledger: Ledger, now: int) -> int:
        """Return the time that the user of a ledger has."""
        return now

    async def plain(self) -> Ledger:
        """Open the log as it is."""
        return await self._open()

    async def troubled(self) -> Ledger:
        """Open the log as a writer or a reader gets to see it."""
        return await self._open()

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        """In it the faults happen."""
        yield


class Wrapped(Scene):
    """Faults at the port itself, the same on every backend."""

    def __init__(self, opened: Open, fault: Fault, *, seed: int, fork: Ledger | None = None) -> None:
        super().__init__(opened)
        self.lies, self.astray = fault in LIES, fault is Fault.CLOCK_JUMP
        self._fault, self._seed, self._fork = fault, seed, fork
        self._ledgers: list[FaultyLedger] = []

    def now(self, ledger: Ledger, now: int) -> int:
        return ledger.clock(now) if isinstance(ledger, FaultyLedger) else now

    async def troubled(self) -> Ledger:
        number = len(self._ledgers)
        ledger = FaultyLedger(await self._open(), faults=[self._fault], seed=self._seed * 10 + number)
        ledger.fork = self._fork
        ledger.calm()
        self._ledgers.append(ledger)
        return ledger

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        for ledger in self._ledgers:
            ledger.calm(False)
        yield
        for ledger in self._ledgers:
            ledger.calm()
        self.injected = sum(ledger.injected.total() for ledger in self._ledgers)

"""Time several ways of doing one thing, turn by turn, so that a noisy machine disturbs all of them alike.

Source:  none.
Input:   cases: plain or asynchronous functions without arguments, warmed up by their maker.
Shapes:  times are seconds of this thread's processor time per call, so that being set aside by the system counts for
         nobody: nothing that is compared here waits or uses another thread. A ratio is taken within one round, against
         the round's own primitive; a spread is the interquartile range over the rounds.
I/O:     none but the clock. Garbage collection is off while a slice runs.
Errors:  whatever a case raises ends the measurement: a case that fails must not look fast.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

SLICE_SECONDS = 0.01
"""How long one case runs before the next has its turn."""


class Case(NamedTuple):
    """One way of doing the operation; ``run`` may be a coroutine function."""

    label: str
    run: Callable[[], Any]


class Spread(NamedTuple):
    """The median of a measured quantity and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return median and quartiles of ``values`` (at least one)."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def times(self, factor: float) -> Spread:
        """Return the same spread in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


class Measured(NamedTuple):
    """What one case took, and how that compares with the primitive of the same rounds."""

    label: str
    seconds: Spread
    ratio: Spread


class Comparison(NamedTuple):
    """The bare primitive, our operation (None until it is built) and the peers."""

    primitive: Measured
    ours: Measured | None
    peers: tuple[Measured, ...]


def compare(
    primitive: Case,
    ours: Case | None = None,
    peers: Sequence[Case] = (),
    *,
    rounds: int = 30,
    slice_seconds: float = SLICE_SECONDS,
) -> Comparison:
    """Run the cases in interleaved rounds and return their times and ratios."""
    cases = [primitive, *([ours] if ours else []), *peers]
    with asyncio.Runner() as runner:
        loops = [_calibrated(runner, case, slice_seconds) for case in cases]
        times: list[list[float]] = [[] for _ in cases]
        for number in range(rounds):
            # Each round starts at another case, so that none always follows the same neighbour.
            for position in range(len(cases)):
                i = (position + number) % len(cases)
                times[i].append(_slice(runner, cases[i], loops[i]))
    measured = [
        Measured(case.label, Spread.of(row), Spread.of([a / b for a, b in zip(row, times[0], strict=True)]))
        for case, row in zip(cases, times, strict=True)
    ]
    first_peer = 2 if ours else 1
    return Comparison(measured[0], measured[1] if ours else None, tuple(measured[first_peer:]))


def repeated(run: Callable[[], float], *, rounds: int) -> Spread:
    """Return the spread of what ``run`` returns: for operations that measure themselves."""
    return Spread.of([run() for _ in range(rounds)])


def _calibrated(runner: asyncio.Runner, case: Case, slice_seconds: float) -> int:
    """Return how many calls fill one slice, after a warm-up."""
    calls = 1
    while True:
        per_call = _slice(runner, case, calls)
        if per_call * calls >= slice_seconds / 4:
            return max(1, round(slice_seconds / per_call))
        calls *= 4


def _slice(runner: asyncio.Runner, case: Case, calls: int) -> float:
    """Return the seconds per call over ``calls`` calls."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        if inspect.iscoroutinefunction(case.run):
            return runner.run(_timed_async(case.run, calls))
        run = case.run
        start = time.thread_time()
        for _ in range(calls):
            run()
        return (time.thread_time() - start) / calls
    finally:
        if was_enabled:
            gc.enable()


async def _timed_async(run: Callable[[], Awaitable[Any]], calls: int) -> float:
    start = time.thread_time()
    for _ in range(calls):
        await run()
    return (time.thread_time() - start) / calls

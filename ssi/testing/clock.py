"""A clock that stands still until a test moves it.

Shapes:  Unix seconds.
I/O:     none.
"""

from __future__ import annotations

from typing import ClassVar, Final

EPOCH: Final = 1_790_000_000
"""Where a test's time begins: 21 September 2026."""


class TestClock:
    """Pass it as ``now=`` wherever a clock is asked for; ``now`` may be set, ``advance`` moves on."""

    __test__: ClassVar[bool] = False

    def __init__(self, now: int = EPOCH) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time in Unix seconds."""
        return self.now

    def advance(self, seconds: int) -> int:
        """Let ``seconds`` pass and return the time then."""
        self.now += seconds
        return self.now

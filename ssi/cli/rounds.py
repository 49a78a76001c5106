"""Commands that go on: a look every so many seconds, until SIGINT, SIGTERM, or a number of looks.

I/O:     signals of this process.
Errors:  those of the look that are not its own to handle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ssi.cli.exits import COULD_NOT_CHECK, OK, REFUSED


async def keep_looking(look: Callable[[], Awaitable[int]], *, every: int, rounds: int | None) -> int:
    """Call ``look`` again and again; return the worst of its exit codes: refused, then could not check, then ok."""
    import asyncio
    import signal

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    codes, done = {OK}, 0
    while not ended.is_set():
        codes.add(await look())
        done += 1
        if done == rounds:
            break
        try:
            await asyncio.wait_for(ended.wait(), every)
        except TimeoutError:
            continue
    return next(code for code in (REFUSED, COULD_NOT_CHECK, OK) if code in codes)

"""What tasks ask of the stored hashes within one turn of their loop is read together.

Source:  none; a proof reads a dozen hashes at once (``ssi.ledger.merkle``), and each would be a round trip to a
         database, or a way to another thread and back.
Input:   ranges of nodes, from any number of event loops.
I/O:     what ``fetch`` does, once for each turn in which something was asked.
Errors:  each caller gets those of its own range, or what ``fetch`` raises.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from ssi.errors import SsiError

Range: TypeAlias = tuple[int, int, int]
"""Level, first node, the one after the last."""

Fetch = Callable[[Sequence[Range]], Awaitable[Sequence[list[bytes] | SsiError]]]
_Waiting = list[tuple[Range, "asyncio.Future[list[bytes]]"]]


class HashReads:
    """Collects ranges until the asking loop's turn ends, and fetches them together."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._waiting: dict[asyncio.AbstractEventLoop, _Waiting] = {}
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, wanted: Range) -> list[bytes]:
        """Return the hashes of one range. Raises as ``Ledger.hashes``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[bytes]] = loop.create_future()
        with self._lock:
            waiting = self._waiting.setdefault(loop, [])
            waiting.append((wanted, future))
        if len(waiting) == 1:
            loop.call_soon(self._begin, loop)
        return await future

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            waiting = self._waiting.pop(loop)
        task = loop.create_task(self._answer(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, waiting: _Waiting) -> None:
        try:
            rows = await self._fetch([wanted for wanted, _ in waiting])
        except Exception as exc:  # It belongs to the tasks that asked, one and all.
            for _, future in waiting:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), row in zip(waiting, rows, strict=True):
            if future.done():
                continue
            if isinstance(row, SsiError):
                future.set_exception(row)
            else:
                future.set_result(row)

"""One thread that writes: what many tasks ask at once becomes one transaction.

Input:   requests from any number of event loops; a function that handles a batch of appends, and other jobs.
I/O:     a daemon thread; answers are handed to the asking loop in one call per batch.
Errors:  what the handler returns or raises reaches the task that asked; UnavailableError after closing.

Tasks woken by one answer ask again within the same turn of their loop, so requests are collected until the turn ends:
otherwise the first would be committed alone while the rest wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from ssi.errors import UnavailableError

# A commit takes what waits, up to this: beyond it the wait of the first grows for no more throughput.
MAX_BATCH_ENTRIES = 2048


class AppendRequest:
    """One call of append: entries, leaf hashes, the expected size, and the future that its task waits on."""

    __slots__ = ("entries", "expected_size", "future", "leaves", "loop")

    def __init__(self, entries: Sequence[bytes], leaves: Sequence[bytes], expected_size: int | None) -> None:
        self.entries = entries
        self.leaves = leaves
        self.expected_size = expected_size
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


class _Job:
    """Anything else that has to be done on the writing thread, alone."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


Outcome = Any
Answers = list[tuple[asyncio.Future[Any], Outcome]]


class GroupCommit:
    """Collects requests and runs ``handle`` on its thread; ``handle`` returns one value or exception per request."""

    def __init__(self, handle: Callable[[Sequence[AppendRequest]], Sequence[Outcome]], *, name: str) -> None:
        self._handle = handle
        self._name = name
        self._queue: SimpleQueue[list[AppendRequest] | _Job | None] = SimpleQueue()
        self._collected: dict[asyncio.AbstractEventLoop, list[AppendRequest]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def append(self, entries: Sequence[bytes], leaves: Sequence[bytes], expected_size: int | None) -> Any:
        request = AppendRequest(entries, leaves, expected_size)
        with self._lock:
            self._start()
            waiting = self._collected.setdefault(request.loop, [])
            waiting.append(request)
            if len(waiting) == 1:
                request.loop.call_soon(self._hand_over, request.loop)
        return await request.future

    async def run(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` on the writing thread, after what was asked before it."""
        job = _Job(work)
        with self._lock:
            self._start()
            self._queue.put(job)
        return await job.future

    def close(self) -> None:
        """Finish what was handed over and end the thread. Blocks, so it belongs on another thread."""
        with self._lock:
            self._closed = True
            for requests in self._collected.values():
                self._queue.put(requests)
            self._collected.clear()
            thread = self._thread
            self._queue.put(None)
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        if self._closed:
            raise UnavailableError("the ledger is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            requests = self._collected.pop(loop, None)
            if requests:
                self._queue.put(requests)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            batch: list[AppendRequest] = []
            while isinstance(item, list):
                batch += item
                if sum(len(request.entries) for request in batch) >= MAX_BATCH_ENTRIES:
                    item = []
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    item = []
                    break
            if batch:
                answer(batch, self._attempt(batch))
            if item is None:
                return
            if isinstance(item, _Job):
                try:
                    outcome = item.work()
                except Exception as exc:  # It belongs to the task that asked.
                    outcome = exc
                answer([item], [outcome])

    def _attempt(self, batch: Sequence[AppendRequest]) -> Sequence[Outcome]:
        try:
            return self._handle(batch)
        except Exception as exc:  # It belongs to the tasks that asked, one and all.
            return [exc] * len(batch)


def answer(requests: Sequence[AppendRequest | _Job], outcomes: Sequence[Outcome]) -> None:
    """Hand each request its value or exception, in one call for each loop that waits."""
    by_loop: dict[asyncio.AbstractEventLoop, Answers] = {}
    for request, outcome in zip(requests, outcomes, strict=True):
        by_loop.setdefault(request.loop, []).append((request.future, outcome))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, answers)
        except RuntimeError:
            # The loop has ended, and with it everybody who waited there.
            continue


def _resolve(answers: Answers) -> None:
    for future, outcome in answers:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

"""One event loop on a thread of its own, for each process that asks for it.

Source:  the Python documentation of ``asyncio`` (threads) and of ``os.register_at_fork``.
Shapes:  ``submit`` gives a ``concurrent.futures.Future``; what runs sees the context variables of its caller.
I/O:     a daemon thread, started at the first use, stopped when the interpreter ends.
Errors:  UsageError (called where waiting would never end, or after the end).

After a fork the child has no such thread: it starts one of its own at its first use. The parent's loop is kept, never
closed: both processes share its epoll instance, and closing it in the child would unregister the parent's wake-up.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ssi.errors import UsageError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

Result = TypeVar("Result")
END_SECONDS: Final = 5.0
"""How long the end of the interpreter waits for what still runs on the loop, after cancelling it."""


class Host:
    """A running loop and its thread."""

    def __init__(self) -> None:
        """Start the thread and wait until its loop runs."""
        import asyncio

        self.loop: Final = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: Final = threading.Thread(target=self._run, name="countersigned-loop", daemon=True)
        self.ended = False
        self._thread.start()

    @property
    def here(self) -> bool:
        """Whether the caller is the loop's own thread."""
        return threading.current_thread() is self._thread

    def submit(self, work: Callable[[], Awaitable[Result]]) -> Future[Result]:
        """Run the coroutine that ``work`` makes on the loop. Raises UsageError after the end."""
        from concurrent.futures import Future

        future: Future[Result] = Future()
        ended = self.ended
        if not ended:
            try:
                self.loop.call_soon_threadsafe(self._start, work, future, context=contextvars.copy_context())
            except RuntimeError:
                ended = True
        if ended:
            raise UsageError("the background loop has ended with the interpreter")
        return future

    def stop(self) -> None:
        """Cancel what runs, then end loop and thread."""
        if self.ended or self.here:
            return
        self.ended = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        import asyncio

        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            left = asyncio.all_tasks(self.loop)
            if left:
                self.loop.run_until_complete(asyncio.wait(left, timeout=END_SECONDS / 2))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()

    def _start(self, work: Callable[[], Awaitable[Any]], future: Future[Any]) -> None:
        if self.ended:
            future.set_exception(UsageError("the background loop has ended with the interpreter"))
            return
        task = self.loop.create_task(_settle(work, future))
        self._tasks.add(task)  # The loop itself holds tasks weakly.
        task.add_done_callback(self._tasks.discard)
        future.add_done_callback(lambda done: self._cancel(task) if done.cancelled() else None)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        if not self.ended:
            self.loop.call_soon_threadsafe(task.cancel)


async def _settle(work: Callable[[], Awaitable[Any]], future: Future[Any]) -> None:
    """Put the outcome into ``future``; also what would otherwise end the loop, such as SystemExit."""
    import asyncio
    from concurrent.futures import InvalidStateError
    from contextlib import suppress

    try:
        result = await work()
    except asyncio.CancelledError:
        with suppress(InvalidStateError):
            future.set_exception(UsageError("the call was cancelled because the background loop ends"))
        raise
    except BaseException as exc:
        with suppress(InvalidStateError):  # Nobody waits any more: the caller was interrupted.
            future.set_exception(exc)
    else:
        with suppress(InvalidStateError):
            future.set_result(result)


_lock = threading.Lock()
_host: Host | None = None
_of_parents: Final[list[Host]] = []


def host() -> Host:
    """Return this process's loop, started now if need be."""
    global _host
    found = _host
    if found is None:
        with _lock:
            if _host is None:
                _host = Host()
            found = _host
    return found


def on_loop() -> bool:
    """Tell whether the caller runs on the background loop's thread."""
    return _host is not None and _host.here


def _forked() -> None:
    global _host, _lock
    _lock = threading.Lock()
    if _host is not None:
        _of_parents.append(_host)
        _host = None


def _end() -> None:
    if _host is not None:
        _host.stop()


os.register_at_fork(after_in_child=_forked)
atexit.register(_end)

"""Functions of the caller's, called in the caller's thread while it waits for the loop.

Source:  decision 16 of the design (``docs/adr/0001``).
Shapes:  a caller is one thread that waits for one call; a callback is a plain function that was given as an argument.
I/O:     a queue between the loop's thread and the waiting one. The loop stands still while a callback runs.
Errors:  what the callback raises, in the façade; UsageError for a view that is used in a callback, which would wait for
         a loop that waits for the callback, and for a callback that does not end (it may wait for another thread's
         view).

A host's thread carries things that the loop's has not: a database connection, a transaction, a request. And no loop
runs in it, by which frameworks tell that blocking is allowed.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextvars import ContextVar
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from ssi.errors import UsageError

Result = TypeVar("Result")
CALLBACK_SECONDS: Final = 60.0
"""How long the loop stands still for a callback, before it is taken for one that waits for the loop."""


class Caller:
    """The thread that waits for one call, and the callbacks that it is asked to run meanwhile."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = True

    def wait(self, future: Future[Result]) -> Result:
        """Return what ``future`` comes to, and run callbacks until then."""
        future.add_done_callback(lambda _: self._asked.put(None))
        try:
            while (asked := self._asked.get()) is not None:
                _run(*asked)
            return future.result()
        finally:
            self._leave()

    def run(self, work: Callable[[], Result]) -> Result:
        """Run ``work`` in the waiting thread, or here if it waits no more. To be called on the loop's thread."""
        answer: Future[Result] = Future()
        with self._lock:
            waiting = self._waiting
            if waiting:
                self._asked.put((work, answer))
        if not waiting:
            return work()
        try:
            return answer.result(CALLBACK_SECONDS)
        except FutureTimeoutError:
            if answer.done():  # The callback itself raised it.
                raise
            raise UsageError(
                f"a callback did not end within {CALLBACK_SECONDS:.0f} seconds, in which the loop stands still"
            ) from None

    def _leave(self) -> None:
        with self._lock:
            self._waiting = False
        while not self._asked.empty():
            asked = self._asked.get()
            if asked is not None:
                asked[1].set_exception(UsageError("the call that this callback belongs to was interrupted"))


_caller: Final[ContextVar[Caller | None]] = ContextVar("countersigned_caller", default=None)
_running = threading.local()


def called_by(caller: Caller) -> None:
    """Let callbacks in this context run in the thread of ``caller``."""
    _caller.set(caller)


def in_callback() -> bool:
    """Whether this thread runs a callback that the loop waits for."""
    return getattr(_running, "depth", 0) > 0


def callback(argument: Any, on_loop: Callable[[], bool]) -> Any:
    """Return an argument as the façade gets it: a plain function so that it is called in its caller's thread.

    Coroutine functions, classes and objects that can be called are given as they are.
    """
    if not (inspect.isroutine(argument) or isinstance(argument, partial)):
        return argument
    if inspect.iscoroutinefunction(argument) or inspect.isasyncgenfunction(argument):
        return argument
    return _Callback(argument, on_loop)


class _Callback:
    """A function of the caller's; equal to itself, however often it is given."""

    def __init__(self, function: Callable[..., Any], on_loop: Callable[[], bool]) -> None:
        self._function = function
        self._on_loop = on_loop
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", "callback")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        caller = _caller.get()
        if caller is None or not self._on_loop():
            return self._function(*arguments, **named)
        return caller.run(partial(self._function, *arguments, **named))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Callback) and self._function == other._function

    def __hash__(self) -> int:
        return hash(self._function)


def _run(work: Callable[[], Any], answer: Future[Any]) -> None:
    _running.depth = getattr(_running, "depth", 0) + 1
    try:
        answer.set_result(work())
    except BaseException as exc:
        answer.set_exception(exc)
    finally:
        _running.depth -= 1

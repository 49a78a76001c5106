"""A façade with everything that a view has to show, for the tests of ``ssi.blocking``."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType

from ssi.errors import ConflictError

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


class Part:
    """Something that a façade hands out, with a method to await."""

    async def name(self) -> str:
        return "part"


class Desk:
    """An office's desk."""

    kind = "desk"

    def __init__(self, place: str, *, part: Part | None = None, clock: Callable[[], object] | None = None) -> None:
        self.clock = clock or (lambda: 0)
        self.place = place
        self.part = part or Part()
        self.threads: set[str] = set()
        self.ended = 0
        self.count = 0
        self.loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, place: str) -> Desk:
        """Open the desk at ``place``."""
        await asyncio.sleep(0)
        return cls(place)

    @classmethod
    async def create(cls, place: str) -> Desk:
        return await cls.open(place)

    @staticmethod
    def called(place: str) -> str:
        return f"desk at {place}"

    @property
    def title(self) -> str:
        """What the door says."""
        return f"{self.place}: {threading.current_thread().name}"

    async def add(self, number: int, *, to: int = 0) -> int:
        """Return the sum."""
        self.threads.add(threading.current_thread().name)
        assert asyncio.get_running_loop() is self.loop
        before = self.count
        self.count = before + 1
        await asyncio.sleep(0)
        return number + to

    def plain(self) -> str:
        """Do without awaiting."""
        return threading.current_thread().name

    async def fail(self, error: BaseException) -> None:
        raise error

    async def request(self) -> str:
        return REQUEST.get()

    async def process(self) -> int:
        return os.getpid()

    async def call(self, function: Callable[[], object]) -> object:
        return function()

    async def call_async(self, function: Callable[[], Awaitable[object]]) -> object:
        return await function()

    async def now(self) -> object:
        return self.clock()

    async def mapped(self, function: Callable[[int], object], stop: int) -> AsyncIterator[object]:
        for number in range(stop):
            await asyncio.sleep(0)
            yield function(number)

    async def forever(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            self.ended += 1

    async def numbers(self, stop: int) -> AsyncIterator[int]:
        """Count."""
        try:
            for number in range(stop):
                await asyncio.sleep(0)
                yield number
            if stop == 13:
                raise ConflictError("thirteen")
        finally:
            self.ended += 1

    @asynccontextmanager
    async def borrowed(self, what: str) -> AsyncIterator[Part]:
        try:
            yield Part()
        finally:
            self.ended += 1

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> bool:
        self.ended += 1
        return kind is ConflictError


async def open_desk(place: str) -> Desk:
    """Open a desk by a function of one's own."""
    return await Desk.open(place)

"""A TCP proxy on its own thread that cuts, stalls or refuses: what a network does to a client and its server.

Input:   the port of a server on the loopback interface.
Shapes:  ``cut`` counts bytes from when it is called, over all connections, and closes the one that reaches the number:
         the bytes beyond it are not delivered, though the sender believes so.
I/O:     one listening socket, one thread.
Errors:  none: a connection that breaks is closed on both sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Literal

Direction = Literal["up", "down"]


class Proxy:
    """Stands between a client and ``127.0.0.1:target``. ``up`` is towards the server."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.cuts = 0
        self.target = target
        self._left: dict[Direction, int | None] = {"up": None, "down": None}
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, direction: Direction, after: int) -> None:
        """Close the connection that carries byte number ``after`` from now in ``direction``; once."""
        self._left[direction] = after

    def calm(self) -> None:
        """Cut no more."""
        self._left = {"up": None, "down": None}

    def refuse(self, refusing: bool = True) -> None:
        """Close new connections at once, until told otherwise."""
        self._refusing = refusing

    def stall(self, stalled: bool = True) -> None:
        """Deliver nothing more in either direction, until told otherwise."""
        self._loop.call_soon_threadsafe(self._flowing.clear if stalled else self._flowing.set)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.close()
            return
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        both = (writer, forth)
        for source, sink, direction in ((reader, forth, "up"), (back, writer, "down")):
            task = self._loop.create_task(self._carry(source, sink, direction, both))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        direction: Direction,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await source.read(1 << 16):
                await self._flowing.wait()
                left = self._left[direction]
                if left is not None:
                    self._left[direction] = left - len(data) if len(data) <= left else None
                    if len(data) > left:
                        self.cuts += 1
                        sink.write(data[:left])
                        break
                sink.write(data)
                await sink.drain()
        for writer in both:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

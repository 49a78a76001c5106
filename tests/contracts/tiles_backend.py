"""Somebody else's log, read from its static files, for the contract suite: a folder, or a web server over TLS.

The log grows and is published while a reader follows it. Whatever happens to the files, the reader believes only heads
of this log, each no older than the one before, and returns only entries that are under them.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import ClassVar, Final

from aiohttp import web

from ssi.errors import NotFoundError, SsiError, UnavailableError
from ssi.http.tiles import create_app
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles, TileSource, WebTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.checkpoint import verify_note
from ssi.ledger.tiles import CHECKPOINT
from ssi.net import HttpDoor
from tests.contracts.backends import Backend, Outcome
from tests.contracts.processes import killed
from tests.contracts.tiles import Publisher
from tests.tools.proxy import Proxy
from tests.unit.net.tls_server import make_authority, server_context

HOST: Final = "log.example"
STEPS: Final = 10
_READS: Final = "it is only read"


class Files(ABC):
    """The files of a log, and what a fault makes of them, while ``active``."""

    lies: ClassVar[bool] = True

    def __init__(self, source: TileSource, seed: int) -> None:
        self.source = source
        self.rng = Random(seed)
        self.active = False
        self.injected = 0
        self.fork: TileSource = source
        self.checkpoints: list[bytes] = []
        self.paths: list[str] = []

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        data = await self.source.get(path, max_bytes=max_bytes)
        if path == CHECKPOINT:
            self.checkpoints.append(data)
        self.paths.append(path)
        if not self.active or self.rng.random() >= 0.25:
            return data
        self.injected += 1
        return await self.altered(path, data, max_bytes)

    @abstractmethod
    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        """Return what the reader gets in place of ``data``."""


class WrongAnswer(Files):
    """A bit is another."""

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        changed = bytearray(data or b"\x00")
        changed[self.rng.randrange(len(changed))] ^= 1 << self.rng.randrange(8)
        return bytes(changed)


class Cut(Files):
    """A file ends at byte n."""

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        return data[: self.rng.randrange(len(data))]


class Swapped(Files):
    """Another file of the log comes, which was asked for before."""

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        try:
            return await self.source.get(self.rng.choice(self.paths), max_bytes=max_bytes)
        except NotFoundError:
            return b""


class Fork(Files):
    """Files of another log with the same key."""

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        try:
            return await self.fork.get(path, max_bytes=max_bytes)
        except NotFoundError:
            return data


class Rollback(Files):
    """A head from before."""

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        return self.rng.choice(self.checkpoints) if path == CHECKPOINT else data


class Delay(Files):
    """A file comes late, so that it may be of an older head than the next one."""

    lies = False

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        await asyncio.sleep(self.rng.uniform(0, 0.03))
        return data


class Gaps(Files):
    """A file is not served."""

    lies = False

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        raise NotFoundError("gone")


class Wire(Files):
    """Nothing happens to the files: the connection breaks, at byte n of a question or an answer."""

    lies = False

    async def altered(self, path: str, data: bytes, max_bytes: int) -> bytes:
        self.injected -= 1  # the proxy counts
        return data


class Reading:
    """What one reader believed, and was told."""

    def __init__(self, reader: TilesLedger, publisher: Publisher, rng: Random) -> None:
        self.reader, self.publisher, self.rng = reader, publisher, rng
        self.entries: list[tuple[int, list[object]]] = []
        self.alarms = 0
        self.sizes: list[int] = []
        self.heads: list[tuple[int, bytes]] = []
        self.done = False

    async def follow(self) -> None:
        """Read until the log is whole."""
        while not self.done:
            await asyncio.sleep(0)
            try:
                await self._look()
            except UnavailableError:
                continue
            except SsiError:
                self.alarms += 1

    async def _look(self) -> None:
        note = await self.reader.checkpoint()
        assert note is not None
        head = verify_note(note, keys=[await self.publisher.key()])
        self.heads.append((head.size, head.root))
        self.sizes.append(head.size)
        start = self.rng.randrange(head.size)
        stop = self.rng.randint(start, min(head.size, start + 40))
        self.entries.append((start, list(await self.reader.read(start, stop))))

    async def problems(self, lies: bool) -> list[str]:
        """Hold everything against the log itself."""
        ledger = self.publisher.ledger
        size = await ledger.size()
        truth = list(await ledger.read(0, size))
        found = [f"entries from {at} on are made up" for at, part in self.entries if truth[at : at + len(part)] != part]
        if self.sizes != sorted(self.sizes):
            found.append("the log went back, and nobody said so")
        for at, root in set(self.heads):
            if at > size or await merkle.root(ledger, at) != root:
                found.append(f"a head of size {at} was believed that is none of this log")
        if self.alarms and not lies:
            found.append(f"{self.alarms} alarms, though nobody lied")
        if list(await self.reader.read(0, await self.reader.size())) != truth:
            found.append("afterwards the reader has another log")
        return found


async def play(kind: type[Files], place: Path, seed: int, *, web_server: bool = False) -> Outcome:
    """Publish step by step, and read meanwhile."""
    rng = Random(seed)
    publisher = Publisher(MemoryLedger(), folder=TileFolder(place / "log"))
    await _grow(publisher, "log", rng, 300)
    files = kind(FolderTiles(place / "log"), seed)
    if kind is Fork:
        files.fork = await _forked(publisher, rng)
    with Proxy(0) as wire:
        async with _served(files, place, wire) if web_server else _local(files) as source:
            reading = Reading(TilesLedger(source, keys=[await publisher.key()]), publisher, rng)
            await reading.reader.size()  # whoever has seen nothing of a log can be shown any
            files.active = True
            task = asyncio.create_task(reading.follow())
            for _ in range(STEPS):
                if kind is Wire:
                    wire.cut(rng.choice(("up", "down")), rng.randrange(6000))
                await _grow(publisher, "log", rng, rng.randint(1, 40))
                await asyncio.sleep(0.02)
            files.active, reading.done = False, True
            wire.calm()
            await task
            problems = await reading.problems(kind.lies)
    return Outcome(
        problems=problems,
        injected=files.injected + wire.cuts,
        acknowledged=sum(len(part) for _, part in reading.entries),
        alarms=reading.alarms,
    )


async def _grow(publisher: Publisher, name: str, rng: Random, count: int) -> None:
    size = await publisher.ledger.size()
    await publisher.ledger.append([b"%s %d" % (name.encode(), size + number) for number in range(count)])
    await publisher.publish()


async def _forked(publisher: Publisher, rng: Random) -> TileSource:
    fork = Publisher(MemoryLedger())
    fork.kms = publisher.kms
    await _grow(fork, "fork", rng, rng.randint(250, 700))
    return fork.live()


@asynccontextmanager
async def _local(files: Files) -> AsyncIterator[TileSource]:
    yield files


@asynccontextmanager
async def _served(files: Files, folder: Path, wire: Proxy) -> AsyncIterator[TileSource]:
    """Serve the files over TLS, behind a proxy, and reach them through the one outbound door."""
    authority, listening = make_authority(folder, names=[HOST]), socket.create_server(("127.0.0.1", 0))
    runner = web.AppRunner(create_app(files), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening, ssl_context=server_context(authority)).start()
    wire.target = listening.getsockname()[1]

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    door = HttpDoor(ca_file=authority.ca_file, look_up=look_up, loopback=[(HOST, wire.port)])
    try:
        yield WebTiles(f"https://{HOST}:{wire.port}/", door)
    finally:
        await runner.cleanup()


async def _kill(place: Path, seed: int) -> Outcome:
    return await killed("publish", seed, rounds=4)


def backend() -> Backend:
    kinds: Mapping[str, type[Files]] = {
        "reorder": Swapped,
        "delay": Delay,
        "cut": Cut,
        "wrong answer": WrongAnswer,
        "fork": Fork,
        "rollback": Rollback,
        "log gaps": Gaps,
    }
    return Backend(
        name="tiles",
        native={
            **{name: partial(play, kind) for name, kind in kinds.items()},
            **{f"{name}, over https": partial(play, kind, web_server=True) for name, kind in kinds.items()},
            "connection cut, over https": partial(play, Wire, web_server=True),
            "kill -9": _kill,
        },
        without={
            "lost acknowledgement": _READS,
            "duplicate": f"{_READS}, and a file that comes twice is the same file",
            "clock jump": f"{_READS}; how old a head may be is asked by its followers, see the other backends",
            "disk full": _READS,
            "fsync error": _READS,
            "unsynced subsets": "the publisher writes files whole and the head last; see kill -9",
        },
    )

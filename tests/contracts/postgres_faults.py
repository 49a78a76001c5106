"""What happens between a PostgreSQL log and its server, and to the server: for the contract suite.

Connections are cut at any byte or say nothing for a while; the server is killed, its disk is full or does not
synchronise, and an older backup of its files is put back.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

from ssi.errors import InclusionProofError
from ssi.ledger import Ledger, open_ledger
from tests import needs
from tests.contracts.backends import Outcome, Play, Setting
from tests.contracts.histories import new_kms
from tests.contracts.postgres import Server, server
from tests.contracts.processes import killed, signed
from tests.contracts.scenes import Scene
from tests.tools.proxy import Direction, Proxy

TIMEOUT_SECONDS: Final = 2.0
BOTH: Final[tuple[Direction, Direction]] = ("up", "down")


def log_name(place: Path) -> str:
    """Return the schema of the log of a directory."""
    return f"log_{sha256(str(place).encode()).hexdigest()[:12]}"


class ServerScene(Scene, ABC):
    """A log on a server, reached through a proxy."""

    pause = 0.02

    def __init__(self, running: Server, proxy: Proxy, place: Path, seed: int) -> None:
        super().__init__(self._opened)
        self._server, self._proxy, self._place = running, proxy, place
        self._rng = Random(seed)

    async def _opened(self) -> Ledger:
        return open_ledger(self._server.url(log_name(self._place), head=self._place / "log.head"))

    async def troubled(self) -> Ledger:
        options = f"&timeout={TIMEOUT_SECONDS}"
        head, port = self._place / "log.head", self._proxy.port
        return open_ledger(self._server.url(log_name(self._place), head=head, port=port, options=options))

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._repeat())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self.calm()

    async def _repeat(self) -> None:
        while True:
            await self.strike()

    @abstractmethod
    async def strike(self) -> None:
        """Do it once, and wait for a while."""

    async def calm(self) -> None:
        """Leave everything in order."""


class Cut(ServerScene):
    """Connections break at any byte, of a question or of an answer: also behind the commit."""

    async def strike(self) -> None:
        self._proxy.cut(self._rng.choice(BOTH), self._rng.randrange(3000))
        await asyncio.sleep(self._rng.uniform(0, 0.04))

    async def calm(self) -> None:
        self._proxy.calm()
        self.injected = self._proxy.cuts


class Lost(ServerScene):
    """The server answers, and not one byte of it arrives."""

    async def strike(self) -> None:
        self._proxy.cut("down", 0)
        await asyncio.sleep(self._rng.uniform(0, 0.05))

    async def calm(self) -> None:
        self._proxy.calm()
        self.injected = self._proxy.cuts


class Stalls(ServerScene):
    """Nothing is delivered for a while, at times for longer than anybody waits."""

    async def strike(self) -> None:
        self.injected += 1
        self._proxy.stall()
        await asyncio.sleep(self._rng.choice((0.01, 0.03, 0.1)))
        self._proxy.stall(False)
        await asyncio.sleep(0.03)

    async def calm(self) -> None:
        self._proxy.stall(False)


class Killed(ServerScene):
    """The server's processes are killed, or told to end at once, and it is started again."""

    pause = 0.1
    _restart: asyncio.Task[None] | None = None

    async def strike(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.05, 0.5))
        self.injected += 1
        how = self._rng.choice((signal.SIGKILL, signal.SIGQUIT))
        self._restart = asyncio.create_task(asyncio.to_thread(self._again, how))
        await asyncio.shield(self._restart)

    def _again(self, how: signal.Signals) -> None:
        self._server.stop(how)
        self._server.start()

    async def calm(self) -> None:
        if self._restart is not None:
            await self._restart


class Failing(ServerScene):
    """System calls of the server's processes fail, by strace: it panics and recovers, or refuses a transaction."""

    pause = 0.1
    fails = ("", "")
    """Which calls, and with which error."""

    async def strike(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.05, 0.3))
        workers = self._server.workers()
        if not workers:
            return
        calls, error = self.fails
        trace = self._place / "trace"
        command = ["strace", "-q", "-o", str(trace), "-e", f"trace={calls}"]
        command += ["-e", f"inject={calls}:error={error}:when={self._rng.randint(1, 4)}"]
        process = await asyncio.create_subprocess_exec(
            *command, *(f"--attach={pid}" for pid in workers), stderr=asyncio.subprocess.PIPE
        )
        try:
            # It ends by itself when the last of them ends.
            _, said = await asyncio.wait_for(process.communicate(), 1.0)
            if b"not permitted" in said:
                needs.absent("this machine does not let strace attach to a process")
        except TimeoutError:
            process.terminate()
            await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        finally:
            if trace.exists():
                self.injected += trace.read_text(errors="replace").count("(INJECTED)")
                trace.unlink()


@cache
def _mortal() -> Server:
    """Return a server that may be killed: only one round after the other uses it."""
    return Server()


@asynccontextmanager
async def _through(
    kind: type[ServerScene], place: Path, seed: int, *, own: bool = False, fails: tuple[str, str] | None = None
) -> AsyncIterator[Scene]:
    server()  # or skip
    if fails is not None:
        needs.programs("strace")
    running = _mortal() if own else server()
    with Proxy(running.port) as proxy:
        scene = kind(running, proxy, place, seed)
        if isinstance(scene, Failing) and fails is not None:
            scene.fails = fails
        yield scene


async def _rollback(place: Path, seed: int) -> Outcome:
    """Put an older backup of the server's files back: unless nothing was signed since, the log does not open."""
    server()  # or skip
    rng, kms, running = Random(seed), await new_kms(), _mortal()
    url = running.url(log_name(place), head=place / "log.head")
    await signed(open_ledger(url), kms, "first", rng.randint(0, 20))
    running.stop(signal.SIGINT)
    backup = running.directory / "backup"
    copying = await asyncio.create_subprocess_exec("cp", "-a", str(running.data), str(backup))
    assert await copying.wait() == 0
    running.start()
    more = seed % 4
    await signed(open_ledger(url), kms, "then", more)
    running.stop(signal.SIGINT)
    shutil.rmtree(running.data)
    backup.rename(running.data)
    running.start()
    try:
        await open_ledger(url).close()
    except InclusionProofError:
        problems = [] if more else ["a server that is up to date was refused"]
        return Outcome(problems=problems, injected=1, acknowledged=more, alarms=1)
    return Outcome(problems=["an older backup was opened"] if more else [], injected=1, acknowledged=more)


async def _kill(place: Path, seed: int) -> Outcome:
    server()  # or skip
    return await killed("append-postgres", seed, rounds=3)


SCENES: Final[Mapping[str, Setting]] = {
    "lost acknowledgement": partial(_through, Lost),
    "delay": partial(_through, Stalls),
    "cut": partial(_through, Cut),
    "kill -9 of the server": partial(_through, Killed, own=True),
    "disk full": partial(_through, Failing, own=True, fails=("pwrite64,pwritev,fallocate", "ENOSPC")),
    "fsync error": partial(_through, Failing, own=True, fails=("fdatasync,fsync", "EIO")),
}
NATIVE: Final[Mapping[str, Play]] = {"rollback": _rollback, "kill -9": _kill}

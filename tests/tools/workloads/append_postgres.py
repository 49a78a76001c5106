"""The same on PostgreSQL, where the server is killed, too: by its immediate shutdown, or its processes one and all."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from functools import cache
from pathlib import Path

# Before the fork: each child would need as long for it as it lives.
import asyncpg  # noqa: F401

from ssi.errors import UnavailableError
from ssi.ledger import Ledger, open_ledger
from tests.contracts.postgres import Server
from tests.tools.workloads import Acknowledge, append

SERVER_KILLED = "server killed"


@cache
def running() -> Server:
    """Return the server of all directories, started when it is first asked for and stopped with this process."""
    return Server()


class Workload(append.Workload):
    """One log for each directory, on one server; one process of ten kills it in the middle of the work."""

    longest_run_seconds = 0.4

    def __init__(self) -> None:
        super().__init__()
        self._server = running()
        self._url = self._server.url()

    def open(self, directory: Path) -> Ledger:
        return open_ledger(self._url)

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        rng = random.Random(seed)
        if rng.random() < 0.1:
            how = rng.choice((signal.SIGQUIT, signal.SIGKILL))
            asyncio.get_running_loop().call_later(rng.uniform(0.05, 0.2), self._kill, how, acknowledge)
        while True:
            try:
                await super().run(directory, seed=seed, acknowledge=acknowledge)
            except UnavailableError:
                await asyncio.sleep(0.01)  # The server was killed by the other process.

    def _kill(self, how: signal.Signals, acknowledge: Acknowledge) -> None:
        acknowledge(SERVER_KILLED)
        self._server.kill(how)

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        if SERVER_KILLED in acknowledged:
            self._server.stop()
            self._server.start()
        lines = [line for line in acknowledged if line != SERVER_KILLED]
        return await super().check(directory, lines, thorough=thorough)

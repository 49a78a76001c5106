"""The places that bad input is tried at: each backend with a log, and what can be done to it behind the library's back.

Input:   a folder of the test's own; for a database a server, for a chain a node.
Shapes:  ``state`` is what must not change: size, root and signed head.
I/O:     whatever the backend does; files and databases are changed where a test says so.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ssi.errors import SsiError
from ssi.ledger import Ledger, merkle, open_ledger
from ssi.ledger.backends.evm.contract import Mode
from tests.contracts.ledger import unsigned
from tests.evm.ledger import deployed, url
from tests.evm.node import Node
from tests.unit.ledger.heads import KEY
from tests.unit.ledger.postgres_log import Log

NAMES = ("memory", "sqlite", "postgres", "evm leaves", "evm entries")
FILES = ("sqlite", "evm leaves", "evm entries")


class State(NamedTuple):
    """What a refusal leaves as it is."""

    size: int
    root: bytes
    head: bytes | None


async def state(ledger: Ledger) -> State:
    """Return what a refusal must not change."""
    size = await ledger.size()
    return State(size, await merkle.root(ledger, size), await ledger.checkpoint())


class Place:
    """One log, and its URL. In memory there is one object, which does not end before the test does."""

    def __init__(self, name: str, folder: Path, node: Node | None, log: Log | None) -> None:
        self.name, self.folder, self.node, self.log = name, folder, node, log
        self.address = b""
        self._memory: Ledger | None = None

    async def prepare(self) -> Place:
        if self.name.startswith("evm"):
            assert self.node is not None
            self.address = await deployed(self.node, self.mode)
        return self

    @property
    def mode(self) -> Mode:
        return Mode.ENTRIES if self.name == "evm entries" else Mode.LEAVES

    @property
    def file(self) -> Path:
        """The SQLite file, of a ledger or of a mirror."""
        return self.folder / ("log.db" if self.name == "sqlite" else "mirror.db")

    def url(self, **changes: Any) -> str:
        """Return the URL, with other options where the log is on a chain."""
        if self.name == "memory":
            return "memory:"
        if self.name == "sqlite":
            return f"sqlite://{self.file}"
        if self.log is not None:
            return self.log.url
        assert self.node is not None
        text = url(self.node, self.folder, self.address, self.mode)
        base, _, query = text.partition("?")
        options = dict(pair.split("=", 1) for pair in query.split("&")) | changes
        return f"{base}?{'&'.join(f'{name}={value}' for name, value in options.items())}"

    def open(self, **changes: Any) -> Ledger:
        if self.name == "memory":
            self._memory = self._memory or open_ledger("memory:")
            return self._memory
        return open_ledger(self.url(**changes))

    async def filled(self, *entries: bytes) -> State:
        """Append, sign, close; return the state."""
        ledger = self.open()
        await ledger.append(entries)
        size = await ledger.size()
        note = unsigned(size, await merkle.root(ledger, size), KEY)
        await ledger.put_checkpoint(await ledger.checkpoint(), note)
        found = await state(ledger)
        await ledger.close()
        return found

    async def looked_at(self) -> State:
        ledger = self.open()
        try:
            return await state(ledger)
        finally:
            await ledger.close()

    def sql(self, *statements: str) -> None:
        """Change the SQLite file behind the library's back."""
        connection = sqlite3.connect(self.file)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def copy(self, name: str) -> Path:
        """Keep the SQLite file as it is now."""
        kept = self.folder / name
        shutil.copy(self.file, kept)
        return kept

    def put_back(self, kept: Path) -> None:
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        shutil.copy(kept, self.file)


async def raises(
    kind: type[Exception], act: Callable[[], Awaitable[object]], *words: str, secrets: tuple[str, ...] = ()
) -> None:
    """Have ``act`` raise exactly this kind of error, with these words and none of the secrets in its message."""
    with pytest.raises(SsiError) as caught:
        await act()
    said = str(caught.value)
    assert caught.type is kind, f"{caught.type.__name__}: {said}"
    for word in words:
        assert word in said, said
    for secret in secrets:
        assert secret not in said, said


async def opened(place: Place, **changes: Any) -> None:
    """Open a ledger and use it once: a chain is asked by the first call only."""
    ledger = await asyncio.to_thread(place.open, **changes)
    try:
        await ledger.size()
    finally:
        await ledger.close()

"""The embedded ledger: one SQLite file, durable before acknowledged, safe under several processes.

Source:  the Ledger port; design decision 7.
Input:   a path or a ``sqlite:`` URL.
I/O:     one writing thread with group commit, one reading thread, the database and the head file beside it.
Errors:  those of the port; InclusionProofError at opening if the database is damaged or older than the last signed
         head.

An entry is acknowledged after COMMIT, and with ``synchronous=FULL`` COMMIT returns after fsync. Several processes of
one machine may open the same file; a network file system may not lie between them and it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from ssi.durable import sync_directory
from ssi.errors import InclusionProofError, InvalidInputError, NotFoundError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.backends.group_commit import AppendRequest, GroupCommit
from ssi.ledger.backends.hash_reads import HashReads
from ssi.ledger.backends.head import HeadFile
from ssi.ledger.backends.sqlite_file import LogFile, translated
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint, parse_note
from ssi.ledger.port import Withheld, check_entries, check_order, refuse_size

T = TypeVar("T")


class SqliteLedger:
    """The Ledger port over one SQLite file. Opening it blocks; every method after that is asynchronous."""

    file_type: ClassVar[type[LogFile]] = LogFile

    def __init__(self, path: str | Path, *, head: str | Path | None = None, adopt_head: bool = False) -> None:
        """Open the database at ``path``, or make it; ``head`` is where the last signed head is kept.

        Keep the head file where no backup of the database restores it along: then an old database is refused.
        ``adopt_head`` accepts a database whose head file is lost and writes it anew, which is a decision for a person.
        """
        self.path = Path(path).absolute()
        self._head = HeadFile(_head_path(self.path, head))
        self._pid = os.getpid()
        new = not self.path.exists()
        self._writer = self.file_type(self.path)
        try:
            if new:
                with translated():
                    sync_directory(self.path.parent)
            with translated(), self._writer.transaction():
                self._check_start(adopt_head=adopt_head)
            self._reader = self.file_type(self.path, read_only=True)
        except BaseException:
            self._writer.close()
            raise
        self._commits = GroupCommit(self._append_batch, name=f"ledger {self.path.name}")
        self._reads = ThreadPoolExecutor(1, thread_name_prefix=f"ledger {self.path.name} reader")
        self._hashes = HashReads(lambda ranges: self._read(lambda: self._reader.hashes(ranges)))
        self._closed = False

    @classmethod
    def from_url(cls, url: str, *, create: bool = True) -> SqliteLedger:
        """Open ``sqlite:///absolute/path`` or ``sqlite:relative/path``, with options ``head`` and ``adopt_head``."""
        path, head, adopt_head = _parse_url(url)
        if not create and not Path(path).exists():
            raise NotFoundError("there is no ledger where it was said to be")
        return cls(path, head=head, adopt_head=adopt_head)

    def _check_start(self, *, adopt_head: bool) -> None:
        """Hold the database against the last signed head; a head file that is behind or lost is written anew."""
        own = self._stored_checkpoint()
        if own is not None:
            self._writer.check_head(own[1], "stored checkpoint")
        kept = self._head.read()
        if own is not None and kept is None and not adopt_head:
            raise InclusionProofError(
                f"the file with the last signed head is missing ({self._head.path.name}): restore it,"
                " or open with adopt_head to declare this database the newest"
            )
        if own is not None and (kept is None or kept[1].size < own[1].size):
            self._head.write(own[0])
        self._adopt_newer_head()

    def _stored_checkpoint(self) -> tuple[bytes, Checkpoint] | None:
        stored = self._writer.note()
        try:
            return None if stored is None else (stored, parse_checkpoint(parse_note(stored).unverified_text))
        except InvalidInputError as exc:
            raise InclusionProofError("the ledger database is damaged: its signed head does not parse") from exc

    def _adopt_newer_head(self) -> None:
        """Take over the note of the head file if it is newer: its writer stopped between that file and COMMIT."""
        own, kept = self._stored_checkpoint(), self._head.read()
        if kept is not None:
            self._writer.check_head(kept[1], "last signed head")
            if own is None or kept[1].size > own[1].size:
                self._writer.put(kept[0])

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        self._check_process()
        check_entries(entries)
        leaves = [merkle.leaf_hash(entry) for entry in entries]
        indexes: Sequence[int] = await self._commits.append(entries, leaves, expected_size)
        return indexes

    def _append_batch(self, batch: Sequence[AppendRequest]) -> Sequence[Any]:
        outcomes: list[Any] = []
        bodies: list[bytes] = []
        leaves: list[bytes] = []
        with translated(), self._writer.transaction():
            size = self._writer.load_frontier()
            known = self._writer.find([leaf for request in batch for leaf in request.leaves])
            for request in batch:
                new = any(leaf not in known for leaf in request.leaves)
                here = size + len(leaves)
                if new and request.expected_size is not None and request.expected_size != here:
                    outcomes.append(refuse_size(request.expected_size, here))
                    continue
                for entry, leaf in zip(request.entries, request.leaves, strict=True):
                    if leaf not in known:
                        known[leaf] = size + len(leaves)
                        bodies.append(entry)
                        leaves.append(leaf)
                outcomes.append([known[leaf] for leaf in request.leaves])
            self._writer.extend(bodies, leaves)
        return outcomes

    async def size(self) -> int:
        return await self._read(self._reader.size)

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        return await self._read(lambda: self._reader.read(start, stop))

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        self._check_process()
        return await self._hashes.read((level, start, stop))

    async def checkpoint(self) -> bytes | None:
        return await self._read(self._reader.note)

    async def check_storage(self) -> None:
        await self._read(self._reader.check_storage)

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        self._check_process()

        def put() -> None:
            with translated():
                # Two transactions: what the first one finds out must stay even where the second refuses.
                with self._writer.transaction():
                    self._adopt_newer_head()
                with self._writer.transaction():
                    if self._writer.check_put(old, new):
                        self._head.write(new)
                        self._writer.put(new)

        await self._commits.run(put)

    async def withhold(self, index: int, *, order: str) -> None:
        self._check_process()
        check_order(order)

        def erase() -> None:
            with translated():
                with self._writer.transaction():
                    self._writer.withhold(index, order)
                self._writer.empty_log()

        await self._commits.run(erase)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Another process's copy of this object holds files of ours: leave them alone there.
        if os.getpid() == self._pid:
            await asyncio.get_running_loop().run_in_executor(None, self._release)

    def _release(self) -> None:
        self._commits.close()
        self._reads.shutdown()
        self._reader.close()
        self._writer.close()

    async def _read(self, work: Callable[[], T]) -> T:
        self._check_process()
        return await asyncio.get_running_loop().run_in_executor(self._reads, work)

    def _check_process(self) -> None:
        if self._closed:
            raise UnavailableError("the ledger is closed")
        if os.getpid() != self._pid:
            # SQLite's locks do not survive fork: using the file here could damage it.
            raise UnavailableError("the ledger was opened before fork: open it again in this process")


def database_and_head(url: str) -> tuple[Path, Path]:
    """Return where the database and the head file of a ``sqlite:`` URL are, without opening either."""
    path, head, _ = _parse_url(url)
    database = Path(path).absolute()
    return database, _head_path(database, head)


def _head_path(database: Path, head: str | Path | None) -> Path:
    return Path(head).absolute() if head else database.with_name(database.name + ".head")


def _parse_url(url: str) -> tuple[str, str | None, bool]:
    """Return path, head file and ``adopt_head``. Raises InvalidInputError."""
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    flag = options.get("adopt_head", ["0"])
    if parts.scheme != "sqlite" or parts.netloc or not parts.path or parts.fragment:
        raise InvalidInputError("a SQLite ledger is named sqlite:///absolute/path or sqlite:relative/path")
    if options.keys() - {"head", "adopt_head"} or flag not in (["0"], ["1"]):
        raise InvalidInputError("a SQLite ledger has the options head=PATH and adopt_head=0 or 1")
    # Some write four slashes for an absolute path; POSIX lets two at the front mean something of its own.
    path = re.sub("^/+", "/", unquote(parts.path))
    return path, options.get("head", [None])[0], flag == ["1"]

"""The shared ledger: one schema of a PostgreSQL database, many writers on many machines, one order.

Source:  the Ledger port; design decision 7.
Input:   a ``postgresql:`` URL, see ``PostgresLedger.from_url``.
I/O:     one thread that appends with group commit, one that reads and keeps heads; the database and the head file.
Errors:  those of the port; InclusionProofError at opening, and whenever a connection is made anew, if the database is
         damaged or older than the last signed head.

An entry is acknowledged after COMMIT with ``synchronous_commit`` on, whatever the server's default is. A call of
``append`` is one transaction; calls that wait at the same time share one, unless they expect a size.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from ssi.errors import (
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    SsiError,
    UnavailableError,
    UsageError,
)
from ssi.ledger.backends.group_commit import AppendRequest, GroupCommit
from ssi.ledger.backends.hash_reads import HashReads
from ssi.ledger.backends.head import HeadFile
from ssi.ledger.backends.postgres_log import LogTables, check_nodes, stored_checkpoint
from ssi.ledger.backends.postgres_server import Place, parse_url
from ssi.ledger.backends.postgres_sessions import BackgroundLoop, Readers, Session, Turns
from ssi.ledger.checkpoint import check_successor
from ssi.ledger.port import Withheld, check_entries, check_order, refuse_size

T = TypeVar("T")

# One statement carries at most this: a call with more is refused, calls together are cut before it.
MAX_CALL_BYTES: Final = 64 << 20
MAX_SHARED_BYTES: Final = 4 << 20


class PostgresLedger:
    """The Ledger port over one schema. Opening it blocks; every method after that is asynchronous."""

    def __init__(self, place: Place, *, create: bool = True) -> None:
        """Open the log at ``place``; with ``create`` to write, and make its tables if they are absent."""
        if create and place.head is None:
            raise InvalidInputError(
                "say head=PATH: where the last signed head is kept, outside the database and its backups"
            )
        self._place = place
        self._writes = create
        self._head = None if place.head is None else HeadFile(place.head)
        self._pid = os.getpid()
        self._closed = False
        self._opened = False
        # The longest log that was seen: a server that lost what it had acknowledged gets no further entries.
        self._seen = 0
        self._leading: object = None
        name = f"ledger {place.schema}"
        self._background = BackgroundLoop(name)
        try:
            self._readers = Readers(place, self._admit_reader)
            self._heads = Session(place, self._admit_writer)
            self._heads_lock = asyncio.Lock()
            self._background.run(self._open())
        except BaseException:
            self._background.close()
            raise
        self._opened = True
        self._hashes = HashReads(lambda ranges: self._read(lambda tables: tables.hashes(ranges)))
        self._turns = Turns(place, self._admit_reader)
        self._writer = Session(place, self._admit_writer)
        self._writer_loop = asyncio.new_event_loop()
        self._commits = GroupCommit(self._append_batch, name=f"{name} writer")

    @classmethod
    def from_url(cls, url: str, *, create: bool = True) -> PostgresLedger:
        """Open ``postgresql://user@host:port/database?head=PATH``.

        Options: ``head``, the file with the last signed head, needed to write; ``adopt_head=1`` to accept a database
        whose head file is lost; ``schema``, by default countersigned_log; ``timeout``, seconds for one statement, by
        default 10; and host, port, user, passfile, sslmode, sslrootcert, sslcert, sslkey, sslcrl,
        ssl_min_protocol_version and target_session_attrs as PostgreSQL has them. Across a network, sslmode is
        verify-full unless another is said. With ``create=False`` the log has to be there, and is only read.
        """
        return cls(parse_url(url), create=create)

    # --- opening ------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        try:
            if self._writes:
                await self._heads.tables()
            else:
                await self._readers.run(LogTables.size)
        except BaseException:
            await self._readers.close()
            await self._heads.close()
            raise

    async def _admit_reader(self, tables: LogTables) -> None:
        """Look at the tables; one reader at opening is the only one to look at the heads, too."""
        await tables.prepare(write=False)
        if not self._opened and not self._writes:
            await self._check_heads(tables, write=False)

    async def _admit_writer(self, tables: LogTables) -> None:
        """Hold the database against the last signed head; a head file that is behind or lost is written anew."""
        await tables.prepare(write=True)
        async with tables.connection.transaction():
            await self._check_heads(tables, write=True)

    async def _check_heads(self, tables: LogTables, *, write: bool) -> None:
        note = await tables.note(lock=write)
        own = stored_checkpoint(note)
        if own is not None:
            await tables.check_head(own, "stored checkpoint")
        if self._head is None:
            return
        kept = self._head.read()
        if write and note is not None and own is not None:
            if kept is None and not self._place.adopt_head and not self._opened:
                raise InclusionProofError(
                    f"the file with the last signed head is missing ({self._head.path.name}): restore it,"
                    " or open with adopt_head to declare this database the newest"
                )
            if kept is None or kept[1].size < own.size:
                self._head.write(note)
        await self._adopt_newer_head(tables, note, write=write)

    async def _adopt_newer_head(self, tables: LogTables, note: bytes | None, *, write: bool = True) -> bytes | None:
        """Take over the note of the head file if it is newer: its writer stopped between that file and COMMIT."""
        kept = None if self._head is None else self._head.read()
        if kept is None or kept[0] == note:
            return note
        await tables.check_head(kept[1], "last signed head")
        own = stored_checkpoint(note)
        if own is not None and kept[1].size <= own.size:
            return note
        if write:
            await tables.put(kept[0])
        return kept[0]

    # --- appending ----------------------------------------------------------------------------------------------

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        self._check_writable()
        check_entries(entries)
        if not entries:
            return []
        if sum(map(len, entries)) > MAX_CALL_BYTES:
            raise InvalidInputError(f"one call appends at most {MAX_CALL_BYTES} bytes")
        indexes: Sequence[int] = await self._commits.append(entries, (), expected_size)
        return indexes

    def _append_batch(self, batch: Sequence[AppendRequest]) -> Sequence[Any]:
        """Run on the writing thread, whose loop turns only meanwhile."""
        return self._writer_loop.run_until_complete(self._append_groups(batch))

    async def _append_groups(self, batch: Sequence[AppendRequest]) -> Sequence[Any]:
        outcomes: list[Any] = []
        failure: SsiError | None = None
        for group in _groups(batch):
            if failure is None:
                try:
                    outcomes += await self._append_group(group)
                    continue
                except UnavailableError as exc:
                    failure = exc  # It is the same for those behind, who need not wait for it.
                except SsiError as exc:
                    outcomes += [exc] * len(group)
                    continue
            outcomes += [failure] * len(group)
        return outcomes

    async def _append_group(self, group: Sequence[AppendRequest]) -> list[Any]:
        bodies = [entry for request in group for entry in request.entries]
        expected = group[0].expected_size
        size, indexes = await self._writer.run(lambda tables: tables.append(bodies, expected, self._seen), again=True)
        self._seen = max(self._seen, size)
        if indexes is None:
            return [refuse_size(expected or 0, size)]
        answers: list[Any] = []
        for request in group:
            answers.append(indexes[: len(request.entries)])
            indexes = indexes[len(request.entries) :]
        return answers

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the other writers that asked before have had their turn, or TURN_SECONDS; see TurnTakingLedger."""
        self._check_writable()
        taken = self._background.submit(self._turns.take())
        try:
            await asyncio.shield(taken)
        except asyncio.CancelledError:
            taken.add_done_callback(lambda _: self._background.submit(self._turns.give()))
            raise
        try:
            yield
        finally:
            self._background.submit(self._turns.give())

    # --- reading ------------------------------------------------------------------------------------------------

    async def size(self) -> int:
        before = self._seen
        size = await self._read(LogTables.size)
        if size < before:
            raise InclusionProofError(f"the database went back: it has {size} entries, {before} were seen")
        self._seen = max(self._seen, size)
        return size

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        return await self._read(lambda tables: tables.read(start, stop))

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        self._check_process()
        check_nodes(level, start, stop)
        return await self._hashes.read((level, start, stop))

    async def checkpoint(self) -> bytes | None:
        return await self._read(LogTables.note)

    async def check_storage(self) -> None:
        await self._read(LogTables.check_storage)

    async def _read(self, work: Callable[[LogTables], Awaitable[T]]) -> T:
        self._check_process()
        return await self._background.submit(self._readers.run(work))

    # --- heads and orders ---------------------------------------------------------------------------------------

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        self._check_writable()
        check_successor(new, None, new)  # its shape, before anything is asked of the database

        async def put(tables: LogTables) -> SsiError | None:
            await tables.connection.execute("BEGIN")
            try:
                refusal = await self._put(tables, old, new)
            except BaseException:
                # The connection is given up, and with it what was begun: whoever cannot say COMMIT says nothing more.
                tables.connection.terminate()
                raise
            return refusal

        refusal = await self._on_heads(put)
        if refusal is not None:
            raise refusal

    async def _put(self, tables: LogTables, old: bytes | None, new: bytes) -> SsiError | None:
        """End the transaction with the note in place, or as it was; return why the note is refused."""
        stored = await self._adopt_newer_head(tables, await tables.note(lock=True))
        try:
            checkpoint = check_successor(stored, old, new)
            if checkpoint is not None:
                await tables.check_head(checkpoint, "checkpoint")
        except (ConflictError, InclusionProofError, InvalidInputError) as refusal:
            await tables.connection.execute("COMMIT")  # What was adopted stays even where this note is refused.
            return refusal
        if checkpoint is None or self._head is None:
            await tables.connection.execute("COMMIT")
            return None
        self._head.write(new)
        await tables.put_and_commit(new)
        return None

    async def withhold(self, index: int, *, order: str) -> None:
        self._check_writable()
        check_order(order)
        await self._on_heads(lambda tables: tables.withhold(index, order))

    async def lead(self) -> bool:
        """Become, or stay, the one writer of this log that signs heads by a timer; return whether this is it.

        The database lets one connection lead at a time, and another as soon as that is closed or lost. To lead is a
        division of labour, not a right: ``put_checkpoint`` compares and swaps for everybody.
        """
        self._check_writable()

        async def lead(tables: LogTables) -> bool:
            if self._heads.holds(self._leading):
                await tables.size()  # An answer shows that the connection, and so the lock, is still there.
            elif await tables.try_lead():
                self._leading = tables.connection
            return self._heads.holds(self._leading)

        return await self._on_heads(lead)

    async def stop_leading(self) -> None:
        """Let another one lead."""
        self._check_writable()

        async def stop(tables: LogTables) -> None:
            if self._heads.holds(self._leading):
                await tables.stop_leading()
            self._leading = None

        await self._on_heads(stop)

    async def _on_heads(self, work: Callable[[LogTables], Awaitable[T]]) -> T:
        async def one_at_a_time() -> T:
            async with self._heads_lock:
                return await self._heads.run(work, again=True)

        # Whoever gives up waiting does not stop what was begun.
        return await asyncio.shield(self._background.submit(one_at_a_time()))

    # --- closing ------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Another process's copy of this object holds sockets of ours: leave them alone there.
        if os.getpid() == self._pid:
            await asyncio.get_running_loop().run_in_executor(None, self._release)

    def _release(self) -> None:
        self._commits.close()
        self._writer_loop.run_until_complete(self._writer.close())
        self._writer_loop.close()

        async def leave() -> None:
            async with self._heads_lock:
                await self._heads.close()
            await self._turns.close()
            await self._readers.close()

        self._background.run(leave())
        self._background.close()

    def _check_process(self) -> None:
        if self._closed:
            raise UnavailableError("the ledger is closed")
        if os.getpid() != self._pid:
            # Two processes that speak over one connection would mix their words.
            raise UnavailableError("the ledger was opened before fork: open it again in this process")

    def _check_writable(self) -> None:
        self._check_process()
        if not self._writes:
            raise UsageError("the ledger was opened to be read only")


def _groups(batch: Sequence[AppendRequest]) -> Iterator[list[AppendRequest]]:
    """Cut a batch into transactions: who expects a size stands alone, the others share up to MAX_SHARED_BYTES."""
    group: list[AppendRequest] = []
    total = 0
    for request in batch:
        length = sum(map(len, request.entries))
        if group and (request.expected_size is not None or total + length > MAX_SHARED_BYTES):
            yield group
            group, total = [], 0
        group.append(request)
        total += length
        if request.expected_size is not None:
            yield group
            group, total = [], 0
    if group:
        yield group

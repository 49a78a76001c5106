"""What is asked of a log in PostgreSQL over one connection: entries, hashes, heads, and whether it is sound.

Source:  the Ledger port; RFC 6962, section 2.1.
Input:   a connection and the name of the schema that holds the log (see ``postgres_schema``).
I/O:     one or two statements a method; no transaction is begun here except where a method says so.
Errors:  those of the port. What asyncpg raises is translated by the caller (``postgres_server.translated``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ssi.errors import (
    BrokenEntryError,
    InclusionProofError,
    InvalidInputError,
    NotFoundError,
    SsiError,
    UnavailableError,
)
from ssi.ledger import merkle
from ssi.ledger.backends import postgres_schema
from ssi.ledger.backends.hash_reads import Range
from ssi.ledger.backends.postgres_schema import LEVEL_BITS, node_position, quoted
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint, parse_note
from ssi.ledger.port import HASH_BYTES, Withheld, check_level, check_range

if TYPE_CHECKING:
    import asyncpg

# The first half of every advisory lock of ours, "CLOG" and on; the second is the schema's number.
LOCK_CLASS: Final = 0x434C4F47
TURN_CLASS: Final = LOCK_CLASS + 1
# No log has more entries than positions of its hashes fit into 63 bits.
_MOST: Final = 1 << 56
_CHECK_STEP: Final = 10_000
_COLUMNS: Final = {
    ("log", "id", "integer"),
    ("log", "version", "integer"),
    ("log", "size", "bigint"),
    ("entries", "idx", "bigint"),
    ("entries", "leaf", "bytea"),
    ("entries", "body", "bytea"),
    ("entries", "withheld", "text"),
    ("nodes", "pos", "bigint"),
    ("nodes", "hash", "bytea"),
    ("head", "id", "integer"),
    ("head", "note", "bytea"),
}


class LogTables:
    """The tables of one log, seen over one connection."""

    def __init__(self, connection: asyncpg.Connection[Any], schema: str) -> None:
        self.connection = connection
        self._schema = schema
        self._s = quoted(schema)

    # --- opening ------------------------------------------------------------------------------------------------

    async def prepare(self, *, write: bool) -> None:
        """Find the tables of this version, or with ``write`` make or migrate them; refuse a server that loses data."""
        fsync, standby = await self.connection.fetchrow("SELECT current_setting('fsync'), pg_is_in_recovery()")
        if fsync != "on":
            raise InvalidInputError("the database server runs with fsync=off: it would lose what it acknowledged")
        if standby and write:
            raise UnavailableError("the database server is a standby and takes no entries: name the primary")
        version = await self._version()
        if write and (version is None or version < postgres_schema.VERSION):
            await self._migrate()
            version = await self._version()
        if version is None:
            raise NotFoundError("there is no ledger where it was said to be")
        if version != postgres_schema.VERSION:
            raise InclusionProofError(
                f"the ledger database has version {version}, this program reads version {postgres_schema.VERSION}"
            )
        await self._check_tables()

    async def _version(self) -> int | None:
        """Return the version of the tables, or None if there is no log."""
        found = await self.connection.fetchval(
            "SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0",
            f"{self._s}.log",
        )
        if found is None:
            return None
        if not {"id", "version", "size"} <= set(found):
            raise InclusionProofError("the schema is not a ledger: its table log is another program's")
        version = await self.connection.fetchval(f"SELECT version FROM {self._s}.log WHERE id = 0")
        if not isinstance(version, int):
            raise InclusionProofError("the ledger database is damaged: it does not say its version")
        return version

    async def _migrate(self) -> None:
        """Make the tables, or bring them to this version step by step, in one transaction and one process at a time."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, self._schema)
            version = await self._version()
            if version is None:
                await self.connection.execute(postgres_schema.create(self._schema))
                return
            while version < postgres_schema.VERSION:
                await self.connection.execute(f"LOCK TABLE {self._s}.log IN ACCESS EXCLUSIVE MODE")
                await self.connection.execute(postgres_schema.migration(self._schema, version))
                version += 1
                await self.connection.execute(f"UPDATE {self._s}.log SET version = $1 WHERE id = 0", version)
            await self.connection.execute(postgres_schema.append_function(self._schema))

    async def _check_tables(self) -> None:
        rows = await self.connection.fetch(
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = $1 AND c.relname = ANY($2) AND a.attnum > 0 AND NOT a.attisdropped",
            self._schema,
            sorted({table for table, _, _ in _COLUMNS}),
        )
        digests = await self.connection.fetch(
            "SELECT encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = 'append'",
            self._schema,
        )
        expected = postgres_schema.append_digest(self._schema)
        if {tuple(row) for row in rows} != _COLUMNS or [row[0] for row in digests] != [expected]:
            raise InclusionProofError("the ledger database is damaged: its tables are not the ones of this version")

    # --- reading ------------------------------------------------------------------------------------------------

    async def size(self) -> int:
        """Return the number of entries."""
        size = await self.connection.fetchval(f"SELECT size FROM {self._s}.log WHERE id = 0")
        if not isinstance(size, int):
            raise InclusionProofError("the ledger database is damaged: it does not say its size")
        return size

    async def read(self, start: int, stop: int) -> list[bytes | Withheld]:
        check_range(start, stop, min(stop, _MOST))
        rows = await self._entries(start, stop)
        if len(rows) != stop - start:
            # Only now is the size asked for, and then the rows again: it may have grown in between.
            check_range(start, stop, await self.size())
            rows = await self._entries(start, stop)
        result: list[bytes | Withheld] = []
        for index in range(start, stop):
            if index - start >= len(rows) or rows[index - start][0] != index:
                raise BrokenEntryError(index, "its row is missing")
            _, body, leaf, order = rows[index - start]
            if body is not None and order is None:
                result.append(body)
            elif body is None and order is not None:
                result.append(Withheld(_checked((0, index), leaf), order))
            else:
                raise BrokenEntryError(index, "its row has neither a body nor an order that erased it")
        return result

    async def _entries(self, start: int, stop: int) -> Sequence[Any]:
        rows: Sequence[Any] = await self.connection.fetch(
            f"SELECT idx, body, CASE WHEN body IS NULL THEN leaf END, withheld FROM {self._s}.entries"
            " WHERE idx >= $1 AND idx < $2 ORDER BY idx",
            start,
            stop,
        )
        return rows

    async def hashes(self, ranges: Sequence[Range]) -> list[list[bytes] | SsiError]:
        """Return the hashes of each range of nodes, or why there are none: one statement for all of them."""
        wanted = {(level, index) for level, start, stop in ranges for index in range(start, stop)}
        found = await self.find(wanted)
        size: int | None = None
        if len(found) != len(wanted) or any(start == stop for _, start, stop in ranges):
            # Only now is the size asked for, and then the rows again: it may have grown in between.
            size = await self.size()
            found = await self.find(wanted)
        return [_row(one, found, size) for one in ranges]

    async def find(self, nodes: Iterable[merkle.Node]) -> dict[merkle.Node, bytes]:
        """Return those of ``nodes`` that are stored, in one statement."""
        wanted = {node_position(*node): node for node in nodes}
        if not wanted:
            return {}
        leaves = [position >> LEVEL_BITS for position, (level, _) in wanted.items() if level == 0]
        inner = [position for position, (level, _) in wanted.items() if level]
        by_index = f"SELECT idx << {LEVEL_BITS}, leaf FROM {self._s}.entries WHERE idx = ANY($1::bigint[])"
        by_position = f"SELECT pos, hash FROM {self._s}.nodes WHERE pos = ANY($%d::bigint[])"
        if not inner:
            rows = await self.connection.fetch(by_index, leaves)
        elif not leaves:
            rows = await self.connection.fetch(by_position % 1, inner)
        else:
            rows = await self.connection.fetch(f"{by_index} UNION ALL {by_position % 2}", leaves, inner)
        return {wanted[position]: value for position, value in rows}

    async def note(self, *, lock: bool = False) -> bytes | None:
        """Return the stored signed note; with ``lock`` no other process replaces it before the transaction ends."""
        for_update = " FOR UPDATE" if lock else ""
        row = await self.connection.fetchrow(f"SELECT note FROM {self._s}.head WHERE id = 0{for_update}")
        if row is None:
            raise InclusionProofError("the ledger database is damaged: the row of its signed head is missing")
        note: bytes | None = row[0]
        return note

    async def check_head(self, checkpoint: Checkpoint, which: str) -> None:
        """Raise InclusionProofError unless ``checkpoint`` is a head of this log, now or earlier."""
        found = await self.find(merkle.complete_nodes((0, checkpoint.size)))
        # Complete nodes of a log exist as soon as it is long enough; only where one is missing is the size asked for.
        size = checkpoint.size if len(found) == checkpoint.size.bit_count() else await self.size()
        if checkpoint.size > size:
            raise InclusionProofError(
                f"the database is older than the {which}: it has {size} entries, {checkpoint.size} were signed"
            )
        root = merkle.root_from_hashes(checkpoint.size, lambda node: _checked(node, found.get(node)))
        if root != checkpoint.root:
            raise InclusionProofError(f"the database is not the log of the {which} of size {checkpoint.size}")

    # --- writing ------------------------------------------------------------------------------------------------

    async def append(self, bodies: Sequence[bytes], expected: int | None, seen: int) -> tuple[int, list[int] | None]:
        """Append and commit; return the size afterwards and the indexes, or None for them if the size is another."""
        row = await self.connection.fetchrow(
            f"SELECT new_size, indexes FROM {self._s}.append($1, $2, $3)", list(bodies), expected, seen
        )
        return row[0], row[1]

    async def put(self, note: bytes) -> None:
        await self.connection.execute(f"UPDATE {self._s}.head SET note = $1 WHERE id = 0", note)

    async def put_and_commit(self, note: bytes) -> None:
        """The same, and the end of the transaction, in one round trip."""
        await self.connection.execute(f"UPDATE {self._s}.head SET note = '\\x{note.hex()}'::bytea WHERE id = 0; COMMIT")

    async def withhold(self, index: int, order: str) -> None:
        check_range(index, index + 1, await self.size())
        await self.connection.execute(
            f"UPDATE {self._s}.entries SET body = NULL, withheld = $2 WHERE idx = $1 AND withheld IS NULL", index, order
        )

    async def try_lead(self) -> bool:
        """Take the lock of the one that signs, for as long as the connection lives; return whether it was free."""
        got: bool = await self._lock("pg_try_advisory_lock", LOCK_CLASS)
        return got

    async def stop_leading(self) -> None:
        await self._lock("pg_advisory_unlock", LOCK_CLASS)

    async def take_turn(self) -> None:
        """Wait for the lock of those who read and then write; the statement's time limit ends the wait."""
        await self._lock("pg_advisory_lock", TURN_CLASS)

    async def give_turn(self) -> None:
        await self._lock("pg_advisory_unlock", TURN_CLASS)

    async def _lock(self, function: str, number: int) -> Any:
        return await self.connection.fetchval(f"SELECT {function}($1, $2::regnamespace::oid::integer)", number, self._s)

    # --- auditing -----------------------------------------------------------------------------------------------

    async def check_storage(self) -> None:
        """Check what the port does not show: the index by leaf hash, and that no row is too many."""
        async with self.connection.transaction(isolation="repeatable_read", readonly=True):
            await self.connection.execute("SET LOCAL statement_timeout = 0")
            size = await self.size()
            entries, last, nodes = await self.connection.fetchrow(
                f"SELECT (SELECT count(*) FROM {self._s}.entries), (SELECT max(idx) FROM {self._s}.entries),"
                f" (SELECT count(*) FROM {self._s}.nodes)"
            )
            if (entries, last) != (size, size - 1 if size else None):
                raise InclusionProofError(f"the ledger database has {entries} rows for {size} entries")
            if nodes != size - size.bit_count():
                raise InclusionProofError(f"the ledger database has {nodes} stored hashes too many or too few")
            for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
                await self.connection.execute(f"SET LOCAL {setting} = off")
            for start in range(0, size, _CHECK_STEP):
                index = await self.connection.fetchval(
                    f"SELECT e.idx FROM {self._s}.entries e WHERE e.idx >= $1 AND e.idx < $2 AND NOT EXISTS"
                    f" (SELECT FROM {self._s}.entries f WHERE f.leaf = e.leaf AND f.idx = e.idx)"
                    " ORDER BY e.idx LIMIT 1",
                    start,
                    start + _CHECK_STEP,
                )
                if index is not None:
                    raise BrokenEntryError(index, "it is missing from the look-up table")


def check_nodes(level: int, start: int, stop: int) -> None:
    """Raise unless a log could have these nodes; whether this one does, its tables say."""
    check_level(level)
    check_range(start, stop, min(stop, _MOST >> level), what=f"subtree of level {level}")


def _row(wanted: Range, found: dict[merkle.Node, bytes], size: int | None) -> list[bytes] | SsiError:
    level, start, stop = wanted
    try:
        if size is not None:
            check_range(start, stop, size >> level, what=f"subtree of level {level}")
        return [_checked((level, index), found.get((level, index))) for index in range(start, stop)]
    except SsiError as exc:
        return exc


def stored_checkpoint(note: bytes | None) -> Checkpoint | None:
    """Read a note that stands in the database. Raises InclusionProofError if it is none."""
    try:
        return None if note is None else parse_checkpoint(parse_note(note).unverified_text)
    except InvalidInputError as exc:
        raise InclusionProofError("the ledger database is damaged: its signed head does not parse") from exc


def _checked(node: merkle.Node, value: object) -> bytes:
    level, index = node
    if not isinstance(value, bytes) or len(value) != HASH_BYTES:
        raise BrokenEntryError(index << level, f"its stored hash of level {level} is missing")
    return value

"""The SQLite file of a log: its tables, and what is done with them in one transaction.

Source:  the Ledger port; RFC 6962, section 2.1; SQLite's write-ahead log with ``synchronous=FULL``, where COMMIT
         returns after the log file is synchronised.
Shapes:  entries(idx, body, withheld): body is NULL where ``withheld`` names a court's order.
         nodes(pos, hash): every complete subtree; pos = last leaf below it * 64 + level, so that the table, too, only
         ever grows at its end.
         ids(prefix, idx): the first 8 bytes of each leaf hash as a signed integer, to find an entry stored before. The
         leaf hash is the entry's identity: SHA-256 over a zero byte and the entry.
         head(id, note): the newest signed note.
I/O:     one connection; blocking, so it runs on a thread of its own.
Errors:  InclusionProofError (damage), UnavailableError (busy, full, not writable), those of the port.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ssi.errors import BrokenEntryError, InclusionProofError, SsiError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.backends.hash_reads import Range
from ssi.ledger.checkpoint import Checkpoint, check_successor
from ssi.ledger.port import HASH_BYTES, Withheld, check_level, check_range

APPLICATION_ID = 0x434C4F47  # "CLOG", so that another program's file is not taken for a log
VERSION = 1
BUSY_SECONDS = 10.0
WAL_RETRY_SECONDS = 0.002
LEVEL_BITS = 6

SCHEMA = {
    "entries": "CREATE TABLE entries (idx INTEGER PRIMARY KEY, body BLOB, withheld TEXT)",
    "nodes": "CREATE TABLE nodes (pos INTEGER PRIMARY KEY, hash BLOB NOT NULL)",
    "ids": "CREATE TABLE ids (prefix INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (prefix, idx)) WITHOUT ROWID",
    "head": "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 0), note BLOB NOT NULL)",
}

# One statement inserts many rows: each step of a statement hands the interpreter lock over, and under load getting it
# back costs more than the row. Powers of two keep the number of different statements, and so of plans, small.
_INSERT_ROWS = 256
_LOOKUP_ROWS = 512

_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_PROTOCOL,
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn what sqlite3 raises into our tree: what may pass is UnavailableError, everything else is damage."""
    try:
        yield
    except sqlite3.Error as exc:
        code = getattr(exc, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _PASSING:
            raise UnavailableError(f"the ledger database did not answer: {exc}") from exc
        raise InclusionProofError(f"the ledger database is damaged: {exc}") from exc
    except (OverflowError, UnicodeDecodeError) as exc:
        raise InclusionProofError("the ledger database is damaged: a value is out of range") from exc


def node_position(level: int, index: int) -> int:
    """Return where node (level, index) is kept: by the leaf that completed it, then by its level."""
    return (((index + 1) << level) - 1) << LEVEL_BITS | level


def id_prefix(leaf: bytes) -> int:
    """Return the look-up key of a leaf hash: its first 8 bytes as SQLite's signed integer."""
    return int.from_bytes(leaf[:8], "big", signed=True)


class LogFile:
    """One connection to the database of a log, at an absolute path. Not safe under several threads at once."""

    # What a file of another kind that holds a log, too, has besides.
    application_id: ClassVar[int] = APPLICATION_ID
    version: ClassVar[int] = VERSION
    schema: ClassVar[Mapping[str, str]] = SCHEMA

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        mode = "rw" if read_only else "rwc"
        with translated():
            self._db = sqlite3.connect(
                f"{path.as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        self._known_size = -1
        self._frontier: dict[int, bytes] = {}
        try:
            self._prepare(read_only=read_only)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, *, read_only: bool) -> None:
        with translated():
            # Whatever the bytes are, they come back as bytes; what they should be is checked where they are used.
            self._db.text_factory = bytes
            for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "cache_size=-16000"):
                self._db.execute(f"PRAGMA {pragma}")
            # COMMIT returns when the disk has it; on macOS only the two others make the disk itself say so.
            for pragma in ("synchronous=FULL", "fullfsync=ON", "checkpoint_fullfsync=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            if read_only:
                self._db.execute("PRAGMA query_only=ON")
                return
            if self._switch_to_wal() != b"wal":
                raise UnavailableError("the ledger database cannot keep a write-ahead log on this file system")
            # An erased body is overwritten, not only unlinked; and a larger log file means fewer pauses to empty it.
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute("PRAGMA wal_autocheckpoint=4000")
            with self.transaction():
                self._check_schema()

    def _switch_to_wal(self) -> bytes:
        """Switch a new file to its write-ahead log, and return the mode that it has then.

        Where two connections do so at once, each would wait for the other's shared lock for ever; SQLite says at once
        that the file is busy, whatever the timeout. So the waiting is done here.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                (mode,) = self._db.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(WAL_RETRY_SECONDS)
            else:
                return bytes(mode)

    def _check_schema(self) -> None:
        found = dict(self._db.execute("SELECT name, sql FROM sqlite_master").fetchall())
        if not found:
            for statement in self.schema.values():
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id={self.application_id}")
            self._db.execute(f"PRAGMA user_version={self.version}")
            return
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != self.application_id:
            raise InclusionProofError("the database is not a ledger of this library")
        if version != self.version:
            raise InclusionProofError(f"the ledger database has version {version}, this library reads {self.version}")
        if found != {name.encode(): sql.encode() for name, sql in self.schema.items()}:
            raise InclusionProofError("the ledger database is damaged: its tables are not the ones of this version")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock of the file (against other processes, too); commit at the end, or change nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._known_size = -1
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()

    # Reading.

    def size(self) -> int:
        """Return the number of entries; bodies and hashes must agree on it."""
        with translated():
            row = self._db.execute(
                "SELECT (SELECT idx FROM entries ORDER BY idx DESC LIMIT 1),"
                " (SELECT pos FROM nodes ORDER BY pos DESC LIMIT 1)"
            ).fetchone()
        if row == (None, None):
            return 0
        last, position = row
        if type(last) is not int or type(position) is not int or last < 0 or position >> LEVEL_BITS != last:
            raise InclusionProofError("the ledger database is damaged: its entries and hashes end at different places")
        return last + 1

    def read(self, start: int, stop: int) -> list[bytes | Withheld]:
        check_range(start, stop, self.size())
        with translated():
            rows = self._db.execute(
                "SELECT idx, body, withheld FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?",
                (start, stop, stop - start + 1),
            ).fetchall()
        result: list[bytes | Withheld] = []
        for index in range(start, stop):
            if index - start >= len(rows) or rows[index - start][0] != index:
                raise BrokenEntryError(index, "its row is missing")
            _, body, order = rows[index - start]
            if isinstance(body, bytes) and order is None:
                result.append(body)
            elif body is None and isinstance(order, bytes):
                result.append(Withheld(self.node((0, index)), order.decode(errors="replace")))
            else:
                raise self.without_body(index)
        return result

    def without_body(self, index: int) -> SsiError:
        """Return the error for an entry that has neither a body nor an order that erased it."""
        return BrokenEntryError(index, "its row has neither a body nor an order that erased it")

    def hashes(self, ranges: Sequence[Range]) -> list[list[bytes] | SsiError]:
        """Return the hashes of each range of nodes, or why there are none."""
        size = self.size()
        found: list[list[bytes] | SsiError] = []
        for one in ranges:
            try:
                found.append(self._row(*one, size))
            except SsiError as exc:
                found.append(exc)
        return found

    def _row(self, level: int, start: int, stop: int, size: int) -> list[bytes]:
        check_level(level)
        check_range(start, stop, size >> level, what=f"subtree of level {level}")
        if stop - start < 4 or level > 2:
            return [self.node((level, index)) for index in range(start, stop)]
        # Near the leaves, one sweep over neighbouring rows is shorter than a look-up for each.
        with translated():
            rows = self._db.execute(
                "SELECT pos, hash FROM nodes WHERE pos BETWEEN ? AND ? AND pos & 63 = ?",
                (node_position(level, start), node_position(level, stop - 1), level),
            ).fetchall()
        found = dict(rows)
        return [self._checked((level, i), found.get(node_position(level, i))) for i in range(start, stop)]

    def node(self, node: merkle.Node) -> bytes:
        """Return one stored hash. Raises BrokenEntryError if it is not there."""
        with translated():
            row = self._db.execute("SELECT hash FROM nodes WHERE pos = ?", (node_position(*node),)).fetchone()
        return self._checked(node, row[0] if row else None)

    @staticmethod
    def _checked(node: merkle.Node, value: object) -> bytes:
        level, index = node
        if not isinstance(value, bytes) or len(value) != HASH_BYTES:
            raise BrokenEntryError(index << level, f"its stored hash of level {level} is missing")
        return value

    def root(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries, from the stored hashes."""
        return merkle.root_from_hashes(size, self.node)

    def note(self) -> bytes | None:
        """Return the stored signed note."""
        with translated():
            row = self._db.execute("SELECT note FROM head WHERE id = 0").fetchone()
        if row is None:
            return None
        if not isinstance(row[0], bytes):
            raise InclusionProofError("the ledger database is damaged: its signed head is no text")
        return row[0]

    # Writing. Each of these runs inside ``transaction``.

    def load_frontier(self) -> int:
        """Return the size, with the frontier that belongs to it; another process may have appended meanwhile."""
        size = self.size()
        if size != self._known_size:
            self._frontier = {node[0]: self.node(node) for node in merkle.frontier_nodes(size)}
            self._known_size = size
        return size

    def find(self, leaves: Sequence[bytes]) -> dict[bytes, int]:
        """Return the indexes of those leaf hashes that are stored already."""
        known: dict[bytes, int] = {}
        prefixes = sorted({id_prefix(leaf) for leaf in leaves})
        for begin in range(0, len(prefixes), _LOOKUP_ROWS):
            part = prefixes[begin : begin + _LOOKUP_ROWS]
            # The list is filled up to a power of two with its last value, which changes nothing: few statements.
            part += part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))
            marks = ",".join("?" * len(part))
            for (index,) in self._db.execute(f"SELECT idx FROM ids WHERE prefix IN ({marks})", part).fetchall():  # noqa: S608
                leaf = self.node((0, index))
                known[leaf] = min(index, known.get(leaf, index))
        return known

    def extend(self, bodies: Sequence[bytes | None], leaves: Sequence[bytes]) -> None:
        """Add new entries at the end; ``load_frontier`` came before."""
        size = self._known_size
        nodes = [
            (node_position(level, first + offset), value)
            for level, first, row in merkle.grow(self._frontier, size, leaves)
            for offset, value in enumerate(row)
        ]
        self._insert("entries (idx, body)", enumerate(bodies, size))
        self._insert("nodes (pos, hash)", sorted(nodes))
        self._insert("ids (prefix, idx)", sorted((id_prefix(leaf), i) for i, leaf in enumerate(leaves, size)))
        self._known_size = size + len(bodies)

    def _insert(self, table: str, pairs: Iterable[tuple[Any, Any]]) -> None:
        rows = list(pairs)
        while rows:
            count = min(1 << len(rows).bit_length() - 1, _INSERT_ROWS)
            values = ",".join(["(?,?)"] * count)
            self._db.execute(f"INSERT INTO {table} VALUES {values}", [v for row in rows[:count] for v in row])  # noqa: S608
            del rows[:count]

    def check_head(self, checkpoint: Checkpoint, which: str) -> None:
        """Raise InclusionProofError unless ``checkpoint`` is a head of this log, now or earlier."""
        size = self.size()
        if checkpoint.size > size:
            raise InclusionProofError(
                f"the database is older than the {which}: it has {size} entries, {checkpoint.size} were signed"
            )
        if self.root(checkpoint.size) != checkpoint.root:
            raise InclusionProofError(f"the database is not the log of the {which} of size {checkpoint.size}")

    def check_put(self, old: bytes | None, new: bytes) -> bool:
        """Check the rules of ``put_checkpoint``; return whether anything is to be stored."""
        checkpoint = check_successor(self.note(), old, new)
        if checkpoint is None:
            return False
        self.check_head(checkpoint, "checkpoint")
        return True

    def put(self, note: bytes) -> None:
        self._db.execute(
            "INSERT INTO head (id, note) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET note = ?", (note, note)
        )

    def withhold(self, index: int, order: str) -> None:
        check_range(index, index + 1, self.size())
        self._db.execute(
            "UPDATE entries SET body = NULL, withheld = ? WHERE idx = ? AND withheld IS NULL", (order, index)
        )

    def empty_log(self) -> None:
        """Move everything from the write-ahead log into the database, so that no older page stays in it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def check_storage(self) -> None:
        """Check what the port does not show: the look-up table and SQLite's own structures."""
        with translated():
            # One view of the file, whatever is appended meanwhile.
            self._db.execute("BEGIN")
            try:
                self._check_ids()
                problems = self._db.execute("PRAGMA integrity_check(1)").fetchone()
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            if problems != (b"ok",):
                raise InclusionProofError("the ledger database is damaged: SQLite's integrity check fails")

    def _check_ids(self) -> None:
        size = self.size()
        (rows,) = self._db.execute("SELECT count(*) FROM ids").fetchone()
        for position, leaf in self._db.execute("SELECT pos, hash FROM nodes WHERE pos & 63 = 0 ORDER BY pos"):
            index = position >> LEVEL_BITS
            key = (id_prefix(leaf), index)
            if self._db.execute("SELECT 1 FROM ids WHERE prefix = ? AND idx = ?", key).fetchone() is None:
                raise BrokenEntryError(index, "it is missing from the look-up table")
        if rows != size:
            raise InclusionProofError(f"the look-up table has {rows} rows for {size} entries")

"""The map over the registry's state in one SQLite file beside the log.

Source:  ``ssi.registry.state_map``; SQLite's documentation of WITHOUT ROWID.
Shapes:  leaves(key, hash, record): the value's hash and the value. buckets(number, hash): of those with leaves.
         head(id, size, root).
I/O:     one file in write-ahead mode; ``""`` is a temporary one that ends with the object. Memory: the tree above the
         buckets, SQLite's page cache, and the batch that is being taken in.
Errors:  as ``ssi.registry.state_map`` and ``ssi.database``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from sqlite3 import Connection
from typing import Final, Literal

from ssi.database import Database, Migration
from ssi.errors import ConflictError, InclusionProofError, UnavailableError
from ssi.ledger.sparse_map import EMPTY_ROOT, Leaf, MapProof, find_way, make_proof, map_key, subtree_root, value_hash
from ssi.registry.state_map import BUCKET_BITS, UNFINISHED, Plan, Proved, TopTree, bucket_of, merged
from ssi.registry.state_records import Thing

APPLICATION_ID: Final = 0x434D4150  # "CMAP"
MIGRATIONS: Final = (
    Migration(
        "map",
        (
            "CREATE TABLE leaves (key BLOB PRIMARY KEY, hash BLOB NOT NULL, record BLOB NOT NULL) WITHOUT ROWID",
            "CREATE TABLE buckets (number INTEGER PRIMARY KEY, hash BLOB NOT NULL)",
            "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, root BLOB NOT NULL)",
        ),
    ),
)
_CACHE_KIB: Final = 65_536


class SqliteStateMap:
    """``StateMap`` over one file."""

    def __init__(self, database: Database) -> None:
        """Use ``SqliteStateMap.open``."""
        self._database = database
        self._top: TopTree | None = None
        self._seen: tuple[int, bytes] | None = None

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> SqliteStateMap:
        """Open or make the file at ``path``; ``""`` is a temporary one on disk."""
        database = await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS, journal="wal")
        await database.read(_configure)
        return cls(database)

    async def head(self) -> tuple[int, bytes]:
        """As ``StateMap.head``."""
        return await self._database.read(_head)

    async def plan(self, records: Mapping[Thing, bytes]) -> Plan:
        """As ``StateMap.plan``."""
        by_key = {map_key(*thing): record for thing, record in records.items()}
        return await self._database.read(lambda connection: self._plan(connection, by_key))

    async def commit(self, plan: Plan, *, size: int) -> None:
        """As ``StateMap.commit``."""

        def work(connection: Connection) -> TopTree:
            if _head(connection) != plan.base:
                raise ConflictError("the map has changed since the plan was made")
            top = self._tree(connection)
            _put(connection, plan.records, "leaves")
            hashes = {number: value for (level, number), value in plan.places.items() if level == BUCKET_BITS}
            connection.executemany("INSERT OR REPLACE INTO buckets VALUES (?, ?)", sorted(hashes.items()))
            _set_head(connection, size, plan.root)
            return top

        top = await self._database.write(work)
        top.take(plan.places)
        self._top, self._seen = top, (size, plan.root)

    async def load(self, batches: Iterable[Mapping[Thing, bytes]], *, size: int, keep: bool) -> bytes:
        """As ``StateMap.load``."""

        def begin(connection: Connection) -> None:
            _set_head(connection, UNFINISHED, EMPTY_ROOT)
            connection.execute("DELETE FROM buckets")
            if not keep:
                connection.execute("DELETE FROM leaves")
            # Keys come in no order: written where they belong, each batch would touch every page of the file. So they
            # are taken down as they come, and sorted once.
            connection.execute("DROP TABLE IF EXISTS temp.taken")
            connection.execute("CREATE TEMP TABLE taken (key BLOB, hash BLOB, record BLOB)")

        await self._database.write(begin)
        for batch in batches:
            by_key = {map_key(*thing): record for thing, record in batch.items()}
            await self._database.write(partial(_put, records=by_key, table="temp.taken"))
        return await self._database.write(lambda connection: _finish(connection, size))

    async def prove(self, things: Sequence[Thing]) -> Proved:
        """As ``StateMap.prove``."""
        keys = [map_key(*thing) for thing in things]

        def work(connection: Connection) -> Proved:
            size, root = _head(connection)
            if size == UNFINISHED:
                raise UnavailableError("the map over the registry's state is being built")
            top = self._tree(connection)
            return Proved(size, root, [_prove(connection, top, key) for key in keys])

        return await self._database.read(work)

    async def close(self) -> None:
        """As ``StateMap.close``."""
        await self._database.close()

    def _plan(self, connection: Connection, records: Mapping[bytes, bytes]) -> Plan:
        changed: dict[int, dict[bytes, bytes]] = {}
        for key, record in records.items():
            changed.setdefault(bucket_of(key), {})[key] = value_hash(record)
        hashes = {
            number: subtree_root(merged(_leaves(connection, number), leaves)) or b""
            for number, leaves in changed.items()
        }
        top = self._tree(connection)
        places = top.changed(hashes)
        return Plan(_head(connection), places.get((0, 0), top.root()), records, places)

    def _tree(self, connection: Connection) -> TopTree:
        """Return what stands above the buckets, read again if another process has moved the map on."""
        head = _head(connection)
        if self._top is None or self._seen != head:
            rows = connection.execute("SELECT number, hash FROM buckets")
            self._top, self._seen = TopTree({int(number): bytes(value) for number, value in rows}), head
            if head[0] != UNFINISHED and self._top.root() != head[1]:
                self._top = None
                raise InclusionProofError("the map over the registry's state is damaged: make it anew")
        return self._top


def _head(connection: Connection) -> tuple[int, bytes]:
    row = connection.execute("SELECT size, root FROM head").fetchone()
    return (0, EMPTY_ROOT) if row is None else (int(row[0]), bytes(row[1]))


def _set_head(connection: Connection, size: int, root: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO head VALUES (0, ?, ?)", (size, root))


def _configure(connection: Connection) -> None:
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    # What is sorted goes to the disk: memory stays bounded.
    connection.execute("PRAGMA temp_store=FILE")


def _put(connection: Connection, records: Mapping[bytes, bytes], table: Literal["leaves", "temp.taken"]) -> None:
    # In the order of the keys: neighbours share pages.
    rows = [(key, value_hash(record), record) for key, record in sorted(records.items())]
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608


def _leaves(connection: Connection, bucket: int) -> list[Leaf]:
    first = bucket.to_bytes(2, "big")
    last = first + b"\xff" * 31
    return connection.execute("SELECT key, hash FROM leaves WHERE key BETWEEN ? AND ?", (first, last)).fetchall()


def _finish(connection: Connection, size: int) -> bytes:
    """Put what was taken down in its order, and work out every bucket in one pass over the leaves."""
    connection.execute("INSERT OR REPLACE INTO leaves SELECT key, hash, record FROM temp.taken ORDER BY key")
    connection.execute("DROP TABLE temp.taken")
    rows = connection.execute("SELECT key, hash FROM leaves ORDER BY key")
    hashes = dict(_bucket_hashes(rows))
    connection.executemany("INSERT INTO buckets VALUES (?, ?)", hashes.items())
    root = TopTree(hashes).root()
    _set_head(connection, size, root)
    return root


def _bucket_hashes(rows: Iterable[Leaf]) -> Iterator[tuple[int, bytes]]:
    from itertools import groupby

    for number, leaves in groupby(rows, key=lambda leaf: bucket_of(leaf[0])):
        yield number, subtree_root(leaves) or b""


def _prove(connection: Connection, top: TopTree, key: bytes) -> tuple[bytes | None, MapProof]:
    path, bucket = top.way(key)
    leaves = [] if bucket is None else _leaves(connection, bucket)
    below, end = find_way(leaves, key)
    proof = make_proof([*path, *below], end, key)
    if end is None or end[0] != key:
        return None, proof
    row = connection.execute("SELECT record FROM leaves WHERE key = ?", (key,)).fetchone()
    return bytes(row[0]), proof

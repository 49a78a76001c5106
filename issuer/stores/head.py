"""How many acts an issuer's database has seen, kept outside of it, so that a restored old database is noticed.

An older database is consistent in itself, and would draw the status indexes again that were given out since. So the
count of acts is also kept in a file beside the database, which no restore of the database brings back with it.

Shapes:  an act is a transaction that claims an index, gives a state, or adopts or opens a family. The head file is
         JSON: the database's random name and its count.
I/O:     the head file; the connection inside a transaction of the store, whose lock orders the writers of the file.
Errors:  RestoredStoreError, UnavailableError.

The file is written after an act was committed and before it is acknowledged: the credential is signed later than that.
A crash in between leaves a file that is behind, which is no harm, and never one that is ahead.
"""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex
from sqlite3 import Connection
from typing import Final, Literal

import msgspec

from ssi.database import Migration
from ssi.durable import replace_file
from ssi.errors import RestoredStoreError, UnavailableError

MARK: Final = Migration(
    "count of acts, recoveries",
    (
        """CREATE TABLE mark (
            id INTEGER PRIMARY KEY CHECK (id = 1), store TEXT NOT NULL, acts INTEGER NOT NULL DEFAULT 0) STRICT""",
        """CREATE TABLE recoveries (
            id INTEGER PRIMARY KEY, generation TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, by TEXT NOT NULL,
            at INTEGER NOT NULL) STRICT""",
    ),
)
MAX_HEAD_BYTES: Final = 4096
_WHAT_TO_DO: Final = "nothing is issued, changed or published from it before `ssi issuer recover`"


def head_path(database: str | os.PathLike[str]) -> Path:
    """Return where the head file of a database is."""
    return Path(f"{os.fspath(database)}.head").absolute()


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the head file says."""

    v: Literal[1] = 1
    store: str
    acts: int


class StoreHead:
    """The head file of one database; None for a database in memory, which no backup brings back."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written = 0
        self._found = False
        self._refusal: str | None = None

    @property
    def kept(self) -> bool:
        """Whether a head file says how much was done; before the first act it says nothing."""
        return self._path is not None and self._found

    def start(self, connection: Connection) -> None:
        """Hold the database against the head file, and write the file if it is behind."""
        connection.execute("INSERT OR IGNORE INTO mark (id, store) VALUES (1, ?)", (token_hex(16),))
        if self._path is None:
            return
        store, acts = _mark(connection)
        head = self._read()
        self._refusal = _refusal(head, store, acts, self._path.name)
        if self._refusal is None:
            # Written before the first act, for after it a file that is missing counts as lost.
            if head is None or head.acts < acts or head.store != store:
                self._write(store, acts)
            self._written = acts
            self._found = head is not None and head.acts > 0

    def require(self, connection: Connection) -> None:
        """Raise RestoredStoreError if what was issued from this database is not all in it."""
        if self._refusal is None and self._path is not None and _mark(connection)[1] < self._written:
            self._refusal = f"the store was exchanged for an older one while it was open: {_WHAT_TO_DO}"
        if self._refusal is not None:
            raise RestoredStoreError(self._refusal)

    def advance(self, connection: Connection) -> int:
        """Count an act; return the count, which ``record`` has to see before the act is acknowledged."""
        connection.execute("UPDATE mark SET acts = acts + 1")
        return _mark(connection)[1]

    def is_recorded(self, acts: int) -> bool:
        """Whether the head file has this count already."""
        return self._path is None or self._written >= acts

    def record(self, connection: Connection) -> None:
        """Write the count to the head file, unless another writer has."""
        store, acts = _mark(connection)
        if not self.is_recorded(acts):
            self._write(store, acts)

    def overtake(self, connection: Connection) -> None:
        """Let this database be the newest, from a count that nobody has seen."""
        head = None if self._path is None else self._read()
        last = max(_mark(connection)[1], 0 if head is None else head.acts)
        # A new name: of the database that this one was copied from, nothing that is written later counts here.
        connection.execute("UPDATE mark SET store = ?, acts = ?", (token_hex(16), last + 1))

    def overtaken(self, connection: Connection) -> None:
        """Write the head file of a database that was made the newest."""
        if self._path is not None:
            store, acts = _mark(connection)
            self._write(store, acts)
        self._refusal = None

    def _read(self) -> Head | None:
        assert self._path is not None  # noqa: S101  (callers looked; this only tells the type checker)
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(MAX_HEAD_BYTES), type=Head)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise UnavailableError(f"the head file {self._path.name} is damaged: restore it, or remove it") from exc
        except OSError as exc:
            raise UnavailableError(f"the head file {self._path.name} cannot be read") from exc

    def _write(self, store: str, acts: int) -> None:
        assert self._path is not None  # noqa: S101  (as above)
        replace_file(self._path, msgspec.json.encode(Head(store=store, acts=acts)))
        self._written, self._found = acts, True


def _mark(connection: Connection) -> tuple[str, int]:
    store, acts = connection.execute("SELECT store, acts FROM mark").fetchone()
    return store, acts


def _refusal(head: Head | None, store: str, acts: int, name: str) -> str | None:
    """Return why a database is not the newest, or None if it is."""
    if head is None:
        if not acts:
            return None
        return f"the head file {name} of the issuer's store is missing: put it back, or if it is lost, {_WHAT_TO_DO}"
    if head.store != store and head.acts:
        return f"the issuer's store is another one than its head file {name} is of: {_WHAT_TO_DO}"
    if head.store == store and head.acts > acts:
        return (
            f"the issuer's store is older than its head file {name}: it has seen {acts} acts of {head.acts}, and would"
            f" give out status indexes a second time; {_WHAT_TO_DO}"
        )
    return None

"""The local mirror of a log on a chain: a SQLite file with everything that was final, and bodies on their way.

Source:  the Ledger port; ``sqlite_file`` (entries, hashes, look-up table, signed head).
Input:   leaf hashes and bodies that were read from the chain, with the head that the chain gave for them.
Shapes:  pending(leaf, body): bodies whose leaf hashes were sent or are about to be; they are durable before the chain
         learns of them. chain(…): which log this mirrors, and the block up to which it does.
         An entry whose body never came here has neither a body nor an order.
I/O:     the file, on the threads of the SQLite backend.
Errors:  InclusionProofError (what the chain told does not give the root that the chain told; a mirror of another log),
         UnavailableError (the body of an entry is not here), and those of the SQLite backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from ssi.errors import InclusionProofError, SsiError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.backends.evm.contract import MAX_SIZE
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.backends.sqlite_file import SCHEMA, LogFile, translated
from ssi.net.evm.chain import Block

_ROWS: Final = 500


class Identity(msgspec.Struct, frozen=True):
    """Which log: chain, contract, and what is on chain."""

    chain_id: int
    contract: bytes
    mode: str


class MirrorFile(LogFile):
    """The file of a mirror. Each method that writes runs inside ``transaction``."""

    application_id: ClassVar[int] = 0x434C4D52  # "CLMR"
    version: ClassVar[int] = 1
    schema: ClassVar[Mapping[str, str]] = {
        **SCHEMA,
        "pending": "CREATE TABLE pending (leaf BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
        "chain": "CREATE TABLE chain (id INTEGER PRIMARY KEY CHECK (id = 0), chain_id INTEGER NOT NULL,"
        " contract BLOB NOT NULL, mode TEXT NOT NULL, block INTEGER, hash BLOB)",
    }

    def without_body(self, index: int) -> SsiError:
        """Another writer's entry of which only the leaf hash is on chain, or a body that this mirror lost."""
        reason = "only its leaf hash is on chain, and `ssi ledger supply` brings it from another copy"
        return UnavailableError(f"the body of entry {index} is not in this mirror: {reason}")

    def identify(self, identity: Identity) -> None:
        """Write which log this mirrors, or hold it against what is written."""
        own = (identity.chain_id, identity.contract, identity.mode.encode())
        row = self._db.execute("SELECT chain_id, contract, mode FROM chain").fetchone()
        if row is None:
            values = (identity.chain_id, identity.contract, identity.mode)
            self._db.execute("INSERT INTO chain (id, chain_id, contract, mode) VALUES (0, ?, ?, ?)", values)
        elif row != own:
            raise InclusionProofError("the mirror is of another log: chain, contract or mode differ")

    def block(self) -> Block | None:
        """Return the block up to which the mirror has everything."""
        with translated():
            row = self._db.execute("SELECT block, hash FROM chain").fetchone()
        if row is None or row == (None, None):
            return None
        if not isinstance(row[0], int) or not isinstance(row[1], bytes) or len(row[1]) != 32:
            raise InclusionProofError("the mirror is damaged: its block is none")
        return Block(row[0], row[1])

    def set_block(self, block: Block) -> None:
        self._db.execute("UPDATE chain SET block = ?, hash = ?", (block.number, block.hash))

    def root_with(self, leaves: Sequence[bytes]) -> bytes:
        """Return the root that the log would have with more leaf hashes."""
        size = self.load_frontier()
        frontier = dict(self._frontier)
        for _ in merkle.grow(frontier, size, leaves):
            continue
        return merkle.root_from_hashes(size + len(leaves), lambda node: frontier[node[0]])

    def stash(self, leaves: Sequence[bytes], bodies: Sequence[bytes]) -> None:
        """Keep bodies whose leaf hashes are about to be sent."""
        self._db.executemany(
            "INSERT OR IGNORE INTO pending (leaf, body) VALUES (?, ?)", zip(leaves, bodies, strict=True)
        )

    def take(self, leaves: Sequence[bytes]) -> list[bytes | None]:
        """Return the pending bodies of ``leaves``, None where there is none, and remove them from the pending ones."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(leaves), _ROWS):
            part = leaves[start : start + _ROWS]
            marks = ",".join("?" * len(part))
            found.update(self._db.execute(f"SELECT leaf, body FROM pending WHERE leaf IN ({marks})", part).fetchall())  # noqa: S608
            self._db.execute(f"DELETE FROM pending WHERE leaf IN ({marks})", part)  # noqa: S608
        return [found.get(leaf) for leaf in leaves]

    def supply(self, index: int, body: bytes) -> bool:
        """Fill in the body of an entry that has none; an erased one stays erased."""
        done = self._db.execute(
            "UPDATE entries SET body = ? WHERE idx = ? AND body IS NULL AND withheld IS NULL", (body, index)
        )
        return done.rowcount == 1

    def missing(self, limit: int, start: int, stop: int) -> list[int]:
        """Return the first entries of a range whose bodies are not here."""
        query = (
            "SELECT idx FROM entries WHERE body IS NULL AND withheld IS NULL AND idx >= ? AND idx < ?"
            " ORDER BY idx LIMIT ?"
        )
        with translated():
            return [index for (index,) in self._db.execute(query, (start, stop, limit)).fetchall()]


class Mirror(SqliteLedger):
    """A mirror, opened. Entries come in by ``integrate`` only."""

    file_type: ClassVar[type[LogFile]] = MirrorFile
    _writer: MirrorFile
    _reader: MirrorFile

    def __init__(
        self, path: str | Path, identity: Identity, *, head: str | Path | None = None, adopt_head: bool = False
    ) -> None:
        """Open the mirror of the log ``identity`` at ``path``, or make it; the rest is as for a SQLite ledger."""
        self._identity = identity
        self._adopt_head = adopt_head
        self._head_checked = False
        super().__init__(path, head=head, adopt_head=adopt_head)

    def _check_start(self, *, adopt_head: bool) -> None:
        """Which log it is must hold now; the last signed head is looked at when the chain has filled the mirror."""
        self._writer.identify(self._identity)

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        """Refuse: what the chain does not have is not in its mirror."""
        raise UnavailableError("a mirror is written by what the chain tells")

    async def state(self) -> tuple[int, Block | None]:
        """Return the size, and the block up to which the mirror has everything."""

        def look() -> tuple[int, Block | None]:
            with translated(), self._writer.transaction():
                return self._writer.size(), self._writer.block()

        state: tuple[int, Block | None] = await self._commits.run(look)
        return state

    async def check_head(self) -> None:
        """Hold the mirror against the last signed head, once the chain has been read."""
        if self._head_checked:
            return

        def check() -> None:
            with translated(), self._writer.transaction():
                super(Mirror, self)._check_start(adopt_head=self._adopt_head)

        await self._commits.run(check)
        self._head_checked = True

    async def root(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries; other processes may have added more meanwhile."""

        def compute() -> bytes:
            with translated(), self._writer.transaction():
                return self._writer.root(size)

        root: bytes = await self._commits.run(compute)
        return root

    async def root_with(self, leaves: Sequence[bytes]) -> bytes:
        """Return the root that the log would have with more leaf hashes; nothing is stored."""

        def compute() -> bytes:
            with translated(), self._writer.transaction():
                return self._writer.root_with(leaves)

        root: bytes = await self._commits.run(compute)
        return root

    async def integrate(
        self, start: int, leaves: Sequence[bytes], bodies: Sequence[bytes] | None, *, root: bytes, block: Block
    ) -> bool:
        """Add what was read from index ``start`` on, if it gives ``root``; return False if another process was faster.

        ``bodies`` is None where only leaf hashes are on chain: then those that were pending here go with them.
        Raises InclusionProofError, and changes nothing, if the root is another.
        """

        def add() -> bool:
            with translated(), self._writer.transaction():
                if self._writer.load_frontier() != start:
                    return False
                self._writer.extend(self._writer.take(leaves) if bodies is None else bodies, leaves)
                if self._writer.root(start + len(leaves)) != root:
                    raise InclusionProofError(
                        f"the chain's entries up to {start + len(leaves)} do not give the tree head of its contract"
                    )
                self._writer.set_block(block)
            return True

        done: bool = await self._commits.run(add)
        return done

    async def set_block(self, block: Block) -> None:
        """Write down that nothing new was there up to a block."""

        def write() -> None:
            with translated(), self._writer.transaction():
                self._writer.set_block(block)

        await self._commits.run(write)

    async def find(self, leaves: Sequence[bytes]) -> dict[bytes, int]:
        """Return the indexes of those leaf hashes that are final."""

        def look() -> dict[bytes, int]:
            with translated(), self._writer.transaction():
                return self._writer.find(leaves)

        found: dict[bytes, int] = await self._commits.run(look)
        return found

    async def admit(self, bodies: Mapping[bytes, bytes], *, keep: bool) -> dict[bytes, int]:
        """Return the indexes of those that are final; with ``keep`` the bodies of all are durable here after that.

        So they are before the chain learns of their leaf hashes, and whoever's append it is that gets there first.
        """

        def take_in() -> dict[bytes, int]:
            with translated(), self._writer.transaction():
                known = self._writer.find(list(bodies))
                if keep:
                    new = [leaf for leaf in bodies if leaf not in known]
                    self._writer.stash(new, [bodies[leaf] for leaf in new])
                    for leaf, index in known.items():
                        self._writer.supply(index, bodies[leaf])
            return known

        found: dict[bytes, int] = await self._commits.run(take_in)
        return found

    async def supply(self, bodies: Sequence[bytes]) -> int:
        """Fill in bodies that came from elsewhere; return how many were missing. Others change nothing."""

        def fill() -> int:
            leaves = [merkle.leaf_hash(body) for body in bodies]
            with translated(), self._writer.transaction():
                known = self._writer.find(leaves)
                pairs = [(known[leaf], body) for leaf, body in zip(leaves, bodies, strict=True) if leaf in known]
                return sum(self._writer.supply(index, body) for index, body in pairs)

        filled: int = await self._commits.run(fill) if bodies else 0
        return filled

    async def missing(self, limit: int, *, start: int = 0, stop: int = MAX_SIZE) -> Sequence[int]:
        """Return the first entries of a range whose bodies are not here."""
        return await self._read(lambda: self._reader.missing(limit, start, stop))

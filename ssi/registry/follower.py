"""Follow a ledger: fold what is new, prove it against the signed head, answer.

Source:  design decisions 7 to 10; RFC 6962, section 2.1 (the root that the fold's entries must give).
Input:   a ledger, the root accreditors, the keys that may sign its checkpoints, the witnesses that have to cosign them.
Shapes:  a view stands at the size of the newest verified checkpoint and carries its time; without keys it stands at the
         end of the log and carries none.
I/O:     reads the ledger; everything it answers comes from entries that it hashed itself. The pin keeps the last head.
Errors:  InclusionProofError (the log is not what was signed), BrokenEntryError (a body is gone without an order on the
         log, so that a mirror may be hiding what it said), RollbackError (it goes back behind the last head),
         ForkError (two signed heads that exclude each other), InvalidSignatureError (not signed by a given key, or by
         too few witnesses), DidNotFoundError, EntryNotFoundError, UnavailableError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from ssi.errors import (
    BrokenEntryError,
    EntryNotFoundError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    RollbackError,
    UnavailableError,
)
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.excerpt import Line, excerpt_lines, whole_lines
from ssi.ledger.fork import prove_fork
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Ledger, Withheld
from ssi.ledger.quorum import Pin, Quorum, WitnessedCheckpoint, verify_head
from ssi.ledger.receipt import Receipt, make_receipts
from ssi.registry.excerpt import relevant_entries
from ssi.registry.fold import RegistryState
from ssi.registry.history import Refused
from ssi.registry.tree import EdgeTree
from ssi.registry.view import RegistrySnapshot

if TYPE_CHECKING:
    import asyncio

_STEP = 256
MAX_ERASED: Final = 100_000
"""Bodies that may be gone from one log; each is remembered by its leaf hash."""


class RegistryFollower:
    """The registry as a reader has it. ``refresh`` brings it up to date; ``view`` never waits."""

    _wary: ClassVar[bool] = True
    """Whether each new head costs a look at the ledger's past; who writes the ledger need not suspect it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        roots: Sequence[str],
        keys: Sequence[NoteKey] = (),
        quorum: Quorum | None = None,
        pin: Pin | None = None,
    ) -> None:
        """Follow ``ledger`` from its first entry; nothing is read before ``refresh``.

        ``roots`` are the DIDs that accredit without being accredited. ``quorum`` says how many witnesses have to cosign
        a head; ``pin`` keeps the last one believed, so that the next process notices a log that was set back or forked.
        Raises InvalidInputError if there is no root, or a quorum or pin without keys.
        """
        if not keys and (pin is not None or quorum is not None):
            raise InvalidInputError("heads are witnessed and kept under the keys that may sign them: none was given")
        self._ledger = ledger
        self._keys: tuple[NoteKey, ...] = tuple(keys)
        self._state = RegistryState(roots)
        self._tree = EdgeTree()
        self._erased: dict[int, bytes] = {}
        self._note: bytes | None = None
        self._checkpoint: WitnessedCheckpoint | None = None
        self._quorum = quorum
        self._pin = pin
        self._last: tuple[bytes, VerifiedCheckpoint] | None = None
        self._lock: asyncio.Lock | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger that is followed."""
        return self._ledger

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """The keys that may sign its checkpoints."""
        return self._keys

    @property
    def state(self) -> RegistryState:
        """The fold, for counts and refusals; look through ``view`` for answers."""
        return self._state

    @property
    def checkpoint(self) -> bytes | None:
        """The newest verified signed note, or None."""
        return self._note

    async def refresh(self) -> RegistrySnapshot:
        """Fold what the ledger has gained and return the new view.

        Raises InclusionProofError if the entries do not give the signed root or the log became shorter,
        InvalidSignatureError if no given key signed the checkpoint, UnavailableError if the ledger does not answer.
        """
        async with self._exclusive():
            await self._catch_up()
        return self.view()

    async def compare(self, note: bytes) -> None:
        """Hold a head that somebody else was shown against this log, as it was last refreshed.

        Raises ForkError, with the proof, if the two exclude each other; UnavailableError if this log is not as long yet
        (ask again later, or have the other reader compare the head of this one); InvalidSignatureError and
        InvalidInputError for what is no head of this log.
        """
        head = verify_note(note, keys=self._keys)
        if self._checkpoint is not None and head.origin != self._checkpoint.origin:
            raise InvalidInputError("the checkpoint is of another log")
        if self._note is None or self._checkpoint is None or head.size > self._checkpoint.size:
            raise UnavailableError(f"the log is not known up to the size {head.size} of that checkpoint yet")
        if await self._root(head.size) != head.root:
            raise await prove_fork(note, self._note, self._ledger, keys=self._keys)

    def view(self) -> RegistrySnapshot:
        """Return the registry's answers at the newest verified checkpoint; see ``refresh``."""
        if not self._keys:
            return self._state.at()
        if self._checkpoint is None:
            return self._state.at(0)
        return self._state.at(
            self._checkpoint.size,
            checkpoint_time=self._checkpoint.cosigned_at,
            witnessed=None if self._quorum is None else self._checkpoint.witnessed,
        )

    async def did_log(self, did: str) -> bytes:
        """Return the did.jsonl of ``did`` (the LogSource port), refreshed first. Raises DidNotFoundError."""
        return (await self.refresh()).did_log(did)

    async def did_witness(self, did: str) -> bytes:
        """Return the did-witness.json of ``did`` (the WitnessSource port), refreshed first. Raises DidNotFoundError."""
        return (await self.refresh()).did_witness(did)

    async def excerpt(
        self, view: RegistrySnapshot, *, dids: Iterable[str] | None, uris: Iterable[str] = ()
    ) -> AsyncIterator[Line]:
        """Yield the ledger of the size of ``view``: what it says of ``dids`` and ``uris``, or all of it for None.

        What is left out stands there as hashes (``ssi.ledger.excerpt``).
        """
        if dids is None:
            lines = whole_lines(self._ledger, view.size)
        else:
            lines = excerpt_lines(self._ledger, relevant_entries(view, dids, uris), view.size)
        async for line in lines:
            yield line

    async def receipt(self, index: int) -> Receipt:
        """Return the proof that entry ``index`` is in the log, under the newest checkpoint.

        Raises EntryNotFoundError if no checkpoint covers it yet.
        """
        return (await self.receipts([index]))[0]

    async def receipts(self, indexes: Sequence[int]) -> list[Receipt]:
        """Return one receipt for each index; see ``receipt``."""
        if self._note is None:
            await self.refresh()
        if self._note is None:
            raise NotFoundError("the log has no checkpoint yet")
        return await make_receipts(self._ledger, indexes, self._note)

    def _exclusive(self) -> asyncio.Lock:
        """Return the lock under which the fold moves: two tasks that read the same entries would fold them twice."""
        import asyncio

        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    async def _catch_up(self) -> None:
        note, size = await self._look()
        if size < self._state.size:
            raise RollbackError(f"the ledger has {size} entries, it had {self._state.size}")
        if self._last is None and self._pin is not None:
            kept = self._pin.read()
            self._last = None if kept is None else (kept, self._kept(kept))
        if note is not None and note != self._note:
            await self._believe(note, size)
        elif note is None and self._last is not None:
            raise RollbackError(f"the ledger has no checkpoint, one of size {self._last[1].size} was seen")
        await self._fold(size)

    async def _look(self) -> tuple[bytes | None, int]:
        """Return the log's note and size, in one wait: neither is known to be older than the other."""
        import asyncio

        if not self._keys:
            return None, await self._ledger.size()
        note, size = await asyncio.gather(self._ledger.checkpoint(), self._ledger.size())
        return note, size

    def _kept(self, note: bytes) -> VerifiedCheckpoint:
        try:
            return verify_note(note, keys=self._keys)
        except InvalidSignatureError as exc:
            reason = "the checkpoint that was kept is not signed by a key that is trusted now"
            raise InvalidSignatureError(f"{reason}: if the log has a new key, keep the old one, too") from exc

    async def _believe(self, note: bytes, size: int) -> None:
        """Fold up to a checkpoint and hold the fold's own root against it, after the one that was seen last."""
        checkpoint = verify_head(note, keys=self._keys, quorum=self._quorum)
        if self._last is not None:
            await self._follows(note, checkpoint, *self._last)
        if checkpoint.size > size:  # perhaps it was signed after the ledger was measured, which only grows
            size = await self._ledger.size()
        if checkpoint.size > size:
            raise InclusionProofError(f"the checkpoint is for {checkpoint.size} entries, the ledger has {size}")
        if await self._root(checkpoint.size) != checkpoint.root:
            raise InclusionProofError(f"the entries do not give the signed root of size {checkpoint.size}")
        if self._wary:
            await self._require_orders(checkpoint.size)
        if self._pin is not None:
            self._pin.write(note)
        self._note, self._checkpoint, self._last = note, checkpoint, (note, checkpoint)

    async def _follows(
        self, note: bytes, checkpoint: VerifiedCheckpoint, last_note: bytes, last: VerifiedCheckpoint
    ) -> None:
        """Raise unless ``checkpoint`` continues the head that was seen last."""
        if checkpoint.origin != last.origin:
            raise InclusionProofError(f"the checkpoint is of another log than the one seen before, {last.origin}")
        if checkpoint.size < last.size:
            raise RollbackError(f"the checkpoint is for size {checkpoint.size}, after {last.size}")
        if checkpoint.size == last.size:
            if checkpoint.root != last.root:
                raise await prove_fork(last_note, note, None, keys=self._keys)
            return
        # The ledger's own hashes first: entries of another history are not even folded.
        past = await merkle.root(self._ledger, last.size) if self._wary else last.root
        if past != last.root or await self._root(last.size) != last.root:
            raise await prove_fork(last_note, note, self._ledger, keys=self._keys)

    async def _require_orders(self, size: int) -> None:
        """Raise BrokenEntryError if a body is gone that no order on the log withholds: a mirror hides what it said."""
        hidden = self._without_order(size)
        if not hidden:
            return
        shown = [entry for index in hidden for entry in await self._ledger.read(index, index + 1)]
        if not any(isinstance(entry, Withheld) for entry in shown):
            # The bodies have come since: what they say has its effect from where they stand.
            state, tree, erased = RegistryState(self._state.roots), EdgeTree(), dict[int, bytes]()
            while state.size < self._state.size:
                done = await self._step(state, tree, self._state.size)
                erased |= {index: entry.leaf_hash for index, entry, _ in done if isinstance(entry, Withheld)}
            self._state, self._tree, self._erased = state, tree, erased
            hidden = self._without_order(size)
        if hidden:
            raise BrokenEntryError(hidden[0], f"its body is gone, and no order on the log of size {size} withholds it")

    def _without_order(self, size: int) -> list[int]:
        view = self._state.at(size)
        gone = {index: leaf for index, leaf in self._erased.items() if index < size}
        return [index for index, leaf in gone.items() if view.order_over(index, leaf) is None]

    async def _root(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries, from the entries where they are not folded yet."""
        await self._fold(size)
        try:
            return self._tree.root(size)
        except EntryNotFoundError:
            end, tip = self._state.size, self._tree.root()
        # Folded long past it: the tree's past is in the ledger, and has to be the past of what was folded.
        root = await merkle.root(self._ledger, size)
        if self._wary and size:
            try:
                path = await merkle.consistency_proof(self._ledger, size, end)
            except NotFoundError as exc:
                raise InclusionProofError(f"the ledger lacks hashes of the {end} entries that it gave") from exc
            merkle.verify_consistency(size, end, path, root, tip)
        return root

    def _folded(self, index: int, entry: bytes | Withheld, refused: Refused | None) -> None:
        """Take note of an entry that was folded; those who watch do it in their own way."""
        if isinstance(entry, Withheld):
            self._erased[index] = entry.leaf_hash
            if len(self._erased) > MAX_ERASED:
                raise BrokenEntryError(index, f"it is one of more than {MAX_ERASED} whose bodies are gone")

    async def _stepped(self) -> None:
        """Called after each step of the fold, of at most ``_STEP`` entries; for those who watch."""

    async def _fold(self, size: int) -> None:
        while self._state.size < size:
            for index, entry, refused in await self._step(self._state, self._tree, size):
                self._folded(index, entry, refused)
            await self._stepped()

    async def _step(
        self, state: RegistryState, tree: EdgeTree, size: int
    ) -> list[tuple[int, bytes | Withheld, Refused | None]]:
        """Fold the next entries, and return what became of each."""
        start = state.size
        entries = await self._ledger.read(start, min(start + _STEP, size))
        if not entries:
            raise InclusionProofError(f"the ledger gave no entry {start} of {size}")
        done = [(index, entry, state.apply(entry)) for index, entry in enumerate(entries, start)]
        tree.extend([_leaf(entry) for entry in entries])
        tree.prune()
        return done


def _leaf(entry: bytes | Withheld) -> bytes:
    return entry.leaf_hash if isinstance(entry, Withheld) else merkle.leaf_hash(entry)

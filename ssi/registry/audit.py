"""Replay a whole ledger and name the first entry that does not hold.

Source:  design decisions 7 and 10; RFC 6962, section 2.1; the project's answerability text, sections 2.1 and 6.
Input:   any ledger; the root accreditors; the keys that may sign its heads; a checkpoint that the caller kept.
Shapes:  an entry is broken in its storage (bytes and hashes disagree), its envelope, its signature, the guard's rules
         or its did:webvh chain; a head is broken if the entries do not give the root that was signed.
I/O:     reads the whole log twice, in bounded steps: once below the entries' meaning, once with it.
Errors:  InvalidInputError and InvalidSignatureError for a checkpoint of the caller's that is none of this log;
         UnavailableError if the ledger cannot be read. What is wrong with the log itself is in the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.errors import (
    BrokenEntryError,
    InclusionProofError,
    InvalidInputError,
    NotFoundError,
    SsiError,
    UnavailableError,
)
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Ledger, Withheld
from ssi.ledger.storage import verify_storage
from ssi.registry.fold import RegistryState
from ssi.registry.state_map import StateMap
from ssi.registry.state_root import RootCheck, RootMonitor
from ssi.registry.tree import EdgeTree
from ssi.registry.withholding import unordered

MAX_FINDINGS: Final = 100
_STEP: Final = 256


class Broken(msgspec.Struct, frozen=True):
    """One thing that does not hold. ``index`` is None where no single entry is at fault."""

    index: int | None
    kind: str
    """``storage``, ``envelope``, ``signature``, ``guard``, ``webvh``, ``withheld``, ``state root`` or ``checkpoint``."""
    reason: str


class AuditReport(msgspec.Struct, frozen=True):
    """What an audit saw. ``broken`` begins with the lowest index and keeps at most MAX_FINDINGS."""

    size: int
    root: bytes
    counts: dict[str, int]
    broken: tuple[Broken, ...]
    checkpoint: VerifiedCheckpoint | None = None
    """The stored head, if it was signed with one of the given keys."""
    compared: VerifiedCheckpoint | None = None
    """The caller's checkpoint, if one was given."""
    state_roots: RootCheck = msgspec.field(default_factory=RootCheck)
    """The state roots that the entries give; those that they do not give are broken."""

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.broken

    @property
    def first(self) -> Broken | None:
        """The first broken entry; None if everything holds."""
        return self.broken[0] if self.broken else None

    @property
    def unsigned(self) -> int | None:
        """How many entries no verified head covers; None without one."""
        return None if self.checkpoint is None else max(0, self.size - self.checkpoint.size)


async def audit(
    ledger: Ledger,
    *,
    roots: Sequence[str],
    keys: Sequence[NoteKey] = (),
    checkpoint: bytes | None = None,
    state_map: StateMap | None = None,
) -> AuditReport:
    """Return what holds and what does not, from the first entry to the last.

    ``keys`` verify the stored head and ``checkpoint``, a signed note that the caller kept from before: with it, a log
    that was rewritten, hashes and all, is told from the one that was signed then. ``state_map`` is an empty map to
    recompute the state roots with; without it a temporary file is used.
    """
    if checkpoint is not None and not keys:
        raise InvalidInputError("a checkpoint is compared under the keys that may have signed it")
    kept = None if checkpoint is None else verify_note(checkpoint, keys=keys)
    broken = await _storage(ledger)
    stored, problem = await _stored_head(ledger, keys)
    if problem is not None:
        broken.append(problem)
    used = await _temporary_map() if state_map is None else state_map
    try:
        monitor = RootMonitor(used)
        replay = _Replay(roots, [head for head in (stored, kept) if head is not None], monitor)
        await replay.run(ledger)
    finally:
        if state_map is None:
            await used.close()
    broken += replay.broken
    broken.sort(key=lambda item: replay.state.size if item.index is None else item.index)
    return AuditReport(
        size=replay.state.size,
        root=replay.tree.root(),
        counts=replay.state.counts,
        broken=tuple(broken[:MAX_FINDINGS]),
        checkpoint=stored,
        compared=kept,
        state_roots=monitor.found,
    )


async def _temporary_map() -> StateMap:
    from ssi.registry.backends.state_map_sqlite import SqliteStateMap

    return await SqliteStateMap.open("")


async def _storage(ledger: Ledger) -> list[Broken]:
    """Hold bodies against hashes, below what the entries mean."""
    try:
        await verify_storage(ledger)
    except BrokenEntryError as exc:
        return [Broken(exc.entry, "storage", str(exc))]
    except UnavailableError:
        raise
    except SsiError as exc:
        return [Broken(None, "storage", str(exc))]
    return []


async def _stored_head(ledger: Ledger, keys: Sequence[NoteKey]) -> tuple[VerifiedCheckpoint | None, Broken | None]:
    if not keys:
        return None, None
    try:
        note = await ledger.checkpoint()
        return (None, None) if note is None else (verify_note(note, keys=keys), None)
    except UnavailableError:
        raise
    except SsiError as exc:
        return None, Broken(None, "checkpoint", f"the stored checkpoint: {exc}")


class _Replay:
    """The second pass: fold every entry and compare the root wherever a head was signed."""

    def __init__(self, roots: Sequence[str], heads: Sequence[VerifiedCheckpoint], monitor: RootMonitor) -> None:
        self._monitor = monitor
        self.state = RegistryState(roots)
        self.tree = EdgeTree()
        self.broken: list[Broken] = []
        self._withheld: dict[int, Withheld] = {}
        self._heads = sorted(heads, key=lambda head: head.size)

    async def run(self, ledger: Ledger) -> None:
        size = await ledger.size()
        stops = sorted({*(head.size for head in self._heads if head.size <= size), size})
        readable = True
        for stop in stops:
            while readable and self.state.size < stop:
                readable = await self._step(ledger, min(self.state.size + _STEP, stop))
            if readable:
                self._compare(stop)
        if readable:
            for index in unordered(self.state.at(), self._withheld):
                reason = "its body was erased, and the order that is named for it does not stand on the log"
                self.broken.append(Broken(index, "withheld", reason))
        for head in self._heads:
            if head.size > size:
                reason = f"the log ends before the {head.size} entries of a signed checkpoint"
                self.broken.append(Broken(size, "checkpoint", reason))

    async def _step(self, ledger: Ledger, stop: int) -> bool:
        """Fold up to ``stop``; return False if an entry cannot be read, since those after it depend on it."""
        start = self.state.size
        try:
            entries = await ledger.read(start, stop)
        except (InclusionProofError, NotFoundError) as exc:
            if stop - start > 1:
                return await self._step(ledger, start + (stop - start) // 2)
            self.broken.append(Broken(start, "storage", f"entry {start} cannot be read: {exc}"))
            return False
        leaves = []
        for index, entry in enumerate(entries, start):
            if isinstance(entry, Withheld):
                self._withheld[index] = entry
            refused = self.state.apply(entry)
            if refused is not None and len(self.broken) < MAX_FINDINGS:
                self.broken.append(Broken(refused.index, refused.kind, refused.reason))
            wrong = await self._monitor.look(self.state.at(), withheld=self.state.counts.get("withheld", 0))
            if wrong is not None and len(self.broken) < MAX_FINDINGS:
                self.broken.append(Broken(self.state.size - 1, "state root", wrong))
            leaves.append(entry.leaf_hash if isinstance(entry, Withheld) else merkle.leaf_hash(entry))
        self.tree.extend(leaves)
        self.tree.prune()
        return bool(entries)

    def _compare(self, size: int) -> None:
        for head in self._heads:
            if head.size == size and head.root != self.tree.root():
                reason = f"the first {size} entries do not give the root that was signed for them"
                self.broken.append(Broken(None, "checkpoint", reason))

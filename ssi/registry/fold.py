"""From entries to state: a pure fold over the ledger, with everything it ever said still to be asked.

Source:  the project's answerability text, sections 2 and 6; design decisions 8 and 10.
Input:   the entries in ledger order, each with its index; a withheld entry as its ``Withheld`` mark.
Shapes:  state grows at the ends of lists only, so ``at(size)`` answers for every earlier size in logarithmic time.
         Every entry costs at most one signature check; memory grows with the accepted entries.
I/O:     none but in ``fold_ledger``, which reads; the same entries give the same state everywhere.
Errors:  entries never raise: what the guard refuses is counted, kept by reason, and has no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from ssi.errors import GuardError, InvalidInputError, InvalidSignatureError, SsiError
from ssi.keys import PublicKey
from ssi.ledger.merkle import leaf_hash
from ssi.ledger.port import Ledger, Withheld, stream
from ssi.registry.did_line import DidLogEntry
from ssi.registry.guard import Checked, CheckedDidLine, CheckedWitnessProofs, Parsed, check_parsed, parse_entry
from ssi.registry.histories import STATE_ROOTS, Histories
from ssi.registry.history import Accepted, DidVersion, Entry, Refused, WitnessApproval, type_of
from ssi.registry.statement import Statement, verify_statement
from ssi.registry.types import (
    Accreditation,
    CheckpointAnchor,
    Ending,
    StatementBody,
    StateRoot,
    StatusCommitment,
    Withholding,
)
from ssi.registry.view import RegistrySnapshot

MAX_KEPT_REFUSALS: Final = 1_000
"""Refused entries beyond these are counted only."""


class RegistryState:
    """The fold. One writer applies entries; views made by ``at`` stay as they are."""

    __slots__ = ("_blocked", "_counts", "_histories", "_size", "_staged", "refusals", "roots")

    def __init__(self, roots: Iterable[str]) -> None:
        """Start before the first entry. ``roots`` are the DIDs that accredit without being accredited.

        Raises InvalidInputError if there is none.
        """
        self.roots: Final = frozenset(roots)
        if not self.roots:
            raise InvalidInputError("a registry needs at least one root accreditor")
        self.refusals: Final[list[Refused]] = []
        self._histories = Histories()
        self._counts: Counter[str] = Counter()
        self._blocked: dict[bytes, int] = {}
        self._staged: list[Entry] | None = None
        self._size = 0

    @property
    def size(self) -> int:
        """The number of entries folded, refused and withheld ones included."""
        return self._size

    @property
    def counts(self) -> dict[str, int]:
        """How many entries there are by type, and under ``refused`` and ``withheld``."""
        return dict(self._counts)

    def at(self, size: int | None = None, *, checkpoint_time: int | None = None) -> RegistrySnapshot:
        """Return what the first ``size`` entries say (all by default). Raises InvalidInputError past the end.

        ``checkpoint_time`` is when, in Unix seconds, a checkpoint proved this state to be the log's.
        """
        size = self._size if size is None else size
        if not 0 <= size <= self._size:
            raise InvalidInputError(f"the fold has seen {self._size} entries, not {size}")
        left_out = self._counts["left out"]
        return RegistrySnapshot(self._histories, self.roots, size, checkpoint_time=checkpoint_time, left_out=left_out)

    def check(
        self,
        parsed: Parsed,
        *,
        now: int | None,
        verify: Callable[[Statement, PublicKey], object] = verify_statement,
    ) -> Checked:
        """Return ``parsed`` as admitted at this size; raises as ``ssi.registry.guard.check_parsed``."""
        return check_parsed(parsed, self.at(), now=now, verify=verify)

    def blocked_at(self, entry: bytes) -> int | None:
        """Return the index at which exactly these bytes stand without effect (refused or withheld), or None.

        The ledger stores no entry twice, so such an entry can never take effect: it has to be signed anew.
        """
        return self._blocked.get(leaf_hash(entry))

    def apply(self, entry: bytes | Withheld) -> Refused | None:
        """Fold the next entry; return why it has no effect, or None if it has one (or is withheld)."""
        if isinstance(entry, Withheld):
            self._blocked[entry.leaf_hash] = self._size
            self._count("withheld")
            return None
        stage: Parsed | None = None
        try:
            stage = parse_entry(entry)
            self.admit(self.check(stage, now=None))
        except SsiError as exc:
            return self._refuse(entry, _kind(stage, exc), str(exc))
        return None

    def pass_over(self, count: int) -> None:
        """Go past ``count`` entries that an excerpt of the ledger leaves out: whatever they say, it is not known."""
        self._counts["left out"] += count
        self._size += count

    def admit(self, checked: Checked) -> int:
        """Fold an entry that ``check`` admitted at this very size; return its index."""
        index = self._size
        new: Entry
        if isinstance(checked, CheckedDidLine):
            line = checked.line
            new = DidVersion(index, line.id, line.did, line.entry, checked.version, checked.document, checked.after)
            self._histories.dids.add_line(new)
        elif isinstance(checked, CheckedWitnessProofs):
            new = _approval(index, checked)
            self._histories.dids.add_approvals(new)
        else:
            statement = checked.statement
            new = Accepted(index, statement.id, statement.kid, statement.body)
            table, key = self._list_of(new)
            table.setdefault(key, []).append(new)
        self._histories.entries[new.id] = new
        self._count(type_of(new))
        if self._staged is not None:
            self._staged.append(new)
        return index

    def begin(self) -> None:
        """From here on ``admit`` can be taken back, until ``commit``: the entries are not on the ledger yet."""
        self._staged = []

    def commit(self) -> None:
        """Keep what was admitted since ``begin``: the ledger has it."""
        self._staged = None

    def rollback(self) -> None:
        """Take back what was admitted since ``begin``: the ledger does not have it, or not there."""
        staged, self._staged = self._staged or [], None
        for entry in reversed(staged):
            if isinstance(entry, Accepted):
                table, key = self._list_of(entry)
                table[key].pop()
                if not table[key]:
                    del table[key]
            else:
                self._histories.dids.take_back(entry)
            del self._histories.entries[entry.id]
            self._counts[type_of(entry)] -= 1
            self._size -= 1

    def _list_of(self, entry: Accepted[StatementBody]) -> tuple[dict[Any, list[Any]], str | int]:
        """Return the one history that a statement belongs to, and its key there."""
        body = entry.body
        if isinstance(body, Accreditation):
            return self._histories.accreditations, body.subject
        if isinstance(body, StatusCommitment):
            return self._histories.commitments, body.uri
        if isinstance(body, CheckpointAnchor):
            return self._histories.anchors, body.origin
        if isinstance(body, Withholding):
            return self._histories.withholdings, body.index
        if isinstance(body, StateRoot):
            return self._histories.state_roots, STATE_ROOTS
        if isinstance(body, Ending):
            return (self._histories.compromises, body.kid) if body.kid else (self._histories.endings, body.refs.ends)
        raise InvalidInputError("the fold has no place for this type")

    def _refuse(self, entry: bytes, kind: str, reason: str) -> Refused:
        refused = Refused(self._size, kind, reason)
        if len(self.refusals) < MAX_KEPT_REFUSALS:
            self.refusals.append(refused)
        self._blocked[leaf_hash(entry)] = self._size
        self._count("refused")
        return refused

    def _count(self, name: str) -> None:
        self._counts[name] += 1
        self._size += 1


def _approval(index: int, checked: CheckedWitnessProofs) -> WitnessApproval:
    entry = checked.proofs
    raw = tuple(proof.raw for proof in entry.proofs)
    return WitnessApproval(index, entry.id, checked.scid, entry.version_id, checked.witnesses, raw)


def _kind(parsed: Parsed | None, error: SsiError) -> str:
    """Name the check that an entry failed."""
    if parsed is None:
        return "envelope"
    if isinstance(error, GuardError):
        return "guard"
    if isinstance(parsed, DidLogEntry):
        return "webvh"
    return "signature" if isinstance(error, InvalidSignatureError) else "envelope"


async def fold_ledger(ledger: Ledger, roots: Iterable[str], *, size: int | None = None) -> RegistryState:
    """Return the state of the first ``size`` entries of ``ledger`` (all by default), read in bounded steps.

    Nothing is proven about the storage here: that is ``ssi.registry.audit``. Raises EntryNotFoundError if there are
    fewer entries, UnavailableError if the ledger does not answer.
    """
    state = RegistryState(roots)
    async for _, entry in stream(ledger, 0, size):
        state.apply(entry)
    return state

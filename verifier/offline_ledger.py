"""The ledger that came along: folded from its lines, and held against the checkpoints that policy's keys signed.

Source:  RFC 6962 (root), C2SP tlog-checkpoint (head); ``ssi.ledger.excerpt`` for the lines.
Input:   ``ledger/entries.jsonl`` and ``checkpoints/*.note`` of files that anybody may have made.
Shapes:  whole, or an excerpt: some entries, and hashes for those between them.
I/O:     reads the files.
Errors:  InvalidInputError, InclusionProofError, InvalidSignatureError; UnavailableError (no checkpoint, or an excerpt
         where policy accepts none).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from ssi.errors import InclusionProofError, InvalidInputError, UnavailableError
from ssi.files import Files
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.excerpt import MAX_LINE_BYTES, LeftOut, Line, RootBuilder, parse_line
from ssi.ledger.note import MAX_NOTE_BYTES, NoteKey, parse_vkey
from ssi.ledger.quorum import verify_head
from ssi.registry.fold import RegistryState
from ssi.registry.view import RegistrySnapshot

from .policy import Registry

ENTRIES: Final = "ledger/entries.jsonl"
CHECKPOINTS: Final = "checkpoints"
MAX_CHECKPOINTS: Final = 1_000


class OfflineLedger(msgspec.Struct, frozen=True):
    """A ledger that holds together, at its newest checkpoint."""

    snapshot: RegistrySnapshot
    note: bytes
    """The newest checkpoint."""
    keys: tuple[NoteKey, ...]
    whole: bool
    """Whether every entry is there (or withheld by an order)."""


def read_ledger(files: Files, registry: Registry) -> OfflineLedger:
    """Fold the entries and hold them against every checkpoint; what the newest does not cover is left aside."""
    keys = tuple(parse_vkey(text) for text in registry.keys)
    heads = _checkpoints(files, keys)
    if not heads:
        raise UnavailableError("there is no checkpoint of the ledger that came along")
    state, tree, whole = RegistryState(registry.roots), RootBuilder(), True
    lines = ledger_lines(files)
    for head, _ in heads:
        while tree.size < head.size:
            line = next(lines, None)
            if line is None:
                raise InclusionProofError(f"the ledger ends before the {head.size} entries that were signed")
            if isinstance(line, LeftOut):
                whole = False
                _check_excerpt(line, tree, head, registry)
                state.pass_over(line.entries)
            else:
                state.apply(line)
            tree.add(line)
        if tree.root() != head.root:
            raise InclusionProofError(f"the entries do not give the signed root of size {head.size}")
    note = heads[-1][1]
    quorum = registry.quorum()
    newest = verify_head(note, keys=keys, quorum=quorum)
    witnessed = None if quorum is None else newest.witnessed
    view = state.at(newest.size, checkpoint_time=newest.cosigned_at, witnessed=witnessed)
    return OfflineLedger(view, note, keys, whole)


def ledger_lines(files: Files) -> Iterator[Line]:
    """Yield the lines of the ledger as they stand; nothing is believed yet."""
    return (parse_line(line) for line in files.lines(ENTRIES, max_bytes=MAX_LINE_BYTES))


def _check_excerpt(line: LeftOut, tree: RootBuilder, head: VerifiedCheckpoint, registry: Registry) -> None:
    if not registry.accept_excerpts:
        raise UnavailableError(
            "the ledger is an excerpt, which cannot show that nothing newer was left out; policy accepts none"
        )
    if tree.size + line.entries > head.size:
        raise InclusionProofError(f"the ledger leaves out entries on both sides of its checkpoint of size {head.size}")


def _checkpoints(files: Files, keys: tuple[NoteKey, ...]) -> list[tuple[VerifiedCheckpoint, bytes]]:
    """Return the checkpoints, each signed by a key of policy, from the smallest to the newest."""
    names = files.names(CHECKPOINTS, ".note")
    if len(names) > MAX_CHECKPOINTS:
        raise InvalidInputError(f"expected at most {MAX_CHECKPOINTS} checkpoints")
    notes = [files.read(name, max_bytes=MAX_NOTE_BYTES) for name in names]
    heads = [(verify_note(note, keys=keys), note) for note in notes]
    return sorted(heads, key=lambda head: (head[0].size, head[0].cosigned_at or 0))

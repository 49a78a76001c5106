"""Bring a restored database forward to the head that was signed: the legitimate way back from a backup.

Source:  RFC 6962, section 2.1 (the root decides); the head file as ``head`` keeps it; ``ssi.ledger.excerpt`` for lines.
Input:   a restored database, older than the last signed head; lines of the same log from its first entry on, which
         anybody may have made; the keys that sign the log.
Shapes:  sizes count entries. Lines of what the database has are compared, lines after it are added, lines beyond the
         signed head are left aside.
I/O:     one transaction on the database: it reaches the signed head, or stays as it was.
Errors:  InclusionProofError (the entries are missing, or are those of another log), BrokenEntryError (the restored
         database is damaged), InvalidSignatureError (a head that no key signed), NotFoundError, InvalidInputError,
         UnavailableError.

An entry that was signed is never given up: a log that went on without it would be a fork. Where the entries are
nowhere left, the log has ended, and a new one is founded under another origin. Bodies that a court had erased since the
backup are erased again, if the lines say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ssi.errors import BrokenEntryError, InclusionProofError, InvalidInputError, NotFoundError
from ssi.ledger import merkle
from ssi.ledger.backends.head import HeadFile
from ssi.ledger.backends.sqlite import database_and_head
from ssi.ledger.backends.sqlite_file import LogFile, translated
from ssi.ledger.checkpoint import Checkpoint, VerifiedCheckpoint, parse_checkpoint, parse_note, verify_note
from ssi.ledger.excerpt import LeftOut, Line, RootBuilder
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Withheld

_STEP = 256


class Recovery(msgspec.Struct, frozen=True):
    """A log that is at its signed head again."""

    origin: str
    restored_size: int
    """How many entries the restored database had."""
    size: int
    root: bytes
    erased: tuple[int, ...]
    """Entries whose bodies the restored database had, and an order had erased since."""


def copied_lines(path: Path) -> Iterator[Line]:
    """Yield the entries of another copy of the database, which is not changed. Raises NotFoundError."""
    if not path.is_file():
        raise NotFoundError(f"{path.name} is not there")
    log = LogFile(path.absolute(), read_only=True)
    try:
        for start, stop in _steps(log.size()):
            yield from log.read(start, stop)
    finally:
        log.close()


def recover(url: str, lines: Iterator[Line], *, keys: Sequence[NoteKey], kept: bytes | None = None) -> Recovery:
    """Bring the database at ``url`` forward to its head file's checkpoint, or to the note ``kept`` if that is newer.

    A database that is lost altogether is made anew from the lines. Raises as the module says, with nothing changed.
    """
    path, head_path = database_and_head(url)
    head = HeadFile(head_path)
    heads = _signed_heads(head, keys, kept)
    lost = not path.exists()
    log = LogFile(path)
    try:
        with translated(), log.transaction():
            recovery = _bring_forward(log, lines, [checkpoint for checkpoint, _ in heads])
            newest, note = heads[-1]
            own, found = _own_checkpoint(log), head.read()
            # The head goes first, as everywhere: a crash in between leaves the database refused, not forked.
            if found is None or found[1].size < newest.size:
                head.write(note)
            if own is None or own.size < newest.size:
                log.put(note)
    except BaseException:
        log.close()
        if lost:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        raise
    log.close()
    return recovery


def _signed_heads(
    head: HeadFile, keys: Sequence[NoteKey], kept: bytes | None
) -> list[tuple[VerifiedCheckpoint, bytes]]:
    """Return the checkpoints that bind this log, each signed, the smallest first."""
    if not keys:
        raise InvalidInputError("a log is recovered under the key that signs it: name it by --vkey")
    found = head.read()
    notes = [note for note in (None if found is None else found[0], kept) if note is not None]
    if not notes:
        raise NotFoundError(
            f"there is no signed head to recover to: {head.path.name} is not there, and no checkpoint was named"
        )
    heads = sorted(((verify_note(note, keys=keys), note) for note in notes), key=lambda each: each[0].size)
    if len({checkpoint.origin for checkpoint, _ in heads}) > 1:
        raise InvalidInputError("expected a checkpoint of the log that the head file is of")
    return heads


def _bring_forward(log: LogFile, lines: Iterator[Line], heads: Sequence[Checkpoint]) -> Recovery:
    restored, target = log.load_frontier(), heads[-1]
    tree = _checked_tree(log, restored)
    own = _own_checkpoint(log)
    if own is not None:
        log.check_head(own, "stored checkpoint")
    erased = _take_lines(log, lines, tree, restored, target)
    for checkpoint in heads:
        if log.root(checkpoint.size) != checkpoint.root:
            raise InclusionProofError(
                f"the restored database and the entries given do not give the signed root of size {checkpoint.size}:"
                " they are of another log, or were altered"
            )
    if tree.size == target.size and tree.root() != target.root:
        raise InclusionProofError("the restored database is damaged: its stored hashes are not those of its entries")
    return Recovery(target.origin, restored, tree.size, tree.root(), erased)


def _checked_tree(log: LogFile, size: int) -> RootBuilder:
    """Return the tree of what was restored, from the bodies themselves. Raises BrokenEntryError."""
    tree = RootBuilder()
    for start, stop in _steps(size):
        for index, entry in enumerate(log.read(start, stop), start):
            if isinstance(entry, bytes) and merkle.leaf_hash(entry) != log.node((0, index)):
                raise BrokenEntryError(index, "its bytes in the restored database do not give its stored hash")
            tree.add(entry)
    return tree


def _take_lines(
    log: LogFile, lines: Iterator[Line], tree: RootBuilder, restored: int, target: Checkpoint
) -> tuple[int, ...]:
    """Compare lines with what is there, add those after it up to ``target``; return what was erased again."""
    position, erased = 0, []
    batch: list[bytes | Withheld] = []
    end = max(restored, target.size)
    for line in lines:
        if position >= end:
            break
        if isinstance(line, LeftOut):
            if position + line.entries > restored:
                raise _missing(max(position, restored), target.size, "an excerpt left them out")
            position += line.entries
            continue
        if position < restored:
            if _compare(log, position, line):
                erased.append(position)
        else:
            batch.append(line)
            tree.add(line)
            if len(batch) == _STEP:
                _extend(log, batch)
        position += 1
    _extend(log, batch)
    if tree.size < target.size:
        raise _missing(tree.size, target.size, "the entries that were given end before them")
    return tuple(erased)


def _compare(log: LogFile, index: int, line: bytes | Withheld) -> bool:
    """Hold a line against the restored entry; erase that if the line says that it was. Return whether it was here."""
    leaf = line.leaf_hash if isinstance(line, Withheld) else merkle.leaf_hash(line)
    if leaf != log.node((0, index)):
        raise InclusionProofError(f"the entries given are of another log: entry {index} differs from the restored one")
    if not isinstance(line, Withheld) or isinstance(log.read(index, index + 1)[0], Withheld):
        return False
    log.withhold(index, line.order)
    return True


def _extend(log: LogFile, batch: list[bytes | Withheld]) -> None:
    """Add entries at the end, and empty ``batch``."""
    start = log.load_frontier()
    bodies = [b"" if isinstance(entry, Withheld) else entry for entry in batch]
    log.extend(bodies, [e.leaf_hash if isinstance(e, Withheld) else merkle.leaf_hash(e) for e in batch])
    for index, entry in enumerate(batch, start):
        if isinstance(entry, Withheld):
            log.withhold(index, entry.order)
    batch.clear()


def _missing(start: int, stop: int, why: str) -> InclusionProofError:
    return InclusionProofError(
        f"entries {start}..{stop - 1} are missing ({why}): they were signed, so the log does not go on without them;"
        " look for an export, an offline folder or another copy of the database that has them"
    )


def _own_checkpoint(log: LogFile) -> Checkpoint | None:
    stored = log.note()
    try:
        return None if stored is None else parse_checkpoint(parse_note(stored).unverified_text)
    except InvalidInputError as exc:
        raise InclusionProofError("the restored database is damaged: its signed head does not parse") from exc


def _steps(size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, _STEP):
        yield start, min(start + _STEP, size)

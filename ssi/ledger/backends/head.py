"""The last signed head, kept in a file beside the database (or elsewhere), so that a restored old database is noticed.

Input:   the path of the head file; signed notes.
Shapes:  the file holds the note's bytes and nothing else.
I/O:     a new head is written to a second file, synchronised, renamed over the first, and the directory synchronised.
Errors:  InclusionProofError (the file is no checkpoint), UnavailableError (the file system refuses).

The caller serialises writers (the SQLite backend holds its write lock), and writes here before it commits: a crash in
between leaves a head that is newer than the database's own note but never newer than its entries.
"""

from __future__ import annotations

from pathlib import Path

from ssi.durable import replace_file
from ssi.errors import InclusionProofError, InvalidInputError, UnavailableError
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint, parse_note
from ssi.ledger.note import MAX_NOTE_BYTES


class HeadFile:
    """One file with the newest signed note of one log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[bytes, Checkpoint] | None:
        """Return the note and its checkpoint, or None if there is no file."""
        try:
            with self.path.open("rb") as file:
                note = file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise UnavailableError(f"the head file cannot be read: {exc.strerror}") from exc
        try:
            return note, parse_checkpoint(parse_note(note).unverified_text)
        except InvalidInputError as exc:
            raise InclusionProofError(f"the head file {self.path.name} is damaged: {exc}") from exc

    def write(self, note: bytes) -> None:
        """Replace the file's note, durably and at once: a reader sees the old one or the new one."""
        replace_file(self.path, note, what="the head file")

"""What the signing machine remembers: the transcript of every ceremony that it carried out, one file each.

Shapes:  ``000001.json`` and so on, in a folder of one charter. The newest file says what the next request must follow.
I/O:     the folder, locked while a ceremony is carried out; a file is on disk before its content is handed out.
Errors:  those of ``verify_transcript`` (a file was altered), ConflictError (another process is at it),
         UnavailableError (the folder cannot be used).

A machine that is set back to an older backup of this folder would do a ceremony twice: keep the folder with the keys.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ssi.cli.files import make_folder, read_input, write_output
from ssi.errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from ssi.ceremony import Charter, Paper, Transcript, Turn


class Memory:
    """The folder, while it is locked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def turn(self, charter: Paper[Charter], *, now: int) -> Turn:
        """Return where the ceremonies of ``charter`` stand. Raises ConflictError if a file is missing in between."""
        from ssi.ceremony import Turn, read_transcript, verify_transcript

        turn = Turn()
        for number, path in enumerate(sorted(self._folder.glob("[0-9]*.json")), 1):
            if path.name != _name(number):
                raise ConflictError(f"the machine's memory has no ceremony {number}: restore the folder")
            transcript = read_transcript(read_input(str(path)))
            turn = verify_transcript(transcript, charter=charter, now=now, after=turn, finished=False).after(turn)
        return turn

    def keep(self, transcript: Transcript) -> Path:
        """Keep a transcript durably and return its path."""
        path = self._folder / _name(transcript.request.body.number)
        write_output(path, transcript.data)
        return path


@contextmanager
def open_memory(folder: str) -> Iterator[Memory]:
    """Lock the folder, which is made if it is absent."""
    make_folder(folder)
    try:
        lock = os.open(Path(folder) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise UnavailableError("the machine's memory cannot be opened") from exc
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ConflictError("another ceremony is being carried out in this folder") from exc
        yield Memory(Path(folder))
    finally:
        os.close(lock)


def _name(number: int) -> str:
    return f"{number:06}.json"

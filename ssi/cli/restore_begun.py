"""What a restore that was interrupted had moved already, so that running it again finishes it.

Shapes:  ``.restore.json`` in the folder that is restored to, while files are moved: ``{"backup", "files"}`` with a
         digest that tells the backup, and for each path what tells its file: inode, size and time of change.
I/O:     that file. It is on disk before the first file moves, and goes after the last one.
Errors:  ConflictError (another backup's restore was begun here), UnavailableError.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ssi.cli.backup_files import Manifest
from ssi.cli.files import read_input, write_output
from ssi.durable import sync_directory
from ssi.errors import ConflictError, UnavailableError

NAME: Final = ".restore.json"


class _Note(msgspec.Struct, frozen=True):
    backup: str
    files: dict[str, tuple[int, int, int]]


class Begun:
    """The restore of one backup to one folder, as far as it is. Make it with ``read``."""

    def __init__(self, place: Path, backup: str, files: dict[str, tuple[int, int, int]]) -> None:
        self.place: Final = place
        self._backup = backup
        self._files = files

    @classmethod
    def read(cls, place: Path, manifest: Manifest) -> Begun:
        """Return how far the restore of this backup to ``place`` is."""
        backup, path = sha256(manifest.key.encode()).hexdigest(), place / NAME
        if not path.exists():
            return cls(place, backup, {})
        try:
            note = msgspec.json.decode(read_input(str(path)), type=_Note)
        except msgspec.MsgspecError as exc:
            raise ConflictError(f"{NAME} in the folder is damaged: restore to another one") from exc
        if note.backup != backup:
            raise ConflictError("the restore of another backup was begun here: finish it, or restore to another folder")
        return cls(place, backup, note.files)

    def has_moved(self, path: str) -> bool:
        """Tell whether the file at ``path`` is the one that this restore moved there, unchanged since."""
        return path in self._files and _mark(self.place / path) == self._files[path]

    def note(self, staged: Path, paths: list[str]) -> None:
        """Remember the files of these paths, which are about to be moved from ``staged``."""
        moved = {path: mark for path, mark in self._files.items() if self.has_moved(path)}
        for path in paths:
            mark = _mark(staged / path)
            if mark is None:
                raise UnavailableError(f"{path} cannot be restored")
            moved[path] = mark
        self._files = moved
        write_output(self.place / NAME, msgspec.json.encode(_Note(self._backup, moved)), private=True)

    def end(self) -> None:
        """Forget it: the restore is done."""
        try:
            for left in (*self.place.glob(f"{NAME}.*.new"), self.place / NAME):  # of runs that were killed, and ours
                left.unlink(missing_ok=True)
        except OSError as exc:
            raise UnavailableError(f"{NAME} cannot be removed: all is restored, remove it by hand") from exc
        sync_directory(self.place)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

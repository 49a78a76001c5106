"""Replace a file so that whatever happens, a reader finds the old bytes or the new ones.

Source:  POSIX rename and fsync: the bytes, then the name, then the directory that holds the name.
Shapes:  bytes; the new file is readable for its owner only, unless the caller says otherwise. The second file is new,
         and has a name that nobody can guess, so that no link that waits in a shared folder is followed.
I/O:     the file, a second one beside it, and their directory.
Errors:  UnavailableError.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from ssi.errors import UnavailableError

PRIVATE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


def replace_file(path: Path, data: bytes, *, what: str | None = None, mode: int = PRIVATE) -> None:
    """Replace a file as a whole, durably, or make it; ``what`` names it in an error."""
    beside = path.with_name(f"{path.name}.{token_hex(8)}.new")
    try:
        descriptor = os.open(beside, _NEW, mode)
    except OSError as exc:
        raise UnavailableError(f"{what or path.name} cannot be written") from exc
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_directory(path.parent)
    except OSError as exc:
        with suppress(OSError):
            beside.unlink()
        raise UnavailableError(f"{what or path.name} cannot be written") from exc


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable. Raises UnavailableError.

    Windows has no such call; its file systems journal names themselves.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as exc:
        raise UnavailableError(f"the folder {path.name} cannot be written") from exc

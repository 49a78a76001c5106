"""Files that commands read and write: bounded in, whole or not at all out.

I/O:     ``-`` reads standard input. A file is written beside its place and moved there, so that nobody sees half of it.
Errors:  NotFoundError, InvalidInputError (too long), UnavailableError (cannot be written).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from ssi.durable import PRIVATE, replace_file
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError

MAX_FILE_BYTES: Final = 16 << 20


def read_input(name: str, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``."""
    if name == "-":
        data = sys.stdin.buffer.read(max_bytes + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                data = file.read(max_bytes + 1)
        except OSError as exc:
            raise NotFoundError(f"{Path(name).name} cannot be read") from exc
    if len(data) > max_bytes:
        raise InvalidInputError(f"expected at most {max_bytes} bytes")
    return data


def make_folder(path: str | Path) -> None:
    """Make a folder unless it is there."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UnavailableError(f"the folder {Path(path).name} cannot be made") from exc


def write_output(path: str | Path, data: bytes, *, private: bool = False) -> None:
    """Write a file as a whole, durably; ``private`` lets nobody else read it."""
    replace_file(Path(path), data, mode=PRIVATE if private else 0o644)

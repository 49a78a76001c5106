"""A folder to work in that one process has for itself, and that is gone afterwards, also after a kill.

Shapes:  ``.backup-…``, ``.restore-…`` and ``.rehearsal-…`` below a folder that is locked meanwhile. What a killed
         process left there is removed by the next one.
I/O:     the folder; only its owner may read what is below.
Errors:  ConflictError (another process is at it), UnavailableError (the folder cannot be used).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssi.errors import ConflictError, UnavailableError


@contextmanager
def workplace(folder: Path, prefix: str) -> Iterator[Path]:
    """Lock ``folder`` and make a new one below it, whose name begins with ``prefix``."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise UnavailableError("the folder cannot be opened") from exc
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ConflictError("another backup or restore is at work in this folder") from exc
        for left in folder.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        try:
            place = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        except OSError as exc:
            raise UnavailableError("no folder can be made to work in") from exc
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os.close(lock)

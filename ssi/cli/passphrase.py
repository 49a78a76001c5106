"""Passphrases: from a file, from a named environment variable, or from a person; never from the command line.

Shapes:  one line end at the end of a file does not count.
I/O:     reads the file, or the environment, or asks on the terminal.
Errors:  InvalidInputError (none given, or an empty one), NotFoundError (no such file or variable).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from ssi.errors import InvalidInputError, NotFoundError

MAX_PASSPHRASE_BYTES: Final = 1 << 16


def read_passphrase(what: str, *, file: str | Path | None, env: str | None, confirm: bool = False) -> bytes:
    """Return the passphrase of ``what``. A file goes before a variable, and a person is asked only without both."""
    if file is not None:
        found = _from_file(Path(file))
    elif env is not None:
        found = _from_environment(env)
    elif sys.stdin.isatty():
        found = click.prompt(f"Passphrase of {what}", hide_input=True, confirmation_prompt=confirm, err=True).encode()
    else:
        raise InvalidInputError(f"the passphrase of {what} is missing: name a file or an environment variable")
    if not found:
        raise InvalidInputError(f"the passphrase of {what} is empty")
    return found


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PASSPHRASE_BYTES + 1)
    except OSError as exc:
        raise NotFoundError(f"the passphrase file {path.name} cannot be read") from exc
    if len(data) > MAX_PASSPHRASE_BYTES:
        raise InvalidInputError("a passphrase is not that long")
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _from_environment(name: str) -> bytes:
    try:
        return os.environb[os.fsencode(name)]
    except KeyError:
        raise NotFoundError(f"the environment has no variable {name}") from None

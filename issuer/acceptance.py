"""Differences that an operator accepts by name, kept with who, why and when, and asked for by every later run.

Input:   a file of one JSON object a line, that only this module writes.
Shapes:  a name says what differs and how (``https://town.example/status/1#4711:1>0``): the acceptance of one difference
         is no acceptance of another one at the same place. Times are Unix seconds.
I/O:     the file; a line is on disk before ``accept`` returns.
Errors:  InvalidInputError, ConflictError (accepted already), UnavailableError.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from ssi.durable import sync_directory
from ssi.errors import ConflictError, InvalidInputError, UnavailableError

MAX_BYTES: Final = 16 << 20


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One difference that was accepted."""

    name: str
    by: str
    reason: str
    at: int


class Acceptances:
    """The accepted differences of one takeover."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Acceptance, ...]:
        """Return all acceptances, oldest first. Raises InvalidInputError for a file that is none."""
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise UnavailableError(f"{self._path.name} cannot be read") from exc
        try:
            if len(data) > MAX_BYTES:
                raise ValueError
            return tuple(msgspec.json.decode(line, type=Acceptance) for line in data.splitlines())
        except ValueError as exc:
            raise InvalidInputError(f"{self._path.name}: expected lines of accepted differences") from exc

    @property
    def names(self) -> frozenset[str]:
        """The names of all accepted differences."""
        return frozenset(each.name for each in self.read())

    def accept(self, names: Collection[str], *, by: str, reason: str, at: int) -> tuple[Acceptance, ...]:
        """Record that differences are accepted. Raises InvalidInputError if nobody says who, or why."""
        if not by.strip() or not reason.strip():
            raise InvalidInputError("expected who accepts a difference, and why")
        known = self.names & set(names)
        if known:
            raise ConflictError(f"accepted already: {min(known)}")
        made = tuple(Acceptance(name=name, by=by, reason=reason, at=at) for name in dict.fromkeys(names))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(b"".join(msgspec.json.encode(each) + b"\n" for each in made))
                file.flush()
                os.fsync(file.fileno())
            sync_directory(self._path.parent)
        except OSError as exc:
            raise UnavailableError(f"{self._path.name} cannot be written") from exc
        return made

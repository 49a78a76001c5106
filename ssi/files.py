"""Files by name, wherever they lie: in a folder, or in an archive that was read into memory.

Input:   names as a POSIX path below the whole ("lists/index.json"), from our own code or already checked by it.
Shapes:  bytes; every reading is bounded.
I/O:     ``FolderFiles`` reads a folder, ``MemberFiles`` nothing.
Errors:  NotFoundError (no such file), InvalidInputError (longer than allowed), UnavailableError (the disk).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

from ssi.errors import InvalidInputError, NotFoundError, UnavailableError


class Files(Protocol):
    """A set of named files that does not change while it is read."""

    def names(self, folder: str, suffix: str) -> list[str]:
        """Return the full names of the files directly in ``folder`` that end in ``suffix``, sorted."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        ...

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Return a whole file. Raises as the module says."""
        ...

    def lines(self, name: str, *, max_bytes: int) -> Iterator[bytes]:
        """Yield the lines of a file, each at most ``max_bytes`` long with its end. Raises as the module says."""
        ...


class FolderFiles:
    """The files below one folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, folder: str, suffix: str) -> list[str]:
        """As ``Files.names``."""
        return sorted(f"{folder}/{found.name}" for found in (self._path / folder).glob(f"*{suffix}"))

    def has(self, name: str) -> bool:
        """As ``Files.has``."""
        return (self._path / name).exists()

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """As ``Files.read``."""
        with self._open(name) as file:
            return _whole(file, name, max_bytes)

    def lines(self, name: str, *, max_bytes: int) -> Iterator[bytes]:
        """As ``Files.lines``."""
        with self._open(name) as file:
            yield from _lines(file, name, max_bytes)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return (self._path / name).open("rb")
        except FileNotFoundError as exc:
            raise NotFoundError(f"{_last(name)} is not there") from exc
        except OSError as exc:
            raise UnavailableError(f"{_last(name)} cannot be read") from exc


class MemberFiles:
    """The members of an archive below ``prefix``."""

    def __init__(self, members: Mapping[str, bytes], prefix: str = "") -> None:
        self._members = members
        self._prefix = prefix

    def names(self, folder: str, suffix: str) -> list[str]:
        """As ``Files.names``."""
        start = f"{self._prefix}{folder}/"
        return sorted(
            name.removeprefix(self._prefix)
            for name in self._members
            if name.startswith(start) and name.endswith(suffix) and "/" not in name[len(start) :]
        )

    def has(self, name: str) -> bool:
        """As ``Files.has``."""
        return self._prefix + name in self._members

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """As ``Files.read``."""
        return _whole(self._open(name), name, max_bytes)

    def lines(self, name: str, *, max_bytes: int) -> Iterator[bytes]:
        """As ``Files.lines``."""
        yield from _lines(self._open(name), name, max_bytes)

    def _open(self, name: str) -> BytesIO:
        found = self._members.get(self._prefix + name)
        if found is None:
            raise NotFoundError(f"{_last(name)} is not there")
        return BytesIO(found)


def _whole(file: IO[bytes], name: str, max_bytes: int) -> bytes:
    try:
        data = file.read(max_bytes + 1)
    except OSError as exc:
        raise UnavailableError(f"{_last(name)} cannot be read") from exc
    if len(data) > max_bytes:
        raise InvalidInputError(f"{_last(name)}: expected at most {max_bytes} bytes")
    return data


def _lines(file: IO[bytes], name: str, max_bytes: int) -> Iterator[bytes]:
    try:
        while line := file.readline(max_bytes + 1):
            if len(line) > max_bytes:
                raise InvalidInputError(f"{_last(name)}: expected lines of at most {max_bytes} bytes")
            yield line
    except OSError as exc:
        raise UnavailableError(f"{_last(name)} cannot be read") from exc


def _last(name: str) -> str:
    return name.rpartition("/")[2]

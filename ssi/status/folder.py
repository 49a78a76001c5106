"""Status lists in a folder, or in an archive: written by whoever publishes them, read where there is no network.

Shapes:  ``index.json`` is an object from list URI to file name; beside ``NAME.jwt`` lies its receipt,
         ``NAME.receipt.json``. Without an index, each list goes by the URI that it names itself.
I/O:     files below one folder; a name that leads out of it is refused.
Errors:  InvalidInputError (not such a folder), NotFoundError (it has no such list), UnavailableError (the disk).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.files import Files, FolderFiles
from ssi.ports import PublishedList
from ssi.status.content import MAX_LIST_CHARACTERS
from ssi.status.source import MAX_RECEIPT_BYTES
from ssi.status.verify import parse_status_list

INDEX: Final = "index.json"
SUFFIX: Final = ".jwt"
RECEIPT_SUFFIX: Final = ".receipt.json"
MAX_LISTS: Final = 10_000


class ListFolder:
    """The ``StatusListSource`` over a folder; nothing in it is believed yet."""

    def __init__(self, path: Path | Files, folder: str = "lists") -> None:
        """Read nothing yet. ``path`` is the folder of the lists, or files with the lists in their ``folder``."""
        if isinstance(path, Path):
            path = path.absolute()
            self._files: Files = FolderFiles(path.parent)
            self._folder = path.name
        else:
            self._files, self._folder = path, folder
        self._found: dict[str, str] | None = None

    async def status_list(self, uri: str) -> PublishedList:
        """Return the list of ``uri``. Raises NotFoundError."""
        return self.find(uri)

    def uris(self) -> list[str]:
        """Return the addresses of all lists. Raises InvalidInputError if the folder is none of lists."""
        return list(self._index())

    def find(self, uri: str) -> PublishedList:
        """As ``status_list``, without waiting."""
        name = self._index().get(uri)
        if name is None:
            raise NotFoundError("the folder has no list of this address")
        body = self._read(name, MAX_LIST_CHARACTERS)
        beside = f"{name.removesuffix(SUFFIX)}{RECEIPT_SUFFIX}"
        receipt = self._read(beside, MAX_RECEIPT_BYTES) if self._has(beside) else None
        return PublishedList(uri, body, parse_status_list(body.strip()).media_type, receipt)

    def _index(self) -> dict[str, str]:
        if self._found is None:
            known = self._has(INDEX)
            self._found = _parse_index(self._read(INDEX, MAX_LIST_CHARACTERS)) if known else self._named_by_lists()
        return self._found

    def _named_by_lists(self) -> dict[str, str]:
        """Return the lists by the URI in each; what a list says of itself is held against the reference later."""
        found: dict[str, str] = {}
        names = self._files.names(self._folder, SUFFIX)
        if len(names) > MAX_LISTS:
            raise InvalidInputError(f"expected at most {MAX_LISTS} lists in a folder")
        for name in names:
            body = self._files.read(name, max_bytes=MAX_LIST_CHARACTERS)
            claims = parse_status_list(body.strip()).unverified_claims()
            uri = claims.get("sub", claims.get("id"))
            if isinstance(uri, str):
                found[uri] = name.rpartition("/")[2]
        return found

    def _has(self, name: str) -> bool:
        return self._files.has(f"{self._folder}/{name}")

    def _read(self, name: str, max_bytes: int) -> bytes:
        return self._files.read(f"{self._folder}/{name}", max_bytes=max_bytes)


def list_files(lists: Iterable[PublishedList]) -> dict[str, bytes]:
    """Return the files of a folder of ``lists`` by name: the lists, their receipts, and an index."""
    files: dict[str, bytes] = {}
    index: dict[str, str] = {}
    for published in lists:
        stem = sha256(published.uri.encode()).hexdigest()[:32]
        files[f"{stem}{SUFFIX}"] = published.body
        if published.receipt is not None:
            files[f"{stem}{RECEIPT_SUFFIX}"] = published.receipt
        index[published.uri] = f"{stem}{SUFFIX}"
    files[INDEX] = f"{json.dumps(index, indent=2)}\n".encode()
    return files


def write_lists(path: Path, lists: Iterable[PublishedList]) -> int:
    """Write ``lists`` with their receipts and an index into a folder; return how many. Raises UnavailableError."""
    files = list_files(lists)
    written = [name for name in files if name.endswith(SUFFIX)]
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in written:
            if (beside := f"{name.removesuffix(SUFFIX)}{RECEIPT_SUFFIX}") not in files:
                (path / beside).unlink(missing_ok=True)
        for name, body in files.items():
            (path / name).write_bytes(body)
    except OSError as exc:
        raise UnavailableError("the folder of status lists cannot be written") from exc
    return len(written)


def _parse_index(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for uri, name in parse_object(data, max_bytes=MAX_LIST_CHARACTERS).items():
        if not isinstance(name, str) or not name.isprintable() or Path(name).name != name or not name.endswith(SUFFIX):
            raise InvalidInputError(f"expected {INDEX} to name files of the folder that end in {SUFFIX}")
        found[uri] = name
    return found

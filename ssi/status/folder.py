"""Status lists in a folder: written by whoever publishes them, read where there is no network.

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
from ssi.ports import PublishedList
from ssi.status.content import MAX_LIST_CHARACTERS
from ssi.status.source import MAX_RECEIPT_BYTES
from ssi.status.verify import TYP_BY_FORMAT, parse_status_list

INDEX: Final = "index.json"
SUFFIX: Final = ".jwt"
RECEIPT_SUFFIX: Final = ".receipt.json"
MAX_LISTS: Final = 10_000


class ListFolder:
    """The ``StatusListSource`` over a folder; nothing in it is believed yet."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path
        self._files: dict[str, str] | None = None

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
        body = _read(self._path / name, MAX_LIST_CHARACTERS)
        beside = self._path / f"{name.removesuffix(SUFFIX)}{RECEIPT_SUFFIX}"
        receipt = _read(beside, MAX_RECEIPT_BYTES) if beside.exists() else None
        return PublishedList(uri, body, f"application/{TYP_BY_FORMAT[parse_status_list(body.strip()).format]}", receipt)

    def _index(self) -> dict[str, str]:
        if self._files is None:
            index = self._path / INDEX
            self._files = _parse_index(_read(index, MAX_LIST_CHARACTERS)) if index.exists() else self._named_by_lists()
        return self._files

    def _named_by_lists(self) -> dict[str, str]:
        """Return the lists by the URI in each; what a list says of itself is held against the reference later."""
        found: dict[str, str] = {}
        files = sorted(self._path.glob(f"*{SUFFIX}"))
        if len(files) > MAX_LISTS:
            raise InvalidInputError(f"expected at most {MAX_LISTS} lists in a folder")
        for file in files:
            claims = parse_status_list(_read(file, MAX_LIST_CHARACTERS).strip()).jws.unverified_claims()
            uri = claims.get("sub", claims.get("id"))
            if isinstance(uri, str):
                found[uri] = file.name
        return found


def write_lists(path: Path, lists: Iterable[PublishedList]) -> int:
    """Write ``lists`` with their receipts and an index into a folder; return how many. Raises UnavailableError."""
    index: dict[str, str] = {}
    try:
        path.mkdir(parents=True, exist_ok=True)
        for published in lists:
            stem = sha256(published.uri.encode()).hexdigest()[:32]
            (path / f"{stem}{SUFFIX}").write_bytes(published.body)
            if published.receipt is None:
                (path / f"{stem}{RECEIPT_SUFFIX}").unlink(missing_ok=True)
            else:
                (path / f"{stem}{RECEIPT_SUFFIX}").write_bytes(published.receipt)
            index[published.uri] = f"{stem}{SUFFIX}"
        (path / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    except OSError as exc:
        raise UnavailableError("the folder of status lists cannot be written") from exc
    return len(index)


def _parse_index(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for uri, name in parse_object(data, max_bytes=MAX_LIST_CHARACTERS).items():
        if not isinstance(name, str) or not name.isprintable() or Path(name).name != name or not name.endswith(SUFFIX):
            raise InvalidInputError(f"expected {INDEX} to name files of the folder that end in {SUFFIX}")
        found[uri] = name
    return found


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path.name} is not there") from exc
    except OSError as exc:
        raise UnavailableError(f"{path.name} cannot be read") from exc
    if len(data) > max_bytes:
        raise InvalidInputError(f"{path.name}: expected at most {max_bytes} bytes")
    return data

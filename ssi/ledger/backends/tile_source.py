"""Where the static files of a log come from: a web server, or a folder.

Source:  C2SP tlog-tiles: every resource is one GET below the log's prefix.
Input:   paths that ``ssi.ledger.tiles`` made.
Shapes:  a prefix ends in a slash.
I/O:     one request, or one file, for each call; a folder is read on a thread.
Errors:  NotFoundError (no such resource), UnavailableError (no answer), InvalidInputError (longer than allowed).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from ssi.errors import InvalidInputError, UnavailableError
from ssi.files import FolderFiles
from ssi.ports import Fetch


class TileSource(Protocol):
    """The resources of one log. Nothing that it returns is believed."""

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Return the resource at ``path`` below the log's prefix. Raises as the module says."""
        ...


class WebTiles:
    """The files of a log on the web."""

    def __init__(self, prefix: str, fetch: Fetch) -> None:
        """``prefix`` is the log's https URL, up to and with its last slash."""
        if not prefix.endswith("/"):
            raise InvalidInputError("the prefix of a log ends in a slash")
        self._prefix = prefix
        self._fetch = fetch

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """As ``TileSource.get``."""
        answer = await self._fetch(self._prefix + path, accept="*/*", max_bytes=max_bytes)
        return answer.body


class FolderTiles:
    """The files of a log in a folder, as ``tile_folder`` writes it."""

    def __init__(self, folder: Path) -> None:
        self._files = FolderFiles(folder)

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """As ``TileSource.get``."""
        try:
            return await asyncio.to_thread(self._files.read, path, max_bytes=max_bytes)
        except InvalidInputError as exc:
            raise UnavailableError("a file of the log is longer than any can be") from exc

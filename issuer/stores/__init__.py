"""Stores of an issuer: each module has one that fulfils ``issuer.store.IssuerStore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ..store import IssuerStore

ENTRY_POINTS: Final = "countersigned.issuer_stores"


async def open_issuer_store(url: str) -> IssuerStore:
    """Open the store that ``url`` names.

    ``memory:`` lives as long as the object, ``sqlite:///absolute/path`` or ``sqlite:relative/path`` is a file, made if
    it is absent. Other schemes join through the entry-point group ``countersigned.issuer_stores``: an async callable of
    the URL. Raises InvalidInputError for any other URL.
    """
    scheme, colon, _ = url.partition(":")
    if colon and scheme in ("memory", "sqlite"):
        from ssi.database import sqlite_path

        from .sqlite import SqliteIssuerStore

        return await SqliteIssuerStore.open(":memory:" if scheme == "memory" else sqlite_path(url))
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINTS, name=scheme):
        opened: IssuerStore = await entry_point.load()(url)
        return opened
    raise InvalidInputError("expected the URL of an issuer's store: memory:, sqlite:, or of a plug-in")

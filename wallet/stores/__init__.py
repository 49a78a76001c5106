"""Stores of a wallet: each module has one that fulfils ``wallet.store.WalletStore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ..store import WalletStore

ENTRY_POINTS: Final = "countersigned.wallet_stores"


async def open_wallet_store(url: str, *, create: bool = True) -> WalletStore:
    """Open the store that ``url`` names.

    ``memory:`` lives as long as the object, ``sqlite:///absolute/path`` or ``sqlite:relative/path`` is a file, made if
    it is absent and ``create`` is set. Other schemes join through the entry-point group
    ``countersigned.wallet_stores``: an async callable of the URL. Raises InvalidInputError for any other URL.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "memory":
        from .memory import MemoryWalletStore

        return MemoryWalletStore()
    if colon and scheme == "sqlite":
        from .sqlite import SqliteWalletStore

        path = rest.removeprefix("//")
        if not path or (rest.startswith("//") and not path.startswith("/")):
            raise InvalidInputError("expected sqlite:///absolute/path or sqlite:relative/path")
        return await SqliteWalletStore.open(path, create=create)
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINTS, name=scheme):
        opened: WalletStore = await entry_point.load()(url)
        return opened
    raise InvalidInputError("expected the URL of a wallet store: memory:, sqlite:, or of a plug-in")

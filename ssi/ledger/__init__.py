"""The ledger: an append-only log of entries, its Merkle proofs, checkpoints and receipts.

Source:  RFC 6962 and RFC 9162 (tree), C2SP signed-note, tlog-checkpoint and tlog-cosignature (heads).
I/O:     only in ``open_ledger`` and behind the Ledger port.

What the entries mean is decided in ``ssi.registry``; this package knows bytes. The pure parts are in ``merkle``,
``note``, ``checkpoint``, ``receipt`` and ``storage``; the backends are loaded when one is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssi.ledger.port import (
    MAX_ENTRY_BYTES,
    LeadingLedger,
    Ledger,
    SelfCheckingLedger,
    TurnTakingLedger,
    Withheld,
    WithholdingLedger,
    stream,
)

if TYPE_CHECKING:
    from ssi.ledger.note import NoteKey
    from ssi.ports import Fetch

__all__ = [
    "ENTRY_POINTS",
    "MAX_ENTRY_BYTES",
    "LeadingLedger",
    "Ledger",
    "SelfCheckingLedger",
    "TurnTakingLedger",
    "Withheld",
    "WithholdingLedger",
    "open_ledger",
    "stream",
]

# Other distributions add a scheme by an entry point of this group: its name is the scheme, its value a function from
# the whole URL to a Ledger.
ENTRY_POINTS = "countersigned.ledgers"
_PORT = ("append", "size", "read", "hashes", "checkpoint", "put_checkpoint", "close")


def open_ledger(url: str, *, create: bool = True, keys: Sequence[NoteKey] = (), fetch: Fetch | None = None) -> Ledger:
    """Open the ledger that ``url`` names.

    ``memory:`` is empty and lives as long as the object. ``sqlite:///absolute/path`` or ``sqlite:relative/path`` is a
    file, made if it is absent; options are ``?head=PATH`` (where the last signed head is kept, by default beside the
    database) and ``&adopt_head=1`` (accept a database whose head file is lost).
    ``postgresql://user@host/database?head=PATH`` is a schema of a PostgreSQL database, made if it is absent; its other
    options are in ``PostgresLedger.from_url``. ``evm+https://node/?contract=0x…&chain_id=N&mirror=PATH`` is a contract
    on an EVM chain, with a local mirror that is made if it is absent; ``ssi.ledger.backends.evm.url`` has all options.
    ``https://log.example/prefix/`` is somebody else's log in static files (C2SP tlog-tiles), read over ``fetch`` and
    believed under ``keys`` or the option ``?vkey=VKEY``; ``tiles:/folder`` is the same from a folder.
    Opening touches the file system or the network, so it belongs in start-up code (an EVM chain is asked by the first
    call). Whoever only reads says ``create=False``: then a log that is absent raises NotFoundError.
    Raises InvalidInputError for another URL, InclusionProofError for a log that is damaged or older
    than its head, UnavailableError if it cannot be opened.
    """

    scheme, separator, _ = url.partition(":")
    if separator and scheme == "memory":
        from ssi.ledger.backends.memory import MemoryLedger

        return MemoryLedger()
    if separator and scheme == "sqlite":
        from ssi.ledger.backends.sqlite import SqliteLedger

        return SqliteLedger.from_url(url, create=create)
    if separator and scheme in ("https", "tiles"):
        return _open_tiles(url, keys, fetch)
    if scheme in ("evm+https", "evm+http"):
        from ssi.ledger.backends.evm.ledger import EvmLedger

        return EvmLedger.from_url(url, fetch=fetch)
    if separator and scheme == "postgresql":
        from ssi.ledger.backends.postgres import PostgresLedger

        return PostgresLedger.from_url(url, create=create)
    return _open_added(scheme, url)


def _open_added(scheme: str, url: str) -> Ledger:
    """Open a ledger whose scheme another distribution brings."""
    from importlib.metadata import entry_points

    from ssi.errors import InvalidInputError, SsiError, UnavailableError

    added = entry_points(group=ENTRY_POINTS)
    found = [each for each in added if each.name == scheme]
    if not found:
        own = "memory, sqlite, postgresql, evm+https, https and tiles"
        names = ", ".join(sorted({each.name for each in added}))
        known = f"{own}, and {names} from installed packages" if names else own
        raise InvalidInputError(f"no ledger backend for the scheme {scheme!r}; known are {known}")
    if len({each.value for each in found}) > 1:
        raise InvalidInputError(f"{len(found)} installed packages offer a ledger backend for the scheme {scheme!r}")
    try:
        load = found[0].load()
    except Exception as exc:  # Whatever a stranger's module raises when it is imported.
        raise InvalidInputError(f"the ledger backend {found[0].value} cannot be loaded: {type(exc).__name__}") from exc
    try:
        ledger: Ledger = load(url)
    except SsiError:
        raise
    except Exception as exc:
        raise UnavailableError(f"the ledger backend {found[0].value} failed: {type(exc).__name__}") from exc
    if not all(callable(getattr(ledger, name, None)) for name in _PORT):
        raise InvalidInputError(f"what {found[0].value} opens is no ledger")
    return ledger


def _open_tiles(url: str, keys: Sequence[NoteKey], fetch: Fetch | None) -> Ledger:
    from pathlib import Path
    from urllib.parse import parse_qs, unquote, urlsplit

    from ssi.errors import InvalidInputError
    from ssi.ledger.backends.tile_source import FolderTiles, WebTiles
    from ssi.ledger.backends.tiles import TilesLedger
    from ssi.ledger.note import parse_vkey

    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    if options.keys() - {"vkey"} or parts.fragment or not parts.path:
        raise InvalidInputError("a log in static files is named https://host/prefix/ or tiles:PATH, with ?vkey=VKEY")
    # In a query a plus sign reads as a space, and no vkey has a space.
    trusted = [*keys, *(parse_vkey(text.replace(" ", "+")) for text in options.get("vkey", []))]
    if parts.scheme == "tiles":
        return TilesLedger(FolderTiles(Path(unquote(parts.path))), keys=trusted)
    if fetch is None:
        raise InvalidInputError("a log on the web is read over a fetch port: none was given")
    prefix = f"https://{parts.netloc}{parts.path}"
    return TilesLedger(WebTiles(prefix if prefix.endswith("/") else f"{prefix}/", fetch), keys=trusted)

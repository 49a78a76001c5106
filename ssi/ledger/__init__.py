"""The ledger: an append-only log of entries, its Merkle proofs, checkpoints and receipts.

Source:  RFC 6962 and RFC 9162 (tree), C2SP signed-note, tlog-checkpoint and tlog-cosignature (heads).
I/O:     only in ``open_ledger`` and behind the Ledger port.

What the entries mean is decided in ``ssi.registry``; this package knows bytes. The pure parts are in ``merkle``,
``note``, ``checkpoint``, ``receipt`` and ``storage``; the backends are loaded when one is opened.
"""

from __future__ import annotations

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


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """Open the ledger that ``url`` names.

    ``memory:`` is empty and lives as long as the object. ``sqlite:///absolute/path`` or ``sqlite:relative/path`` is a
    file, made if it is absent; options are ``?head=PATH`` (where the last signed head is kept, by default beside the
    database) and ``&adopt_head=1`` (accept a database whose head file is lost).
    ``postgresql://user@host/database?head=PATH`` is a schema of a PostgreSQL database, made if it is absent; its other
    options are in ``PostgresLedger.from_url``. ``evm+https://node/?contract=0x…&chain_id=N&mirror=PATH`` is a contract
    on an EVM chain, with a local mirror that is made if it is absent; ``ssi.ledger.backends.evm.url`` has all options.
    Opening touches the file system or the network, so it belongs in start-up code (an EVM chain is asked by the first
    call). Whoever only reads says ``create=False``: then a log that is absent raises NotFoundError.
    Raises InvalidInputError for another URL, InclusionProofError for a log that is damaged or older
    than its head, UnavailableError if it cannot be opened.
    """
    from ssi.errors import InvalidInputError

    scheme, separator, _ = url.partition(":")
    if separator and scheme == "memory":
        from ssi.ledger.backends.memory import MemoryLedger

        return MemoryLedger()
    if separator and scheme == "sqlite":
        from ssi.ledger.backends.sqlite import SqliteLedger

        return SqliteLedger.from_url(url, create=create)
    if scheme in ("evm+https", "evm+http"):
        from ssi.ledger.backends.evm.ledger import EvmLedger

        return EvmLedger.from_url(url)
    if separator and scheme == "postgresql":
        from ssi.ledger.backends.postgres import PostgresLedger

        return PostgresLedger.from_url(url, create=create)
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINTS, name=scheme):
        ledger: Ledger = entry_point.load()(url)
        return ledger
    known = "memory, sqlite, postgresql and evm+https"
    raise InvalidInputError(f"no ledger backend for the scheme {scheme!r}; known are {known}")

"""``ssi ledger supply``: fill a mirror with what the chain does not have, bodies and the signed head.

Source:  docs/ledgers-evm.md (``mode=leaves``).
I/O:     the ledger on its chain, and any other copy of the log.
Errors:  see ``ssi.cli.exits``. Nothing is taken that does not hash to the log's own leaf, and no head that no known key
         signed; a signed head that the chain contradicts is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.exits import COULD_NOT_CHECK
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session, as_url
from ssi.errors import EntryNotFoundError, InvalidInputError, UnavailableError
from ssi.ledger.port import Ledger, Withheld
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger.backends.evm.ledger import EvmLedger
    from ssi.ledger.note import NoteKey

STEP: Final = 256
MAX_MISSING: Final = 10_000_000


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="Another copy: tiles:PATH, https://…/, sqlite:…")
@click.option("--withheld", is_flag=True, help="Also take over the orders under which bodies were erased there.")
@ledger_options
@action
async def command(session: Session, source: str, withheld: bool) -> Answer:
    """Fill in what this mirror lacks and the chain does not have: bodies, and the newest signed head; safe to repeat.

    The source is not trusted: the leaf hashes on the chain, and the log's key, decide what is taken. Ends with 3 if
    bodies are still missing.
    """
    from ssi.ledger import open_ledger
    from ssi.ledger.backends.evm.ledger import EvmLeafLedger, EvmLedger

    ledger = session.ledger()
    if not isinstance(ledger, EvmLedger):
        raise InvalidInputError("only a ledger on a chain has a mirror that bodies may be missing in")
    await ledger.refresh()
    url = session.project.url(source) if ":" in source else as_url(source)
    fetch = session.fetch() if url.startswith("https:") else None
    other = open_ledger(url, create=False, keys=session.note_keys(), fetch=fetch)
    session.closing(other.close)
    orders: dict[int, str] = {}
    supplied = 0
    for start, stop in _ranges(await ledger.missing(MAX_MISSING)):
        supplied += await _fill(ledger, other, start, stop, orders)
    if withheld and isinstance(ledger, EvmLeafLedger):
        for index, order in orders.items():
            await ledger.withhold(index, order=order)
    missing = await ledger.missing(MAX_MISSING)
    document: JsonObject = {
        "supplied": supplied,
        "head": await _take_head(ledger, other, session.note_keys()),
        "withheld there": sorted(orders),
        "missing": len(missing),
        "first missing": missing[0] if missing else None,
    }
    if not missing:
        return Answer(document=document, tables=[facts("every body is here", document)])
    document["reason"] = f"{len(missing)} bodies are still missing, that of entry {missing[0]} first"
    tables = [facts("bodies are missing", document)]
    return Answer(document=document, tables=tables, exit_code=COULD_NOT_CHECK, outcome="could not check")


async def _take_head(ledger: EvmLedger, other: Ledger, keys: Sequence[NoteKey]) -> int | None:
    """Take over the other copy's signed head if it is newer than this mirror's; return the size of the newest."""
    from ssi.ledger.checkpoint import parse_checkpoint, parse_note, verify_note

    own, found = await ledger.checkpoint(), await other.checkpoint()
    size = None if own is None else parse_checkpoint(parse_note(own).unverified_text).size
    if found is None or not keys:
        return size
    head = verify_note(found, keys=keys)
    if size is not None and head.size <= size:
        return size
    if head.size > await ledger.size():
        return size  # signed, and not final on the chain yet, as far as this mirror knows
    await ledger.put_checkpoint(own, found)
    return head.size


def _ranges(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of what lies together, at most STEP entries each."""
    start = stop = -1
    for index in indexes:
        if index == stop and stop - start < STEP:
            stop += 1
            continue
        if start >= 0:
            yield start, stop
        start, stop = index, index + 1
    if start >= 0:
        yield start, stop


async def _fill(ledger: EvmLedger, other: Ledger, start: int, stop: int, orders: dict[int, str]) -> int:
    """Supply what the other copy has of start..stop-1; note the orders under which it has bodies no more."""
    stop = min(stop, await other.size())
    if start >= stop:
        return 0
    try:
        entries = await other.read(start, stop)
    except (EntryNotFoundError, UnavailableError, InvalidInputError):
        if stop - start == 1:
            return 0
        half = (start + stop) // 2
        return await _fill(ledger, other, start, half, orders) + await _fill(ledger, other, half, stop, orders)
    orders |= {index: entry.order for index, entry in enumerate(entries, start) if isinstance(entry, Withheld)}
    bodies = [entry for entry in entries if isinstance(entry, bytes)]
    return await ledger.supply(bodies) if bodies else 0

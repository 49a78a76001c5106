"""Erase the body of an entry under an order that stands on the log; every other proof holds.

Source:  design decision 7; the statement ``Withholding`` (docs/ledger-entries.md).
Input:   an index, the bytes of the order, and the organisation that gives or executes it.
Shapes:  the ledger names the order by the statement's id, so that whoever reads ``Withheld`` finds who ordered what.
I/O:     the ledger and its registry.
Errors:  ConflictError (others rest on this entry), GuardError (who may not order it), NotFoundError, InvalidInputError
         (a ledger that cannot erase), UnavailableError. Asked again after any failure, it goes on.

Whoever folds the log later does not know what the entry said. So what rests on it would have no effect any more, and an
older list would be the newest again: both are looked for first.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.errors import ConflictError, EntryNotFoundError, InvalidInputError, SsiError
from ssi.ledger import merkle
from ssi.ledger.port import Ledger, Withheld, WithholdingLedger, stream
from ssi.registry.fold import RegistryState
from ssi.registry.guard import parse_entry
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.registry.statement import Statement
from ssi.registry.types import StatementBody, StatusCommitment, Withholding
from ssi.registry.view import RegistrySnapshot


class WithheldEntry(msgspec.Struct, frozen=True):
    """An entry without its body, and the statement that ordered it."""

    index: int
    leaf_hash: bytes
    order: str
    """The id of the statement."""
    ordered_at: int
    """The index of the statement."""


async def withhold(
    index: int,
    *,
    order: bytes,
    organisation: Organisation,
    registry: Registry,
    now: int,
    anyway: bool = False,
) -> WithheldEntry:
    """Record the order, then erase the body. ``anyway`` accepts that entries which rest on it lose their effect."""
    ledger = registry.ledger
    if not isinstance(ledger, WithholdingLedger):
        raise InvalidInputError("this ledger cannot erase a body")
    view = await registry.refresh()
    if not 0 <= index < await ledger.size():
        raise EntryNotFoundError(f"there is no entry {index}")
    (entry,) = await ledger.read(index, index + 1)
    leaf = entry.leaf_hash if isinstance(entry, Withheld) else merkle.leaf_hash(entry)
    given = registry.state.at().withholding(index)
    if given is None:
        if not isinstance(entry, Withheld):
            await _require_bearable(ledger, registry.state.at(), index, entry, anyway=anyway)
        body = Withholding(
            iss=organisation.did,
            iat=now,
            index=index,
            leaf=b64url_encode(leaf),
            order=b64url_encode(sha256(order).digest()),
        )
        submitted = await registry.submit(await organisation.sign(body))
        identifier, at = submitted.id, submitted.index
    else:
        identifier, at = given.id, given.index
        if given.body.leaf != b64url_encode(leaf) or view.size <= at:
            raise ConflictError("the order on the ledger is about other bytes than this entry's")
    await ledger.withhold(index, order=identifier)
    return WithheldEntry(index, leaf, identifier, at)


async def _require_bearable(ledger: Ledger, view: RegistrySnapshot, index: int, entry: bytes, *, anyway: bool) -> None:
    """Raise ConflictError if the log would come to something else without this body."""
    parsed = _parsed(entry)
    if isinstance(parsed, StatusCommitment):
        newest = view.newest(parsed.uri)
        if newest is not None and newest.index == index:
            raise ConflictError("this is the newest commitment to its list: an older list would count; publish it anew")
    resting = await rest_on(ledger, view.roots, index)
    if resting and not anyway:
        named = ", ".join(map(str, resting[:8])) + (" and more" if len(resting) > 8 else "")
        raise ConflictError(f"entries {named} rest on this one and would have no effect any more")


def _parsed(entry: bytes) -> StatementBody | None:
    try:
        parsed = parse_entry(entry)
    except SsiError:
        return None
    return parsed.body if isinstance(parsed, Statement) else None


async def rest_on(ledger: Ledger, roots: frozenset[str], index: int) -> list[int]:
    """Return the entries that have an effect now and would have none without the body of ``index``."""
    whole, without = RegistryState(roots), RegistryState(roots)
    lost: list[int] = []
    async for at, entry in stream(ledger):
        refused = whole.apply(entry) is not None
        if at == index and isinstance(entry, bytes):
            entry = Withheld(merkle.leaf_hash(entry), "")
        if without.apply(entry) is not None and not refused:
            lost.append(at)
    return lost


def unordered(view: RegistrySnapshot, withheld: dict[int, Withheld]) -> list[int]:
    """Return the indexes whose body is gone without an order on the log that names exactly this entry."""
    found = []
    for index, entry in withheld.items():
        given = view.order_over(index, entry.leaf_hash)
        if given is None or given.id != entry.order:
            found.append(index)
    return found

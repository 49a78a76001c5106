"""Check that what a ledger stores holds together, entry by entry.

Source:  RFC 6962, section 2.1: every stored hash is recomputed from the stored bodies.
Input:   any ledger; and a checkpoint that the caller trusts, if there is one.
Shapes:  the report carries the size, the root over it and the indexes of withheld entries.
I/O:     reads the whole log once, in steps: memory does not grow with it.
Errors:  BrokenEntryError (the first entry that does not hold), InclusionProofError (damage that no single entry
         explains, or another root than the trusted checkpoint), InvalidSignatureError
         (the stored note, if keys are given), UnavailableError (could not look).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ssi.errors import BrokenEntryError, InclusionProofError, InvalidInputError, NotFoundError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint, verify_note
from ssi.ledger.note import NoteKey, parse_note
from ssi.ledger.port import Ledger, SelfCheckingLedger, Withheld

_STEP = 256


class StorageReport(msgspec.Struct, frozen=True):
    """A whole log that holds together: its size, the root over all of it, and which bodies courts had erased."""

    size: int
    root: bytes
    withheld: tuple[int, ...]


async def verify_storage(
    ledger: Ledger, *, checkpoint: Checkpoint | None = None, keys: Sequence[NoteKey] = ()
) -> StorageReport:
    """Recompute every hash of ``ledger`` and hold it against what is stored, the stored note and ``checkpoint``.

    With ``keys`` the signature of the stored note is checked, too. Without a trusted checkpoint this finds damage, not
    a log rewritten with all its hashes. The reference of the order that erased a body is under no hash.
    """
    # In this order, so that a log that grows meanwhile is never shorter than its note.
    note = await ledger.checkpoint()
    size = await ledger.size()
    frontier: dict[int, bytes] = {}
    withheld: list[int] = []
    for start in range(0, size, _STEP):
        stop = min(start + _STEP, size)
        leaves = await _leaves(ledger, start, stop, withheld)
        for level, first, row in merkle.grow(frontier, start, leaves):
            await _compare(ledger, level, first, row)
    root = merkle.root_from_hashes(size, lambda node: frontier[node[0]])
    if note is not None:
        await _check_stored_note(ledger, note, size, keys)
    if checkpoint is not None:
        await _check_head(ledger, checkpoint, size, "trusted")
    if isinstance(ledger, SelfCheckingLedger):
        await ledger.check_storage()
    return StorageReport(size, root, tuple(withheld))


async def _leaves(ledger: Ledger, start: int, stop: int, withheld: list[int]) -> list[bytes]:
    """Return the leaf hashes that the stored bodies give, and note which bodies are gone."""
    leaves = []
    try:
        entries = await ledger.read(start, stop)
    except (InclusionProofError, NotFoundError) as exc:
        if stop - start > 1:
            # One step of many entries cannot be read: take them one by one, so that the first is named.
            for index in range(start, stop):
                leaves += await _leaves(ledger, index, index + 1, withheld)
            return leaves
        raise BrokenEntryError(start, "cannot be read") from exc
    for index, entry in enumerate(entries, start):
        if isinstance(entry, Withheld):
            withheld.append(index)
            leaves.append(entry.leaf_hash)
        else:
            leaves.append(merkle.leaf_hash(entry))
    return leaves


async def _compare(ledger: Ledger, level: int, first: int, row: Sequence[bytes]) -> None:
    try:
        stored = await ledger.hashes(level, first, first + len(row))
    except (InclusionProofError, NotFoundError) as exc:
        if len(row) > 1:
            for offset, value in enumerate(row):
                await _compare(ledger, level, first + offset, [value])
            return
        raise BrokenEntryError(first << level, f"its stored hash at level {level} cannot be read") from exc
    for offset, (computed, kept) in enumerate(zip(row, stored, strict=True)):
        if computed != kept:
            raise BrokenEntryError((first + offset) << level, f"its bytes do not give the stored hash of level {level}")


async def _check_stored_note(ledger: Ledger, note: bytes, size: int, keys: Sequence[NoteKey]) -> None:
    try:
        stored = verify_note(note, keys=keys) if keys else parse_checkpoint(parse_note(note).unverified_text)
    except InvalidInputError as exc:
        raise InclusionProofError(f"the stored checkpoint is damaged: {exc}") from exc
    await _check_head(ledger, stored, size, "stored")


async def _check_head(ledger: Ledger, checkpoint: Checkpoint, size: int, which: str) -> None:
    if checkpoint.size > size:
        raise InclusionProofError(f"the {which} checkpoint is for {checkpoint.size} entries, the log has {size}")
    if await merkle.root(ledger, checkpoint.size) != checkpoint.root:
        raise InclusionProofError(f"the {which} checkpoint of size {checkpoint.size} has another root than the log")

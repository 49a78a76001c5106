"""Copy a log into another ledger: the same entries in the same places, so the same root and the same proofs.

Source:  the Ledger port; RFC 6962, section 2.1.
Input:   a ledger that nobody writes to meanwhile, and one that is empty or holds a beginning of the same log.
Shapes:  the signed head is carried over as it is: receipts that were given out hold as before.
I/O:     both ledgers, in steps; run again after an interruption it goes on where it stopped.
Errors:  InvalidInputError (a body is withheld, and so cannot be appended anew), InclusionProofError (the other ledger
         holds another log), ConflictError (somebody writes to it), those of the two ledgers.
"""

from __future__ import annotations

from ssi.errors import ConflictError, InclusionProofError, InvalidInputError
from ssi.ledger import merkle
from ssi.ledger.port import Ledger, Withheld

_STEP = 256


async def copy_ledger(source: Ledger, target: Ledger) -> int:
    """Copy ``source`` into ``target`` and return how many entries it has. Raises as the module says."""
    note = await source.checkpoint()  # first: the entries read below are then at least those that it covers
    size, start = await source.size(), await target.size()
    if start > size or await merkle.root(source, start) != await merkle.root(target, start):
        raise InclusionProofError(f"the other ledger holds {start} entries that are not the beginning of this log")
    for first in range(start, size, _STEP):
        entries = []
        for index, entry in enumerate(await source.read(first, min(first + _STEP, size)), first):
            if isinstance(entry, Withheld):
                raise InvalidInputError(f"the body of entry {index} is withheld: it cannot be appended anew")
            entries.append(entry)
        if list(await target.append(entries, expected_size=first)) != list(range(first, first + len(entries))):
            raise ConflictError("the other ledger put entries elsewhere than expected")
    if note is not None:
        await target.put_checkpoint(await target.checkpoint(), note)
    return size

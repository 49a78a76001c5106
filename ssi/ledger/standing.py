"""Does the ledger still stand by what it acknowledged?

Source:  RFC 6962, section 2.1: the root of a size fixes every entry below it.
Input:   a ledger, and an entry with its index or a checkpoint from before.
Shapes:  a yes or no; a log of which a tail was taken back (a chain's reorganisation, a restored database) answers no.
I/O:     O(log n) hashes for a checkpoint, one entry for an index.
Errors:  UnavailableError (could not look).

This is how the port tells of what a backend takes back: it is read back and compared. No backend has to announce it.
"""

from __future__ import annotations

from ssi.errors import EntryNotFoundError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import Checkpoint
from ssi.ledger.port import Ledger, Withheld


async def stands(ledger: Ledger, index: int, entry: bytes) -> bool:
    """Return whether ``entry``, or what is left of it after an order withheld its body, is at ``index``."""
    try:
        (found,) = await ledger.read(index, index + 1)
    except EntryNotFoundError:
        return False
    return found.leaf_hash == merkle.leaf_hash(entry) if isinstance(found, Withheld) else found == entry


async def continues(ledger: Ledger, checkpoint: Checkpoint) -> bool:
    """Return whether the log has all entries of ``checkpoint``, each in its place."""
    if await ledger.size() < checkpoint.size:
        return False
    return await merkle.root(ledger, checkpoint.size) == checkpoint.root

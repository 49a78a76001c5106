"""What a wallet remembers, as a port: ciphertext by name and version, for one citizen or for many.

A store knows nothing of what it keeps. It holds the rows of a wallet together with the sealed head that accounts for
all of them, and replaces both in one transaction, if the head is still the one that the writer saw. Whether a store
kept its word is found out by the vault, which verifies every row against the head.

Shapes:  ``wallet`` names one wallet in the store; ``revision`` counts its commits from 1; a record's ``version`` counts
         its own from 1. Tags are keyed digests of 16 bytes, of use to the vault alone.
Errors:  NotFoundError (no such wallet or record), ConflictError, VerificationError (a row is not of the shape it was
         stored in), UnavailableError. Nothing was changed when one of the first three is raised; after an
         UnavailableError the outcome is unknown, and reading the head tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12


class SealedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it is stored; both columns are ciphertext."""

    id: bytes
    """16 random bytes."""
    category: str
    """What kind of record it is, as a short word; the one thing about it that is in the clear."""
    version: int
    tags: bytes
    """Sorted tags one after the other."""
    summary: bytes
    """What a list of records needs."""
    content: bytes


class RecordEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the index of a wallet says of a record without its content."""

    id: bytes
    category: str
    version: int
    tags: bytes
    nonces: bytes
    """The first 12 bytes of both columns: random, so they name the one time that each was sealed."""


class WrappedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The wallet's data key under one of the keys that open it."""

    name: str
    box: bytes


class StoredHead(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed account of a wallet at one revision."""

    revision: int
    box: bytes


class StoredWallet(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet in one consistent view: everything but the content of its records."""

    head: StoredHead
    wraps: tuple[WrappedKey, ...]
    """By name."""
    entries: tuple[RecordEntry, ...]
    """By id."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a wallet: all of it happens, or nothing."""

    before: StoredHead
    """The head that the change was made for."""
    head: StoredHead
    puts: tuple[SealedRecord, ...] = ()
    """New records, and new versions of records."""
    deletes: tuple[bytes, ...] = ()
    wraps: tuple[WrappedKey, ...] | None = None
    """All that open the wallet from now on; None leaves them as they are."""


class WalletStore(Protocol):
    """A store of wallets. Every method is one transaction, durable when it returns."""

    async def create(self, wallet: str, head: StoredHead, wraps: Sequence[WrappedKey]) -> None:
        """Make an empty wallet. Raises ConflictError if there is one of this name."""
        ...

    async def wallets(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return the names of wallets after ``after``, sorted, at most ``limit``."""
        ...

    async def head(self, wallet: str) -> StoredHead:
        """Return the head. Raises NotFoundError."""
        ...

    async def wraps(self, wallet: str) -> Sequence[WrappedKey]:
        """Return the wrapped data keys, by name. Raises NotFoundError if there is no such wallet."""
        ...

    async def load(self, wallet: str) -> StoredWallet:
        """Return head, wraps and index in one view. Raises NotFoundError."""
        ...

    async def records(self, wallet: str, ids: Sequence[bytes], *, content: bool) -> Sequence[SealedRecord]:
        """Return records in the order of ``ids``; without ``content`` that column is empty.

        Raises NotFoundError if one is not there.
        """
        ...

    async def commit(self, wallet: str, change: Commit) -> None:
        """Apply a change. Raises ConflictError unless the stored head is ``change.before``, NotFoundError."""
        ...

    async def erase(self, wallet: str) -> None:
        """Remove a wallet with all its rows. Raises NotFoundError."""
        ...

    async def close(self) -> None:
        """Release the store."""
        ...


def entry_of(record: SealedRecord) -> RecordEntry:
    """Return the index entry of a record."""
    nonces = record.summary[:NONCE_BYTES] + record.content[:NONCE_BYTES]
    return RecordEntry(id=record.id, category=record.category, version=record.version, tags=record.tags, nonces=nonces)

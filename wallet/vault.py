"""Seal records for a store that is trusted with nothing, and notice whatever it does to them.

Every record is sealed for its place: wallet, id, category, version and column are associated data, so no ciphertext
can stand where another one stood. The head accounts for all rows, so none can be dropped, added, brought back or
exchanged: it is sealed too, holds their number and a keyed digest over them, and names the head before it. An older
copy of a whole store is consistent in itself; it is refused where the caller remembers a later revision.

Source:  as ``sealing``.
Shapes:  ids are 16 random bytes. Equal values have equal tags within one wallet, and unrelated ones in any other.
I/O:     the store. An operation begins by comparing the head, so several processes may work on one wallet.
Errors:  VerificationError (not what this wallet sealed), NotFoundError, InvalidInputError (closed), UnavailableError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from secrets import token_bytes
from typing import Final, TypeAlias

import msgspec

from ssi.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError, VerificationError

from .sealing import Index, Plain, WalletKeys, open_record, seal_head, seal_record, split_tags, verify_index
from .store import Commit, SealedRecord, WalletStore, WrappedKey, entry_of
from .unlock import DATA_KEY_BYTES, DataKeyWrap

ID_BYTES: Final = 16
MAX_NAME_CHARACTERS: Final = 256
MAX_TRIES: Final = 64
"""How often a change is made anew because another process was faster."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What a change comes to."""

    puts: tuple[Plain, ...] = ()
    deletes: tuple[bytes, ...] = ()
    wraps: tuple[WrappedKey, ...] | None = None


Build: TypeAlias = Callable[[], Awaitable[Batch]]
"""Decides on a change from the newest content; asked again if another process was faster."""


def new_id() -> bytes:
    """Return an id for a new record."""
    return token_bytes(ID_BYTES)


class Vault:
    """One open wallet's records."""

    def __init__(self, store: WalletStore, wallet: str, keys: WalletKeys, index: Index) -> None:
        """Use ``Vault.create`` or ``Vault.open``."""
        import asyncio

        self.wallet: Final = wallet
        self._store = store
        self._open_keys: WalletKeys | None = keys
        self._index = index
        self._writing = asyncio.Lock()

    @classmethod
    async def create(cls, store: WalletStore, wallet: str, wraps: Sequence[DataKeyWrap]) -> Vault:
        """Make an empty wallet with a data key of its own. Raises ConflictError if the name is taken."""
        _check_name(wallet)
        keys = WalletKeys(token_bytes(DATA_KEY_BYTES), wallet)
        wrapped = await _wrap(keys, wallet, wraps)
        head = seal_head(keys, wallet, None, wrapped, {})
        await store.create(wallet, head, wrapped)
        return cls(store, wallet, keys, Index(head, wrapped, {}))

    @classmethod
    async def open(cls, store: WalletStore, wallet: str, wrap: DataKeyWrap, *, minimum_revision: int = 0) -> Vault:
        """Open a wallet and verify its rows against its head.

        Raises NotFoundError if there is none, VerificationError if it does not open with ``wrap``, was altered, or is
        of an earlier revision than ``minimum_revision``.
        """
        _check_name(wallet)
        boxes = [row.box for row in await store.wraps(wallet) if row.name == wrap.name]
        if not boxes:
            raise VerificationError("the wallet does not open: wrong passphrase or key, or an altered store")
        keys = WalletKeys(await wrap.unwrap(boxes[0], wallet=wallet), wallet)
        index = verify_index(keys, wallet, await store.load(wallet), before=None)
        if index.head.revision < minimum_revision:
            raise VerificationError(
                f"expected revision {minimum_revision} of the wallet or a later one, got {index.head.revision}"
            )
        return cls(store, wallet, keys, index)

    @property
    def revision(self) -> int:
        """How many commits the wallet has seen, as of the last operation; it never goes down."""
        return self._index.head.revision

    def tag(self, kind: str, value: bytes) -> bytes:
        """Return the tag by which records with this value of this kind are found."""
        return self._keys.tag(kind, value)

    async def find(self, category: str, tags: Collection[bytes] = ()) -> tuple[bytes, ...]:
        """Return the ids of the records of a category that have all of ``tags``, in no particular order.

        They are matched here, on the verified index: a store could withhold a match unnoticed.
        """
        index = await self._refreshed()
        wanted = frozenset(tags)
        return tuple(
            entry.id
            for entry in index.entries.values()
            if entry.category == category and wanted <= split_tags(entry.tags)
        )

    async def read(self, ids: Iterable[bytes], *, content: bool = True) -> list[Plain]:
        """Return records in the order of ``ids``. Raises NotFoundError if one is not there, VerificationError."""
        wanted = list(ids)
        for _ in range(MAX_TRIES):
            index = await self._refreshed()
            if any(record_id not in index.entries for record_id in wanted):
                raise NotFoundError("the wallet has no such record")
            try:
                records = await self._store.records(self.wallet, wanted, content=content)
                return [
                    open_record(self._keys, self.wallet, record, index.entries[record_id], content=content)
                    for record, record_id in _pairs(records, wanted)
                ]
            except (NotFoundError, VerificationError) as exc:
                # Another process may have changed or removed the record since the index was read.
                if await self._store.head(self.wallet) == index.head:
                    raise VerificationError("a record of the wallet was altered, exchanged or dropped") from exc
        raise UnavailableError("other processes change the wallet all the time")

    async def write(self, build: Build) -> None:
        """Make one change durably, all of it or nothing.

        ``build`` may call ``find`` and ``read``, and raises to leave everything as it was. After UnavailableError the
        outcome is unknown; the next operation sees it.
        """
        async with self._writing:
            for _ in range(MAX_TRIES):
                index = await self._refreshed()
                batch = await build()
                if self._index is not index:
                    continue  # The batch may rest on what was read before another process's change.
                if not batch.puts and not batch.deletes and batch.wraps is None:
                    return
                try:
                    await self._commit(index, batch)
                except ConflictError:
                    continue
                return
        raise UnavailableError("other processes change the wallet all the time")

    async def wrap_with(self, wraps: Sequence[DataKeyWrap]) -> None:
        """Let the wallet be opened by these ways only, from now on. Raises InvalidInputError."""
        wrapped = await _wrap(self._keys, self.wallet, wraps)

        async def build() -> Batch:
            return Batch(wraps=wrapped)

        await self.write(build)

    def close(self) -> None:
        """Forget the keys; every later operation is refused."""
        self._open_keys = None

    @property
    def _keys(self) -> WalletKeys:
        if self._open_keys is None:
            raise InvalidInputError("the wallet is closed")
        return self._open_keys

    async def _refreshed(self) -> Index:
        """Return the index of the newest revision, verified."""
        keys = self._keys
        if await self._store.head(self.wallet) == self._index.head:
            return self._index
        before = self._index.head
        stored = await self._store.load(self.wallet)
        # Another task of this process may have brought the index here, or past this, while this one waited.
        if stored.head not in (before, self._index.head):
            index = verify_index(keys, self.wallet, stored, before=before)
            if index.head.revision > self._index.head.revision:
                self._index = index
        return self._index

    async def _commit(self, index: Index, batch: Batch) -> None:
        keys = self._keys
        puts = tuple(seal_record(keys, self.wallet, plain, 1 + index.version_of(plain.id)) for plain in batch.puts)
        entries = {entry.id: entry for entry in index.entries.values() if entry.id not in batch.deletes}
        entries.update((record.id, entry_of(record)) for record in puts)
        wraps = index.wraps if batch.wraps is None else batch.wraps
        head = seal_head(keys, self.wallet, index.head, wraps, entries)
        change = Commit(before=index.head, head=head, puts=puts, deletes=batch.deletes, wraps=batch.wraps)
        await self._store.commit(self.wallet, change)
        self._index = Index(head, wraps, entries)


async def open_or_create(
    store: WalletStore, wallet: str, way: DataKeyWrap, *, create: bool, minimum_revision: int
) -> Vault:
    """Open a wallet, or make an empty one if ``create`` is set. Raises as ``Vault.open``."""
    try:
        return await Vault.open(store, wallet, way, minimum_revision=minimum_revision)
    except NotFoundError:
        # A wallet that the caller remembers a revision of was there before: an empty one is not it.
        if not create or minimum_revision:
            raise
    try:
        return await Vault.create(store, wallet, [way])
    except ConflictError:
        return await Vault.open(store, wallet, way)


def _check_name(wallet: str) -> None:
    if not 0 < len(wallet) <= MAX_NAME_CHARACTERS or not wallet.isprintable():
        raise InvalidInputError(f"expected a name for the wallet, printable, at most {MAX_NAME_CHARACTERS} characters")


async def _wrap(keys: WalletKeys, wallet: str, wraps: Sequence[DataKeyWrap]) -> tuple[WrappedKey, ...]:
    names = sorted(wrap.name for wrap in wraps)
    if not names or len(set(names)) != len(names):
        raise InvalidInputError("expected at least one way to open the wallet, each with a name of its own")
    wrapped = [WrappedKey(name=wrap.name, box=await wrap.wrap(keys.data_key, wallet=wallet)) for wrap in wraps]
    return tuple(sorted(wrapped, key=lambda row: row.name))


def _pairs(records: Sequence[SealedRecord], ids: Sequence[bytes]) -> Iterable[tuple[SealedRecord, bytes]]:
    if len(records) != len(ids):
        raise VerificationError("the store returned another number of records than it was asked for")
    return zip(records, ids, strict=True)

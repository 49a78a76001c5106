"""What every wallet store must do; a backend supplies only the ``store`` fixture."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ssi.errors import ConflictError, NotFoundError
from wallet.store import Commit, SealedRecord, StoredHead, WalletStore, WrappedKey, entry_of

FIRST = StoredHead(revision=1, box=b"head one")
WRAPS = (WrappedKey(name="device", box=b"d" * 60), WrappedKey(name="passphrase", box=b"p" * 80))


def record(number: int, *, version: int = 1, content: bytes = b"content") -> SealedRecord:
    return SealedRecord(
        id=bytes([number]) * 16,
        category="card",
        version=version,
        tags=bytes([number + 100]) * 32,
        summary=b"nonce of 12b" + bytes([number, version]) * 20,
        content=content.ljust(12, b".") * 5,
    )


def commit(before: StoredHead, *puts: SealedRecord, deletes: tuple[bytes, ...] = ()) -> Commit:
    revision = before.revision + 1
    return Commit(
        before=before, head=StoredHead(revision=revision, box=b"head %d" % revision), puts=puts, deletes=deletes
    )


class WalletStoreContract:
    """The wallet store port."""

    async def test_an_empty_wallet_has_its_head_and_its_keys(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS[::-1])
        loaded = await store.load("a")
        assert (loaded.head, loaded.wraps, loaded.entries) == (FIRST, WRAPS, ())
        assert (await store.head("a"), tuple(await store.wraps("a"))) == (FIRST, WRAPS)
        with pytest.raises(ConflictError):
            await store.create("a", StoredHead(revision=1, box=b"other"), WRAPS)
        assert await store.head("a") == FIRST

    async def test_what_is_not_there_is_not_found(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS)
        for attempt in (
            store.head("b"),
            store.wraps("b"),
            store.load("b"),
            store.records("b", [b"x" * 16], content=True),
            store.records("a", [b"x" * 16], content=True),
            store.commit("b", commit(FIRST, record(1))),
            store.erase("b"),
        ):
            with pytest.raises(NotFoundError):
                await attempt

    async def test_a_commit_puts_replaces_and_deletes_together(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS)
        change = commit(FIRST, record(2), record(1), record(3))
        await store.commit("a", change)
        second = commit(change.head, record(2, version=2, content=b"new"), record(4), deletes=(record(3).id,))
        await store.commit("a", second)
        loaded = await store.load("a")
        kept = [record(1), record(2, version=2, content=b"new"), record(4)]
        assert loaded.head == second.head
        assert list(loaded.entries) == [entry_of(row) for row in kept]
        ids = [row.id for row in reversed(kept)]
        assert list(await store.records("a", ids, content=True)) == kept[::-1]
        without = [msgspec.structs.replace(row, content=b"") for row in reversed(kept)]
        assert list(await store.records("a", ids, content=False)) == without
        assert list(await store.records("a", [], content=True)) == []

    async def test_a_commit_for_another_head_changes_nothing(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS)
        change = commit(FIRST, record(1))
        await store.commit("a", change)
        before = await store.load("a")
        same_revision = msgspec.structs.replace(change.head, box=b"another box")
        for stale in (FIRST, same_revision):
            with pytest.raises(ConflictError):
                await store.commit("a", commit(stale, record(2), deletes=(record(1).id,)))
        assert await store.load("a") == before

    async def test_of_two_writers_one_is_refused(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS)
        outcomes = await asyncio.gather(
            *(store.commit("a", commit(FIRST, record(number))) for number in range(8)), return_exceptions=True
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 7
        assert len((await store.load("a")).entries) == 1

    async def test_wraps_are_replaced_as_a_whole(self, store: WalletStore) -> None:
        await store.create("a", FIRST, WRAPS)
        change = msgspec.structs.replace(commit(FIRST), wraps=(WrappedKey(name="new", box=b"n"),))
        await store.commit("a", change)
        assert (await store.load("a")).wraps == change.wraps
        await store.commit("a", commit(change.head, record(1)))
        assert tuple(await store.wraps("a")) == change.wraps

    async def test_wallets_do_not_touch_each_other(self, store: WalletStore) -> None:
        for name in ("b", "a", "c"):
            await store.create(name, FIRST, WRAPS)
            await store.commit(name, commit(FIRST, record(1, content=name.encode())))
        assert list(await store.wallets()) == ["a", "b", "c"]
        assert list(await store.wallets(after="a", limit=1)) == ["b"]
        await store.erase("b")
        assert list(await store.wallets()) == ["a", "c"]
        with pytest.raises(NotFoundError):
            await store.records("b", [record(1).id], content=True)
        assert list(await store.records("c", [record(1).id], content=True)) == [record(1, content=b"c")]
        await store.create("b", FIRST, WRAPS)
        assert (await store.load("b")).entries == ()

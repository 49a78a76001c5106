"""A store that cheats is noticed: drops, swaps, copies, brings back, forks; and one that fails is survived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from ssi.errors import InvalidInputError, NotFoundError, UnavailableError, VerificationError
from wallet.sealing import Plain
from wallet.store import Commit, SealedRecord, StoredHead, StoredWallet
from wallet.stores.memory import MemoryWalletStore, _Rows
from wallet.unlock import SecretKeyWrap
from wallet.vault import Batch, Vault, new_id

WAY = SecretKeyWrap(bytes(32))


def plain(text: str, record_id: bytes | None = None, category: str = "card") -> Plain:
    return Plain(
        id=record_id or new_id(),
        category=category,
        tags=frozenset((text.encode().ljust(16, b".")[:16],)),
        summary=b"summary of " + text.encode(),
        content=b"content of " + text.encode(),
    )


async def put(vault: Vault, *records: Plain, deletes: tuple[bytes, ...] = ()) -> None:
    async def build() -> Batch:
        return Batch(puts=records, deletes=deletes)

    await vault.write(build)


class Case:
    """A wallet with three records, its rows in the hands of an attacker."""

    def __init__(self, store: MemoryWalletStore, vault: Vault, records: Sequence[Plain]) -> None:
        self.store, self.vault, self.records = store, vault, records

    @property
    def rows(self) -> _Rows:
        return self.store._wallets["w"]

    @rows.setter
    def rows(self, rows: _Rows) -> None:
        self.store._wallets["w"] = rows

    def change(self, number: int, **columns: Any) -> None:
        """Change columns of a record, its head untouched."""
        row = self.row(number)
        records = {**self.rows.records, row.id: msgspec.structs.replace(row, **columns)}
        self.rows = msgspec.structs.replace(self.rows, records=records)

    def row(self, number: int) -> SealedRecord:
        return self.rows.records[self.records[number].id]


@pytest.fixture
async def case() -> Case:
    store = MemoryWalletStore()
    vault = await Vault.create(store, "w", [WAY])
    records = [plain("one"), plain("two"), plain("three", category="key")]
    await put(vault, *records)
    return Case(store, vault, records)


async def all_of(vault: Vault) -> list[Plain]:
    ids = [*await vault.find("card"), *await vault.find("key")]
    return await vault.read(ids)


async def test_records_come_back_as_they_were(case: Case) -> None:
    again = await Vault.open(case.store, "w", WAY)
    by_id = {record.id: record for record in await all_of(again)}
    assert by_id == {record.id: record for record in case.records}
    (summary,) = await again.read([case.records[0].id], content=False)
    assert (summary.summary, summary.content) == (b"summary of one", b"")
    assert await again.find("card", case.records[1].tags) == (case.records[1].id,)
    assert await again.find("card", case.records[2].tags) == ()
    with pytest.raises(NotFoundError):
        await again.read([new_id()])


def drop(case: Case) -> None:
    records = {record_id: row for record_id, row in case.rows.records.items() if record_id != case.records[0].id}
    case.rows = msgspec.structs.replace(case.rows, records=records)


def add(case: Case) -> None:
    copy = msgspec.structs.replace(case.row(0), id=new_id())
    case.rows = msgspec.structs.replace(case.rows, records={**case.rows.records, copy.id: copy})


def swap_records(case: Case) -> None:
    first, second = case.row(0), case.row(1)
    case.change(0, summary=second.summary, content=second.content)
    case.change(1, summary=first.summary, content=first.content)


def lose_a_wrap(case: Case) -> None:
    case.rows = msgspec.structs.replace(case.rows, wraps=case.rows.wraps * 2)


def altered(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


CHEATS: dict[str, Callable[[Case], None]] = {
    "drop": drop,
    "add": add,
    "swap records": swap_records,
    "swap columns": lambda case: case.change(0, summary=case.row(0).content, content=case.row(0).summary),
    "swap contents": lambda case: case.change(0, content=case.row(1).content),
    "category": lambda case: case.change(0, category="key"),
    "version": lambda case: case.change(0, version=2),
    "impossible version": lambda case: case.change(0, version=-(2**63)),
    "tags": lambda case: case.change(0, tags=b"x" * 16),
    "no tags": lambda case: case.change(0, tags=b""),
    "summary": lambda case: case.change(0, summary=altered(case.row(0).summary)),
    "nothing": lambda case: case.change(0, content=b""),
    "wraps": lose_a_wrap,
}


@pytest.mark.parametrize("cheat", CHEATS)
@pytest.mark.parametrize("while_open", [False, True])
async def test_a_store_that_cheats_is_refused(case: Case, cheat: str, while_open: bool) -> None:
    CHEATS[cheat](case)
    if while_open and cheat in ("add", "wraps", "tags", "no tags"):
        # The index that was verified before goes on to count; tags of a record are compared when it is read.
        assert len(await case.vault.find("card")) == 2
    with pytest.raises(VerificationError):
        await use(case, case.vault if while_open else None)


async def use(case: Case, vault: Vault | None) -> None:
    """Read all, write, and open again: what must not get through to the end."""
    vault = vault or await Vault.open(case.store, "w", WAY)
    await all_of(vault)
    await put(vault, plain("four"))
    await Vault.open(case.store, "w", WAY)


async def test_an_old_record_is_not_taken_back(case: Case) -> None:
    old = case.row(0)
    await put(case.vault, plain("new", case.records[0].id))
    new = case.row(0)
    assert new.version == 2
    case.change(0, version=old.version, tags=old.tags, summary=old.summary, content=old.content)
    for vault in (case.vault, None):
        with pytest.raises(VerificationError):
            await all_of(vault or await Vault.open(case.store, "w", WAY))


async def test_what_was_sealed_for_a_change_that_failed_does_not_stand_for_the_one_that_followed(case: Case) -> None:
    lost: list[SealedRecord] = []
    committed = case.store.commit

    async def fail(wallet: str, change: Commit) -> None:
        lost.extend(change.puts)
        raise UnavailableError("the outcome is unknown")

    case.store.commit = fail  # type: ignore[method-assign]
    with pytest.raises(UnavailableError):
        await put(case.vault, plain("lost", case.records[0].id))
    case.store.commit = committed  # type: ignore[method-assign]
    await put(case.vault, plain("kept", case.records[0].id))
    assert lost[0].version == case.row(0).version
    case.change(0, summary=lost[0].summary, content=lost[0].content, tags=lost[0].tags)
    with pytest.raises(VerificationError):
        await all_of(await Vault.open(case.store, "w", WAY))


async def test_an_older_copy_is_refused_while_open_and_by_who_remembers_the_revision(case: Case) -> None:
    old = case.rows
    await put(case.vault, plain("four"))
    assert case.vault.revision == 3
    case.rows = old
    with pytest.raises(VerificationError, match="set back"):
        await case.vault.find("card")
    with pytest.raises(VerificationError, match="revision 3"):
        await Vault.open(case.store, "w", WAY, minimum_revision=3)
    assert (await Vault.open(case.store, "w", WAY, minimum_revision=2)).revision == 2


async def test_two_histories_of_one_wallet_are_told_apart(case: Case) -> None:
    copy = MemoryWalletStore()
    copy._wallets = dict(case.store._wallets)
    other = await Vault.open(copy, "w", WAY)
    await put(case.vault, plain("here"))
    await put(other, plain("there"))
    case.rows = copy._wallets["w"]
    with pytest.raises(VerificationError, match="parted"):
        await case.vault.find("card")
    await put(other, plain("again"))
    case.rows = copy._wallets["w"]
    with pytest.raises(VerificationError, match="parted"):
        await case.vault.find("card")


async def test_rows_of_another_wallet_do_not_open(case: Case) -> None:
    await Vault.create(case.store, "v", [WAY])
    case.store._wallets["v"] = case.rows
    with pytest.raises(VerificationError):
        await Vault.open(case.store, "v", WAY)


async def test_an_unknown_outcome_is_looked_up(case: Case) -> None:
    committed = case.store.commit

    async def half(wallet: str, change: Commit) -> None:
        await committed(wallet, change)
        raise UnavailableError("the answer was lost")

    case.store.commit = half  # type: ignore[method-assign]
    with pytest.raises(UnavailableError):
        await put(case.vault, plain("four"))
    case.store.commit = committed  # type: ignore[method-assign]
    assert len(await case.vault.find("card")) == 3
    await put(case.vault, plain("five"))
    assert len(await (await Vault.open(case.store, "w", WAY)).find("card")) == 4


async def test_a_change_that_raises_changes_nothing(case: Case) -> None:
    before = case.rows

    async def build() -> Batch:
        raise InvalidInputError("no")

    with pytest.raises(InvalidInputError):
        await case.vault.write(build)
    await put(case.vault)
    assert case.rows == before


async def test_many_tasks_write_and_read_at_once(case: Case) -> None:
    second = await Vault.open(case.store, "w", WAY)
    writes = [put((case.vault, second)[n % 2], plain(f"task {n}")) for n in range(60)]
    reads = [all_of((case.vault, second)[n % 2]) for n in range(60)]
    await asyncio.gather(*(work for pair in zip(writes, reads, strict=True) for work in pair))
    assert len(await case.vault.find("card")) == len(await second.find("card")) == 62


class SlowStore(MemoryWalletStore):
    """Gives other tasks a turn between every two steps."""

    async def head(self, wallet: str) -> StoredHead:
        head = await super().head(wallet)
        await asyncio.sleep(0)
        return head

    async def load(self, wallet: str) -> StoredWallet:
        await asyncio.sleep(0)
        loaded = await super().load(wallet)
        await asyncio.sleep(0)
        return loaded

    async def commit(self, wallet: str, change: Commit) -> None:
        await asyncio.sleep(0)
        await super().commit(wallet, change)
        await asyncio.sleep(0)


async def test_tasks_that_interleave_take_no_new_revision_for_an_old_one() -> None:
    store = SlowStore()
    first = await Vault.create(store, "w", [WAY])
    second = await Vault.open(store, "w", WAY)

    async def work(vault: Vault, number: int) -> None:
        record = plain(f"task {number}")
        await put(vault, record)
        await all_of(vault)
        await put(vault, plain(f"again {number}", record.id))
        await vault.read([record.id])
        await put(vault, deletes=(record.id,))

    await asyncio.gather(*(work((first, second)[number % 2], number) for number in range(40)))
    assert await first.find("card") == ()
    assert first.revision == second.revision == 121


async def test_a_store_that_never_settles_is_given_up() -> None:
    store = MemoryWalletStore()
    vault = await Vault.create(store, "w", [WAY])
    other = await Vault.open(store, "w", WAY)

    async def build() -> Batch:
        await put(other, plain("faster"))
        return Batch(puts=(plain("slow"),))

    with pytest.raises(UnavailableError):
        await vault.write(build)

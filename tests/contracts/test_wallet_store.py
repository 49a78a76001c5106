"""The wallet store contract on every backend, the key store contract on the vault, and what a file promises."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.database import planned_migrations
from ssi.errors import InvalidInputError, NotFoundError, SsiError
from ssi.keys import Kms
from tests.contracts.kms import KmsContract
from tests.contracts.wallet_store import FIRST, WRAPS, WalletStoreContract, commit, record
from wallet.keys import VaultKms
from wallet.store import WalletStore
from wallet.stores import open_wallet_store
from wallet.stores.memory import MemoryWalletStore
from wallet.stores.sqlite import APPLICATION_ID, MIGRATIONS, SqliteWalletStore
from wallet.unlock import SecretKeyWrap
from wallet.vault import Vault


class TestMemory(WalletStoreContract):
    @pytest.fixture
    def store(self) -> WalletStore:
        return MemoryWalletStore()


class TestSqliteInMemory(WalletStoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[WalletStore]:
        opened = await SqliteWalletStore.open(":memory:")
        yield opened
        await opened.close()


class TestSqliteFile(WalletStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[WalletStore]:
        opened = await SqliteWalletStore.open(tmp_path / "wallet.db")
        yield opened
        await opened.close()


class TestVaultKms(KmsContract):
    @pytest.fixture
    async def kms(self) -> Kms:
        return VaultKms(await Vault.create(MemoryWalletStore(), "w", [SecretKeyWrap(bytes(32))]))


async def test_a_file_is_its_owners_alone_and_a_restart_finds_everything(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    store = await SqliteWalletStore.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await store.create("a", FIRST, WRAPS)
    change = commit(FIRST, record(1))
    await store.commit("a", change)
    await store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["wallet.db"]
    again = await SqliteWalletStore.open(path, create=False)
    assert (await again.load("a")).head == change.head
    assert list(await again.records("a", [record(1).id], content=True)) == [record(1)]
    await again.close()


async def test_migrations_are_planned_without_touching_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    assert SqliteWalletStore.planned(path) == MIGRATIONS
    assert not path.exists()
    await (await SqliteWalletStore.open(path)).close()
    assert SqliteWalletStore.planned(path) == ()
    with pytest.raises(InvalidInputError):
        planned_migrations(path, application_id=APPLICATION_ID + 1, migrations=MIGRATIONS)


async def test_open_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(await open_wallet_store("memory:"), MemoryWalletStore)
    for url in (f"sqlite://{tmp_path}/one.db", "sqlite:two.db"):
        with pytest.raises(NotFoundError):
            await open_wallet_store(url, create=False)
        await (await open_wallet_store(url)).close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.db", "two.db"]
    for url in ("", "sqlite", "sqlite:", "sqlite://host/x", "nosuch:thing", f"sqlite://{tmp_path}"):
        with pytest.raises(SsiError):
            await open_wallet_store(url)


async def test_deleted_rows_are_gone_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    store = await SqliteWalletStore.open(path)
    await store.create("a", FIRST, WRAPS)
    marker = b"ciphertext-that-must-go"
    change = commit(FIRST, record(1, content=marker * 300))
    await store.commit("a", change)
    assert marker in path.read_bytes()
    await store.erase("a")
    await store.close()
    assert all(marker not in file.read_bytes() for file in tmp_path.iterdir())

"""The issuer's store contract on every backend, and what a file promises beyond it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from issuer.store import IssuerStore
from issuer.stores.sqlite import APPLICATION_ID, MIGRATIONS, SqliteIssuerStore
from ssi.database import Database
from tests.contracts.issuer_adoption import AdoptionContract
from tests.contracts.issuer_publication import PublicationContract
from tests.contracts.issuer_store import IssuerStoreContract, draft, family


class TestSqliteInMemory(IssuerStoreContract, PublicationContract, AdoptionContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[IssuerStore]:
        opened = await SqliteIssuerStore.open(":memory:")
        yield opened
        await opened.close()


class TestSqliteFile(IssuerStoreContract, PublicationContract, AdoptionContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[IssuerStore]:
        opened = await SqliteIssuerStore.open(tmp_path / "issuer.db")
        yield opened
        await opened.close()


async def test_two_processes_share_a_file_and_a_restart_finds_everything(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    first, second = await SqliteIssuerStore.open(path), await SqliteIssuerStore.open(path)
    rows = []
    for number in range(30):
        store = (first, second)[number % 2]
        rows.append(await store.claim(draft(f"case-{number}"), await family(store)))
    assert len({row.index for row in rows}) == 30
    assert await second.secret() == await first.secret()
    await first.close()
    await second.close()
    again = await SqliteIssuerStore.open(path)
    assert [await again.find(row.reference) for row in rows] == rows
    await again.close()


async def test_erased_claims_are_gone_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    store = await SqliteIssuerStore.open(path)
    marker = b"a-claim-value-that-must-go"
    await store.claim(draft("case-1", retained=marker, retained_until=10), await family(store))
    assert marker in path.read_bytes()
    await store.erase_due(now=10, retry_before=0)
    await store.close()
    assert all(marker not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_file_of_before_adoption_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    earlier = await Database.open(path, application_id=APPLICATION_ID, migrations=MIGRATIONS[:1])
    await earlier.write(
        lambda connection: connection.execute(
            "INSERT INTO families (id, format, uri, entries, capacity) VALUES (1, 'TokenStatusList', 'a:1', 64, 32)"
        )
    )
    await earlier.close()
    store = await SqliteIssuerStore.open(path)
    (found,) = await store.families()
    assert (found.uri, found.adopted, found.held) == ("a:1", False, False)
    await store.close()

"""An agency whose store a test may open again and whose ledger it may take away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from issuer import CredentialType, Issuer
from issuer.issuer import IssuedCredential
from issuer.publishing import StatusSettings
from issuer.store import IssuerStore
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.errors import UnavailableError
from ssi.keys import KeyPurpose
from ssi.ledger.receipt import parse_receipt
from ssi.registry import Organisation
from ssi.status import parse_status_list
from ssi.testing import TestFederation, TestHolder
from ssi.testing.forge import decode_jws
from ssi.types import JsonObject

SMALL = StatusSettings(entries=131_072, ttl_seconds=300, lifetime_seconds=3600)
CLAIMS: JsonObject = {"given_name": "Aino"}


def kind(**changes: Any) -> CredentialType:
    members: dict[str, Any] = {
        "name": "residence",
        "vct": "https://town.example/residence",
        "types": ("ResidenceCertificate",),
        "contexts": ("https://www.w3.org/ns/credentials/examples/v2",),
        "schema": {"type": "object", "properties": {"given_name": {"type": "string"}}, "required": ["given_name"]},
        "validity_days": 365,
    }
    return CredentialType(**{**members, **changes})


class Agency:
    """An issuer on a store that a test may open again, and a ledger that a test may take away."""

    def __init__(self, federation: TestFederation, organisation: Organisation, holder: TestHolder, path: str) -> None:
        self.federation = federation
        self.organisation = organisation
        self.holder = holder
        self.clock = federation.clock
        self.path = path
        self.status_base = "https://town.example/status"
        self.stores: list[SqliteIssuerStore] = []

    async def issuer(self, *types: CredentialType, store: IssuerStore | None = None) -> Issuer:
        if store is None:
            store = await SqliteIssuerStore.open(self.path)
            self.stores.append(store)
        return Issuer(
            self.organisation,
            store=store,
            registry=self.federation.registry,
            catalogue=list(types) or [kind()],
            status_base=self.status_base,
            now=self.clock,
            status=SMALL,
        )


def signed(issued: IssuedCredential) -> tuple[JsonObject, JsonObject]:
    return decode_jws(issued.credential.partition("~")[0])


async def collect(made: AsyncIterator[IssuedCredential], *, most: int = 20) -> list[IssuedCredential]:
    found: list[IssuedCredential] = []
    async for issued in made:
        found.append(issued)
        assert len(found) <= most, "reissue does not end"
    return found


class Away:
    """Stands in for the ledger's ``append`` while it does not answer."""

    def __init__(self, agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ledger, self._patch = agency.federation.ledger, monkeypatch

    def __enter__(self) -> None:
        async def append(entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
            raise UnavailableError("the ledger is away")

        self._patch.setattr(self._ledger, "append", append)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


async def assert_published(agency: Agency, issuer: Issuer) -> None:
    """Every list shows its family's version, has its receipt, and is the newest on the ledger."""
    assert await issuer.publish()
    store = agency.stores[0]
    families = {family.id: family for family in await store.families()}
    for stored in await store.lists():
        assert stored.version == families[stored.family].version
        newest = agency.federation.view().newest_commitment(stored.uri)
        assert newest is not None
        assert newest.epoch == stored.epoch
        assert parse_receipt(stored.receipt or b"").entry_index == newest.entry
        assert parse_status_list(stored.body).kid == (await agency.organisation.key(KeyPurpose.LIST)).kid

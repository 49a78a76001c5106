"""An agency whose ledger a test may trouble, and what its outbox holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from issuer import Issuer
from issuer.issuance import IssuanceBook
from issuer.outbox import IntentKind, IntentState
from issuer.publishing import StatusSettings
from issuer.stores.issuance import SqliteIssuanceStore
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.ledger.receipt import parse_receipt, verify_receipt
from ssi.registry import Organisation, Registry, audit, open_registry
from ssi.testing import TestFederation, TestHolder
from ssi.testing.faulty_ledger import Fault, FaultyLedger, ForgetfulLedger
from tests.unit.issuer.agency import CLAIMS, kind

DAY = 86_400


class Office:
    """An agency whose ledger a test may trouble, and which may be opened anew, as after a crash."""

    def __init__(self, federation: TestFederation, ledger: Any, path: Path) -> None:
        self.federation, self.ledger, self.path = federation, ledger, path
        self.clock = federation.clock
        self.did = ""
        self._closing: list[Any] = []

    async def registry(self) -> Registry:
        roots = [self.federation.ministry.did]
        return await open_registry(
            self.ledger, origin="log.example", roots=roots, kms=self.federation.kms, now=self.clock
        )

    async def open(self, *, book: bool = False) -> Issuer:
        registry = await self.registry()
        town = await Organisation.open("town", self.did, kms=self.federation.kms, registry=registry, now=self.clock())
        store = await SqliteIssuerStore.open(self.path / "issuer.db")
        self._closing.append(store)
        issuer = Issuer(
            town,
            store=store,
            registry=registry,
            catalogue=[kind()],
            status_base="https://town.example/status",
            now=self.clock,
            status=StatusSettings(entries=131_072, lifetime_seconds=9 * DAY),
        )
        if book:
            leaves = await SqliteIssuanceStore.open(self.path / "book.db")
            self._closing.append(leaves)
            issuer.book = IssuanceBook(
                town, store=leaves, registry=registry, uri="https://town.example/issued", now=self.clock
            )
        return issuer

    async def issue(self, issuer: Issuer, reference: str) -> None:
        holder = await TestHolder.create(clock=self.clock)
        await issuer.issue("residence", CLAIMS, reference=reference, holder=holder.key)

    async def close(self) -> None:
        for each in self._closing:
            await each.close()

    async def entries(self) -> list[bytes]:
        return [bytes(entry) for entry in await self.ledger.ledger.read(0, await self.ledger.ledger.size())]

    async def assert_once(self, issuer: Issuer) -> None:
        """Every list has a receipt that holds, its commitment stands once, and the log holds."""
        entries = await self.entries()
        assert max(Counter(entries).values()) == 1
        registry = await self.registry()
        for stored in await issuer._store.lists():
            assert stored.receipt is not None
            receipt = parse_receipt(stored.receipt)
            assert receipt.entry is not None
            verify_receipt(receipt, receipt.entry, keys=registry.keys)
            assert entries[receipt.entry_index] == receipt.entry
            newest = registry.view().newest(stored.uri)
            assert newest is not None
            assert (newest.index, newest.body.epoch) == (receipt.entry_index, stored.epoch)
        assert (await audit(self.ledger.ledger, roots=[self.federation.ministry.did], keys=registry.keys)).ok


def trouble(office: Office, *faults: Fault, rate: float = 1, seed: int = 1) -> FaultyLedger:
    office.ledger = FaultyLedger(office.ledger.ledger, faults=faults, seed=seed, rate=rate)
    return office.ledger  # type: ignore[no-any-return]


def healthy(office: Office) -> None:
    office.ledger = ForgetfulLedger(office.ledger.ledger, faults=[], seed=1)


async def states(issuer: Issuer) -> list[tuple[IntentKind, IntentState]]:
    return [(each.kind, each.state) for each in await issuer._store.intents(tuple(IntentState))]

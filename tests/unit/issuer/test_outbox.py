"""The outbox: what an issuer wants on the ledger gets there once, after whatever happened in between."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from issuer import Issuer
from issuer.issuance import IssuanceBook
from issuer.outbox import IntentKind, IntentState
from issuer.publishing import StatusSettings
from issuer.stores.issuance import SqliteIssuanceStore
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.errors import GuardError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.receipt import parse_receipt, verify_receipt
from ssi.registry import Organisation, Registry, audit, open_registry
from ssi.registry.types import EndingReason
from ssi.testing import TestFederation, TestHolder
from ssi.testing.faulty_ledger import Fault, FaultyLedger, ForgetfulLedger
from tests.unit.issuer.test_issuer import CLAIMS, kind

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


@pytest.fixture
async def office(tmp_path: Path) -> Any:
    federation = await TestFederation.found()
    town = await federation.enrol("town", types=[kind().vct, *kind().types])
    made = Office(federation, ForgetfulLedger(federation.ledger, faults=[], seed=1), tmp_path)
    made.did = town.did
    yield made
    await made.close()


def trouble(office: Office, *faults: Fault, rate: float = 1, seed: int = 1) -> FaultyLedger:
    office.ledger = FaultyLedger(office.ledger.ledger, faults=faults, seed=seed, rate=rate)
    return office.ledger  # type: ignore[no-any-return]


def healthy(office: Office) -> None:
    office.ledger = ForgetfulLedger(office.ledger.ledger, faults=[], seed=1)


async def states(issuer: Issuer) -> list[tuple[IntentKind, IntentState]]:
    return [(each.kind, each.state) for each in await issuer._store.intents(tuple(IntentState))]


@pytest.mark.parametrize("fault", [Fault.LOST_ACKNOWLEDGEMENT, Fault.DISK_FULL, Fault.FSYNC_ERROR, Fault.CUT])
async def test_a_commitment_survives_a_fault_and_a_restart(office: Office, fault: Fault) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    registry = issuer._registry
    assert registry is not None
    registry._ledger = FaultyLedger(office.ledger.ledger, faults=[fault], seed=3, rate=1)
    office.clock.advance(10)
    assert not (await issuer.revoke(reference="case")).anchored
    (waiting,) = await issuer._store.intents()
    restarted = await office.open()
    before = await office.entries()
    foreseen = await restarted.reconcile(dry_run=True)
    assert await office.entries() == before
    assert (await restarted._store.intents())[0] == waiting
    assert [each.number for each in foreseen.outcomes] == [waiting.number]
    done = await restarted.reconcile()
    assert done.settled
    assert [each.state for each in done.outcomes] == [IntentState.DONE]
    assert waiting.entry in await office.entries()  # the very bytes that were signed first
    await office.assert_once(restarted)


async def test_a_crash_before_anything_was_sent_leaves_an_intent(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    publisher: Any = issuer._publisher

    async def crash() -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(publisher, "_anchor_all", crash)
    office.clock.advance(10)
    with pytest.raises(RuntimeError):
        await issuer.revoke(reference="case")
    restarted = await office.open()
    assert [each.did for each in (await restarted.reconcile(dry_run=True)).outcomes] == ["would be submitted"]
    assert (await restarted.reconcile()).settled
    assert (await restarted.reconcile()).outcomes == ()
    await office.assert_once(restarted)


async def test_an_overtaken_commitment_is_closed(office: Office) -> None:
    issuer = await office.open()
    for name in ("a", "b", "c"):
        await office.issue(issuer, name)
    healthy_ledger = office.ledger
    assert issuer._registry is not None
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.DISK_FULL], seed=1, rate=1)
    for name in ("a", "b"):
        office.clock.advance(10)
        await issuer.revoke(reference=name)
    issuer._registry._ledger = healthy_ledger
    size = await office.ledger.size()
    outcomes = (await issuer.reconcile()).outcomes
    # The older one was closed as the newer one came; nothing of it is written.
    assert [each.state for each in outcomes] == [IntentState.DONE]
    assert IntentState.SUPERSEDED in [state for _, state in await states(issuer)]
    assert await office.ledger.size() == size + 1
    await office.assert_once(issuer)


async def test_what_the_guard_refuses_is_reported_and_tried_again(office: Office) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    federation, registry = office.federation, issuer._registry
    assert registry is not None
    view = registry.view()
    given = next(each for each in view.accreditations(office.did) if each.body.role == "issuer")
    reason: EndingReason = "stayed"
    ended = await federation.ministry.end(given.id, reason=reason, registry=registry, now=office.clock())
    office.clock.advance(10)
    with pytest.raises(GuardError):
        await issuer.revoke(reference="case")
    foreseen = await issuer.reconcile(dry_run=True)
    assert [(each.state, each.did[:17]) for each in foreseen.outcomes] == [(IntentState.REFUSED, "would be refused:")]
    done = await issuer.reconcile()
    assert not done.settled
    assert [each.state for each in done.refused()] == [IntentState.REFUSED]
    await federation.ministry.end(ended.id, reason="lifted", registry=registry, now=office.clock())
    assert (await issuer.reconcile()).settled
    await office.assert_once(issuer)


@pytest.mark.parametrize("why", ["old", "ahead", "key"])
async def test_a_statement_that_can_never_stand_is_signed_anew(office: Office, why: str) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    office.clock.advance(3 * DAY if why == "ahead" else 10)
    assert issuer._registry is not None
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.DISK_FULL], seed=1, rate=1)
    await issuer.revoke(reference="case")
    issuer._registry._ledger = office.ledger
    (first,) = await issuer._store.intents()
    if why == "key":
        await issuer.organisation.rotate(KeyPurpose.STATEMENT, registry=issuer._registry, now=office.clock())
    else:
        office.clock.advance(DAY + 1 if why == "old" else -2 * DAY)
    assert [each.did for each in (await issuer.reconcile(dry_run=True)).outcomes] == [
        "would be signed anew and submitted"
    ]
    assert (await issuer.reconcile()).settled
    assert first.entry not in await office.entries()
    await office.assert_once(issuer)


async def test_a_rotation_whose_answer_was_lost_is_the_one_that_counts(office: Office) -> None:
    issuer = await office.open()
    assert issuer._registry is not None
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.LOST_ACKNOWLEDGEMENT], seed=1, rate=1)
    with pytest.raises(UnavailableError):
        await issuer.rotate_key()
    restarted = await office.open()
    assert (await states(restarted)) == [(IntentKind.LINE, IntentState.PENDING)]
    assert (await restarted.reconcile()).settled
    assert (await restarted.organisation.key(KeyPurpose.CREDENTIAL)).label == "town/credential/2"
    view = (await office.registry()).view()
    assert len(view.versions(office.did)) == 2


async def test_a_rotation_that_is_asked_for_again_is_made_once(office: Office) -> None:
    issuer = await office.open()
    assert issuer._registry is not None
    whole = issuer._registry._ledger
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.DISK_FULL], seed=1, rate=1)
    with pytest.raises(UnavailableError):
        await issuer.rotate_key()
    with pytest.raises(UnavailableError):
        await issuer.rotate_key()
    issuer._registry._ledger = whole
    assert await issuer.rotate_key() == "town/credential/1"
    assert (await issuer.organisation.key(KeyPurpose.CREDENTIAL)).label == "town/credential/2"
    assert await issuer.rotate_key() == "town/credential/2"


async def test_a_line_that_lost_its_place_is_closed(office: Office) -> None:
    issuer, other = await office.open(), await office.open()
    assert issuer._registry is not None
    whole = issuer._registry._ledger
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.DISK_FULL], seed=1, rate=1)
    with pytest.raises(UnavailableError):
        await issuer.rotate_key()
    issuer._registry._ledger = whole
    assert other._registry is not None
    await other.organisation.rotate(KeyPurpose.LIST, registry=other._registry, now=office.clock())
    done = await issuer.reconcile()
    assert [(each.kind, each.state) for each in done.outcomes] == [(IntentKind.LINE, IntentState.SUPERSEDED)]
    assert done.settled


async def test_after_a_line_that_was_refused_another_one_is_made(office: Office) -> None:
    issuer = await office.open()
    registry, ministry = issuer._registry, office.federation.ministry
    assert registry is not None
    given = next(each for each in registry.view().accreditations(office.did) if each.body.role == "organisation")
    ended = await ministry.end(given.id, reason="stayed", registry=registry, now=office.clock())
    for _ in range(2):
        with pytest.raises(GuardError):
            await issuer.rotate_key()
    assert [each.state for each in (await issuer.reconcile()).outcomes] == [IntentState.REFUSED]
    await ministry.end(ended.id, reason="lifted", registry=registry, now=office.clock())
    office.clock.advance(10)
    assert await issuer.rotate_key() == "town/credential/1"
    assert len((await office.registry()).view().versions(office.did)) == 2
    assert (await issuer.reconcile()).settled


async def test_a_declaration_waits_and_is_made_once(office: Office) -> None:
    issuer = await office.open()
    kid = (await issuer.organisation.key(KeyPurpose.CREDENTIAL)).kid
    assert issuer._registry is not None
    whole = issuer._registry._ledger
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.LOST_ACKNOWLEDGEMENT], seed=1, rate=1)
    with pytest.raises(UnavailableError):
        await issuer.declare_compromised(kid)
    issuer._registry._ledger = whole
    office.clock.advance(5)
    restarted = await office.open()
    await restarted.declare_compromised(kid)
    await issuer.declare_compromised(kid)
    view = (await office.registry()).view()
    assert len(view.compromises(office.did)) == 1
    assert (await restarted.reconcile()).settled


async def test_batches_of_the_book_wait_too(office: Office) -> None:
    issuer = await office.open(book=True)
    await office.issue(issuer, "case")
    assert issuer._registry is not None
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.LOST_ACKNOWLEDGEMENT], seed=1, rate=1)
    assert not await issuer.publish()
    office.clock.advance(3_600)
    restarted = await office.open(book=True)
    assert await restarted.publish()
    assert restarted.book is not None
    view = (await office.registry()).view()
    newest = view.newest("https://town.example/issued")
    assert newest is not None
    assert newest.body.epoch == office.clock() // 3_600
    assert max(Counter(await office.entries()).values()) == 1
    assert (await restarted.reconcile()).settled


@pytest.mark.parametrize("fresh", [False, True], ids=["the same process", "another process"])
async def test_what_the_ledger_took_back_is_put_back_in_its_place(office: Office, fresh: bool) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    start = await office.ledger.size() - 1
    for _ in range(2):
        office.clock.advance(10)
        await issuer.publish(everything=True)
    before = await office.entries()
    await office.ledger.take_back(start, into=MemoryLedger())
    if fresh:
        issuer = await office.open()
    foreseen = await issuer.reconcile(dry_run=True)
    assert await office.ledger.size() == start
    assert {each.did for each in foreseen.outcomes} == {"taken back by the ledger"}
    assert len(foreseen.outcomes) == 3
    done = await issuer.reconcile()
    assert done.settled
    assert await office.entries() == before  # the same log, under the same signed heads
    await office.assert_once(issuer)


async def test_entries_of_others_that_are_missing_are_waited_for(office: Office) -> None:
    issuer = await office.open()
    assert issuer._registry is not None
    ministry = office.federation.ministry
    await ministry.accredit(office.did, role="supervisor", registry=issuer._registry, now=office.clock())
    await office.issue(issuer, "case")
    before = await office.entries()
    own = before[-1]
    await office.ledger.take_back(len(before) - 2, into=MemoryLedger())
    restarted = await office.open()
    done = await restarted.reconcile()
    assert "took entries back" in done.problem
    assert [each.state for each in done.outcomes] == [IntentState.PENDING]
    assert (await restarted._store.lists())[0].receipt is None
    office.clock.advance(10)
    assert not (await restarted.revoke(reference="case")).anchored
    assert own not in await office.entries()  # in another place it would be a fork
    again = await office.open()  # nor does a restart forget it
    assert not (await again.reconcile()).settled
    assert await office.ledger.size() == len(before) - 2
    await office.ledger.ledger.append([before[-2]])
    assert (await again.reconcile()).settled
    assert (await office.entries())[: len(before)] == before
    await office.assert_once(again)


async def test_a_ledger_that_went_on_without_the_entry_is_reported(office: Office) -> None:
    issuer = await office.open()
    await office.issue(issuer, "case")
    size = await office.ledger.size()
    await office.ledger.take_back(size - 1, into=MemoryLedger())
    await office.ledger.ledger.append([b"something else"])
    restarted = await office.open()
    done = await restarted.reconcile()
    assert "otherwise" in done.problem
    assert not done.settled
    assert await office.ledger.size() == size


async def test_two_processes_that_reconcile_at_once_write_once(office: Office) -> None:
    import asyncio

    issuer = await office.open()
    await office.issue(issuer, "case")
    assert issuer._registry is not None
    issuer._registry._ledger = FaultyLedger(office.ledger.ledger, faults=[Fault.DISK_FULL], seed=1, rate=1)
    office.clock.advance(10)
    await issuer.revoke(reference="case")
    size = await office.ledger.size()
    several = [await office.open() for _ in range(4)]
    done = await asyncio.gather(*(each.reconcile() for each in several))
    assert all(each.settled for each in done)
    assert await office.ledger.size() == size + 1
    await office.assert_once(several[0])


@pytest.mark.parametrize("seed", range(6))
async def test_under_any_mixture_of_faults_everything_arrives_once(office: Office, seed: int) -> None:
    kinds = [
        Fault.LOST_ACKNOWLEDGEMENT,
        Fault.DUPLICATE,
        Fault.REORDER,
        Fault.DELAY,
        Fault.CUT,
        Fault.DISK_FULL,
        Fault.FSYNC_ERROR,
    ]
    issuer = await office.open()
    for number in range(4):
        await office.issue(issuer, f"case-{number}")
    faulty = trouble(office, *kinds, rate=0.4, seed=seed)
    for number in range(4):
        office.clock.advance(10)
        issuer = await office.open()
        await issuer.revoke(reference=f"case-{number}")
    assert faulty.injected
    healthy(office)
    assert (await (await office.open()).reconcile()).settled
    await office.assert_once(await office.open())

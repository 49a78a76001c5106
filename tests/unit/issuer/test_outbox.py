"""The outbox: what an issuer wants on the ledger gets there once, after whatever happened in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from issuer.outbox import IntentState
from ssi.errors import GuardError
from ssi.keys import KeyPurpose
from ssi.ledger.backends.memory import MemoryLedger
from ssi.registry.types import EndingReason
from ssi.testing.faulty_ledger import Fault, FaultyLedger
from tests.unit.issuer.office import DAY, Office, healthy, states, trouble


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

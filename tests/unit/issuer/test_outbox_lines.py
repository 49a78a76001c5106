"""The outbox: a rotation, a declaration and a batch of the book wait for the ledger, and are made once."""

from __future__ import annotations

from collections import Counter

import pytest

from issuer.outbox import IntentKind, IntentState
from ssi.errors import GuardError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.testing.faulty_ledger import Fault, FaultyLedger
from tests.unit.issuer.office import Office, states


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

"""Status lists: every act is published and anchored once, whoever else publishes, and while the ledger is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from issuer.issuer import StatusChange
from issuer.publishing import MAX_AHEAD_SECONDS
from ssi.errors import UnavailableError
from ssi.keys import KeyPurpose
from ssi.ledger.receipt import parse_receipt
from ssi.registry import Organisation, audit, open_registry
from tests.unit.issuer.agency import CLAIMS, SMALL, Agency, Away, assert_published, signed


async def test_many_acts_at_once_are_all_published(agency: Agency) -> None:
    one = await agency.issuer()
    two = await agency.issuer()
    for number in range(40):
        await one.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    changes = await asyncio.gather(*((one, two)[number % 2].revoke(reference=f"case-{number}") for number in range(40)))
    assert Counter(change.references[0] for change in changes) == Counter(f"case-{number}" for number in range(40))
    await assert_published(agency, one)


async def test_two_issuers_publish_on_one_store_again_and_again(agency: Agency) -> None:
    issuers = [await agency.issuer(), await agency.issuer()]
    await issuers[0].issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    await issuers[1].issue("residence", CLAIMS, reference="other", format="vc+jwt", holder=agency.holder.key)
    for _ in range(5):
        agency.clock.advance(10)
        acts: list[asyncio.Future[StatusChange]] = [
            asyncio.ensure_future(issuers[0].suspend(reference="case")),
            asyncio.ensure_future(issuers[1].suspend(reference="other")),
        ]
        await asyncio.gather(*acts)
        agency.clock.advance(10)
        await asyncio.gather(issuers[1].unsuspend(reference="case"), issuers[0].unsuspend(reference="other"))
    await assert_published(agency, issuers[0])


async def test_a_list_that_another_process_replaced_is_not_anchored_and_no_error(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, other = await agency.issuer(), await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    await issuer.issue("residence", CLAIMS, reference="next", holder=agency.holder.key)
    sign = agency.organisation.sign
    overtaken: list[int] = []

    async def slow(body: Any) -> bytes:
        entry = await sign(body)
        if not overtaken:
            overtaken.append(body.epoch)
            await other.revoke(reference="next")
        return entry

    monkeypatch.setattr(agency.organisation, "sign", slow)
    agency.clock.advance(10)
    assert (await issuer.revoke(reference="case")).anchored
    assert overtaken
    monkeypatch.undo()
    await assert_published(agency, issuer)


async def test_lists_published_in_quick_succession_stay_near_the_clock(agency: Agency) -> None:
    issuer = await agency.issuer()
    count = MAX_AHEAD_SECONDS + 10
    for number in range(count):
        await issuer.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    for number in range(count):
        assert (await issuer.revoke(reference=f"case-{number}")).anchored
    (stored,) = await agency.stores[0].lists()
    assert agency.clock() < stored.issued_at <= agency.clock() + MAX_AHEAD_SECONDS
    assert stored.epoch == count + 1
    agency.clock.advance(100)
    await issuer.publish()
    await assert_published(agency, issuer)


async def test_while_the_ledger_is_away_lists_are_published_and_anchored_later(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    (before,) = await agency.stores[0].lists()
    agency.clock.advance(10)
    with Away(agency, monkeypatch):
        change = await issuer.revoke(reference="case")
        assert (change.references, change.anchored) == (("case",), False)
        (pending,) = await agency.stores[0].lists()
        assert (pending.epoch, pending.receipt) == (before.epoch + 1, None)
        assert (await issuer.status_list(pending.uri)).body == pending.body != before.body
        assert not await issuer.publish()
    restarted = await agency.issuer()
    assert await restarted.publish()
    await assert_published(agency, restarted)
    (done,) = await agency.stores[0].lists()
    assert done.body == pending.body


async def test_a_lost_answer_of_the_ledger_is_found_there(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    settle = agency.stores[0].settle

    async def lost(*arguments: object, **named: object) -> None:
        raise UnavailableError("the answer is lost")

    agency.clock.advance(10)
    monkeypatch.setattr(agency.stores[0], "settle", lost)
    assert not (await issuer.revoke(reference="case")).anchored
    size = await agency.federation.ledger.size()
    monkeypatch.setattr(agency.stores[0], "settle", settle)
    assert await issuer.publish()
    assert await agency.federation.ledger.size() == size
    await assert_published(agency, issuer)
    assert (await audit(agency.federation.ledger, roots=[agency.federation.ministry.did])).ok


async def test_lists_are_signed_anew_with_a_new_key_at_once(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    agency.clock.advance(10)
    assert await issuer.rotate_key(KeyPurpose.LIST) == "town/list/1"
    await assert_published(agency, issuer)


async def test_a_list_is_published_again_at_half_its_life(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    (first,) = await agency.stores[0].lists()
    agency.clock.advance(SMALL.lifetime_seconds // 2)
    await issuer.publish()
    assert msgspec.structs.replace((await agency.stores[0].lists())[0], receipt=first.receipt) == first
    agency.clock.advance(1)
    await issuer.publish()
    assert (await agency.stores[0].lists())[0].epoch == first.epoch + 1


async def test_keys_that_another_process_rotated_are_taken_over(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    mine = agency.organisation
    agency.organisation = await Organisation.open(
        "town", mine.did, kms=mine.kms, registry=agency.federation.registry, now=agency.clock()
    )
    other = await agency.issuer()
    agency.clock.advance(10)
    await other.rotate_key()
    await other.rotate_key(KeyPurpose.LIST)
    agency.clock.advance(10)
    await issuer.publish()
    made = await issuer.issue("residence", CLAIMS, reference="next", holder=agency.holder.key)
    assert signed(made)[0]["kid"] == f"{mine.did}#credential-2"
    await issuer.revoke(reference="case")
    await assert_published(agency, issuer)


async def test_lists_that_a_crash_left_under_a_replaced_key_are_signed_anew(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    agency.clock.advance(10)
    registry = agency.federation.registry
    await agency.organisation.rotate(KeyPurpose.LIST, registry=registry, now=agency.clock())  # and no more
    restarted = await agency.issuer()
    await restarted.publish()
    await assert_published(agency, restarted)


async def test_a_commitment_behind_the_newest_checkpoint_gets_its_receipt(agency: Agency) -> None:
    """Its writer was stopped after the entry and before the checkpoint; whoever comes next finishes by itself."""
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case-1", holder=agency.holder.key)
    agency.clock.advance(2)
    federation, store = agency.federation, agency.stores[0]

    async def stop(index: int) -> None:
        raise UnavailableError("stopped before the checkpoint")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(federation.registry, "_cover", stop)
        assert not (await issuer.revoke(reference="case-1")).anchored
    agency.clock.advance(2)
    federation.registry = await open_registry(
        federation.ledger,
        origin="log.example",
        roots=[federation.ministry.did],
        kms=federation.kms,
        now=federation.clock,
    )
    assert federation.registry.view().size < await federation.ledger.size()
    resumed = await agency.issuer(store=store)
    assert await resumed.publish()
    (published,) = await store.lists()
    assert published.receipt is not None
    assert parse_receipt(published.receipt).entry_index == await federation.ledger.size() - 1

"""What every issuer's store must do; a backend supplies only the ``store`` fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from issuer.outbox import IntentKind, IntentState, NewIntent
from issuer.store import (
    AdoptedCredential,
    AdoptedFamily,
    Draft,
    Family,
    Issued,
    IssuerStore,
    Selection,
    StoredList,
)
from ssi.errors import ConflictError, NotFoundError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState

VALID, REVOKED, SUSPENDED = CredentialState
NOW = 1_800_000_000


def draft(reference: str, **changes: object) -> Draft:
    plain = Draft(
        reference=reference,
        type="residence",
        format="dc+sd-jwt",
        id=f"urn:uuid:{reference}",
        key="town/credential/1",
        holder=None,
        request_tag=b"tag",
        issued_at=NOW,
        valid_until=NOW + 1000,
    )
    return msgspec.structs.replace(plain, **changes)


async def family(store: IssuerStore, entries: int = 64, capacity: int = 32) -> Family:
    return await store.open_family(StatusFormat.TOKEN, entries=entries, capacity=capacity, base="https://a.example/s")


async def issued(store: IssuerStore, *references: str, **changes: object) -> list[Issued]:
    room = await family(store)
    return [await store.claim(draft(reference, **changes), room) for reference in references]


def commitment(uri: str, epoch: int, entry: bytes = b"entry") -> NewIntent:
    return NewIntent(kind=IntentKind.LIST, subject=uri, number=epoch, entry=entry, made_at=NOW)


async def change(
    store: IssuerStore, state: CredentialState, *when: CredentialState, **selected: object
) -> Sequence[Issued]:
    return await store.change(
        msgspec.convert(selected, Selection), state, when=when, act="act", reason="why", by="unit", at=NOW
    )


class IssuerStoreContract:
    """The store port of an issuer."""

    async def test_a_reference_keeps_its_first_credential(self, store: IssuerStore) -> None:
        (first,) = await issued(store, "case-1")
        again = await store.claim(draft("case-1", id="urn:uuid:other"), await family(store))
        assert again == first == await store.find("case-1")
        assert (first.state, first.replaced_by) == (VALID, None)
        with pytest.raises(NotFoundError):
            await store.find("case-2")

    async def test_a_credential_is_replaced_only_in_the_states_named(self, store: IssuerStore) -> None:
        (first,) = await issued(store, "case-1")
        await change(store, REVOKED, VALID, reference="case-1")
        new = draft("case-1", id="urn:uuid:new")
        with pytest.raises(ConflictError):
            await store.claim(new, await family(store), replaces=first.number, when=(VALID,))
        assert (await store.find("case-1")).number == first.number
        made = await store.claim(new, await family(store), replaces=first.number, when=(REVOKED,))
        assert (await store.find("case-1")).number == made.number

    async def test_a_credential_signed_again_has_the_other_key_while_it_is_current(self, store: IssuerStore) -> None:
        (first,) = await issued(store, "case-1")
        again = await store.rekey(first.number, "town/credential/2")
        assert again == msgspec.structs.replace(first, key="town/credential/2") == await store.find("case-1")
        await store.claim(draft("case-1", id="urn:uuid:new"), await family(store), replaces=first.number)
        with pytest.raises(ConflictError):
            await store.rekey(first.number, "town/credential/3")

    async def test_no_index_is_given_twice_and_a_full_family_is_followed_by_another(self, store: IssuerStore) -> None:
        rows = [(await issued(store, f"case-{number}"))[0] for number in range(100)]
        places = [(row.family, row.index) for row in rows]
        assert len(set(places)) == 100
        assert {row.family for row in rows} == {1, 2, 3, 4}
        assert all(row.index is not None and 0 <= row.index < 64 for row in rows)
        assert [row.index for row in rows[:32]] != sorted(row.index or 0 for row in rows[:32])

    async def test_a_family_that_filled_up_meanwhile_is_refused_and_nothing_is_kept(self, store: IssuerStore) -> None:
        room = await family(store, capacity=1)
        await store.claim(draft("case-1"), room)
        with pytest.raises(ConflictError):
            await store.claim(draft("case-2"), room)
        with pytest.raises(NotFoundError):
            await store.find("case-2")

    async def test_many_claims_at_once(self, store: IssuerStore) -> None:
        room = await family(store, entries=1024, capacity=512)
        rows = await asyncio.gather(
            *(store.claim(draft(f"case-{number % 50}", id=f"id-{number}"), room) for number in range(200))
        )
        assert len({row.number for row in rows}) == len({row.index for row in rows}) == 50

    async def test_a_type_without_status_takes_no_index(self, store: IssuerStore) -> None:
        row = await store.claim(draft("case-1"), None)
        assert (row.family, row.index) == (None, None)

    async def test_states_change_only_from_the_states_named(self, store: IssuerStore) -> None:
        (row,) = await issued(store, "case-1")
        assert row.family is not None
        assert await store.states(row.family) == (0, [])
        assert [found.state for found in await change(store, SUSPENDED, VALID, reference="case-1")] == [SUSPENDED]
        assert await change(store, SUSPENDED, VALID, reference="case-1") == []
        assert await store.states(row.family) == (1, [(row.index, SUSPENDED)])
        await change(store, REVOKED, VALID, SUSPENDED, reference="case-1")
        assert await change(store, VALID, SUSPENDED, reference="case-1") == []
        assert await store.states(row.family) == (2, [(row.index, REVOKED)])
        assert [(act.act, act.reason, act.by, act.at) for act in await store.acts(row.number)] == [
            ("act", "why", "unit", NOW)
        ] * 2

    async def test_selection_by_type_key_and_reference(self, store: IssuerStore) -> None:
        await issued(store, "a", "b")
        await issued(store, "c", type="permit")
        await issued(store, "d", key="town/credential/2")
        select = store.select
        assert [row.reference for row in await select(Selection(type="residence"))] == ["a", "b", "d"]
        assert [row.reference for row in await select(Selection(key="town/credential/1"))] == ["a", "b", "c"]
        assert [row.reference for row in await select(Selection(type="permit", reference="c"))] == ["c"]
        assert [row.reference for row in await select(Selection(), limit=2)] == ["a", "b"]
        (b,) = await select(Selection(reference="b"))
        assert [row.reference for row in await select(Selection(), after=b.number)] == ["c", "d"]

    async def test_reissue_replaces_and_revokes(self, store: IssuerStore) -> None:
        (old,) = await issued(store, "case-1")
        room = await family(store)
        new = await store.claim(draft("case-1", id="urn:uuid:new"), room, replaces=old.number)
        assert new.number != old.number
        assert new.index != old.index
        assert await store.find("case-1") == new
        (before,) = await store.select(Selection(numbers=(old.number,)))
        assert (before.state, before.replaced_by) == (REVOKED, new.number)
        assert await store.states(room.id) == (1, [(old.index, REVOKED)])
        with pytest.raises(ConflictError):
            await store.claim(draft("case-1", id="urn:uuid:third"), room, replaces=old.number)
        assert await store.find("case-1") == new

    async def test_claims_and_tags_are_erased_when_due(self, store: IssuerStore) -> None:
        (kept,) = await issued(store, "kept", retained=b'{"a":1}', retained_until=NOW + 10)
        (bare,) = await issued(store, "bare")
        assert await store.retained(kept.number) == b'{"a":1}'
        assert await store.retained(bare.number) is None
        assert await store.erase_due(now=NOW + 9, retry_before=NOW) == 0
        assert (await store.find("kept")).request_tag == b"tag"
        assert await store.erase_due(now=NOW + 10, retry_before=NOW + 1) == 3
        assert await store.retained(kept.number) is None
        assert (await store.find("kept")).request_tag is None

    async def test_a_list_follows_only_an_earlier_one(self, store: IssuerStore) -> None:
        room = await family(store)
        first = StoredList(
            uri=room.uri,
            family=room.id,
            epoch=1,
            version=0,
            body=b"one",
            media_type="application/statuslist+jwt",
            issued_at=NOW,
            valid_until=NOW + 10,
            receipt=None,
        )
        await store.put_lists([first], [commitment(room.uri, 1)])
        (intent,) = await store.intents()
        await store.settle(intent, IntentState.DONE, index=7, receipt=b"receipt")
        assert await store.list_at(room.uri) == msgspec.structs.replace(first, receipt=b"receipt")
        with pytest.raises(ConflictError):
            await store.put_lists([first], [commitment(room.uri, 9)])
        assert await store.intents() == []  # neither the list nor its intent
        second = msgspec.structs.replace(first, epoch=2, body=b"two")
        await store.put_lists([second])
        await store.settle(intent, IntentState.DONE, index=7, receipt=b"late")
        assert await store.lists() == [second]
        with pytest.raises(NotFoundError):
            await store.list_at("https://a.example/s/none")

    async def test_of_one_place_the_first_intent_is_kept(self, store: IssuerStore) -> None:
        first = commitment("https://a.example/s/1", 1, b"first")
        (kept,) = await store.put_intents([first])
        assert await store.put_intents([commitment("https://a.example/s/1", 1, b"second")]) == [kept]
        assert (kept.entry, kept.state, kept.index, kept.receipt) == (b"first", IntentState.PENDING, None, None)
        more = await store.put_intents([commitment("https://a.example/s/1", 2), commitment("https://a.example/s/2", 1)])
        assert await store.intents() == [kept, *more]
        assert await store.intents(after=kept.id) == more
        await store.settle(kept, IntentState.REFUSED, reason="G10")
        assert [each.reason for each in await store.intents((IntentState.REFUSED,))] == ["G10"]
        assert len(await store.intents()) == 3  # what is refused is tried again

    async def test_an_intent_is_renewed_once_and_never_after_it_is_done(self, store: IssuerStore) -> None:
        (old,) = await store.put_intents([commitment("https://a.example/s/1", 1, b"old")])
        new = await store.renew_intent(old, commitment("https://a.example/s/1", 1, b"new"))
        assert new.entry == b"new"
        assert await store.renew_intent(old, commitment("https://a.example/s/1", 1, b"newer")) == new
        await store.settle(new, IntentState.DONE, index=3, receipt=b"r")
        assert (await store.renew_intent(new, commitment("https://a.example/s/1", 1, b"x"))).entry == b"new"
        assert await store.intents() == []

    async def test_what_is_taken_back_keeps_its_receipt_and_the_list_loses_it(self, store: IssuerStore) -> None:
        room = await family(store)
        published = StoredList(
            uri=room.uri,
            family=room.id,
            epoch=1,
            version=0,
            body=b"one",
            media_type="x",
            issued_at=NOW,
            valid_until=NOW,
            receipt=None,
        )
        await store.put_lists([published], [commitment(room.uri, 1)])
        (intent,) = await store.intents()
        await store.settle(intent, IntentState.DONE, index=5, receipt=b"receipt", entry=b"as it stands")
        last = await store.last_done()
        assert last is not None
        assert (last.index, last.receipt, last.entry) == (5, b"receipt", b"as it stands")
        await store.settle(last, IntentState.PENDING, reason="taken back")
        (again,) = await store.intents()
        assert (again.receipt, again.index, again.reason) == (b"receipt", 5, "taken back")
        assert await store.lists() == [published]
        assert await store.last_done() is None

    async def test_closed_intents_are_forgotten_but_for_the_last(self, store: IssuerStore) -> None:
        made = await store.put_intents([commitment("https://a.example/s/1", epoch) for epoch in range(1, 5)])
        for intent in made[:3]:
            await store.settle(intent, IntentState.DONE, index=10 - intent.number, receipt=b"r")
        assert await store.forget_intents(before=NOW) == 0
        assert await store.forget_intents(before=NOW + 1) == 2
        assert [each.number for each in await store.intents(tuple(IntentState))] == [1, 4]

    async def test_an_older_state_never_follows_a_newer_one(self, store: IssuerStore) -> None:
        room = await family(store)
        newer = StoredList(
            uri=room.uri,
            family=room.id,
            epoch=1,
            version=5,
            body=b"one",
            media_type="x",
            issued_at=NOW,
            valid_until=NOW,
            receipt=None,
        )
        await store.put_lists([newer])
        with pytest.raises(ConflictError):
            await store.put_lists([msgspec.structs.replace(newer, epoch=2, version=4)])

    async def test_families_and_secret_are_found_again(self, store: IssuerStore) -> None:
        room = await family(store)
        assert room.uri == "https://a.example/s/1"
        assert await store.family(room.id) == room
        assert await store.families() == [room]
        assert await family(store) == room
        with pytest.raises(NotFoundError):
            await store.family(9)
        with pytest.raises(NotFoundError):
            await store.states(9)
        secret = await store.secret()
        assert len(secret) == 32
        assert await store.secret() == secret


def old_credential(reference: str, index: int, state: CredentialState = VALID) -> AdoptedCredential:
    return AdoptedCredential(
        reference=reference,
        type="residence",
        format="dc+sd-jwt",
        id=f"urn:uuid:{reference}",
        key="old",
        issued_at=NOW - 1000,
        valid_until=NOW + 1000,
        index=index,
        state=state,
    )


def old_family(**changes: object) -> AdoptedFamily:
    credentials = (old_credential("old-1", 3), old_credential("old-2", 4, REVOKED))
    plain = AdoptedFamily(
        format=StatusFormat.TOKEN,
        uri="https://a.example/s/2",
        entries=8,
        credentials=credentials,
        taken=((6, SUSPENDED), (7, VALID)),
    )
    return msgspec.structs.replace(plain, **changes)


class AdoptionContract:
    """The part of the port by which an issuer takes over from another system."""

    async def test_what_is_adopted_is_held_until_it_is_released(self, store: IssuerStore) -> None:
        (made,) = await store.adopt([old_family()])
        assert (made.adopted, made.held, made.uri) == (True, True, "https://a.example/s/2")
        assert sorted((await store.states(made.id))[1]) == [(4, REVOKED), (6, SUSPENDED)]
        assert list(await store.adopted(made.id)) == [(3, VALID), (4, REVOKED), (6, SUSPENDED), (7, VALID)]
        with pytest.raises(ConflictError):
            await change(store, REVOKED, VALID, reference="old-1")
        assert await store.release() == [msgspec.structs.replace(made, held=False)]
        assert await store.release() == []
        await change(store, REVOKED, VALID, reference="old-1")
        assert sorted((await store.states(made.id))[1]) == [(3, REVOKED), (4, REVOKED), (6, SUSPENDED)]

    async def test_nothing_is_issued_while_another_system_issues(self, store: IssuerStore) -> None:
        own = await family(store)
        await store.adopt([old_family()])
        before = await store.families()
        for refused in (
            store.claim(draft("case-1"), own),
            store.claim(draft("case-1"), None),
            store.claim(draft("old-2", id="urn:uuid:new"), own, replaces=(await store.find("old-2")).number),
            family(store, entries=128),
        ):
            with pytest.raises(ConflictError):
                await refused
        assert await store.families() == before

    async def test_adopted_indexes_are_not_drawn_and_addresses_not_given_again(self, store: IssuerStore) -> None:
        await store.adopt([old_family(capacity=8)])
        (released,) = await store.release()
        (first,) = await issued(store, "case-1")
        (_old, new) = await store.families()
        assert (first.family, new.uri) == (new.id, "https://a.example/s/3")
        drawn = [await store.claim(draft(f"new-{number}"), released) for number in range(4)]
        assert sorted(row.index or 0 for row in drawn) == [0, 1, 2, 5]
        with pytest.raises(ConflictError):
            await store.claim(draft("new-4"), released)

    @pytest.mark.parametrize(
        "wrong",
        [
            old_family(taken=((3, VALID),)),
            old_family(taken=((7, VALID), (7, VALID))),
            old_family(credentials=(old_credential("old-1", 1), old_credential("old-1", 2))),
            old_family(uri="https://a.example/s/1"),
            old_family(credentials=(old_credential("case-1", 1),)),
        ],
    )
    async def test_a_clash_leaves_nothing_behind(self, store: IssuerStore, wrong: AdoptedFamily) -> None:
        await issued(store, "case-1")
        before = await store.families()
        with pytest.raises(ConflictError):
            await store.adopt([old_family(uri="https://a.example/s/9", credentials=()), wrong])
        assert await store.families() == before

    async def test_an_adoption_is_undone_completely_before_it_is_published(self, store: IssuerStore) -> None:
        (own,) = await issued(store, "case-1")
        before = await store.families()
        await store.adopt([old_family()])
        await store.release()
        assert await store.abandon() == 2
        assert await store.families() == before
        assert await store.find("case-1") == own
        with pytest.raises(NotFoundError):
            await store.find("old-1")
        await store.adopt([old_family()])
        assert await store.abandon() == 2

    async def test_what_was_published_or_changed_here_is_not_abandoned(self, store: IssuerStore) -> None:
        (made,) = await store.adopt([old_family(capacity=8)])
        await store.release()
        await change(store, REVOKED, VALID, reference="old-1")
        with pytest.raises(ConflictError):
            await store.abandon()
        await change(store, VALID, REVOKED, reference="old-1")
        published = StoredList(
            uri=made.uri,
            family=made.id,
            epoch=1,
            version=2,
            body=b"list",
            media_type="a/b",
            issued_at=NOW,
            valid_until=NOW + 1,
            receipt=None,
        )
        await store.put_lists([published])
        with pytest.raises(ConflictError):
            await store.abandon()
        assert (await store.find("old-1")).state is VALID

"""What every issuer's store must do with what is published: lists, and intents to put something on the ledger."""

from __future__ import annotations

import msgspec
import pytest

from issuer.outbox import IntentKind, IntentState, NewIntent
from issuer.store import Family, IssuerStore, StoredList
from ssi.errors import ConflictError, NotFoundError
from tests.contracts.issuer_store import NOW, family


def stored(room: Family, **changes: object) -> StoredList:
    """Return the first list of a family, as it is published."""
    plain = StoredList(
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
    return msgspec.structs.replace(plain, **changes)


def commitment(uri: str, epoch: int, entry: bytes = b"entry") -> NewIntent:
    return NewIntent(kind=IntentKind.LIST, subject=uri, number=epoch, entry=entry, made_at=NOW)


class PublicationContract:
    """The part of the port that lists and the outbox use."""

    async def test_a_list_follows_only_an_earlier_one(self, store: IssuerStore) -> None:
        room = await family(store)
        first = stored(room)
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
        published = stored(room)
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
        newer = stored(room, version=5)
        await store.put_lists([newer])
        with pytest.raises(ConflictError):
            await store.put_lists([msgspec.structs.replace(newer, epoch=2, version=4)])

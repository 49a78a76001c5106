"""What every issuer's store must do; a backend supplies only the ``store`` fixture.

Credentials, their states and their families are here; what is published is in ``issuer_publication``, and what is taken
over from another system in ``issuer_adoption``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from issuer.store import Draft, Family, Issued, IssuerStore, Selection
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

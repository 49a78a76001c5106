"""What every issuer's store must do when an issuer takes over from another system."""

from __future__ import annotations

import msgspec
import pytest

from issuer.store import AdoptedCredential, AdoptedFamily, IssuerStore
from ssi.errors import ConflictError, NotFoundError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState
from tests.contracts.issuer_publication import stored
from tests.contracts.issuer_store import NOW, REVOKED, SUSPENDED, VALID, change, draft, family, issued


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
        await store.put_lists([stored(made, version=2)])
        with pytest.raises(ConflictError):
            await store.abandon()
        assert (await store.find("old-1")).state is VALID

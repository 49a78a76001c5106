"""Reissue: each credential is replaced once, wherever it stopped, and nothing taken away comes back."""

from __future__ import annotations

import pytest

from issuer.store import Selection
from ssi.errors import ConflictError, InvalidInputError
from ssi.status.lists import CredentialState
from tests.unit.issuer.agency import CLAIMS, Agency, collect, kind


async def test_reissue_ends_and_replaces_each_credential_once(agency: Agency) -> None:
    issuer = await agency.issuer()
    for number in range(3):
        await issuer.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    store = agency.stores[0]
    before = {row.reference: row for row in await store.select(Selection(type="residence"))}
    made = await collect(issuer.reissue(type="residence", claims=lambda _: {"given_name": "Anna"}))
    assert [item.reference for item in made] == ["case-0", "case-1", "case-2"]
    assert len(await collect(issuer.reissue(reference="case-0", claims=lambda _: CLAIMS))) == 1
    for reference, row in before.items():
        (old,) = await store.select(Selection(numbers=(row.number,)))
        assert old.state is CredentialState.REVOKED
        assert (await store.find(reference)).index != old.index


async def test_reissue_goes_on_where_it_was_stopped(agency: Agency) -> None:
    issuer = await agency.issuer()
    for number in range(5):
        await issuer.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    old = await issuer.rotate_key()
    first = issuer.reissue(key=old, claims=lambda _: CLAIMS)
    stopped = [(await anext(first)).reference, (await anext(first)).reference]
    await first.aclose()  # type: ignore[attr-defined]
    restarted = await agency.issuer()
    rest = [item.reference for item in await collect(restarted.reissue(key=old, claims=lambda _: CLAIMS))]
    assert stopped + rest == [f"case-{number}" for number in range(5)]
    assert await collect(restarted.reissue(key=old, claims=lambda _: CLAIMS)) == []


async def test_reissue_gives_back_nothing_that_was_taken_away(agency: Agency) -> None:
    issuer = await agency.issuer()
    for reference in ("good", "revoked", "suspended"):
        await issuer.issue("residence", CLAIMS, reference=reference, holder=agency.holder.key)
    await issuer.revoke(reference="revoked")
    await issuer.suspend(reference="suspended")
    old = await issuer.rotate_key()
    for selected in ({"key": old}, {"type": "residence"}):
        made = await collect(issuer.reissue(claims=lambda _: CLAIMS, **selected))  # type: ignore[arg-type]
        assert [item.reference for item in made] == ["good"]
    assert [await issuer.state(name) for name in ("revoked", "suspended")] == [
        CredentialState.REVOKED,
        CredentialState.SUSPENDED,
    ]
    with pytest.raises(ConflictError):
        await collect(issuer.reissue(reference="suspended", claims=lambda _: CLAIMS))
    (renewed,) = await collect(issuer.reissue(reference="revoked", claims=lambda _: CLAIMS))
    assert renewed.reference == "revoked"


async def test_reissue_needs_claims_unless_the_type_keeps_them(agency: Agency) -> None:
    issuer = await agency.issuer(kind(retention_days=30), kind(name="other", vct="https://town.example/other"))
    await issuer.issue("residence", CLAIMS, reference="kept", holder=agency.holder.key)
    await issuer.issue("other", CLAIMS, reference="not-kept", holder=agency.holder.key)
    (made,) = await collect(issuer.reissue(reference="kept"))
    assert made.reference == "kept"
    with pytest.raises(InvalidInputError):
        await collect(issuer.reissue(reference="not-kept"))
    assert await issuer.state("not-kept") is CredentialState.VALID


async def test_what_is_revoked_while_a_reissue_runs_stays_revoked(agency: Agency) -> None:
    issuer = await agency.issuer()
    for number in range(4):
        await issuer.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    made = []
    async for issued in issuer.reissue(type="residence", claims=lambda _: CLAIMS):
        made.append(issued.reference)
        if len(made) == 1:
            await issuer.revoke(reference="case-2")
            await issuer.suspend(reference="case-3")
    assert made == ["case-0", "case-1"]
    states = [await issuer.state(f"case-{number}") for number in range(4)]
    assert [state.name for state in states] == ["VALID", "VALID", "REVOKED", "SUSPENDED"]

"""The issuer's façade: what may be repeated, what races, what is refused and what is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from issuer.issuer import RETRY_SECONDS
from issuer.store import Draft, Family, Issued, Selection
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, SchemaError
from ssi.keys import KeyPurpose
from ssi.status.lists import CredentialState
from ssi.testing import TestHolder
from ssi.types import JsonObject
from tests.unit.issuer.agency import CLAIMS, Agency, kind, signed


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_the_same_request_gives_the_same_credential(agency: Agency, format: Any) -> None:
    issuer = await agency.issuer()
    first = await issuer.issue("residence", CLAIMS, reference="case", format=format, holder=agency.holder.key)
    agency.clock.advance(600)
    again = await issuer.issue("residence", CLAIMS, reference="case", format=format, holder=agency.holder.key)
    assert (again.id, again.issued_at, again.valid_until) == (first.id, first.issued_at, first.valid_until)
    status = "status" if format == "dc+sd-jwt" else "credentialStatus"
    assert signed(first)[1][status] == signed(again)[1][status]
    assert len(await agency.stores[0].select(Selection(type="residence"))) == 1


async def test_another_request_under_the_same_reference_is_refused(agency: Agency) -> None:
    issuer = await agency.issuer(kind(), kind(name="other", vct="https://town.example/other"))
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    stranger = await TestHolder.create(clock=agency.clock)
    others: list[dict[str, Any]] = [
        {"claims": {"given_name": "Anna"}},
        {"type": "other"},
        {"format": "vc+jwt"},
        {"holder": stranger.key},
        {"holder": None},
    ]
    for other in others:
        asked: dict[str, Any] = {"type": "residence", "claims": CLAIMS, "holder": agency.holder.key, **other}
        with pytest.raises(ConflictError):
            await issuer.issue(asked.pop("type"), asked.pop("claims"), reference="case", **asked)
    assert (await issuer.state("case")) is CredentialState.VALID


async def test_after_the_retry_time_the_same_request_is_refused(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    agency.clock.advance(RETRY_SECONDS + 1)
    await issuer.publish()
    assert (await agency.stores[0].find("case")).request_tag is None
    with pytest.raises(ConflictError):
        await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)


async def test_what_is_refused_leaves_no_trace(agency: Agency) -> None:
    issuer = await agency.issuer()
    bad: list[tuple[str, JsonObject, str, type[Exception]]] = [
        ("residence", {}, "case", SchemaError),
        ("residence", {"given_name": 1}, "case", SchemaError),
        ("residence", {"given_name": "A", "iss": "did:example:x"}, "case", InvalidInputError),
        ("residence", {"given_name": "A", "cnf": {}}, "case", InvalidInputError),
        ("residence", {"given_name": "A", "n": float("nan")}, "case", InvalidInputError),
        ("unknown", CLAIMS, "case", NotFoundError),
        ("residence", CLAIMS, "", InvalidInputError),
        ("residence", CLAIMS, "a\nb", InvalidInputError),
        ("residence", CLAIMS, "x" * 257, InvalidInputError),
    ]
    for name, claims, reference, error in bad:
        with pytest.raises(error):
            await issuer.issue(name, claims, reference=reference, holder=agency.holder.key)
    with pytest.raises(NotFoundError):
        await issuer.state("case")
    assert await agency.stores[0].families() == []


async def test_a_request_repeated_after_a_rotation_is_kept_under_the_new_key(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    old = await issuer.rotate_key()
    again = await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    new = await agency.organisation.key(KeyPurpose.CREDENTIAL)
    assert signed(again)[0]["kid"] == new.kid
    assert (await issuer.revoke(key=old)).references == ()
    assert (await issuer.revoke(key=new.label)).references == ("case",)


async def test_claims_are_erased_when_their_time_is_over(agency: Agency) -> None:
    issuer = await agency.issuer(kind(retention_days=2))
    await issuer.issue("residence", {"given_name": "Canary-Aino"}, reference="case", holder=agency.holder.key)
    number = (await agency.stores[0].find("case")).number
    assert parse_object(await agency.stores[0].retained(number) or b"") == {"given_name": "Canary-Aino"}
    agency.clock.advance(2 * 86_400 - 1)
    await issuer.publish()
    assert await agency.stores[0].retained(number) is not None
    agency.clock.advance(1)
    await issuer.publish()
    assert await agency.stores[0].retained(number) is None
    await agency.stores[0].close()
    agency.stores.clear()
    assert b"Canary-Aino" not in Path(agency.path).read_bytes()


async def test_no_claim_is_kept_of_a_type_without_retention(agency: Agency) -> None:
    issuer = await agency.issuer()
    await issuer.issue("residence", {"given_name": "Canary-Aino"}, reference="case", holder=agency.holder.key)
    assert b"Canary" not in Path(agency.path).read_bytes()


async def test_acts_by_type_and_key_change_what_matches_and_nothing_else(agency: Agency) -> None:
    issuer = await agency.issuer(kind(), kind(name="other", vct="https://town.example/other"))
    await issuer.issue("residence", CLAIMS, reference="a", holder=agency.holder.key)
    await issuer.issue("other", CLAIMS, reference="b", holder=agency.holder.key)
    await issuer.rotate_key()
    await issuer.issue("residence", CLAIMS, reference="c", holder=agency.holder.key)
    assert (await issuer.suspend(type="residence", key="town/credential/1")).references == ("a",)
    assert (await issuer.revoke(type="residence", reason="leak", by="it")).references == ("a", "c")
    assert (await issuer.revoke(type="residence")).references == ()
    assert await issuer.state("b") is CredentialState.VALID
    assert [(act.act, act.reason, act.by) for act in await issuer.acts("a")] == [
        ("suspend", "", ""),
        ("revoke", "leak", "it"),
    ]
    with pytest.raises(InvalidInputError):
        await issuer.revoke()
    with pytest.raises(ConflictError):
        await issuer.suspend(reference="a")


async def test_a_restart_goes_on_with_the_same_lists_and_indexes(agency: Agency) -> None:
    issuer = await agency.issuer()
    made = [await issuer.issue("residence", CLAIMS, reference=f"c{n}", holder=agency.holder.key) for n in range(10)]
    await issuer.revoke(reference="c3")
    restarted = await agency.issuer()
    again = await restarted.issue("residence", CLAIMS, reference="c5", holder=agency.holder.key)
    assert signed(again)[1]["status"] == signed(made[5])[1]["status"]
    more = [await restarted.issue("residence", CLAIMS, reference=f"d{n}", holder=agency.holder.key) for n in range(10)]
    assert len({signed(item)[1]["status"]["status_list"]["idx"] for item in made + more}) == 20
    assert await restarted.state("c3") is CredentialState.REVOKED
    assert len(await restarted.status_lists()) == 1


async def test_a_family_that_fills_up_meanwhile_is_followed_by_another(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = await agency.issuer()
    store = agency.stores[0]
    claim = store.claim

    async def overtaken(draft: Draft, family: Family | None, **more: Any) -> Issued:
        monkeypatch.undo()
        await store._database.write(lambda connection: connection.execute("UPDATE families SET taken = capacity"))
        return await claim(draft, family, **more)

    monkeypatch.setattr(store, "claim", overtaken)
    made = await issuer.issue("residence", CLAIMS, reference="next", holder=agency.holder.key)
    assert signed(made)[1]["status"]["status_list"]["uri"] == "https://town.example/status/2"


async def test_concurrent_requests_of_one_case_give_one_credential(agency: Agency) -> None:
    issuers = [await agency.issuer(), await agency.issuer()]
    made = await asyncio.gather(
        *(issuers[n % 2].issue("residence", CLAIMS, reference="case", holder=agency.holder.key) for n in range(20))
    )
    assert len({item.id for item in made}) == 1
    assert len(await agency.stores[0].select(Selection(type="residence"))) == 1


async def test_a_type_without_status_cannot_be_revoked(agency: Agency) -> None:
    issuer = await agency.issuer(kind(revocable=False))
    made = await issuer.issue("residence", CLAIMS, reference="case", holder=agency.holder.key)
    assert "status" not in signed(made)[1]
    with pytest.raises(ConflictError):
        await issuer.revoke(reference="case")
    with pytest.raises(NotFoundError):
        await issuer.status_list("https://town.example/status/1")

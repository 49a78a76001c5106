"""The issuer's façade: what may be repeated, what races, what stands still while the ledger is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from issuer import CredentialType, Issuer
from issuer.issuer import RETRY_SECONDS, IssuedCredential, StatusChange
from issuer.publishing import MAX_AHEAD_SECONDS, StatusSettings
from issuer.store import Draft, Family, Issued, IssuerStore, Selection
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, SchemaError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.ledger.receipt import parse_receipt
from ssi.registry import Organisation, audit, open_registry
from ssi.status import parse_status_list
from ssi.status.lists import CredentialState
from ssi.testing import TestFederation, TestHolder
from ssi.testing.forge import decode_jws
from ssi.types import JsonObject

SMALL = StatusSettings(entries=131_072, ttl_seconds=300, lifetime_seconds=3600)
CLAIMS: JsonObject = {"given_name": "Aino"}


def kind(**changes: Any) -> CredentialType:
    members: dict[str, Any] = {
        "name": "residence",
        "vct": "https://town.example/residence",
        "types": ("ResidenceCertificate",),
        "contexts": ("https://www.w3.org/ns/credentials/examples/v2",),
        "schema": {"type": "object", "properties": {"given_name": {"type": "string"}}, "required": ["given_name"]},
        "validity_days": 365,
    }
    return CredentialType(**{**members, **changes})


class Agency:
    """An issuer on a store that a test may open again, and a ledger that a test may take away."""

    def __init__(self, federation: TestFederation, organisation: Organisation, holder: TestHolder, path: str) -> None:
        self.federation = federation
        self.organisation = organisation
        self.holder = holder
        self.clock = federation.clock
        self.path = path
        self.status_base = "https://town.example/status"
        self.stores: list[SqliteIssuerStore] = []

    async def issuer(self, *types: CredentialType, store: IssuerStore | None = None) -> Issuer:
        if store is None:
            store = await SqliteIssuerStore.open(self.path)
            self.stores.append(store)
        return Issuer(
            self.organisation,
            store=store,
            registry=self.federation.registry,
            catalogue=list(types) or [kind()],
            status_base=self.status_base,
            now=self.clock,
            status=SMALL,
        )


@pytest.fixture
async def agency(tmp_path: Path) -> AsyncIterator[Agency]:
    federation = await TestFederation.found()
    organisation = await federation.enrol("town", types=[kind().vct, *kind().types])
    made = Agency(
        federation, organisation, await TestHolder.create(clock=federation.clock), str(tmp_path / "issuer.db")
    )
    yield made
    for store in made.stores:
        await store.close()


def signed(issued: IssuedCredential) -> tuple[JsonObject, JsonObject]:
    return decode_jws(issued.credential.partition("~")[0])


async def collect(made: AsyncIterator[IssuedCredential], *, most: int = 20) -> list[IssuedCredential]:
    found: list[IssuedCredential] = []
    async for issued in made:
        found.append(issued)
        assert len(found) <= most, "reissue does not end"
    return found


class Away:
    """Stands in for the ledger's ``append`` while it does not answer."""

    def __init__(self, agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ledger, self._patch = agency.federation.ledger, monkeypatch

    def __enter__(self) -> None:
        async def append(entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
            raise UnavailableError("the ledger is away")

        self._patch.setattr(self._ledger, "append", append)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


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


async def test_many_acts_at_once_are_all_published(agency: Agency) -> None:
    one = await agency.issuer()
    two = await agency.issuer()
    for number in range(40):
        await one.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    changes = await asyncio.gather(*((one, two)[number % 2].revoke(reference=f"case-{number}") for number in range(40)))
    assert Counter(change.references[0] for change in changes) == Counter(f"case-{number}" for number in range(40))
    await assert_published(agency, one)


async def assert_published(agency: Agency, issuer: Issuer) -> None:
    """Every list shows its family's version, has its receipt, and is the newest on the ledger."""
    assert await issuer.publish()
    store = agency.stores[0]
    families = {family.id: family for family in await store.families()}
    for stored in await store.lists():
        assert stored.version == families[stored.family].version
        newest = agency.federation.view().newest_commitment(stored.uri)
        assert newest is not None
        assert newest.epoch == stored.epoch
        assert parse_receipt(stored.receipt or b"").entry_index == newest.entry
        assert parse_status_list(stored.body).kid == (await agency.organisation.key(KeyPurpose.LIST)).kid


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

"""Attacks that need more than one text: somebody else's credential, old lists, stolen keys, a verifier's caches."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from ssi.did.methods.jwk import did_jwk
from ssi.keys import KeyPurpose
from ssi.ports import PublishedList
from ssi.status.lists import CredentialState
from ssi.testing import TestFormat, TestHolder, TestIssuer, TestWorld
from ssi.testing.issuer import FORMATS
from ssi.testing.world import CLAIMS
from tests.flows.offices import STRICT, verifier
from verifier import CouldNotCheck, PinnedKey, Refused, Trust, VerifiedPresentation, Verifier

REVOKED, VALID = CredentialState.REVOKED, CredentialState.VALID


@pytest.fixture
async def world() -> TestWorld:
    return await TestWorld.open()


async def bound_to_subject(world: TestWorld, holder: TestHolder) -> tuple[str, str]:
    """Return a VC-JWT without ``cnf`` whose subject is the holder's did:jwk, and that DID."""
    did = did_jwk(holder.key.to_jwk())
    return await world.town.issue({**CLAIMS, "id": did}, format="vc+jwt", holder=None), did


async def test_a_subject_shows_a_credential_that_is_bound_to_his_did(world: TestWorld) -> None:
    credential, did = await bound_to_subject(world, world.holder)
    text = await world.holder.presentation(
        [credential], nonce=world.nonce, audience=world.audience, header={"kid": f"{did}#0"}, claims={"holder": did}
    )
    assert (await verifier(world).verify(text, nonce=world.nonce)).holder == world.holder.key


@pytest.mark.parametrize("kid", ["victim", "thief", "none", "foreign"])
async def test_a_credential_of_somebody_else_is_not_smuggled_in_beside_ones_own(world: TestWorld, kid: str) -> None:
    thief = await TestHolder.create(clock=world.clock)
    stolen, victim = await bound_to_subject(world, world.holder)
    own = await world.town.issue({"given_name": "Mallory"}, format="vc+jwt", holder=thief.key)
    kids = {"victim": f"{victim}#0", "thief": f"{did_jwk(thief.key.to_jwk())}#0", "none": None, "foreign": "#0"}
    for credentials in ([own, stolen], [stolen, own], [stolen]):
        text = await thief.presentation(
            credentials,
            nonce=world.nonce,
            audience=world.audience,
            header={"kid": kids[kid]},
            claims={"holder": victim, "iss": victim},
        )
        with pytest.raises(Refused) as refused:
            await verifier(world).verify_all(text, nonce=world.nonce)
        assert refused.value.check == "holder"


@pytest.mark.parametrize("form", ["ldp_vc", "vc+cose"])
async def test_nor_where_it_has_a_proof_or_is_cose(world: TestWorld, form: TestFormat) -> None:
    thief = await TestHolder.create(clock=world.clock)
    stolen = await world.town.issue(CLAIMS, format=form, holder=world.holder.key)
    own = await world.town.issue({"given_name": "Mallory"}, format=form, holder=thief.key)
    rules = {"nonce": world.nonce, "audience": world.audience}
    for credentials in ([own, stolen], [stolen, own], [stolen]):
        if form == "ldp_vc":
            text = await thief.proven([json.loads(item) for item in credentials], **rules)
        else:
            text = await thief.cose(credentials, **rules)
        with pytest.raises(Refused) as refused:
            await verifier(world).verify_all(text, nonce=world.nonce)
        assert refused.value.check == "holder"


@pytest.mark.parametrize("format", FORMATS)
async def test_a_replay_names_no_holder_where_policy_asks_for_none(world: TestWorld, format: TestFormat) -> None:
    shown = await verifier(world, holder_binding="not-required").verify(await world.shown(format))
    assert shown.holder is None
    outcomes = {check.name: check.outcome for check in shown.report.checks}
    assert outcomes["holder"] == "not asked"


@pytest.mark.parametrize("format", FORMATS)
async def test_a_list_signed_with_a_compromised_key_counts_no_more(world: TestWorld, format: TestFormat) -> None:
    town, registry = world.town.organisation, world.federation.registry
    text = await world.shown(format)
    await verifier(world).verify(text, nonce=world.nonce)
    key = await town.key(KeyPurpose.LIST)
    (line,) = await town.publish(registry)
    await town.declare_compromised(key.kid, listed_by=line.id, registry=registry, now=world.clock())
    with pytest.raises(Refused, match="compromised") as refused:
        await verifier(world).verify(text, nonce=world.nonce)
    assert refused.value.check == "status"


@pytest.mark.parametrize("format", FORMATS)
async def test_lists_and_credentials_have_keys_of_their_own_under_one_did(world: TestWorld, format: TestFormat) -> None:
    shown = await world.shown(format)
    await verifier(world).verify(shown, nonce=world.nonce)
    await world.town.organisation.rotate(
        KeyPurpose.LIST, registry=world.federation.registry, now=world.clock.advance(1)
    )
    # The published list now carries a key that its issuer has replaced: it has to be signed anew.
    with pytest.raises(Refused) as refused:
        await verifier(world, fresh=True).verify(shown, nonce=world.nonce)
    assert refused.value.check == "status"
    await world.town.publish()
    await verifier(world, fresh=True).verify(shown, nonce=world.nonce)


@pytest.mark.parametrize("anchoring", [None, STRICT])
@pytest.mark.parametrize("format", FORMATS)
async def test_an_old_list_is_not_taken_for_the_newest(world: TestWorld, format: TestFormat, anchoring: object) -> None:
    index = world.town.next_index()
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key, index=index)
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    before = dict(world.lists.lists)
    world.clock.advance(10)
    world.town.set_state(format, index, REVOKED)
    await world.town.publish()
    world.lists.lists.update(before)
    with pytest.raises(Refused, match="newer one is anchored"):
        await verifier(world, anchoring=anchoring).verify(text, nonce=world.nonce)


async def test_without_a_ledger_the_cache_refuses_a_list_older_than_one_it_has_seen(world: TestWorld) -> None:
    office = by_name(world, max_list_age_seconds=86_400)
    text = await world.shown("dc+sd-jwt")
    before = dict(world.lists.lists)
    world.clock.advance(10)
    await world.town.publish()
    await office.verify(text, nonce=world.nonce)
    world.lists.lists.update(before)
    world.clock.advance(301)
    text = await world.shown("dc+sd-jwt")
    with pytest.raises(Refused, match="issued at"):
        await office.verify(text, nonce=world.nonce)


def by_name(world: TestWorld, **changes: Any) -> Verifier:
    """Return a verifier that trusts the town by name and asks no registry."""
    trust = tuple(Trust(type=name, issuers=(world.town.did,)) for name in world.type.names)
    office = verifier(world, trust=trust, **changes)
    return Verifier(office.policy, resolver=world.resolver, lists=world.lists, now=world.clock)


async def first_refusal(world: TestWorld, office: Verifier, credential: str, *, limit: int, step: int = 5) -> int:
    """Verify every few seconds; return after how many seconds the credential is refused."""
    for seconds in range(0, limit + step, step):
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        if "revoked" in await refusal(office, text, world.nonce):
            return seconds
        world.clock.advance(step)
    return limit + 1


async def refusal(office: Verifier, text: str, nonce: str) -> str:
    """Return why a presentation is refused, "" if it is not."""
    try:
        await office.verify(text, nonce=nonce)
    except Refused as exc:
        return str(exc)
    return ""


async def serve(issuer: TestIssuer, format: TestFormat, index: int, state: CredentialState, **times: int) -> None:
    family = msgspec.structs.replace(issuer.family(format), **times)
    for made in await issuer.sign_lists(family, {index: state}):
        issuer.lists.serve(made.served())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("ttl", "lifetime", "policy", "bound"), [(300, 3600, 3600, 300), (3600, 3600, 60, 60), (120, 120, 3600, 120)]
)
async def test_a_revocation_is_refused_after_the_shortest_of_ttl_expiry_and_policy(
    world: TestWorld, format: TestFormat, ttl: int, lifetime: int, policy: int, bound: int
) -> None:
    index = world.town.next_index()
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key, index=index)
    times = {"ttl_seconds": ttl, "lifetime_seconds": lifetime}
    await serve(world.town, format, index, VALID, **times)
    office = by_name(world, max_list_age_seconds=policy)
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    await office.verify(text, nonce=world.nonce)
    world.clock.advance(1)
    await serve(world.town, format, index, REVOKED)
    assert bound - 5 <= await first_refusal(world, office, credential, limit=4000) <= bound


@pytest.mark.parametrize("format", FORMATS)
async def test_with_a_registry_a_revocation_is_refused_at_once_and_nothing_good_with_it(
    world: TestWorld, format: TestFormat
) -> None:
    office = verifier(world, anchoring=STRICT)
    index = world.town.next_index()
    revoked = await world.town.issue(CLAIMS, format=format, holder=world.holder.key, index=index)
    good = await world.town.issue(CLAIMS, format=format, holder=world.holder.key)
    for credential in (revoked, good):
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        await office.verify(text, nonce=world.nonce)
    world.clock.advance(1)
    world.town.set_state(format, index, REVOKED)
    await world.town.publish()
    asked = len(world.lists.requests)
    text = await world.holder.show(good, nonce=world.nonce, audience=world.audience)
    await office.verify(text, nonce=world.nonce)
    assert await first_refusal(world, office, revoked, limit=1) == 0
    assert len(world.lists.requests) - asked == len(world.town.family(format).list_uris)


async def test_who_serves_an_old_list_on_and_on_is_asked_again_only_now_and_then(world: TestWorld) -> None:
    office = verifier(world)
    text = await world.shown("dc+sd-jwt")
    await office.verify(text, nonce=world.nonce)
    old = dict(world.lists.lists)
    world.clock.advance(1)
    await world.town.publish()
    world.lists.lists.update(old)
    asked = len(world.lists.requests)
    for _ in range(50):
        with pytest.raises(Refused):
            await office.verify(text, nonce=world.nonce)
    assert len(world.lists.requests) - asked == 1


@pytest.mark.parametrize("format", FORMATS)
async def test_a_status_that_cannot_be_had_is_not_taken_for_good(world: TestWorld, format: TestFormat) -> None:
    office = by_name(world)
    text = await world.shown(format)
    await office.verify(text, nonce=world.nonce)
    world.lists.down = True
    world.clock.advance(301)
    text = await world.shown(format)
    with pytest.raises(CouldNotCheck) as unknown:
        await office.verify(text, nonce=world.nonce)
    assert unknown.value.check == "status"
    assert unknown.value.report.checks[-1].outcome == "unknown"


@pytest.mark.parametrize("format", FORMATS)
async def test_a_deactivated_did_is_refused_once_the_resolver_asks_again(world: TestWorld, format: TestFormat) -> None:
    office = verifier(world)
    credential = await world.town.issue(CLAIMS, format=format, holder=world.holder.key)

    async def show() -> VerifiedPresentation:
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        return await office.verify(text, nonce=world.nonce)

    await show()
    await world.town.organisation.deactivate(registry=world.federation.registry, now=world.clock.advance(1))
    world.clock.advance(300)
    with pytest.raises(Refused, match="deactivated"):
        await show()


async def test_the_list_of_one_issuer_does_not_answer_for_another(world: TestWorld) -> None:
    """A second accredited issuer refers to the town's list, which says that the entry is good."""
    other = await world.issuer("village")
    for form in FORMATS:
        references = world.town.family(form).references(7)
        credential = await other.issue(CLAIMS, format=form, holder=world.holder.key, references=references)
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        office = verifier(world)
        await office.verify(await world.shown(form), nonce=world.nonce)  # the town's list is in the cache
        with pytest.raises(Refused) as refused:
            await office.verify(text, nonce=world.nonce)
        assert refused.value.check == "status"


async def test_what_was_verified_is_what_comes_out(world: TestWorld) -> None:
    """The claims come from the signed bytes: no other copy of a claim in the presentation is looked at."""
    credential = await world.town.issue(CLAIMS, format="vc+jwt", holder=world.holder.key)
    text = await world.holder.presentation(
        [credential],
        nonce=world.nonce,
        audience=world.audience,
        claims={"credentialSubject": {"given_name": "Mallory"}, "given_name": "Mallory", "issuer": "did:example:m"},
    )
    shown = await verifier(world).verify(text, nonce=world.nonce)
    assert shown.claims == CLAIMS
    assert shown.issuer == world.town.did


async def test_no_list_is_asked_for_before_the_issuer_is_accepted(world: TestWorld) -> None:
    stranger = await world.issuer("unknown", accredited=False)
    world.lists.requests.clear()

    class Counting:
        asked = 0

        async def did_log(self, did: str) -> bytes:
            Counting.asked += 1
            return await world.federation.registry.did_log(did)

    from ssi.did.resolver import default_resolver

    office = Verifier(
        verifier(world).policy,
        resolver=default_resolver(log_source=Counting(), now=world.clock),
        lists=world.lists,
        registry=world.registry,
        now=world.clock,
    )
    for form in FORMATS:
        with pytest.raises(Refused, match="issuer"):
            await office.verify(await world.shown(form, by=stranger), nonce=world.nonce)
    assert (world.lists.requests, Counting.asked) == ([], 0)
    assert isinstance(await world.lists.status_list(world.town.family("dc+sd-jwt").uri), PublishedList)


@pytest.mark.parametrize("form", FORMATS)
async def test_where_policy_pins_keys_the_did_gives_none_for_lists_either(world: TestWorld, form: TestFormat) -> None:
    town = world.town.organisation
    credential, lists = [await town.key(purpose) for purpose in (KeyPurpose.CREDENTIAL, KeyPurpose.LIST)]
    text = await world.shown(form)

    def office(*pinned: PinnedKey) -> Verifier:
        trust = tuple(Trust(type=name, issuers=(town.did,), keys=pinned) for name in world.type.names)
        return Verifier(
            verifier(world, trust=trust).policy, resolver=world.resolver, lists=world.lists, now=world.clock
        )

    own = PinnedKey(jwk=credential.public_key.to_jwk(), kid=credential.kid)
    with pytest.raises(Refused, match="policy pins"):
        await office(own).verify(text, nonce=world.nonce)
    both = office(own, PinnedKey(jwk=lists.public_key.to_jwk(), kid=lists.kid))
    assert CLAIMS.items() <= (await both.verify(text, nonce=world.nonce)).claims.items()


@pytest.mark.slow
async def test_after_the_cache_s_time_no_verification_under_load_accepts_what_was_revoked(world: TestWorld) -> None:
    """Twenty tasks verify all the time while the clock runs and a revocation is published (threats, row 12)."""
    index = world.town.next_index()
    credential = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key, index=index)
    office = by_name(world, max_list_age_seconds=60)
    outcomes: list[tuple[int, bool]] = []

    async def keep_verifying() -> None:
        while world.clock() < start + 200:
            text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
            began = world.clock()
            outcomes.append((began, not await refusal(office, text, world.nonce)))
            await asyncio.sleep(0)

    async def time_passes() -> None:
        for _ in range(200):
            for _ in range(10):
                await asyncio.sleep(0)
            world.clock.advance(1)
            if world.clock() == start + 30:
                world.town.set_state("dc+sd-jwt", index, REVOKED)
                await world.town.publish()

    start = world.clock()
    await asyncio.gather(time_passes(), *(keep_verifying() for _ in range(20)))
    assert len(outcomes) > 1000
    assert any(accepted for began, accepted in outcomes if began < start + 30)
    assert not [began - start for began, accepted in outcomes if accepted and began > start + 30 + 60 + 1]

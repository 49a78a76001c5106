"""Good credentials of the wrong issuers. Source: DID Core, sections 5.3 and 7.2; the registry's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ssi.did.methods.key import did_key
from ssi.keys import Curve, KeyPurpose
from ssi.registry import Ending, EndingRefs
from ssi.testing.broken.case import Broken
from ssi.testing.issuer import FORMATS, SLUG, TestFormat, TestIssuer, TestType
from ssi.testing.resign import sign_changed
from ssi.testing.world import CLAIMS, TestWorld


async def broken_issuers(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials that are well signed, by somebody who may not, or may not any more."""
    for form in FORMATS:
        async for case in _strangers(world, form):
            yield case
        async for case in _former(world, form):
            yield case


def _case(name: str, form: TestFormat, text: str, why: str, check: str) -> Broken:
    return Broken(name=f"issuer/{name}/{form}", text=text, why=why, check=check)


async def _strangers(world: TestWorld, form: TestFormat) -> AsyncIterator[Broken]:
    tag, holder = SLUG[form], world.holder
    stranger = await world.issuer(f"unknown-{tag}", accredited=False)
    yield _case("not-accredited", form, await world.shown(form, by=stranger), "nobody accredited it", "issuer")
    other = TestType(vct="https://town.example/credentials/other", w3c_type="OtherCertificate")
    baker = TestIssuer(
        await world.federation.enrol(f"baker-{tag}", types=other.names),
        clock=world.clock,
        lists=world.lists,
        registry=world.federation.registry,
        type=world.type,
    )
    await baker.publish()
    yield _case("other-type", form, await world.shown(form, by=baker), "accredited for another type", "issuer")
    asked = {"vct": other.vct} if form == "dc+sd-jwt" else {"type": ["VerifiableCredential", other.w3c_type]}
    credential = await world.town.issue(CLAIMS, format=form, holder=holder.key, changes=asked)
    text = await holder.show(credential, nonce=world.nonce, audience=world.audience)
    yield _case("type-not-asked", form, text, "a type that the policy does not name", "issuer")
    kms = holder.kms
    label = f"self-{tag}"
    own = await kms.generate(label, curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    did = did_key(own)
    text = await _self_issued(world, form, did, label)
    yield _case("self-issued", form, text, "the presenter issued it to himself", "issuer")


async def _self_issued(world: TestWorld, form: TestFormat, did: str, label: str) -> str:
    credential = await world.town.issue(CLAIMS, format=form, holder=world.holder.key)
    name = "iss" if form == "dc+sd-jwt" else "issuer"
    made = await sign_changed(
        credential,
        kms=world.holder.kms,
        label=label,
        kid=f"{did}#{did.rpartition(':')[2]}",
        purpose=KeyPurpose.CREDENTIAL,
        changes={name: did},
    )
    return await world.holder.show(made, nonce=world.nonce, audience=world.audience)


async def _former(world: TestWorld, form: TestFormat) -> AsyncIterator[Broken]:
    tag, registry = SLUG[form], world.federation.registry
    gone = await world.issuer(f"gone-{tag}")
    text = await world.shown(form, by=gone)
    await gone.organisation.deactivate(registry=registry, now=world.clock() + 1)
    yield _case("deactivated", form, text, "the issuer's DID is deactivated", "signature")
    rotated = await world.issuer(f"rotated-{tag}")
    text = await world.shown(form, by=rotated)
    await rotated.organisation.rotate(KeyPurpose.CREDENTIAL, registry=registry, now=world.clock() + 1)
    yield _case("superseded-key", form, text, "the issuer has replaced the key", "signature")
    leaky = await world.issuer(f"leaky-{tag}")
    text = await world.shown(form, by=leaky)
    key = await leaky.organisation.key(KeyPurpose.CREDENTIAL)
    (line,) = await leaky.organisation.publish(registry)
    await leaky.organisation.declare_compromised(key.kid, listed_by=line.id, registry=registry, now=world.clock())
    yield _case("compromised-key", form, text, "the issuer declared the key compromised", "signature")
    fallen = await world.issuer(f"fallen-{tag}")
    text = await world.shown(form, by=fallen)
    found = world.view().may_issue(fallen.did, world.type.vct, at=world.clock())
    if found is not None:
        ministry, now = world.federation.ministry, world.clock()
        ending = Ending(
            iss=ministry.did, iat=now, reason="revoked", effective=now, refs=EndingRefs(ends=found.accreditation)
        )
        await registry.submit(await ministry.sign(ending))
    yield _case("accreditation-ended", form, text, "its accreditation was taken back", "issuer")
    early = await world.issuer(f"early-{tag}")
    before = {"iat": world.clock() - 1000}
    credential = await early.issue(CLAIMS, format=form, holder=world.holder.key, changes=before)
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    yield _case("before-accreditation", form, text, "signed before it was accredited", "trust")

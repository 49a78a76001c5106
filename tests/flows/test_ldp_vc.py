"""Issue, receive, present, verify, revoke, refuse: credentials, presentations and lists with embedded proofs."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from msgspec.structs import replace

from issuer import Issuer
from issuer.catalogue import Format
from issuer.publishing import StatusSettings
from ssi.credentials.jose import envelope_vc_jwt
from ssi.credentials.presentation import ENVELOPED_PRESENTATION, Envelope
from ssi.did.methods.key import did_key
from ssi.errors import InvalidInputError, SsiError
from ssi.keys import Curve
from ssi.status import StatusFormat
from ssi.status.bitstring import EMBEDDED_MEDIA_TYPE
from ssi.types import JsonObject
from tests.flows.embedded_town import NONCE, TYPE, Town, changed_leaves
from tests.flows.stores import memory_store
from tests.flows.town import AUDIENCE, CLAIMS
from verifier import Refused, Trust, VerifiedPresentation
from verifier.anchors import Anchors, LedgerAnchors
from verifier.evidence import Evidence
from verifier.recheck import EvidenceDiffers

SUITES = {Curve.ED25519: "eddsa-jcs-2022", Curve.P256: "ecdsa-jcs-2019", Curve.P384: "ecdsa-jcs-2019"}


@pytest.mark.parametrize("curve", SUITES)
async def test_issue_receive_present_verify_suspend_revoke(curve: Curve) -> None:
    town = await Town().open(curve)
    text = await town.issue(curve=curve)
    document = json.loads(text)
    assert document["proof"]["cryptosuite"] == SUITES[curve]
    card = await town.wallet.add(text)
    assert (card.format, card.type, card.verified_at) == ("ldp_vc", "ResidenceCertificate", town.clock())
    assert (await town.wallet.search(claims={("address", "locality"): "Kerava"}))[0] == card
    assert (await town.wallet.get(card.id)).credential == text
    shown = await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    assert json.loads(shown)["proof"]["cryptosuite"] == SUITES[curve]
    assert ("credentialSubject", "given_name") in (await town.wallet.history())[0].paths
    listed = await town.issuer.status_lists()
    assert {each.media_type for each in listed} == {EMBEDDED_MEDIA_TYPE}
    assert json.loads(listed[0].body)["proof"]["cryptosuite"] == SUITES[curve]
    found = await town.verify(shown)
    assert {name: found.claims[name] for name in CLAIMS} == CLAIMS
    assert found.holder is not None
    assert found.claims["id"] == did_key(found.holder)
    assert [check.outcome for check in found.report.checks].count("passed") == 9
    for act, outcome in (("suspend", "suspended"), ("unsuspend", ""), ("revoke", "revoked")):
        await getattr(town.issuer, act)(reference="case-17")
        town.clock.advance(100)
        again = await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
        if not outcome:
            await town.verify(again)
            continue
        with pytest.raises(Refused, match=outcome) as refused:
            await town.verify(again)
        assert refused.value.check == "status"


@pytest.mark.parametrize("curve", [Curve.ED25519, Curve.P256])
async def test_every_change_of_a_leaf_is_refused(curve: Curve) -> None:
    """Of the presentation, the credential inside and both proofs; and nothing but our own errors comes out."""
    town = await Town().open(curve)
    document = json.loads(await town.shown(curve=curve))
    verifier = town.verifier()
    await verifier.verify(json.dumps(document), nonce=NONCE)
    tried = 0
    for forged in changed_leaves(document):
        with pytest.raises((Refused, InvalidInputError)):
            await verifier.verify(json.dumps(forged), nonce=NONCE)
        tried += 1
    assert tried > 100


async def test_bound_to_audience_nonce_time_and_holder() -> None:
    town = await Town().open()
    text = await town.shown()
    with pytest.raises(Refused, match="challenge"):
        await town.verifier().verify(text, nonce="another")
    with pytest.raises(Refused, match="domain"):
        await town.verify(text, audience="https://elsewhere.example")
    bare = json.dumps(json.loads(text)["verifiableCredential"][0])
    with pytest.raises(Refused, match="bare credential"):
        await town.verify(bare)
    assert (await town.verify(bare, holder_binding="not-required")).holder is None
    thief = await town.wallet.new_key()
    stolen = await town.secured(thief, json.loads(bare))
    with pytest.raises(Refused) as refused:
        await town.verify(stolen)
    assert refused.value.check == "holder"
    with pytest.raises(Refused, match="holder"):
        await town.verify(stolen, holder_binding="not-required")
    town.clock.advance(301)
    with pytest.raises(Refused, match="last 300 seconds"):
        await town.verify(text)


async def test_a_presentation_with_credentials_of_both_kinds() -> None:
    town = await Town().open(embedded=False)
    key = await town.wallet.new_key()
    names: tuple[Format, ...] = ("ldp_vc", "vc+jwt")
    made = [await town.issuer.issue("residence", CLAIMS, reference=name, format=name, holder=key) for name in names]
    both = await town.secured(key, json.loads(made[0].credential), envelope_vc_jwt(made[1].credential))
    found = await town.verifier().verify_all(both, nonce=NONCE)
    assert [each.claims["given_name"] for each in found] == ["Aino", "Aino"]
    assert {each.media_type for each in await town.issuer.status_lists()} == {"application/vc+jwt"}
    await town.issuer.revoke(reference="vc+jwt")
    town.clock.advance(100)
    with pytest.raises(Refused, match="revoked"):
        await town.verifier().verify_all(both, nonce=NONCE)
    # A list may change its kind while credentials refer to it.
    town.issuer._publisher._settings = StatusSettings(embedded_proof=True)
    await town.issuer.publish()
    town.clock.advance(100)
    await town.verify(await town.secured(key, json.loads(made[0].credential)))
    with pytest.raises(Refused, match="revoked"):
        await town.verifier().verify_all(both, nonce=NONCE)


class Counting:
    """A resolver that remembers whom it was asked about."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.asked = inner, set[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def resolve(self, did: str, **options: Any) -> Any:
        self.asked.add(did)
        return await self.inner.resolve(did, **options)

    async def key(self, method: str, relationship: str, **options: Any) -> Any:
        self.asked.add(method.partition("#")[0])
        return await self.inner.key(method, relationship, **options)


async def test_policy_comes_before_any_question() -> None:
    """Neither an unknown issuer, nor whoever adds a proof, nor a presenter makes us resolve a DID of theirs."""
    town = await Town().open()
    shown = json.loads(await town.shown())
    counting = Counting(town.resolver)
    town.resolver = cast("Any", counting)
    evil = "did:web:evil.example"
    own = shown["verifiableCredential"][0]
    proof = own["proof"]
    for members in (
        {"issuer": evil, "proof": {**proof, "verificationMethod": f"{evil}#key"}},
        {"proof": [proof, {**proof, "verificationMethod": f"{evil}#key"}]},
        {"proof": {**proof, "verificationMethod": f"{evil}#key"}},
    ):
        with pytest.raises(Refused) as refused:
            await town.verify(json.dumps({**shown, "verifiableCredential": [{**own, **members}]}))
        assert refused.value.check == "issuer"
    assert not counting.asked
    method = {**shown["proof"], "verificationMethod": f"{evil}#key"}
    for forged in ({**shown, "holder": evil, "proof": method}, {**shown, "proof": [shown["proof"], method]}):
        with pytest.raises(Refused) as refused:
            await town.verify(json.dumps(forged))
        assert refused.value.check == "holder"
    assert evil not in counting.asked


async def test_who_signs_for_an_issuer_is_for_policy_to_say() -> None:
    town = await Town().open()
    text = await town.issue()
    both, did = await town.beside_a_notary(json.loads(text))
    by_notary = {**both, "proof": both["proof"][1]}

    async def accept(document: JsonObject, **trust: Any) -> VerifiedPresentation:
        entry = Trust(type="ResidenceCertificate", accredited=True, **trust)
        return await town.verify(json.dumps(document), trust=(entry,), holder_binding="not-required")

    with pytest.raises(Refused, match="every signer"):
        await accept(both)
    found = await accept(both, signers=(did,))
    assert [check.source for check in found.report.checks if check.name == "signature"][1] == did
    with pytest.raises(Refused, match="issuer itself"):
        await accept(by_notary, signers=(did,))
    assert (await accept(by_notary, signers=(did,), issuer_is_controller=False)).issuer == town.issuer.did
    with pytest.raises(InvalidInputError, match="signers"):
        Trust(type="ResidenceCertificate", accredited=True, issuer_is_controller=False)


async def test_the_wallet_refuses_what_the_issuer_did_not_sign() -> None:
    town = await Town().open()
    document = json.loads(await town.issue())
    for forged in changed_leaves(document):
        with pytest.raises(SsiError):
            await town.wallet.add(json.dumps(forged))
    assert await town.wallet.list() == ()
    await town.wallet.add(json.dumps(document, indent=2))


async def test_lists_and_credentials_of_one_agency_share_a_family() -> None:
    town = await Town().open()
    await town.issue("a", format="ldp_vc")
    await town.issue("b", format="vc+jwt")
    await town.issue("c", format="dc+sd-jwt")
    families = await town.issuer._store.families()
    assert [family.format for family in families] == [StatusFormat.BITSTRING, StatusFormat.TOKEN]


async def test_evidence_of_it_is_rechecked() -> None:
    town = await Town().open()
    text = await town.shown()
    found = await town.verifier().verify(text, nonce=NONCE, keep_evidence=True)
    kept = Evidence.parse(found.evidence(keep="P10Y").to_bytes())
    key = await town.registry.note_key()
    anchors = Anchors(registry=LedgerAnchors((town.federation.ministry.did,), (key.vkey,)))
    checked = await kept.recheck(anchors=anchors)
    assert (checked.outcome, checked.anchors) == ("accepted", "given")
    await town.issuer.revoke(reference="case-17")
    with pytest.raises(Refused, match="revoked") as refused:
        await town.verifier().verify(text, nonce=NONCE, keep_evidence=True)
    assert refused.value.kept is not None
    assert (await refused.value.kept.recheck(anchors=anchors)).outcome == "refused"
    document = json.loads(text)
    document["verifiableCredential"][0]["credentialSubject"]["given_name"] = "Mallory"
    members = {**kept.members, "presentation.txt": json.dumps(document).encode()}
    with pytest.raises(EvidenceDiffers, match="signature"):
        await Evidence(members, kept.manifest).recheck(anchors=anchors)


async def test_envelopes_in_json_are_opened() -> None:
    """A credential or presentation of JOSE may come as the JSON object that stands for it (VCDM 2.0, 4.12.2)."""
    town = await Town().open(embedded=False)
    card = await town.wallet.add(await town.issue(format="vc+jwt"))
    jwt = await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    opened = Envelope("application/vp+jwt", jwt, ENVELOPED_PRESENTATION).to_object()
    assert (await town.verify(json.dumps(opened))).claims == CLAIMS
    bare = envelope_vc_jwt((await town.wallet.get(card.id)).credential).to_object()
    assert (await town.verify(json.dumps(bare), holder_binding="not-required")).claims == CLAIMS
    with pytest.raises(Refused, match="bare credential"):
        await town.verify(json.dumps(bare))
    for forged in (
        {**opened, "id": opened["id"].replace("vp+jwt", "vp+sd-jwt")},
        {**bare, "id": bare["id"].replace("vc+jwt", "vc+cose")},
        {**bare, "type": "EnvelopedVerifiablePresentation"},
    ):
        with pytest.raises(InvalidInputError):
            await town.verify(json.dumps(forged), holder_binding="not-required")


@pytest.mark.parametrize("curve", [Curve.ED25519, Curve.P256])
async def test_a_suite_that_reads_json_ld_is_named_by_the_catalogue(curve: Curve) -> None:
    """With terms of the base context and a type that is an IRI; contexts of one's own are not bundled."""
    suite = {Curve.ED25519: "eddsa-rdfc-2022", Curve.P256: "ecdsa-rdfc-2019"}[curve]
    iri = "https://town.example/types/Permit"
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
    permit = replace(TYPE, name="permit", types=(iri,), contexts=(), schema=schema, cryptosuite=suite)
    town = await Town().open(curve)
    town.issuer = Issuer(
        town.issuer.identity,
        store=await memory_store(),
        registry=town.registry,
        catalogue=[permit],
        status_base="https://town.example/permits",
        now=town.clock,
        status=StatusSettings(embedded_proof=True, cryptosuite=suite),
    )
    key = await town.wallet.new_key()
    issued = await town.issuer.issue("permit", {"name": "zone A"}, reference="case-1", holder=key)
    card = await town.wallet.add(issued.credential)
    text = await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    assert json.loads(text)["verifiableCredential"][0]["proof"]["cryptosuite"] == suite
    for published in await town.issuer.status_lists():
        assert json.loads(published.body)["proof"]["cryptosuite"] == suite
    trust = (Trust(type=iri, issuers=(town.issuer.did,), schema=schema),)
    assert (await town.verify(text, trust=trust)).claims["name"] == "zone A"
    with pytest.raises(Refused) as refused:
        await town.verify(text.replace("zone A", "zone B"), trust=trust)
    assert refused.value.check == "signature"
    await town.issuer.revoke(reference="case-1")
    town.clock.advance(100)
    again = await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    with pytest.raises(Refused, match="revoked"):
        await town.verify(again, trust=trust)

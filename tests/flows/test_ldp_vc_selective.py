"""Embedded proofs whose holder chooses what to show: issued, received, derived, verified, revoked, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from issuer import CredentialType, Issuer
from issuer.publishing import StatusSettings
from ssi.did.methods.key import did_key
from ssi.errors import InvalidInputError, SsiError
from ssi.keys import Curve, KeyPurpose
from ssi.types import JsonObject
from tests.flows.embedded_town import NONCE, Town, changed_leaves
from tests.flows.stores import memory_store
from tests.flows.town import AUDIENCE
from verifier import Refused, Trust

NOTE = CredentialType(
    name="note",
    vct="https://town.example/types/Note",
    types=("https://town.example/types/Note",),
    schema={
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
        },
        "additionalProperties": False,
    },
    validity_days=365,
    formats=("ldp_vc",),
    cryptosuite="ecdsa-sd-2023",
    always_shown=(("name",),),
)
NOTE_CLAIMS: JsonObject = {"name": "zone A", "description": "of the harbour"}
SELECTIVE = {"ecdsa-sd-2023": Curve.P256, "bbs-2023": Curve.BLS12_381_G2}


async def notes_town(suite: str) -> Town:
    town = await Town().open()
    await town.issuer.rotate_key(KeyPurpose.CREDENTIAL, curve=SELECTIVE[suite])
    town.clock.advance(1)
    town.issuer = Issuer(
        town.issuer.identity,
        store=await memory_store(),
        registry=town.registry,
        catalogue=[replace(NOTE, cryptosuite=suite)],
        status_base="https://town.example/notes",
        now=town.clock,
    )
    return town


@pytest.mark.parametrize("suite", SELECTIVE)
async def test_the_holder_of_an_embedded_proof_chooses_what_to_show(suite: str) -> None:
    """As of an SD-JWT VC: chosen claims, those always shown, and nothing that a holder could gain by leaving out."""
    town = await notes_town(suite)
    key = await town.wallet.new_key()
    issued = await town.issuer.issue("note", NOTE_CLAIMS, reference="case-1", holder=key)
    card = await town.wallet.add(issued.credential)
    assert card.verified_at == town.clock()
    assert card.withholdable == (("credentialSubject", "description"),)
    trust = (Trust(type=NOTE.types[0], issuers=(town.issuer.did,), schema=NOTE.schema),)

    async def present(*claims: tuple[str | int | None, ...], **options: Any) -> str:
        return await town.wallet.present(card.id, claims, audience=AUDIENCE, nonce=NONCE, **options)

    found = await town.verify(await present(), trust=trust)
    assert found.claims == {"id": did_key(key), "name": "zone A"}
    assert (await town.wallet.history())[0].paths == (("credentialSubject", "id"), ("credentialSubject", "name"))
    found = await town.verify(await present(("credentialSubject", "description")), trust=trust)
    assert found.claims == {"id": did_key(key), **NOTE_CLAIMS}
    assert ("credentialSubject", "description") in (await town.wallet.history())[1].paths
    found = await town.verify(await present(("credentialSubject",), nested=True), trust=trust)
    assert found.claims == {"id": did_key(key), **NOTE_CLAIMS}
    with pytest.raises(InvalidInputError, match="nested"):
        await present(("credentialSubject",))
    with pytest.raises(InvalidInputError):
        await present(("credentialSubject", "nothing"))
    with pytest.raises(InvalidInputError, match="paths"):
        await town.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    whole = json.loads(await present())
    base = {**whole, "verifiableCredential": [json.loads(issued.credential)]}
    with pytest.raises(Refused):
        await town.verify(json.dumps(base), trust=trust)
    credential = whole["verifiableCredential"][0]
    bare = json.dumps(credential)
    assert (await town.verify(bare, trust=trust, holder_binding="not-required")).claims["name"] == "zone A"
    tried = 0
    for forged in changed_leaves(credential):
        with pytest.raises((Refused, InvalidInputError)):
            await town.verify(json.dumps(forged), trust=trust, holder_binding="not-required")
        tried += 1
    assert tried > 50
    await town.issuer.revoke(reference="case-1")
    town.clock.advance(100)
    again = await present()
    with pytest.raises(Refused, match="revoked"):
        await town.verify(again, trust=trust)


@pytest.mark.parametrize("suite", SELECTIVE)
async def test_the_wallet_checks_a_base_proof_as_a_verifier_would(suite: str) -> None:
    town = await notes_town(suite)
    key = await town.wallet.new_key()
    text = (await town.issuer.issue("note", NOTE_CLAIMS, reference="case-1", holder=key)).credential
    document = json.loads(text)
    for forged in changed_leaves(document):
        with pytest.raises(SsiError):
            await town.wallet.add(json.dumps(forged))
    both, _ = await town.beside_a_notary(document)
    base, plain = both["proof"]
    for proofs in ([base, {**plain, "expires": "2999-01-01T00:00:00Z"}], [{**base, "created": None}, plain], [plain]):
        with pytest.raises(SsiError):
            await town.wallet.add(json.dumps({**both, "proof": proofs}))
    assert await town.wallet.list() == ()
    card = await town.wallet.add(json.dumps(both))
    shown = json.loads(await town.wallet.present(card.id, [], audience=AUDIENCE, nonce=NONCE))
    assert shown["verifiableCredential"][0]["proof"]["cryptosuite"] == suite, "the other proof is over the whole"
    await town.wallet.add(text)


async def test_what_is_always_shown_need_not_be_there() -> None:
    """As in SD-JWT VC: an optional claim that a credential lacks is not asked for."""
    town = await notes_town("ecdsa-sd-2023")
    issued = await town.issuer.issue("note", {"description": "of the harbour"}, reference="case-1")
    card = await town.wallet.add(issued.credential)
    assert card.withholdable == (("credentialSubject",), ("credentialSubject", "description"))
    with pytest.raises(InvalidInputError, match="subject"):
        await town.wallet.present(card.id, [], audience=AUDIENCE, nonce=NONCE)
    text = await town.wallet.present(card.id, [("credentialSubject", "description")], audience=AUDIENCE, nonce=NONCE)
    assert json.loads(text)["credentialSubject"] == {"description": "of the harbour"}


def test_no_status_list_has_a_base_proof() -> None:
    with pytest.raises(InvalidInputError):
        StatusSettings(embedded_proof=True, cryptosuite="ecdsa-sd-2023")

"""Credentials and presentations with embedded proofs: who signed, for what and for whom, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.data_integrity import (
    DataIntegrityPresentation,
    KeyNeeded,
    check_holder,
    found_keys,
    read_credential,
    read_presentation,
    secure_credential,
    secure_presentation,
    verify_credential,
    verify_presentation,
)
from ssi.credentials.enveloped import VerifiedCredential
from ssi.credentials.jose import envelope_vc_jwt, read_vc_jwt, sign_vc_jwt, verify_vc_jwt
from ssi.credentials.presentation import Envelope
from ssi.credentials.vcdm import parse_credential
from ssi.errors import (
    InvalidInputError,
    InvalidSignatureError,
    KeyBindingError,
    ProofPurposeError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_further_proof, add_proof, jcs_suite_for
from ssi.types import JsonObject
from tests.unit.proofs.party import altered, copy, leaves

NOW = 1_800_000_000
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ISSUER, HOLDER, NOTARY = "did:example:agency", "did:example:holder", "did:example:notary"
DOMAIN, CHALLENGE = "https://verifier.example", "a-challenge"
SECRETS = {
    f"{ISSUER}#key-1": PrivateKey.generate(Curve.P256),
    f"{HOLDER}#key-1": PrivateKey.generate(Curve.ED25519),
    f"{NOTARY}#key-1": PrivateKey.generate(Curve.P384),
}
PURPOSES = {ISSUER: "assertionMethod", HOLDER: "authentication", NOTARY: "assertionMethod"}
KEYS = found_keys(
    {KeyNeeded(method, PURPOSES[method.partition("#")[0]]): secret.public_key for method, secret in SECRETS.items()}
)
RAW: JsonObject = {
    "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES],
    "id": "urn:uuid:1",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "issuer": {"id": ISSUER, "name": "Agency"},
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2030-01-01T00:00:00Z",
    "credentialSubject": {"id": HOLDER, "alumniOf": "School", "grade": 1.25, "list": [1, True, None]},
}


async def kms() -> MemoryKms:
    store = MemoryKms()
    for method, secret in SECRETS.items():
        purpose = KeyPurpose.HOLDER if method.startswith(HOLDER) else KeyPurpose.CREDENTIAL
        await store.add(method, secret, purpose=purpose)
    return store


async def secure(raw: JsonObject = RAW, method: str = f"{ISSUER}#key-1", **changed: Any) -> JsonObject:
    credential = parse_credential(raw, contexts=(EXAMPLES,))
    arguments = {"kms": await kms(), "label": method, "verification_method": method, "created": NOW}
    return await secure_credential(credential, **{**arguments, **changed})


async def countersign(secured: JsonObject, method: str = f"{NOTARY}#key-1", **changed: Any) -> JsonObject:
    return await add_further_proof(
        secured,
        kms=await kms(),
        label=method,
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=method,
        proof_purpose="assertionMethod",
        created=NOW,
        suite=jcs_suite_for(SECRETS[method].public_key),
        **changed,
    )


async def present(*credentials: JsonObject | Envelope, **changed: Any) -> JsonObject:
    arguments: dict[str, Any] = {
        "kms": await kms(),
        "label": f"{HOLDER}#key-1",
        "verification_method": f"{HOLDER}#key-1",
        "holder": HOLDER,
        "domain": DOMAIN,
        "challenge": CHALLENGE,
        "created": NOW,
        "contexts": (EXAMPLES,),
    }
    return await secure_presentation(credentials, **{**arguments, **changed})


def verify(document: JsonObject, **changed: Any) -> Any:
    return verify_credential(
        read_credential(document), **{"keys": KEYS, "now": NOW, "contexts": (EXAMPLES,), **changed}
    )


def verify_shown(document: JsonObject, **changed: Any) -> DataIntegrityPresentation:
    arguments = {
        "keys": KEYS,
        "now": NOW,
        "domain": DOMAIN,
        "challenge": CHALLENGE,
        "max_age_seconds": 300,
        "contexts": (EXAMPLES,),
    }
    return verify_presentation(read_presentation(document), **{**arguments, **changed})


async def test_a_credential_and_what_it_takes_to_verify_it() -> None:
    secured = await secure(proof_id="urn:uuid:9", expires=NOW + 60)
    claimed = read_credential(secured)
    assert (claimed.issuer, claimed.types) == (ISSUER, ("VerifiableCredential", "AlumniCredential"))
    (needed,) = claimed.keys
    assert (needed.verification_method, needed.purpose) == (f"{ISSUER}#key-1", "assertionMethod")
    assert needed.controller == ISSUER
    verified = verify(secured)
    assert verified.credential.raw == RAW
    assert verified.key == SECRETS[f"{ISSUER}#key-1"].public_key
    assert verified.holder_key() is None
    assert verified.proofs[0].proof.id == "urn:uuid:9"
    assert secured["proof"]["cryptosuite"] == "ecdsa-jcs-2019"
    with pytest.raises(ValidityError, match="proof expired"):
        verify(secured, now=NOW + 60)


async def test_every_leaf_of_a_credential_and_of_a_presentation() -> None:
    secured = await countersign(await secure(proof_id="urn:uuid:9"), previous_proof="urn:uuid:9")
    for path in leaves(secured):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify(altered(secured, path))
    shown = await present(secured)
    assert verify_shown(shown).credentials[0].credential.raw == RAW
    for path in leaves(shown):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify_shown(altered(shown, path))


async def test_the_issuer_controls_the_verification_method() -> None:
    by_notary = await secure(method=f"{NOTARY}#key-1", issuer_is_controller=False)
    with pytest.raises(VerificationError, match="of the controller"):
        verify(by_notary)
    assert verify(by_notary, issuer_is_controller=False).credential.issuer == ISSUER
    with pytest.raises(InvalidInputError, match="of the issuer"):
        await secure(method=f"{NOTARY}#key-1")
    # A key is looked for only where a proof claims to be the issuer's.
    looked_up: list[str] = []

    def counting(verification_method: str, purpose: str) -> PublicKey:
        looked_up.append(verification_method)
        return KEYS(verification_method, purpose)

    with pytest.raises(VerificationError):
        verify(by_notary, keys=counting)
    assert looked_up == []
    # The path, query or fragment of a DID URL, or a name that only begins alike, is no way around.
    for method in (f"{ISSUER}x#key-1", f"{ISSUER}:x#key-1", f"x{ISSUER}#key-1", "#key-1", f"{NOTARY}#{ISSUER}"):
        stolen = copy(by_notary)
        stolen["proof"]["verificationMethod"] = method
        with pytest.raises(VerificationError, match="of the controller"):
            verify(stolen)


async def test_a_set_holds_only_if_each_member_does() -> None:
    secured = await countersign(await secure())
    verified = verify(secured)
    assert [item.proof.controller for item in verified.proofs] == [ISSUER, NOTARY]
    assert verified.key == SECRETS[f"{ISSUER}#key-1"].public_key
    # The order of a set says nothing: the issuer's key is found wherever its proof stands.
    assert verify({**secured, "proof": secured["proof"][::-1]}).key == verified.key
    for index in range(2):
        bad = copy(secured)
        bad["proof"][index] = (await countersign(await secure({**RAW, "id": "urn:uuid:2"})))["proof"][index]
        with pytest.raises(InvalidSignatureError):
            verify(bad)
    stranger = copy(secured)
    stranger["proof"][1]["verificationMethod"] = "did:example:stranger#key-1"
    with pytest.raises(VerificationError, match="known for"):
        verify(stranger)


async def test_shape_contexts_and_validity_of_what_was_signed() -> None:
    secured = await secure()
    with pytest.raises(InvalidInputError, match="contexts that the caller allows"):
        verify(secured, contexts=())
    for now in (1_700_000_000, 2_000_000_000):
        with pytest.raises(ValidityError):
            verify(secured, now=now)
    widened = {**secured, "@context": [*RAW["@context"], "https://evil.example/context"]}
    # What was appended after signing is not part of what is returned, and need not be known.
    assert verify(widened).credential.raw == RAW
    with pytest.raises(VerificationError):
        verify({**secured, "@context": RAW["@context"][:1]})

    async def signed(raw: JsonObject) -> JsonObject:
        method = f"{ISSUER}#key-1"
        return await add_proof(
            raw,
            kms=await kms(),
            label=method,
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=method,
            proof_purpose="assertionMethod",
            created=NOW,
            suite=jcs_suite_for(SECRETS[method].public_key),
        )

    for name in ("type", "credentialSubject", "@context"):
        with pytest.raises(InvalidInputError):
            verify(await signed({key: value for key, value in RAW.items() if key != name}))
    for issuer in (None, "", 1, {"name": "Agency"}):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify(await signed({**RAW, "issuer": issuer}))


async def test_a_presentation_with_its_credentials_in_order() -> None:
    other = {**RAW, "id": "urn:uuid:2", "issuer": NOTARY}
    shown = await present(await secure(), await secure(other, f"{NOTARY}#key-1"), identifier="urn:uuid:3")
    claimed = read_presentation(shown)
    assert claimed.holder == HOLDER
    assert [item.issuer for item in claimed.credentials] == [ISSUER, NOTARY]
    needed = [(key.controller, key.purpose) for key in claimed.keys]
    assert needed == [(party, PURPOSES[party]) for party in (HOLDER, ISSUER, NOTARY)]
    verified = verify_shown(shown)
    assert [item.credential.id for item in verified.credentials] == ["urn:uuid:1", "urn:uuid:2"]
    assert verified.key == SECRETS[f"{HOLDER}#key-1"].public_key
    for credential in verified.credentials:
        check_holder(credential, verified)
    assert verify_shown(await present(), contexts=()).credentials == ()


async def test_a_presentation_answers_one_request() -> None:
    shown = await present(await secure())
    wrong: tuple[dict[str, Any], ...] = (
        {"domain": "https://other.example"},
        {"challenge": "another"},
        {"now": NOW + 301},
    )
    for changed in wrong:
        with pytest.raises(VerificationError):
            verify_shown(shown, **changed)
    unasked = await present(await secure(), domain=None, challenge=None)
    for changed in ({"domain": None}, {"challenge": None}):
        with pytest.raises(VerificationError):
            verify_shown(unasked, **changed)
    assert verify_shown(unasked, domain=None, challenge=None).presentation.holder == HOLDER
    lasting = await present(await secure(), expires=NOW + 10, domain=[DOMAIN, "b"])
    assert verify_shown(lasting, domain=["b", DOMAIN], max_age_seconds=None)
    with pytest.raises(ValidityError):
        verify_shown(lasting, domain=["b", DOMAIN], now=NOW + 10)


async def test_purposes_are_not_exchanged() -> None:
    secured, shown = await secure(), await present(await secure())
    with pytest.raises(ProofPurposeError):
        verify_shown({**shown, "proof": secured["proof"]}, domain=None, challenge=None)
    with pytest.raises(ProofPurposeError):
        verify({**secured, "proof": {**secured["proof"], "proofPurpose": "authentication"}})
    # A key that is listed for authentication alone issues nothing.
    own = {**RAW, "issuer": HOLDER}
    by_holder = await add_proof(
        own,
        kms=await kms(),
        label=f"{HOLDER}#key-1",
        purpose=KeyPurpose.HOLDER,
        verification_method=f"{HOLDER}#key-1",
        proof_purpose="assertionMethod",
        created=NOW,
    )
    with pytest.raises(VerificationError, match="known for assertionMethod"):
        verify(by_holder)


async def test_a_credential_inside_is_checked_by_its_own_proof() -> None:
    secured = await secure()
    forged = copy(secured)
    forged["credentialSubject"]["alumniOf"] = "Another"
    with pytest.raises(InvalidSignatureError):
        verify_shown(await present(forged))
    with pytest.raises(InvalidSignatureError):
        verify_shown(await present(secured, forged))
    bare = {**RAW, "issuer": HOLDER}
    with pytest.raises(InvalidInputError, match="proof"):
        verify_shown(await present(bare))
    with pytest.raises(ValidityError):
        verify_shown(await present(secured), now=1_900_000_000, max_age_seconds=None)


async def test_envelopes_are_opened_by_the_caller_or_refused() -> None:
    issuer = f"{ISSUER}#key-1"
    compact = await sign_vc_jwt(
        parse_credential(RAW, contexts=(EXAMPLES,)),
        kms=await kms(),
        label=issuer,
        kid=issuer,
        holder_key=SECRETS[f"{HOLDER}#key-1"].public_key,
    )
    shown = await present(await secure(), envelope_vc_jwt(compact))
    with pytest.raises(VerificationError, match="envelope"):
        verify_shown(shown)

    def opened(envelope: Envelope) -> VerifiedCredential:
        return verify_vc_jwt(read_vc_jwt(envelope.data), SECRETS[issuer].public_key, now=NOW, contexts=(EXAMPLES,))

    verified = verify_shown(shown, open_envelope=opened)
    assert [type(item).__name__ for item in verified.credentials] == ["DataIntegrityCredential", "VerifiedCredential"]
    for credential in verified.credentials:
        check_holder(credential, verified)


async def test_who_presents_is_whom_it_was_issued_to() -> None:
    anothers = await secure({**RAW, "credentialSubject": {"id": "did:example:victim", "alumniOf": "School"}})
    verified = verify_shown(await present(anothers))
    with pytest.raises(KeyBindingError, match="subject"):
        check_holder(verified.credentials[0], verified)
    nobodys = await secure({**RAW, "credentialSubject": {"alumniOf": "School"}})
    verified = verify_shown(await present(nobodys))
    with pytest.raises(KeyBindingError):
        check_holder(verified.credentials[0], verified)
    with pytest.raises(InvalidInputError, match="of the holder"):
        await present(anothers, holder="did:example:victim")
    # The holder that is named has signed, or else the name is refused.
    unnamed = await present(anothers, holder=None)
    assert verify_shown(unnamed).presentation.holder is None
    method = f"{HOLDER}#key-1"
    named = await add_proof(
        {**{name: value for name, value in unnamed.items() if name != "proof"}, "holder": "did:example:victim"},
        kms=await kms(),
        label=method,
        purpose=KeyPurpose.HOLDER,
        verification_method=method,
        proof_purpose="authentication",
        created=NOW,
        options={"domain": DOMAIN, "challenge": CHALLENGE},
    )
    with pytest.raises(VerificationError, match="of the controller"):
        verify_shown(named)
    bound = {**RAW, "cnf": {"jwk": SECRETS[method].public_key.to_jwk()}}
    verified = verify_shown(await present(await secure(bound)))
    check_holder(verified.credentials[0], verified)
    stolen = {**RAW, "cnf": {"jwk": SECRETS[f"{NOTARY}#key-1"].public_key.to_jwk()}}
    verified = verify_shown(await present(await secure(stolen)))
    with pytest.raises(KeyBindingError, match="cnf"):
        check_holder(verified.credentials[0], verified)


@pytest.mark.parametrize("proof", [None, [], {}, "x", [None], [{}], {"type": "DataIntegrityProof"}, [[]], 1])
async def test_documents_without_a_proof(proof: Any) -> None:
    shown = await present(await secure())
    for document, read, check in ((await secure(), read_credential, verify), (shown, read_presentation, verify_shown)):
        for broken in ({**document, "proof": proof}, {k: v for k, v in document.items() if k != "proof"}):
            with pytest.raises(InvalidInputError):
                read(broken)
            with pytest.raises(InvalidInputError):
                check(broken)
    inner = copy(shown)
    inner["verifiableCredential"][0]["proof"] = proof
    with pytest.raises(InvalidInputError):
        read_presentation(inner)
    with pytest.raises((InvalidInputError, VerificationError)):
        verify_shown(inner)


async def test_a_presentation_is_bounded() -> None:
    shown = await present(await secure())
    with pytest.raises(InvalidInputError, match="at most 64"):
        read_presentation({**shown, "verifiableCredential": shown["verifiableCredential"] * 65})

"""Proof sets and chains: each member verified, previous proofs secured, poison refused before work is done."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.jcs import jcs
from ssi.errors import (
    InvalidInputError,
    InvalidSignatureError,
    ProofPurposeError,
    SsiError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.proofs import jcs as jcs_module
from ssi.proofs.data_integrity import (
    ECDSA_JCS_2019_P256,
    ECDSA_JCS_2019_P384,
    EDDSA_JCS_2022,
    add_further_proof,
    jcs_suite_for,
)
from ssi.proofs.ecdsa_jcs_2019 import EcdsaJcs2019
from ssi.proofs.suites import suite_for
from tests.unit.proofs.party import (
    DOCUMENT,
    KEYS,
    NOW,
    altered,
    copy,
    keys,
    kms,
    leaves,
    method,
    sign,
    sign_further,
    verify,
)

FIRST, SECOND = "urn:uuid:1", "urn:uuid:2"


async def chain() -> Any:
    """A set of two, a proof over both, and a proof over that one."""
    secured = await sign(DOCUMENT, "ed", id=FIRST)
    secured = await sign_further(secured, "p256", id=SECOND)
    secured = await sign_further(secured, "p384", [SECOND, FIRST], id="urn:uuid:3")
    return await sign_further(secured, "ed2", "urn:uuid:3")


@pytest.mark.parametrize("label", KEYS)
async def test_each_suite_and_every_leaf_of_what_it_signed(label: str) -> None:
    secured = await sign(DOCUMENT, label, nonce="n", domain=["a.example", "b.example"], expires="2030-01-01T00:00:00Z")
    verified = verify(secured)
    assert verified.document == DOCUMENT
    assert verified.proofs[0].key == KEYS[label].public_key
    assert verified.proofs[0].proof.controller == f"did:example:{label}"
    for path in leaves(secured):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify(altered(secured, path))
    for name in secured:
        with pytest.raises((InvalidInputError, VerificationError)):
            verify({key: value for key, value in secured.items() if key != name})


async def test_p384_is_hashed_with_sha_384_alone() -> None:
    assert len(ECDSA_JCS_2019_P384.hash_data(DOCUMENT, {})) == 96
    assert len(ECDSA_JCS_2019_P256.hash_data(DOCUMENT, {})) == 64
    config = ECDSA_JCS_2019_P256.configure(DOCUMENT, {"a": 1})
    # The curve chooses the hash: a P-384 signature over SHA-256 hash data does not hold.
    signature = KEYS["p384"].sign(ECDSA_JCS_2019_P256.hash_data(DOCUMENT, config))
    with pytest.raises(InvalidSignatureError):
        ECDSA_JCS_2019_P384.verify(DOCUMENT, config, ECDSA_JCS_2019_P384.encode(signature), KEYS["p384"].public_key)
    with pytest.raises(ValueError, match="P-256 or P-384"):
        EcdsaJcs2019(Curve.SECP256K1)
    with pytest.raises(VerificationError, match="expected a key on"):
        jcs_suite_for(PrivateKey.generate(Curve.SECP256K1).public_key)
    with pytest.raises(VerificationError, match="P-256 or P-384"):
        suite_for("ecdsa-jcs-2019", PrivateKey.generate(Curve.SECP256K1).public_key)


@pytest.mark.parametrize("label", ["ed", "p256", "p384"])
@pytest.mark.parametrize("name", ["the other", "eddsa-jcs-2023", "EDDSA-JCS-2022"])
async def test_a_proof_of_one_suite_named_as_another(label: str, name: str) -> None:
    secured = copy(await sign(DOCUMENT, label))
    proof = secured["proof"]
    other = "ecdsa-jcs-2019" if proof["cryptosuite"] == "eddsa-jcs-2022" else "eddsa-jcs-2022"
    proof["cryptosuite"] = other if name == "the other" else name
    with pytest.raises(VerificationError):
        verify(secured)


async def test_a_signature_of_a_suite_under_the_name_of_another_is_refused_though_the_bytes_hold() -> None:
    """Signed under the wrong name, so that only the type of key can tell."""
    config = EDDSA_JCS_2022.configure(
        DOCUMENT,
        {
            "type": "DataIntegrityProof",
            "cryptosuite": "ecdsa-jcs-2019",
            "verificationMethod": method("ed"),
            "proofPurpose": "assertionMethod",
        },
    )
    value = EDDSA_JCS_2022.encode(KEYS["ed"].sign(EDDSA_JCS_2022.hash_data(DOCUMENT, config)))
    with pytest.raises(VerificationError, match="P-256 or P-384"):
        verify({**DOCUMENT, "proof": {**config, "proofValue": value}})


async def test_a_chain_verifies_and_secures_the_proofs_before() -> None:
    secured = await chain()
    assert verify(secured).document == DOCUMENT
    assert [item.proof.id for item in verify(secured).proofs] == [FIRST, SECOND, "urn:uuid:3", None]
    # Matching proofs stand in the order of the document (4.5), whatever order previousProof has.
    proofs = secured["proof"]
    assert proofs[2]["previousProof"] == [SECOND, FIRST]
    assert proofs[3]["previousProof"] == "urn:uuid:3"
    config = {name: value for name, value in proofs[2].items() if name != "proofValue"}
    hashed = {**DOCUMENT, "proof": proofs[:2]}
    ECDSA_JCS_2019_P384.verify(hashed, config, proofs[2]["proofValue"], KEYS["p384"].public_key)
    last = {name: value for name, value in proofs[3].items() if name != "proofValue"}
    EDDSA_JCS_2022.verify({**DOCUMENT, "proof": [proofs[2]]}, last, proofs[3]["proofValue"], KEYS["ed2"].public_key)


async def test_every_leaf_of_a_chain() -> None:
    secured = await chain()
    for path in leaves(secured):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify(altered(secured, path))


@pytest.mark.parametrize("dropped", range(3))
async def test_a_proof_that_another_names_cannot_be_dropped(dropped: int) -> None:
    secured = await chain()
    del secured["proof"][dropped]
    with pytest.raises(VerificationError, match="previousProof to name"):
        verify(secured)


async def test_a_set_does_not_depend_on_its_order_and_a_member_may_go() -> None:
    secured = await sign(DOCUMENT, "ed")
    assert "proof" not in DOCUMENT
    secured = await sign_further(secured, "p256")
    secured = await sign_further(secured, "p384")
    assert len(verify({**secured, "proof": secured["proof"][::-1]}).proofs) == 3
    assert len(verify({**secured, "proof": secured["proof"][1:]}).proofs) == 2


@pytest.mark.parametrize("bad", range(3))
async def test_a_set_with_one_bad_member_is_refused(bad: int) -> None:
    secured = await sign(DOCUMENT, "ed")
    for label in ("p256", "p384"):
        secured = await sign_further(secured, label)
    other = await sign({**DOCUMENT, "id": "urn:x:2"}, ["ed", "p256", "p384"][bad])
    secured["proof"][bad] = other["proof"]
    with pytest.raises(InvalidSignatureError):
        verify(secured)


async def test_ids_that_are_missing_ambiguous_or_looping() -> None:
    secured = await sign(DOCUMENT, "ed", id=FIRST)
    with pytest.raises(InvalidInputError, match="previousProof to name"):
        await sign_further(secured, "p256", SECOND)
    with pytest.raises(InvalidInputError, match="previousProof to name"):
        await sign_further(secured, "p256", [FIRST, SECOND])
    with pytest.raises(InvalidInputError):
        await sign_further(secured, "p256", [])
    with pytest.raises(InvalidInputError, match="not that of another"):
        await sign_further(secured, "p256", id=FIRST)
    proof = secured["proof"]

    def linked(*links: tuple[str | None, Any]) -> Any:
        members = ({"id": name, "previousProof": before} for name, before in links)
        return {
            **DOCUMENT,
            "proof": [{**proof, **{n: v for n, v in item.items() if v is not None}} for item in members],
        }

    for looping in (
        linked((FIRST, FIRST)),
        linked((FIRST, SECOND), (SECOND, FIRST)),
        linked((FIRST, [SECOND]), (SECOND, ["urn:3"]), ("urn:3", [FIRST])),
        linked(("urn:0", None), (FIRST, ["urn:0", SECOND]), (SECOND, FIRST)),
    ):
        with pytest.raises(VerificationError, match="comes before itself"):
            verify(looping)
    with pytest.raises(VerificationError, match="id of its own"):
        verify(linked((FIRST, None), (FIRST, None), (SECOND, FIRST)))
    for missing in (linked((FIRST, "urn:4")), linked((FIRST, None), (FIRST, None), (SECOND, [FIRST, "urn:4"]))):
        with pytest.raises(VerificationError, match="previousProof to name"):
            verify(missing)
    shapes: tuple[Any, ...] = (1, [1], [], {}, [FIRST] * 17, None)
    for shape in shapes:
        with pytest.raises(InvalidInputError):
            verify({**DOCUMENT, "proof": [proof, {**proof, "id": SECOND, "previousProof": shape}]})


async def test_ids_are_urls() -> None:
    for name in ("456321", "", "urn:", "a b:c", "urn:a b", "é:x"):
        with pytest.raises(InvalidInputError, match="id"):
            await sign(DOCUMENT, "ed", id=name)


async def test_poison_costs_no_more_hashes_than_two_for_each_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    def counting(value: Any) -> bytes:
        hashed.append(1)
        return jcs(value)

    monkeypatch.setattr(jcs_module, "jcs", counting)
    secured = await sign(DOCUMENT, "ed", id="urn:n:0")
    for number in range(1, 16):
        before = [f"urn:n:{earlier}" for earlier in range(number)]
        secured = await sign_further(secured, "ed", before, id=f"urn:n:{number}")
    hashed.clear()
    assert len(verify(secured).proofs) == 16
    assert len(hashed) == 32
    with pytest.raises(InvalidInputError, match="fewer than 16"):
        await sign_further(secured, "ed")
    hashed.clear()
    looked_up: list[str] = []

    def counted(verification_method: str, purpose: str) -> Any:
        looked_up.append(verification_method)
        return keys(verification_method, purpose)

    # What can be told of any proof without a key is told before the first key is looked for.
    poison = copy(secured)
    poison["proof"][15]["expires"] = "2020-01-01T00:00:00Z"
    with pytest.raises(ValidityError):
        verify(poison, keys=counted)
    poison = copy(secured)
    poison["proof"][15]["proofPurpose"] = "authentication"
    with pytest.raises(ProofPurposeError):
        verify(poison, keys=counted)
    poison = copy(secured)
    poison["proof"][15]["previousProof"] = "urn:n:15"
    with pytest.raises(VerificationError):
        verify(poison, keys=counted)
    with pytest.raises(InvalidInputError, match="1 to 16"):
        verify({**secured, "proof": secured["proof"] * 1000}, keys=counted)
    assert (hashed, looked_up) == ([], [])


async def test_domain_and_challenge() -> None:
    secured = await sign(DOCUMENT, "p256", domain=["a.example", "b.example"], challenge="c-1")
    assert verify(secured, domain=("b.example", "a.example"), challenge="c-1").document == DOCUMENT
    assert verify(secured).document == DOCUMENT
    for domain in ("a.example", ["a.example"], ["a.example", "b.example", "c.example"], [], ""):
        with pytest.raises(VerificationError, match="domain"):
            verify(secured, domain=domain)
    for challenge in ("c-2", "", "c-1 ", "\ud800"):
        with pytest.raises(VerificationError, match="challenge") as refusal:
            verify(secured, challenge=challenge)
        assert "c-1" not in str(refusal.value)
    single = await sign(DOCUMENT, "p256", domain="a.example")
    assert verify(single, domain=["a.example"]).document == DOCUMENT
    with pytest.raises(VerificationError, match="challenge"):
        verify(single, challenge="c-1")
    with pytest.raises(VerificationError, match="domain"):
        verify(await sign_further(single, "ed"), domain="a.example")


async def test_a_set_over_two_contexts_is_refused() -> None:
    secured = await sign(DOCUMENT, "ed")
    wider = {**secured, "@context": [*DOCUMENT["@context"], "https://www.w3.org/ns/credentials/examples/v2"]}
    assert verify(wider).document == DOCUMENT
    with pytest.raises(VerificationError, match="same @context"):
        verify(await sign_further(wider, "p256"))


async def test_a_further_proof_needs_a_first_one_and_members_of_its_own() -> None:
    with pytest.raises(InvalidInputError):
        await sign_further(DOCUMENT, "ed")
    secured = await sign(DOCUMENT, "ed")
    for name in ("proofValue", "@context", "previousProof", "type", "created"):
        with pytest.raises(InvalidInputError, match="options"):
            await sign_further(secured, "ed", **{name: "x"})
    for name, value in (("expires", "soon"), ("domain", []), ("challenge", 1)):
        with pytest.raises(InvalidInputError):
            await sign(DOCUMENT, "ed", **{name: value})
    with pytest.raises(VerificationError):
        await add_further_proof(
            secured,
            kms=await kms(),
            label="ed",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=method("ed"),
            proof_purpose="assertionMethod",
            created=NOW,
            suite=ECDSA_JCS_2019_P256,
        )


async def test_an_unknown_key_is_the_callers_answer() -> None:
    secured = copy(await sign(DOCUMENT, "ed"))
    secured["proof"]["verificationMethod"] = "did:example:nobody#key-1"
    with pytest.raises(SsiError, match="known key"):
        verify(secured)

"""Data Integrity proofs: shapes, purposes, times, contexts, keys."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import (
    InvalidInputError,
    InvalidSignatureError,
    ProofPurposeError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, parse_proof, parse_proofs, verify_proof
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.types import JsonObject

NOW = 1_700_000_000
METHOD = "did:example:agency#key-1"
KEY = PrivateKey.from_raw(Curve.ED25519, bytes(range(32)))
OTHER = PrivateKey.from_raw(Curve.ED25519, bytes(32))


def signed(document: JsonObject, **members: Any) -> JsonObject:
    """``document`` with a valid proof of which ``members`` were set before signing; None leaves one out."""
    suite = EddsaJcs2022()
    options: JsonObject = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite.name,
        "created": "2023-11-14T22:13:20Z",
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        **members,
    }
    config = suite.configure(document, {name: value for name, value in options.items() if value is not None})
    value = suite.encode(KEY.sign(suite.hash_data(document, config)))
    return {**document, "proof": {**config, "proofValue": value}}


def verify(document: JsonObject, *, now: int = NOW, key: PrivateKey = KEY) -> JsonObject:
    return verify_proof(document, key=key.public_key, expected_purpose="assertionMethod", now=now)


async def test_add_and_verify_are_inverse() -> None:
    kms = MemoryKms()
    await kms.add("key", KEY, purpose=KeyPurpose.CREDENTIAL)
    document = {"@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:x:1", "n": 1.5}
    secured = await add_proof(
        document,
        kms=kms,
        label="key",
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=METHOD,
        proof_purpose="assertionMethod",
        created=NOW,
    )
    assert "proof" not in document
    assert secured["proof"]["created"] == "2023-11-14T22:13:20Z"
    assert secured["proof"]["@context"] == document["@context"]
    assert verify(secured) == document
    with pytest.raises(InvalidInputError, match="without proof"):
        await add_proof(
            secured,
            kms=kms,
            label="key",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=METHOD,
            proof_purpose="assertionMethod",
            created=None,
        )


async def test_a_key_of_another_curve_or_purpose_signs_nothing() -> None:
    kms = MemoryKms()
    await kms.generate("p256", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    await kms.generate("list", curve=Curve.ED25519, purpose=KeyPurpose.LIST)
    for label, error in (("p256", VerificationError), ("list", ProofPurposeError)):
        with pytest.raises(error):
            await add_proof(
                {"id": "urn:x:1"},
                kms=kms,
                label=label,
                purpose=KeyPurpose.CREDENTIAL,
                verification_method=METHOD,
                proof_purpose="assertionMethod",
                created=NOW,
            )


def test_another_key_or_a_changed_document_is_refused() -> None:
    secured = signed({"a": 1})
    with pytest.raises(InvalidSignatureError):
        verify(secured, key=OTHER)
    with pytest.raises(VerificationError, match="Ed25519"):
        verify(secured, key=PrivateKey.generate(Curve.P256))
    with pytest.raises(InvalidSignatureError):
        verify({**secured, "b": 2})
    with pytest.raises(InvalidSignatureError):
        verify({**secured, "proof": {**secured["proof"], "nonce": "added"}})


def test_purpose_and_suite_are_what_was_asked_for() -> None:
    with pytest.raises(ProofPurposeError):
        verify(signed({"a": 1}, proofPurpose="authentication"))
    with pytest.raises(VerificationError, match="cryptosuite"):
        verify(signed({"a": 1}, cryptosuite="eddsa-rdfc-2021"))
    with pytest.raises(VerificationError, match="chain"):
        verify(signed({"a": 1}, previousProof="urn:uuid:1"))


def test_times() -> None:
    assert verify(signed({"a": 1}, created=None)) == {"a": 1}
    assert verify(signed({"a": 1}, created="2023-11-14T23:13:20+01:00")) == {"a": 1}
    with pytest.raises(ValidityError, match="created"):
        verify(signed({"a": 1}), now=NOW - 61)
    assert verify(signed({"a": 1}), now=NOW - 60) == {"a": 1}
    expiring = signed({"a": 1}, expires="2023-11-14T22:13:21Z")
    assert verify(expiring) == {"a": 1}
    with pytest.raises(ValidityError, match="expired"):
        verify(expiring, now=NOW + 1)
    for text in ("2023-11-14", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z", "yesterday", 5):
        with pytest.raises(InvalidInputError, match="created"):
            verify(signed({"a": 1}, created=text))


def test_the_document_context_starts_with_that_of_the_proof() -> None:
    base = "https://www.w3.org/ns/credentials/v2"
    secured = signed({"@context": [base], "a": 1})
    # A context that was appended later is not part of what was signed, and does not come back.
    assert verify({**secured, "@context": [base, "https://evil.example/"]}) == {"@context": [base], "a": 1}
    for context in (["https://evil.example/", base], [], "https://evil.example/"):
        with pytest.raises(VerificationError, match="@context"):
            verify({**secured, "@context": context})
    with pytest.raises(VerificationError, match="@context"):
        verify({name: value for name, value in secured.items() if name != "@context"})
    single = signed({"@context": base, "a": 1})
    assert verify({**single, "@context": [base, "x"]}) == {"@context": base, "a": 1}


@pytest.mark.parametrize("value", ["", "z", "u" + "A" * 86, "z1", "z" + "1" * 63, "z" + "2" * 200, "zO0", "Qm"])
def test_proof_values_that_are_none(value: str) -> None:
    secured = signed({"a": 1})
    with pytest.raises(InvalidInputError):
        verify({**secured, "proof": {**secured["proof"], "proofValue": value}})


@pytest.mark.parametrize(
    "proof",
    [
        None,
        "x",
        [],
        {},
        {"type": "Ed25519Signature2018"},
        {"type": ["DataIntegrityProof"]},
        {"type": "DataIntegrityProof", "cryptosuite": 1},
        {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022"},
    ],
)
def test_proofs_that_are_none(proof: Any) -> None:
    with pytest.raises(InvalidInputError):
        verify({"a": 1, "proof": proof})


def test_a_document_without_proof_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        verify({"a": 1})


def test_members_are_read() -> None:
    secured = signed({"a": 1}, domain="agency.example", challenge="c", id="urn:uuid:1", expires="2030-01-01T00:00:00Z")
    proof = parse_proof(secured["proof"])
    assert (proof.domain, proof.challenge, proof.id) == (("agency.example",), "c", "urn:uuid:1")
    assert (proof.created, proof.expires) == (NOW, 1_893_456_000)
    for name, value in (("domain", [1]), ("domain", []), ("challenge", 1), ("id", {}), ("previousProof", 3)):
        with pytest.raises(InvalidInputError):
            parse_proof({**secured["proof"], name: value})


def test_proof_sets_are_bounded_and_not_taken_for_one_proof() -> None:
    secured = signed({"a": 1})
    with pytest.raises(VerificationError, match="set of 2"):
        verify({**secured, "proof": [secured["proof"]] * 2})
    assert verify({**secured, "proof": [secured["proof"]]}) == {"a": 1}
    with pytest.raises(InvalidInputError, match="1 to 16"):
        parse_proofs([secured["proof"]] * 17)

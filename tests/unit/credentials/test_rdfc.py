"""Credentials whose proof is over RDF: what a context says is part of what is believed."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.data_integrity import (
    KeyNeeded,
    found_keys,
    read_credential,
    read_presentation,
    secure_credential,
    secure_presentation,
    verify_credential,
    verify_presentation,
)
from ssi.credentials.vcdm import parse_credential
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import (
    ECDSA_RDFC_2019_P256,
    ECDSA_RDFC_2019_P384,
    EDDSA_RDFC_2022,
    Cryptosuite,
    verify_proofs,
)
from ssi.types import JsonObject
from tests.unit.proofs.party import CONTEXTS, EXAMPLES, copy

NOW = 1_780_000_000
V2 = "https://www.w3.org/ns/credentials/v2"
SUITES = [EDDSA_RDFC_2022, ECDSA_RDFC_2019_P256, ECDSA_RDFC_2019_P384]
KEYS = {curve: PrivateKey.generate(curve) for curve in (Curve.ED25519, Curve.P256, Curve.P384)}
ISSUER, HOLDER = "did:example:issuer", "did:example:holder"
CREDENTIAL: JsonObject = {
    "@context": [V2, EXAMPLES],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {"id": HOLDER, "credit": "0", "debt": "1000000", "home": {"locality": "Østby"}},
}


def _find(curve: Curve) -> Any:
    purposes = {ISSUER: "assertionMethod", HOLDER: "authentication"}
    return found_keys({KeyNeeded(f"{did}#key", p): KEYS[curve].public_key for did, p in purposes.items()})


async def _store(suite: Cryptosuite, purpose: KeyPurpose) -> dict[str, Any]:
    kms = MemoryKms()
    await kms.add("key", KEYS[suite.curve], purpose=purpose)
    return {"kms": kms, "label": "key", "created": NOW, "suite": suite, "jsonld_contexts": CONTEXTS}


async def _secured(suite: Cryptosuite) -> JsonObject:
    parsed = parse_credential(CREDENTIAL, contexts=(EXAMPLES,))
    arguments = await _store(suite, KeyPurpose.CREDENTIAL)
    return await secure_credential(parsed, verification_method=f"{ISSUER}#key", **arguments)


def _believe(document: JsonObject, curve: Curve, **changed: Any) -> JsonObject:
    arguments = {"keys": _find(curve), "now": NOW, "contexts": (EXAMPLES,), "jsonld_contexts": CONTEXTS}
    return verify_credential(read_credential(document), **{**arguments, **changed}).credential.raw


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: f"{suite.name}-{suite.curve}")
async def test_credential_and_presentation(suite: Cryptosuite) -> None:
    secured = await _secured(suite)
    assert _believe(secured, suite.curve) == CREDENTIAL
    arguments = await _store(suite, KeyPurpose.HOLDER)
    shown = await secure_presentation(
        [secured],
        holder=HOLDER,
        verification_method=f"{HOLDER}#key",
        domain="a.example",
        challenge="c",
        contexts=(EXAMPLES,),
        **arguments,
    )
    session: dict[str, Any] = {"domain": "a.example", "challenge": "c", "max_age_seconds": 60, "contexts": (EXAMPLES,)}
    session |= {"keys": _find(suite.curve), "now": NOW, "jsonld_contexts": CONTEXTS}
    verified = verify_presentation(read_presentation(shown), **session)
    assert verified.credentials[0].credential.raw == CREDENTIAL
    for member in ("issuer", "validFrom"):
        bad = copy(shown)
        bad["verifiableCredential"][0][member] = {"issuer": HOLDER, "validFrom": "2026-01-02T00:00:00Z"}[member]
        with pytest.raises(VerificationError):
            verify_presentation(read_presentation(bad), **session)
    # The credential holds by itself and the presentation by itself, but nobody presented the one in the other.
    other = copy(shown)
    other["verifiableCredential"] = [await _secured(suite)]
    if other != shown:
        with pytest.raises(InvalidSignatureError):
            verify_presentation(read_presentation(other), **session)


async def test_contexts_that_the_verifier_does_not_know() -> None:
    secured = await _secured(EDDSA_RDFC_2022)
    with pytest.raises(InvalidInputError):
        _believe(secured, Curve.ED25519, contexts=())
    unknown = copy(secured)
    unknown["@context"].append("https://evil.example/v1")
    with pytest.raises(InvalidInputError, match="context"):
        _believe(unknown, Curve.ED25519, contexts=(EXAMPLES, "https://evil.example/v1"))


async def test_terms_that_are_swapped_by_a_context_of_the_presenter() -> None:
    """As RDF the credential is what it was, so the proof holds; who reads members must not allow the context."""
    swapped = copy(await _secured(EDDSA_RDFC_2022))
    base = "https://www.w3.org/ns/credentials/examples#"
    swapped["@context"].append({"credit": f"{base}debt", "debt": f"{base}credit"})
    swapped["credentialSubject"] |= {"credit": "1000000", "debt": "0"}
    arguments: dict[str, Any] = {"expected_purpose": "assertionMethod", "now": NOW, "contexts": CONTEXTS}
    assert verify_proofs(swapped, keys=_find(Curve.ED25519), **arguments)
    with pytest.raises(InvalidInputError):
        _believe(swapped, Curve.ED25519)
    # What the base context defines is protected, and cannot be redefined by anyone.
    redefined = copy(await _secured(EDDSA_RDFC_2022))
    redefined["@context"].append({"VerifiableCredential": "https://evil.example/#VerifiableCredential"})
    with pytest.raises(InvalidInputError):
        verify_proofs(redefined, keys=_find(Curve.ED25519), **arguments)

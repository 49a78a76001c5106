"""did:key: the current text's examples as documents, the vectors of 2022 as keys.

The vectors of 2022 carry the verification suites of their day, so that documents differ and keys must not.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.did.document import DidDocument, parse_document
from ssi.did.methods.key import DidKey, build_key_document, did_key
from ssi.encoding.base64url import b64url_decode
from ssi.encoding.multibase import base58_decode, multibase_decode
from ssi.encoding.multicodec import X25519_PUB
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import Curve, PrivateKey
from tests.vectors.support import VectorCount, load_json

SPEC = "did/did-key"
VECTORS = "did/did-key/did-method-key"
spec_count = VectorCount(SPEC)
count = VectorCount(VECTORS)

SIGNING = ("authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
LEFT_OUT = {
    "z5Tc": "BLS12-381 keys in both groups are not supported",
    "z4MX": "RSA keys are not supported",
    "zgg": "RSA keys are not supported",
}


def left_out(did: str) -> str | None:
    value = did.removeprefix("did:key:")
    return next((reason for start, reason in LEFT_OUT.items() if value.startswith(start)), None)


async def resolved(did: str) -> DidDocument:
    return (await DidKey().resolve(did)).document


def x25519(document: dict[str, Any]) -> bytes:
    """Return the raw X25519 key that a document of any year lists for key agreement."""
    (agreement,) = document["keyAgreement"]
    if isinstance(agreement, str):
        (agreement,) = [method for method in document["verificationMethod"] if method["id"] == agreement]
    if "publicKeyJwk" in agreement:
        return b64url_decode(agreement["publicKeyJwk"]["x"])
    if "publicKeyBase58" in agreement:
        return base58_decode(agreement["publicKeyBase58"])
    return multibase_decode(agreement["publicKeyMultibase"]).removeprefix(X25519_PUB)


async def test_the_examples_of_the_current_text() -> None:
    for block in load_json(SPEC, "did-key-spec-0.9-examples.json")["blocks"]:
        text = block["text"].strip()
        if text.startswith("{"):
            expected = json.loads(text)
            assert (await resolved(expected["id"])).raw == expected
            spec_count.ran()
            continue
        dids = [line for line in text.split() if line.startswith("did:key:z")]
        if not dids:
            spec_count.left_out("grammar, not an example" if text else "example that the text includes from elsewhere")
        for did in dids:
            if reason := left_out(did):
                assert refused(did)
                spec_count.left_out(reason)
                continue
            (key,) = (await resolved(did)).keys("assertionMethod").values()
            assert did_key(key) == did
            spec_count.ran()


def refused(did: str) -> bool:
    with pytest.raises(InvalidDidError):
        build_key_document(did)
    return True


@pytest.mark.parametrize("name", ["ed25519-x25519", "secp256k1", "nist-curves", "bls12381", "rsa"])
async def test_a_vector_of_2022_gives_the_same_keys(name: str) -> None:
    for did, vector in load_json(VECTORS, f"{name}.json").items():
        if (reason := left_out(did)) is not None:
            assert refused(did)
            count.left_out(reason)
            continue
        ours = await resolved(did)
        theirs = vector["didDocument"]
        (key,) = ours.keys("assertionMethod").values()
        assert did_key(key) == did
        if any(method["type"] == "P256Key2021" for method in theirs["verificationMethod"]):
            # A suite that was never published: its raw base58 is compared without reading the document.
            assert base58_decode(theirs["verificationMethod"][0]["publicKeyBase58"]) == key.to_raw()
        else:
            read = parse_document(theirs, did=did)
            for relationship in SIGNING:
                assert list(read.keys(relationship).values()) == [key] == list(ours.keys(relationship).values())
        if key.curve is Curve.ED25519:
            assert x25519(ours.raw) == x25519(theirs)
        check_private(vector, did)
        count.ran()


def check_private(vector: dict[str, Any], did: str) -> None:
    """Where the vector tells the private key, it must lead to the DID."""
    if "seed" in vector:
        curve = Curve.ED25519 if did.startswith("did:key:z6Mk") else Curve.SECP256K1
        assert did_key(PrivateKey.from_raw(curve, bytes.fromhex(vector["seed"])).public_key) == did
    jwk = vector.get("verificationMethod", {}).get("privateKeyJwk")
    if jwk is not None:
        assert did_key(PrivateKey.from_jwk(jwk).public_key) == did


def test_a_vector_of_2022_for_key_agreement_gives_the_same_key() -> None:
    for did, theirs in load_json(VECTORS, "x25519.json")["didDocument"].items():
        assert x25519(build_key_document(did)) == x25519(theirs)
        count.ran()


async def test_one_altered_character_never_gives_the_same_key() -> None:
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    (original,) = (await resolved(did)).keys("assertionMethod").values()
    for place in range(len("did:key:"), len(did)):
        altered = did[:place] + ("2" if did[place] != "2" else "3") + did[place + 1 :]
        try:
            keys = (await resolved(altered)).keys("assertionMethod").values()
        except InvalidInputError:
            continue
        assert original not in keys

"""ECDSA and Ed25519 against the Wycheproof sets: every valid signature holds, every invalid one is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ssi.errors import InvalidSignatureError
from ssi.keys import Curve, PublicKey
from ssi.keys.curves import FACTS
from tests.vectors.support import VectorCount, load_json

FOLDER = "wycheproof"
count = VectorCount(FOLDER)

ECDSA_FILES = {
    "ecdsa_secp256r1_sha256": (Curve.P256, 32),
    "ecdsa_secp384r1_sha384": (Curve.P384, 48),
    "ecdsa_secp521r1_sha512": (Curve.P521, 66),
    "ecdsa_secp256k1_sha256": (Curve.SECP256K1, 32),
}
BITCOIN = "ecdsa_secp256k1_sha256_bitcoin"


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every group and test of one file, and check that none is missing."""
    document = load_json(FOLDER, f"{name}_test.json")
    total = 0
    for group in document["testGroups"]:
        for test in group["tests"]:
            total += 1
            yield group, test
    assert total == document["numberOfTests"]


def check(key: PublicKey, signature: bytes, message: bytes, *, valid: bool) -> None:
    """Assert that ``key`` answers as the vector says, and that one altered byte is refused."""
    if valid:
        key.verify(signature, message)
        altered = bytes([signature[0] ^ 1]) + signature[1:]
        with pytest.raises(InvalidSignatureError):
            key.verify(altered, message)
    else:
        with pytest.raises(InvalidSignatureError):
            key.verify(signature, message)
    count.ran()


@pytest.mark.parametrize("name", ECDSA_FILES)
def test_raw_ecdsa_signatures(name: str) -> None:
    curve, _ = ECDSA_FILES[name]
    for group, test in cases(f"{name}_p1363"):
        key = PublicKey.from_raw(curve, bytes.fromhex(group["publicKey"]["uncompressed"]))
        if "publicKeyJwk" in group:
            jwk = {member: value for member, value in group["publicKeyJwk"].items() if member != "kid"}
            assert PublicKey.from_jwk(jwk) == key
        check(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), valid=test["result"] == "valid")


@pytest.mark.parametrize("name", [*ECDSA_FILES, BITCOIN])
def test_der_ecdsa_signatures(name: str) -> None:
    """Our interface takes R‖S: what is DER of a pair in range is run in that form, the rest is about DER itself."""
    curve, width = ECDSA_FILES[name.removesuffix("_bitcoin")]
    for group, test in cases(name):
        key = PublicKey.from_raw(curve, bytes.fromhex(group["publicKey"]["uncompressed"]))
        encoded, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
        # DER as bytes is no R‖S, whatever it says: it has another length or fails.
        with pytest.raises(InvalidSignatureError):
            key.verify(encoded, message)
        try:
            r, s = decode_dss_signature(encoded)
            raw = r.to_bytes(width, "big") + s.to_bytes(width, "big")
        except (ValueError, OverflowError):
            assert test["result"] == "invalid"
            count.left_out(f"{name}: no DER of two numbers that fit a coordinate, so there is no R‖S form of it")
            continue
        assert encode_dss_signature(r, s) == encoded
        if name == BITCOIN and test["result"] == "invalid" and s > FACTS[curve].order // 2:
            count.left_out(f"{name}: low S is Bitcoin's rule, ES256K (RFC 8812) has none")
            continue
        check(key, raw, message, valid=test["result"] == "valid")


def test_ed25519_signatures() -> None:
    for group, test in cases("ed25519"):
        key = PublicKey.from_raw(Curve.ED25519, bytes.fromhex(group["publicKey"]["pk"]))
        check(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), valid=test["result"] == "valid")

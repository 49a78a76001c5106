"""The COSE working group's examples: every COSE_Sign1, and that whatever is another structure is refused as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.cose import read_vc_cose, verify_vc_cose
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.keys.cose import parse_sign1, sig_structure, verify_sign1
from ssi.keys.cose_key import cose_key, public_key_of
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "ietf/cose"
count = VectorCount(FOLDER)

LEFT_OUT = {
    "ecdsa-examples/ecdsa-sig-04.json": "ES512 under a P-256 key: here an algorithm has one curve; refused",
    "eddsa-examples/eddsa-sig-02.json": "an Ed448 key: refused, as every curve but ours is",
    "hashsig/hsssig-sig-01.json": "HSS/LMS: refused, as every algorithm but ours is",
    "sign1-tests/sign-pass-01.json": "alg in the unprotected header: refused",
}
FAIL_BY_SHAPE = {"sign-fail-01", "sign-fail-03", "sign-fail-04"}


def load(path: Path) -> Any:
    return load_json(FOLDER, str(path.relative_to(vectors_dir(FOLDER))))


def public_key(key: dict[str, Any]) -> PublicKey:
    """The files write JWKs, some members in hexadecimal, EC as the kty of all."""
    crv = key["crv"]
    members = {"kty": "OKP" if crv == "Ed25519" else "EC", "crv": crv}
    for name in ("x", "y"):
        if f"{name}_hex" in key:
            members[name] = b64url_encode(bytes.fromhex(key[f"{name}_hex"]))
        elif name in key:
            members[name] = key[name]
    read = PublicKey.from_jwk(members)
    assert public_key_of(cose_key(read)) == read
    return read


def sign1_files() -> list[Path]:
    return [path for path in sorted(vectors_dir(FOLDER).rglob("*.json")) if "sign0" in load(path)["input"]]


def test_every_sign1() -> None:
    for path in sign1_files():
        example, name = load(path), str(path.relative_to(vectors_dir(FOLDER)))
        data = bytes.fromhex(example["output"]["cbor"])
        aad = bytes.fromhex(example["input"]["sign0"].get("external", ""))
        if name in LEFT_OUT:
            with pytest.raises(SsiError):
                verify_sign1(parse_sign1(data), public_key(example["input"]["sign0"]["key"]), typ=None)
            count.left_out(LEFT_OUT[name])
            continue
        key = public_key(example["input"]["sign0"]["key"])
        if example.get("fail"):
            with pytest.raises(InvalidInputError if path.stem in FAIL_BY_SHAPE else SsiError):
                verify_sign1(parse_sign1(data), key, typ=None, external_aad=aad)
            count.ran()
            continue
        sign1 = parse_sign1(data)
        assert sign1.payload is not None
        message = sig_structure(sign1.protected, sign1.protected_bytes, sign1.payload, aad)
        assert message.hex() == example["intermediates"]["ToBeSign_hex"].lower()
        verified = verify_sign1(sign1, key, typ=None, external_aad=aad)
        content = example["input"].get("plaintext_hex")
        assert verified.payload == (bytes.fromhex(content) if content else example["input"]["plaintext"].encode())
        for position in range(len(data)):
            if _unsigned(data, position, sign1.signature, sign1.protected_bytes, sign1.payload):
                continue
            altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            with pytest.raises(SsiError):
                verify_sign1(parse_sign1(altered), key, typ=None, external_aad=aad)
        count.ran()


def _unsigned(data: bytes, position: int, *signed: bytes) -> bool:
    """Tell whether a byte belongs to neither of the parts that are under the signature, nor to the signature."""
    return not any(start <= position < start + len(part) for part in signed if (start := data.index(part)) >= 0)


def test_transcribed_examples_hold_in_a_clone_without_the_vectors() -> None:
    kept = json.loads((Path(__file__).parent / "cose_examples.json").read_text(encoding="utf-8"))
    rfc, w3c = kept.values()
    data, key = bytes.fromhex(rfc["sign1"]), PublicKey.from_jwk(rfc["publicKeyJwk"])
    assert verify_sign1(parse_sign1(data), key, typ=None).payload == rfc["payload"].encode()
    credential = read_vc_cose(w3c["base64"])
    contexts = {"https://www.w3.org/ns/credentials/examples/v2"}
    key = PublicKey.from_jwk(w3c["publicKeyJwk"])
    verified = verify_vc_cose(credential, key, now=1_800_000_000, contexts=contexts)
    assert verified.credential.issuer == "https://example.issuer/vc-jose-cose"
    for altered in (data[:-1] + b"\0", data.replace(b"content", b"contend")):
        with pytest.raises(InvalidSignatureError):
            verify_sign1(parse_sign1(altered), PublicKey.from_jwk(rfc["publicKeyJwk"]), typ=None)


def test_signing_again_gives_the_same_bytes_where_the_algorithm_is_deterministic() -> None:
    example = load_json(FOLDER, "eddsa-examples/eddsa-sig-01.json")
    key = example["input"]["sign0"]["key"]
    private = PrivateKey.from_raw(Curve.ED25519, bytes.fromhex(key["d_hex"]))
    assert private.public_key == public_key(key)
    sign1 = parse_sign1(bytes.fromhex(example["output"]["cbor"]))
    assert private.sign(bytes.fromhex(example["intermediates"]["ToBeSign_hex"])) == sign1.signature
    count.ran()


def test_ec_keys_of_the_examples() -> None:
    """RFC 7515-like private members and COSE_Key agree."""
    for name in ("ecdsa-sig-01", "ecdsa-sig-02", "ecdsa-sig-03"):
        key = load_json(FOLDER, f"ecdsa-examples/{name}.json")["input"]["sign0"]["key"]
        if "d" in key:
            private = PrivateKey.from_jwk({member: key[member] for member in ("kty", "crv", "x", "y", "d")})
            assert private.public_key == public_key(key)
            assert private.to_raw() == b64url_decode(key["d"])
        count.ran()


def test_other_structures_are_refused_as_sign1() -> None:
    done = set(sign1_files())
    for path in sorted(vectors_dir(FOLDER).rglob("*.json")):
        if path in done:
            continue
        example = load(path)
        encoded = example.get("output", {}).get("cbor")
        if encoded:
            with pytest.raises(InvalidInputError):
                parse_sign1(bytes.fromhex(encoded.replace(" ", "")))
        kind = "COSE_Sign, of several signers" if "sign" in example["input"] else "encryption, MAC or a key set"
        count.left_out(f"{kind}: no format of this library uses it; refused as COSE_Sign1")

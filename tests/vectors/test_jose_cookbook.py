"""The JOSE cookbook (RFC 7520), RFC 8037 and RFC 7797 examples, as far as they are compact JWS.

What signs with RSA or HMAC, detaches its payload or leaves it unencoded is no credential format of ours: the
parser must refuse it, and it counts as left out.
"""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.keys.jws import build_jws, parse_jws, signing_input, verify_jws
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "ietf/jose-cookbook"
count = VectorCount(FOLDER)


def test_rfc_8037_ed25519_signature_is_reproduced_and_holds() -> None:
    example = load_json(FOLDER, "curve25519/jws.json")
    key = PrivateKey.from_jwk(example["input"]["key"])
    message = signing_input(example["signing"]["protected"], example["input"]["payload"].encode())
    compact = build_jws(message, key.sign(message))
    assert compact == example["output"]["compact"]
    verified = verify_jws(parse_jws(compact), key.public_key, typ={""})
    assert verified.payload == example["input"]["payload"].encode()
    head, body, tail = compact.split(".")
    altered = ".".join((head, b64url_encode(verified.payload.replace(b"E", b"e", 1)), tail))
    assert body not in altered
    with pytest.raises(InvalidSignatureError):
        verify_jws(parse_jws(altered), key.public_key, typ={""})
    count.ran()


def test_what_is_no_algorithm_of_ours_is_refused_and_left_out() -> None:
    folder = vectors_dir(FOLDER)
    for path in sorted([*(folder / "jws").glob("*.json"), *(folder / "rfc7797").glob("*.json")]):
        example = load_json(FOLDER, str(path.relative_to(folder)))
        algorithms = _algorithms(example)
        compact = example["output"].get("compact", "")
        if algorithms == {"ES512"}:
            public = {member: value for member, value in example["input"]["key"].items() if member not in ("d", "use")}
            payload = example["input"]["payload"].encode()
            assert verify_jws(parse_jws(compact), PublicKey.from_jwk(public), typ={""}).payload == payload
            with pytest.raises(InvalidSignatureError):
                verify_jws(parse_jws(f"{compact[:-2]}AA"), PublicKey.from_jwk(public), typ={""})
            count.ran()
            continue
        with pytest.raises(InvalidInputError):
            parse_jws(compact)
        assert algorithms.isdisjoint({"ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519"}) or not compact
        count.left_out(f"signed with {', '.join(sorted(algorithms))}: refused, as every algorithm but ours is")


@pytest.mark.parametrize("name", ["3_1.ec_public_key", "3_2.ec_private_key"])
def test_p521_keys_are_read(name: str) -> None:
    jwk = load_json(FOLDER, f"jwk/{name}.json")
    if "d" in jwk:
        private = PrivateKey.from_jwk(jwk)
        assert private.to_jwk().items() <= jwk.items()
        with pytest.raises(InvalidInputError):
            PublicKey.from_jwk(jwk)
        jwk = {member: value for member, value in jwk.items() if member != "d"}
        assert private.public_key == PublicKey.from_jwk(jwk)
    key = PublicKey.from_jwk(jwk)
    assert key.curve is Curve.P521
    assert key.to_jwk().items() <= jwk.items()
    with pytest.raises(InvalidInputError):
        PublicKey.from_jwk({**jwk, "x": jwk["y"]})
    count.ran()


def test_the_rest_of_the_cookbook_is_counted() -> None:
    folder = vectors_dir(FOLDER)
    left = {
        "JWE: no credential format of this library": [*(folder / "jwe").glob("*.json")],
        "RSA and symmetric keys: no key types of this library": [
            p for p in (folder / "jwk").glob("*.json") if ".ec_" not in p.name
        ],
        "ECDH-ES: JWE": [folder / "curve25519" / "ecdh-es.json"],
        "JWS nested in JWE": [folder / "6.nesting_signatures_and_encryption.json"],
    }
    for reason, paths in left.items():
        assert all(path.is_file() for path in paths)
        count.left_out(reason, len(paths))


def _algorithms(example: dict[str, Any]) -> set[str]:
    """Return the algorithms that an example signs with: one, or one for each signature."""
    alg = example["input"]["alg"]
    return {alg} if isinstance(alg, str) else set(alg)

"""Compact JWS: the three functions, and what each of them refuses."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, ProofPurposeError, SsiError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.curves import JOSE_CURVES
from ssi.keys.jws import (
    build_jws,
    encode_json,
    parse_jws,
    sign_jws,
    signing_input,
    verify_jws,
    verify_possession,
)
from ssi.types import JsonObject

KEY = PrivateKey.generate(Curve.P256)
CLAIMS: JsonObject = {"iss": "did:example:agency", "n": 1}
TYP = {"vc+jwt"}


def compact(header: JsonObject, claims: JsonObject = CLAIMS, key: PrivateKey = KEY) -> str:
    message = signing_input(header, claims)
    return build_jws(message, key.sign(message))


GOOD = compact({"alg": "ES256", "typ": "vc+jwt", "kid": "#1"})


def test_rfc_7515_appendix_a_3() -> None:
    """The published ES256 example verifies, and its payload is returned as it was signed."""
    text = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    key = PublicKey.from_jwk(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    verified = verify_jws(parse_jws(text), key, typ={""})
    assert verified.payload == b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'


def test_returns_the_verified_value() -> None:
    verified = verify_jws(parse_jws(GOOD), KEY.public_key, typ=TYP)
    assert verified.claims == CLAIMS
    assert verified.compact == GOOD
    assert verified.key == KEY.public_key
    assert verify_jws(parse_jws(GOOD.encode()), KEY.public_key, typ=TYP).claims == CLAIMS


def test_media_type_prefix_and_case_do_not_matter() -> None:
    text = compact({"alg": "ES256", "typ": "Application/VC+jwt"})
    assert verify_jws(parse_jws(text), KEY.public_key, typ=TYP).claims == CLAIMS


HEADERS: dict[str, JsonObject] = {
    "none": {"alg": "none", "typ": "vc+jwt"},
    "HS256": {"alg": "HS256", "typ": "vc+jwt"},
    "RS256": {"alg": "RS256", "typ": "vc+jwt"},
    "no alg": {"typ": "vc+jwt"},
    "alg as list": {"alg": ["ES256"], "typ": "vc+jwt"},
    "crit": {"alg": "ES256", "typ": "vc+jwt", "crit": ["exp"], "exp": 1},
    "empty crit": {"alg": "ES256", "typ": "vc+jwt", "crit": []},
    "b64": {"alg": "ES256", "typ": "vc+jwt", "b64": False},
    "zip": {"alg": "ES256", "typ": "vc+jwt", "zip": "DEF"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_header_is_refused(header: JsonObject) -> None:
    with pytest.raises(InvalidInputError):
        parse_jws(compact(header))


@pytest.mark.parametrize(
    "text",
    ["", "a.b", "a.b.c.d", GOOD + "=", GOOD + ".", " " + GOOD, GOOD + "\n", "é" + GOOD, GOOD.replace(".", "..", 1)],
)
def test_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_jws(text)


def test_duplicate_header_member_is_refused() -> None:
    head = b64url_encode(b'{"alg":"ES256","alg":"ES256","typ":"vc+jwt"}')
    message = f"{head}.{b64url_encode(encode_json(CLAIMS))}".encode()
    with pytest.raises(InvalidInputError):
        parse_jws(build_jws(message, KEY.sign(message)))


def test_wrong_typ_key_and_algorithm_are_refused() -> None:
    with pytest.raises(VerificationError):
        verify_jws(parse_jws(GOOD), KEY.public_key, typ={"vp+jwt"})
    with pytest.raises(InvalidSignatureError):
        verify_jws(parse_jws(GOOD), PrivateKey.generate(Curve.P256).public_key, typ=TYP)
    for alg, curve in [
        ("EdDSA", Curve.P256),
        ("ES256", Curve.SECP256K1),
        ("ES256K", Curve.P256),
        ("ES256", Curve.ED25519),
    ]:
        other = PrivateKey.generate(curve)
        text = compact({"alg": alg, "typ": "vc+jwt"}, key=other)
        with pytest.raises(InvalidSignatureError):
            verify_jws(parse_jws(text), other.public_key, typ=TYP)


def test_a_key_in_the_header_never_helps() -> None:
    thief = PrivateKey.generate(Curve.P256)
    text = compact({"alg": "ES256", "typ": "vc+jwt", "jwk": thief.public_key.to_jwk()}, key=thief)
    with pytest.raises(InvalidSignatureError):
        verify_jws(parse_jws(text), KEY.public_key, typ=TYP)


def test_possession_returns_the_key_in_the_header() -> None:
    holder = PrivateKey.generate(Curve.ED25519)
    header = {"alg": "Ed25519", "typ": "openid4vci-proof+jwt", "jwk": holder.public_key.to_jwk()}
    proof = verify_possession(parse_jws(compact(header, key=holder)), typ={"openid4vci-proof+jwt"})
    assert proof.thumbprint == holder.public_key.thumbprint()
    for extra in ({"kid": "x"}, {"x5c": ["AA"]}):
        with pytest.raises(InvalidInputError):
            verify_possession(parse_jws(compact({**header, **extra}, key=holder)), typ={"openid4vci-proof+jwt"})
    with pytest.raises(InvalidSignatureError):
        verify_possession(
            parse_jws(compact(header, key=PrivateKey.generate(Curve.ED25519))), typ={"openid4vci-proof+jwt"}
        )
    with pytest.raises(InvalidInputError):
        verify_possession(
            parse_jws(compact({**header, "jwk": holder.to_jwk()}, key=holder)), typ={"openid4vci-proof+jwt"}
        )


def test_typ_sets_are_disjoint() -> None:
    with pytest.raises(ValueError, match="possession"):
        verify_jws(parse_jws(GOOD), KEY.public_key, typ={"dpop+jwt"})
    with pytest.raises(ValueError, match="possession"):
        verify_possession(parse_jws(GOOD), typ=TYP)


@pytest.mark.parametrize("curve", JOSE_CURVES)
async def test_sign_through_the_key_store(curve: Curve) -> None:
    kms = MemoryKms()
    key = await kms.generate("issuer", curve=curve, purpose=KeyPurpose.CREDENTIAL)
    text = await sign_jws({"typ": "vc+jwt"}, CLAIMS, kms=kms, label="issuer", purpose=KeyPurpose.CREDENTIAL)
    assert verify_jws(parse_jws(text), key, typ=TYP).claims == CLAIMS
    with pytest.raises(ProofPurposeError):
        await sign_jws({"typ": "vc+jwt"}, CLAIMS, kms=kms, label="issuer", purpose=KeyPurpose.LIST)
    with pytest.raises(InvalidInputError):
        await sign_jws({}, CLAIMS, kms=kms, label="issuer", purpose=KeyPurpose.CREDENTIAL, alg="HS256")


@settings(max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_no_changed_character_verifies(position: int, character: str) -> None:
    text = GOOD[:position] + character + GOOD[position + 1 :]
    if text == GOOD:
        return
    with pytest.raises(SsiError):
        verify_jws(parse_jws(text), KEY.public_key, typ=TYP)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_parses_or_is_invalid_input(text: str | bytes) -> None:
    with contextlib.suppress(InvalidInputError):
        parse_jws(text)


def test_a_header_that_was_read_before_is_nobody_elses_to_change() -> None:
    private = PrivateKey.generate(Curve.P256)
    message = signing_input({"alg": "ES256", "typ": "vc+jwt"}, {"n": 1})
    compact = build_jws(message, private.sign(message))
    for _ in range(2):
        first = parse_jws(compact)
        first.header["typ"] = "other"
        first.header["crit"] = ["x"]
    again = parse_jws(compact)
    assert again.header == {"alg": "ES256", "typ": "vc+jwt"}
    verify_jws(again, private.public_key, typ={"vc+jwt"})


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_not_finite_is_not_signed_as_null(number: float) -> None:
    for claims in ({"n": number}, {"n": [{"n": number}], "null": None}):
        with pytest.raises(InvalidInputError):
            signing_input({"alg": "ES256"}, claims)
    assert signing_input({"alg": "ES256"}, {"n": None, "t": "null"})


async def test_a_key_of_bbs_signs_and_verifies_no_jws() -> None:
    kms = MemoryKms()
    public = await kms.generate("bbs", curve=Curve.BLS12_381_G2, purpose=KeyPurpose.CREDENTIAL)
    for alg in (None, "ES256"):
        with pytest.raises(InvalidInputError):
            await sign_jws({}, {}, kms=kms, label="bbs", purpose=KeyPurpose.CREDENTIAL, alg=alg)
    with pytest.raises(VerificationError):
        verify_jws(parse_jws(GOOD), public, typ=TYP)

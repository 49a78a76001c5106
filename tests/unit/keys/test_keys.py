"""Keys: published examples, round trips, and every malformed key refused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import base58btc_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, ProofPurposeError
from ssi.keys import Curve, PrivateKey, PublicKey, bbs
from ssi.keys.curves import FACTS, JOSE_CURVES

CURVES = JOSE_CURVES
PRIVATE = {curve: PrivateKey.generate(curve) for curve in CURVES}

# RFC 8032 section 7.1, test 2, and its JWK thumbprint example of RFC 8037 appendix A.3 (test 1).
ED25519_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
ED25519_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
RFC_8037_JWK = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
# RFC 7517 appendix A.1.
RFC_7517_P256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "enc",
    "kid": "1",
}


def test_rfc_8032_signature() -> None:
    key = PrivateKey.from_raw(Curve.ED25519, ED25519_SEED)
    assert key.sign(b"\x72") == ED25519_SIGNATURE
    key.public_key.verify(ED25519_SIGNATURE, b"\x72")


def test_rfc_8037_thumbprint() -> None:
    assert PublicKey.from_jwk(RFC_8037_JWK).thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_controlled_identifiers_multikey_example() -> None:
    """Controlled Identifiers 1.0, example of a Multikey for Ed25519."""
    text = "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"
    assert PublicKey.from_multikey(text).to_multikey() == text


@pytest.mark.parametrize("curve", CURVES)
def test_round_trips(curve: Curve) -> None:
    private = PRIVATE[curve]
    public = private.public_key
    assert PublicKey.from_jwk(public.to_jwk()) == public
    assert PublicKey.from_multikey(public.to_multikey()) == public
    assert PublicKey.from_raw(curve, public.to_raw()) == public
    assert PrivateKey.from_jwk(private.to_jwk()).to_raw() == private.to_raw()
    assert PrivateKey.from_raw(curve, private.to_raw()).public_key == public
    assert len({public, PublicKey.from_jwk(public.to_jwk())}) == 1


@pytest.mark.parametrize("curve", CURVES)
def test_an_altered_bit_is_refused(curve: Curve) -> None:
    private = PRIVATE[curve]
    signature = private.sign(b"message")
    private.public_key.verify(signature, b"message")
    for position in range(0, len(signature) * 8, 7):
        altered = bytearray(signature)
        altered[position // 8] ^= 1 << (position % 8)
        with pytest.raises(InvalidSignatureError):
            private.public_key.verify(bytes(altered), b"message")
    with pytest.raises(InvalidSignatureError):
        private.public_key.verify(signature, b"massage")


@pytest.mark.parametrize("curve", [curve for curve in CURVES if FACTS[curve].order])
def test_zero_order_and_wrong_length_are_refused(curve: Curve) -> None:
    public, facts = PRIVATE[curve].public_key, FACTS[curve]
    width = facts.coordinate_length
    good = PRIVATE[curve].sign(b"m")
    zero, order = bytes(width), facts.order.to_bytes(width, "big")
    for r, s in [
        (zero, good[width:]),
        (good[:width], zero),
        (order, good[width:]),
        (good[:width], order),
        (zero, zero),
    ]:
        with pytest.raises(InvalidSignatureError):
            public.verify(r + s, b"m")
    for bad in (b"", good[:-1], good + b"\0", b"\0" + good):
        with pytest.raises(InvalidSignatureError):
            public.verify(bad, b"m")


@settings(max_examples=30)
@given(st.binary(max_size=70), st.sampled_from(CURVES))
def test_any_raw_bytes_make_a_key_or_invalid_input(data: bytes, curve: Curve) -> None:
    for attempt in (
        lambda: PublicKey.from_raw(curve, data),
        lambda: PublicKey.from_multikey(base58btc_encode(FACTS[curve].multikey_prefix + data)),
        lambda: PublicKey.from_jwk({"kty": FACTS[curve].kty, "crv": str(curve), "x": b64url_encode(data), "y": "AA"}),
        lambda: PrivateKey.from_raw(curve, data),
    ):
        with contextlib.suppress(InvalidInputError):
            attempt()


def bad_jwks() -> dict[str, dict[str, object]]:
    jwk = PRIVATE[Curve.P256].public_key.to_jwk()
    other = PRIVATE[Curve.SECP256K1].public_key.to_jwk()
    return {
        "private member": PRIVATE[Curve.P256].to_jwk(),
        "for encryption": RFC_7517_P256,
        "unknown curve": {**jwk, "crv": "brainpoolP256r1"},
        "curve of another kty": {**jwk, "crv": "Ed25519"},
        "no kty": {k: v for k, v in jwk.items() if k != "kty"},
        "no y": {k: v for k, v in jwk.items() if k != "y"},
        "point of another curve": {**other, "crv": "P-256"},
        "not on the curve": {**jwk, "y": jwk["x"]},
        "short coordinate": {**jwk, "x": b64url_encode(b"\1" * 31)},
        "padded coordinate": {**jwk, "x": jwk["x"] + "="},
        "number as coordinate": {**jwk, "x": 7},
        "key_ops without signatures": {**jwk, "key_ops": ["deriveKey"]},
        "key_ops as text": {**jwk, "key_ops": "verify"},
        "alg of another key": {**jwk, "alg": "ES384"},
        "symmetric": {"kty": "oct", "k": "AAAA"},
        "empty": {},
    }


@pytest.mark.parametrize("name", bad_jwks())
def test_bad_jwk_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        PublicKey.from_jwk(bad_jwks()[name])


def test_private_jwk_with_foreign_public_part_is_refused() -> None:
    mixed = {**PRIVATE[Curve.P256].to_jwk(), "d": PrivateKey.generate(Curve.P256).to_jwk()["d"]}
    with pytest.raises(InvalidInputError):
        PrivateKey.from_jwk(mixed)


def test_text_form_shows_no_secret() -> None:
    for private in PRIVATE.values():
        assert private.to_jwk()["d"] not in repr(private)


def test_a_key_of_bbs_signs_lists_of_messages_only() -> None:
    key = PrivateKey.from_raw(Curve.BLS12_381_G2, bytes(31) + b"\x07")
    public = key.public_key
    assert public == PublicKey.from_multikey(public.to_multikey()) == PublicKey.from_raw(public.curve, public.to_raw())
    assert hash(public) == hash(PublicKey.from_raw(public.curve, public.to_raw()))
    assert public.to_multikey().startswith("zUC7")
    assert public != PrivateKey.generate(Curve.BLS12_381_G2).public_key
    bbs.verify(public.to_raw(), key.bbs_sign([b"m"], header=b"h"), [b"m"], header=b"h")
    with pytest.raises(ProofPurposeError):
        key.sign(b"m")
    with pytest.raises(ProofPurposeError):
        PRIVATE[Curve.P256].bbs_sign([b"m"], header=b"")
    for length in (64, 80):
        with pytest.raises(InvalidSignatureError):
            public.verify(bytes(length), b"m")
    for call in (public.to_jwk, public.thumbprint, key.to_jwk):
        with pytest.raises(InvalidInputError):
            call()
    with pytest.raises(InvalidInputError):
        assert public.alg
    jwk = {"kty": "EC", "crv": "BLS12381G2", "x": "AA", "y": "AA"}
    with pytest.raises(InvalidInputError):
        PublicKey.from_jwk(jwk)


@given(data=st.one_of(st.binary(max_size=100), st.binary(min_size=96, max_size=96)))
def test_any_bytes_make_a_key_of_bbs_or_invalid_input(data: bytes) -> None:
    calls: list[Callable[[], PublicKey]] = [
        lambda: PublicKey.from_raw(Curve.BLS12_381_G2, data),
        lambda: PublicKey.from_multikey(base58btc_encode(FACTS[Curve.BLS12_381_G2].multikey_prefix + data)),
    ]
    for call in calls:
        try:
            key = call()
        except InvalidInputError:
            continue
        assert key.to_raw() == data

"""Multibase and multicodec, held against the multiformats package."""

from __future__ import annotations

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding import multicodec as codec
from ssi.encoding.multibase import (
    MAX_BASE58_CHARACTERS,
    base58_decode,
    base58_encode,
    base58btc_encode,
    base64url_multibase_encode,
    multibase_decode,
)
from ssi.errors import InvalidInputError


@given(st.binary(max_size=80))
def test_decode_inverts_encode(data: bytes) -> None:
    assert multibase_decode(base58btc_encode(data)) == data
    assert multibase_decode(base64url_multibase_encode(data)) == data
    assert base58_decode(base58_encode(data)) == data


@given(st.text(alphabet=base58.BITCOIN_ALPHABET.decode("ascii"), max_size=140))
def test_base58_is_what_the_package_reads(text: str) -> None:
    assert base58_decode(text) == base58.b58decode(text)
    assert base58_decode("11" + text) == base58.b58decode("11" + text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "z0",
        "zO",
        "zI",
        "zl",
        "z ",
        "z\n",
        "uAA==",
        "b32",
        "f00",
        "zé",
        "z\ud800",
        "z\u1e9e1",
        "z" + "1" * (MAX_BASE58_CHARACTERS + 1),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidInputError):
        multibase_decode(text)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ed25519-pub", codec.ED25519_PUB),
        ("x25519-pub", codec.X25519_PUB),
        ("secp256k1-pub", codec.SECP256K1_PUB),
        ("p256-pub", codec.P256_PUB),
        ("p384-pub", codec.P384_PUB),
        ("p521-pub", codec.P521_PUB),
        ("jwk_jcs-pub", codec.JWK_JCS_PUB),
        ("ed25519-priv", codec.ED25519_PRIV),
        ("secp256k1-priv", codec.SECP256K1_PRIV),
        ("p256-priv", codec.P256_PRIV),
        ("p384-priv", codec.P384_PRIV),
        ("p521-priv", codec.P521_PRIV),
        ("sha2-256", codec.SHA2_256_MULTIHASH[:1]),
        ("sha2-384", codec.SHA2_384_MULTIHASH[:1]),
    ],
)
def test_prefixes_are_those_of_the_table(name: str, prefix: bytes) -> None:
    from multiformats import multicodec

    assert multicodec.wrap(name, b"x") == prefix + b"x"

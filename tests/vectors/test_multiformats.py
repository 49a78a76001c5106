"""The multibase vectors for the two alphabets that are read here, and the multicodec table."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable

import pytest

from ssi.encoding import multicodec
from ssi.encoding.multibase import base58btc_encode, base64url_multibase_encode, multibase_decode
from ssi.errors import InvalidInputError
from tests.vectors.support import VectorCount, vectors_dir

BASE = "did/multiformats/multibase"
CODEC = "did/multiformats/multicodec"
base_count = VectorCount(BASE)
codec_count = VectorCount(CODEC)

ENCODERS: dict[str, Callable[[bytes], str]] = {
    "base58btc": base58btc_encode,
    "base64url": base64url_multibase_encode,
}


def rows(folder: str, name: str) -> list[list[str]]:
    with (vectors_dir(folder) / name).open(encoding="utf-8", newline="") as file:
        return [[cell.strip() for cell in row] for row in csv.reader(file, skipinitialspace=True) if row]


@pytest.mark.parametrize("name", ["basic.csv", "leading_zero.csv", "two_leading_zeros.csv", "case_insensitivity.csv"])
def test_multibase(name: str) -> None:
    (_, plain_text), *cases = rows(BASE, f"tests/{name}")
    plain = codecs.decode(plain_text.encode(), "unicode_escape").encode("latin-1")
    for base, encoded in cases:
        encode = ENCODERS.get(base)
        if encode is None:
            with pytest.raises(InvalidInputError):
                multibase_decode(encoded)
            base_count.left_out("a base that no specification here uses; refused")
            continue
        assert encode(plain) == encoded
        assert multibase_decode(encoded) == plain
        base_count.ran()


CODES = {
    "ed25519-pub": multicodec.ED25519_PUB,
    "x25519-pub": multicodec.X25519_PUB,
    "secp256k1-pub": multicodec.SECP256K1_PUB,
    "p256-pub": multicodec.P256_PUB,
    "p384-pub": multicodec.P384_PUB,
    "p521-pub": multicodec.P521_PUB,
    "bls12_381-g2-pub": multicodec.BLS12_381_G2_PUB,
    "bls12_381-g2-priv": multicodec.BLS12_381_G2_PRIV,
    "jwk_jcs-pub": multicodec.JWK_JCS_PUB,
    "ed25519-priv": multicodec.ED25519_PRIV,
    "secp256k1-priv": multicodec.SECP256K1_PRIV,
    "p256-priv": multicodec.P256_PRIV,
    "p384-priv": multicodec.P384_PRIV,
    "p521-priv": multicodec.P521_PRIV,
    "sha2-256": multicodec.SHA2_256_MULTIHASH[:1],
    "sha2-384": multicodec.SHA2_384_MULTIHASH[:1],
}


def varint(code: int) -> bytes:
    """Return the unsigned varint of ``code``: seven bits a byte, the lowest first."""
    out = bytearray()
    while code > 0x7F:
        out.append(code & 0x7F | 0x80)
        code >>= 7
    out.append(code)
    return bytes(out)


def test_the_multicodec_prefixes_are_those_of_the_table() -> None:
    table = {row[0]: row[2] for row in rows(CODEC, "table.csv")}
    for name, prefix in CODES.items():
        assert varint(int(table[name], 16)) == prefix, name
        codec_count.ran()

"""The signature key types, and what JOSE, Multikey and ECDSA say of each: five that sign a message, and one for BBS.

Source:  RFC 7518 section 3.4 (ES256, ES384, ES512), RFC 8812 (ES256K), RFC 8037 and RFC 9864 (EdDSA, Ed25519),
         Controlled Identifiers 1.0 section 2.2.2 (Multikey prefixes), SEC 2 (orders), draft-irtf-cfrg-bbs-signatures-10
         section 7.2 (BLS12-381).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ssi.encoding import multicodec


class Curve(StrEnum):
    """A signature key type, named as the JWK ``crv`` member names it."""

    ED25519 = "Ed25519"
    P256 = "P-256"
    P384 = "P-384"
    P521 = "P-521"
    SECP256K1 = "secp256k1"
    BLS12_381_G2 = "BLS12381G2"
    """Keys of BBS, with public keys in the group G2. They sign lists of messages, so no JWS, and have no ``alg``."""


class CurveFacts(msgspec.Struct, frozen=True):
    """What the standards fix for one curve; lengths in bytes."""

    kty: str
    algorithms: tuple[str, ...]
    """JOSE ``alg`` values that this key may be used with; the first is the one written. None for keys of BBS."""
    multikey_prefix: bytes
    coordinate_length: int
    """Of a coordinate of a point, and of the secret key; of a key of BBS the secret key's only."""
    order: int
    """Order of the base point; 0 for Ed25519, whose library checks its own scalars."""
    public_length: int
    """Of the public key as Multikey carries it: the compressed point."""

    @property
    def signature_length(self) -> int:
        """Length of a signature as JOSE and Data Integrity carry it: R‖S, or the 64 bytes of EdDSA."""
        return 2 * self.coordinate_length


FACTS: Final[dict[Curve, CurveFacts]] = {
    Curve.ED25519: CurveFacts("OKP", ("EdDSA", "Ed25519"), multicodec.ED25519_PUB, 32, 0, 32),
    Curve.P256: CurveFacts(
        "EC",
        ("ES256",),
        multicodec.P256_PUB,
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        33,
    ),
    Curve.P384: CurveFacts(
        "EC",
        ("ES384",),
        multicodec.P384_PUB,
        48,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        49,
    ),
    Curve.P521: CurveFacts(
        "EC",
        ("ES512",),
        multicodec.P521_PUB,
        66,
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        67,
    ),
    Curve.SECP256K1: CurveFacts(
        "EC",
        ("ES256K",),
        multicodec.SECP256K1_PUB,
        32,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
        33,
    ),
    Curve.BLS12_381_G2: CurveFacts(
        "EC",
        (),
        multicodec.BLS12_381_G2_PUB,
        32,
        0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001,
        96,
    ),
}

EC_CURVES: Final[dict[Curve, ec.EllipticCurve]] = {
    Curve.P256: ec.SECP256R1(),
    Curve.P384: ec.SECP384R1(),
    Curve.P521: ec.SECP521R1(),
    Curve.SECP256K1: ec.SECP256K1(),
}

ECDSA: Final[dict[Curve, ec.ECDSA]] = {
    Curve.P256: ec.ECDSA(hashes.SHA256()),
    Curve.P384: ec.ECDSA(hashes.SHA384()),
    Curve.P521: ec.ECDSA(hashes.SHA512()),
    Curve.SECP256K1: ec.ECDSA(hashes.SHA256()),
}

CURVE_BY_NATIVE_NAME: Final[dict[str, Curve]] = {native.name: curve for curve, native in EC_CURVES.items()}
CURVE_BY_ALGORITHM: Final[dict[str, Curve]] = {alg: curve for curve, facts in FACTS.items() for alg in facts.algorithms}
JOSE_CURVES: Final = tuple(curve for curve, facts in FACTS.items() if facts.algorithms)
"""The curves of keys that sign a message, and so a JWS, and that have a JWK."""

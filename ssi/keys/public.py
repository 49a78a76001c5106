"""Public keys: verify, and convert between JWK, Multikey and raw points.

Source:  RFC 7517 and 7518 (JWK), RFC 7638 (thumbprint), Controlled Identifiers 1.0 section 2.2.2 (Multikey),
         FIPS 186-5 and RFC 8032 (verification).
Shapes:  signatures are R‖S of fixed width for ECDSA and 64 bytes for Ed25519; a raw key is 32 bytes for Ed25519 and a
         SEC 1 point, compressed or not, for the others; a key of BBS is 96 bytes, a compressed point of G2.
I/O:     none.
Errors:  InvalidInputError (no such key), InvalidSignatureError, UnavailableError (a key of BBS without its extra).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys.bls import BlsPublicKey
from ssi.keys.curves import CURVE_BY_NATIVE_NAME, EC_CURVES, ECDSA, FACTS, Curve
from ssi.keys.ecdsa_signature import der_signature
from ssi.keys.jwk import point_from_jwk, public_from_jwk
from ssi.types import JsonObject

NativePublicKey: TypeAlias = ec.EllipticCurvePublicKey | Ed25519PublicKey | BlsPublicKey

_THUMBPRINT_MEMBERS: Final = ("crv", "kty", "x", "y")
_REQUIRED_EC: Final = frozenset(_THUMBPRINT_MEMBERS)


class PublicKey:
    """An immutable public key; equal keys compare and hash equal."""

    __slots__ = ("_ecdsa", "_half", "_jwk", "_order", "_thumbprint", "_zero", "curve", "native")

    curve: Curve
    native: NativePublicKey

    def __init__(self, native: NativePublicKey) -> None:
        """Wrap a key of ``cryptography``. Raises InvalidInputError if its curve is none of ours."""
        if isinstance(native, Ed25519PublicKey):
            self.curve = Curve.ED25519
            self._ecdsa = None
        elif isinstance(native, ec.EllipticCurvePublicKey) and native.curve.name in CURVE_BY_NATIVE_NAME:
            self.curve = CURVE_BY_NATIVE_NAME[native.curve.name]
            self._ecdsa = ECDSA[self.curve]
        elif isinstance(native, BlsPublicKey):
            self.curve = Curve.BLS12_381_G2
            self._ecdsa = None
        else:
            raise InvalidInputError(f"expected a public key on one of {', '.join(Curve)}")
        self.native = native
        facts = FACTS[self.curve]
        self._half = facts.coordinate_length
        self._zero = bytes(self._half)
        self._order = facts.order.to_bytes(self._half, "big")
        self._jwk: JsonObject | None = None
        self._thumbprint: str | None = None

    @property
    def alg(self) -> str:
        """The JOSE ``alg`` value that signatures of this key are written with. InvalidInputError: BBS has none."""
        if not FACTS[self.curve].algorithms:
            raise InvalidInputError(f"a {self.curve} key signs lists of messages, and so no JWS")
        return FACTS[self.curve].algorithms[0]

    @classmethod
    def from_raw(cls, curve: Curve, data: bytes) -> PublicKey:
        """Build a key from 32 bytes (Ed25519), 96 (BBS) or a SEC 1 point. Raises InvalidInputError if it is none."""
        if curve is Curve.BLS12_381_G2:
            return cls(BlsPublicKey(data))
        try:
            if curve is Curve.ED25519:
                return cls(Ed25519PublicKey.from_public_bytes(data))
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(EC_CURVES[curve], data))
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise InvalidInputError(f"expected a point on {curve}") from exc

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PublicKey:
        """Build a key from a public JWK. Raises InvalidInputError, also if private members are there."""
        if jwk.keys() == _REQUIRED_EC:
            kty, crv, x, y = jwk["kty"], jwk["crv"], jwk["x"], jwk["y"]
            if isinstance(kty, str) and isinstance(crv, str) and isinstance(x, str) and isinstance(y, str):
                return _at_point(kty, crv, x, y)
        return cls(public_from_jwk(jwk))

    @classmethod
    def from_multikey(cls, text: str) -> PublicKey:
        """Build a key from ``publicKeyMultibase`` text, ``z…`` of a compressed point. Raises InvalidInputError."""
        if not text.startswith("z"):
            raise InvalidInputError("expected a Multikey in base58btc, which starts with z")
        data = multibase_decode(text)
        for curve, facts in FACTS.items():
            if data.startswith(facts.multikey_prefix):
                raw = data[len(facts.multikey_prefix) :]
                if len(raw) != facts.public_length:
                    raise InvalidInputError(f"expected a Multikey with a compressed {curve} point")
                return cls.from_raw(curve, raw)
        raise InvalidInputError(f"expected a Multikey of one of {', '.join(Curve)}")

    def to_raw(self) -> bytes:
        """Return 32 bytes (Ed25519), the compressed point of G2 (BBS), or the compressed SEC 1 point."""
        if isinstance(self.native, BlsPublicKey):
            return self.native.octets
        if isinstance(self.native, Ed25519PublicKey):
            return self.native.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return self.native.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def to_multikey(self) -> str:
        """Return the ``publicKeyMultibase`` text."""
        return base58btc_encode(FACTS[self.curve].multikey_prefix + self.to_raw())

    def to_jwk(self) -> JsonObject:
        """Return the public JWK with its required members only: ``kty``, ``crv``, ``x`` and, for EC, ``y``.

        Raises InvalidInputError for a key of BBS: the drafts disagree about its JWK.
        """
        if isinstance(self.native, BlsPublicKey):
            raise InvalidInputError(f"a {self.curve} key has no JWK, for want of a settled form")
        if self._jwk is None:
            jwk: JsonObject = {"kty": FACTS[self.curve].kty, "crv": str(self.curve)}
            if isinstance(self.native, Ed25519PublicKey):
                jwk["x"] = b64url_encode(self.to_raw())
            else:
                numbers = self.native.public_numbers()
                jwk["x"] = b64url_encode(numbers.x.to_bytes(self._half, "big"))
                jwk["y"] = b64url_encode(numbers.y.to_bytes(self._half, "big"))
            self._jwk = jwk
        return dict(self._jwk)

    def thumbprint(self) -> str:
        """Return the RFC 7638 SHA-256 thumbprint, base64url, 43 characters. Raises as ``to_jwk``."""
        if self._thumbprint is None:
            jwk = self.to_jwk()
            required = {name: jwk[name] for name in _THUMBPRINT_MEMBERS if name in jwk}
            self._thumbprint = b64url_encode(sha256(jcs(required)).digest())
        return self._thumbprint

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise InvalidSignatureError unless ``signature`` over ``message`` holds.

        An ECDSA signature has exactly twice the length of a coordinate, and R and S lie in 1..order-1.
        """
        if len(signature) != 2 * self._half:
            raise InvalidSignatureError(f"expected a {self.curve} signature of {2 * self._half} bytes")
        try:
            if self._ecdsa is None:
                self.native.verify(signature, message)  # type: ignore[call-arg]
                return
            r, s = signature[: self._half], signature[self._half :]
            # Of equal length and big-endian, so that the order of the bytes is the order of the numbers.
            if not (self._zero < r < self._order and self._zero < s < self._order):
                raise InvalidSignatureError(f"expected a {self.curve} signature with R and S in range")
            self.native.verify(der_signature(r, s), message, self._ecdsa)  # type: ignore[call-arg]
        except InvalidSignature as exc:
            raise InvalidSignatureError(f"the {self.curve} signature does not hold") from exc

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.curve is other.curve and self.native == other.native

    def __hash__(self) -> int:
        return hash(self.native if isinstance(self.native, BlsPublicKey) else self.thumbprint())

    def __repr__(self) -> str:
        if isinstance(self.native, BlsPublicKey):
            return f"PublicKey({self.curve}, {self.to_multikey()})"
        return f"PublicKey({self.curve}, {self.thumbprint()})"


@lru_cache(maxsize=1024)
def _at_point(kty: str, crv: str, x: str, y: str) -> PublicKey:
    """Return the key of such a JWK; kept for keys that come again, such as that of a holder who presents twice."""
    return PublicKey(point_from_jwk(kty, crv, x, y))

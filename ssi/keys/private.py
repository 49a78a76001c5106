"""Private keys in memory; what a key store in software keeps and signs with.

Source:  as ``ssi.keys.public``.
Errors:  InvalidInputError, ProofPurposeError; UnavailableError (a key of BBS without its extra).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, ProofPurposeError
from ssi.keys.bls import BlsPrivateKey
from ssi.keys.curves import EC_CURVES, ECDSA, FACTS, Curve
from ssi.keys.ecdsa_signature import raw_signature
from ssi.keys.public import PublicKey
from ssi.types import JsonObject

NativePrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | BlsPrivateKey


class PrivateKey:
    """A private key; its text form never shows the secret."""

    __slots__ = ("_ecdsa", "_half", "_native", "public_key")

    public_key: PublicKey

    def __init__(self, native: NativePrivateKey) -> None:
        """Wrap a key of ``cryptography``. Raises InvalidInputError if its curve is none of ours."""
        self._native = native
        self.public_key = PublicKey(native.public_key())
        self._ecdsa = ECDSA.get(self.public_key.curve)
        self._half = FACTS[self.public_key.curve].coordinate_length

    @classmethod
    def generate(cls, curve: Curve) -> PrivateKey:
        """Draw a new key."""
        if curve is Curve.ED25519:
            return cls(Ed25519PrivateKey.generate())
        if curve is Curve.BLS12_381_G2:
            return cls(BlsPrivateKey.generate())
        return cls(ec.generate_private_key(EC_CURVES[curve]))

    @classmethod
    def from_raw(cls, curve: Curve, data: bytes) -> PrivateKey:
        """Build a key from its seed (Ed25519) or its big-endian scalar. Raises InvalidInputError."""
        if len(data) != FACTS[curve].coordinate_length:
            raise InvalidInputError(f"expected {FACTS[curve].coordinate_length} bytes for a {curve} private key")
        try:
            if curve is Curve.ED25519:
                return cls(Ed25519PrivateKey.from_private_bytes(data))
            if curve is Curve.BLS12_381_G2:
                return cls(BlsPrivateKey(data))
            return cls(ec.derive_private_key(int.from_bytes(data, "big"), EC_CURVES[curve]))
        except ValueError as exc:
            raise InvalidInputError(f"expected a scalar in the range of {curve}") from exc

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PrivateKey:
        """Build a key from a private JWK. Raises InvalidInputError."""
        from ssi.keys.jwk import private_from_jwk

        return cls(private_from_jwk(jwk))

    def sign(self, message: bytes) -> bytes:
        """Return R‖S, or the 64 bytes of an Ed25519 signature, over ``message``.

        Raises ProofPurposeError for a key of BBS, which signs with ``bbs_sign`` only.
        """
        if self._ecdsa is None:
            return self._native.sign(message)  # type: ignore[call-arg]
        return raw_signature(self._native.sign(message, self._ecdsa), self._half)  # type: ignore[call-arg]

    def bbs_sign(self, messages: Sequence[bytes], *, header: bytes, commitment: bytes | None = None) -> bytes:
        """Return the BBS signature (BLS12-381-SHA-256), 80 bytes, over header and messages.

        With a ``commitment`` it is a blind signature, see ``ssi.keys.bbs.blind``. Raises ProofPurposeError if this is a
        key of another kind, InvalidInputError for too many messages or a commitment that does not hold.
        """
        if not isinstance(self._native, BlsPrivateKey):
            raise ProofPurposeError(f"a {self.public_key.curve} key makes no BBS signature")
        return self._native.bbs_sign(messages, header, commitment)

    def to_raw(self) -> bytes:
        """Return the seed (Ed25519) or the big-endian scalar."""
        if isinstance(self._native, BlsPrivateKey):
            return self._native.octets
        if isinstance(self._native, Ed25519PrivateKey):
            return self._native.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return self._native.private_numbers().private_value.to_bytes(self._half, "big")

    def to_jwk(self) -> JsonObject:
        """Return the private JWK. Raises InvalidInputError for a key of BBS, as ``PublicKey.to_jwk``."""
        return {**self.public_key.to_jwk(), "d": b64url_encode(self.to_raw())}

    def __repr__(self) -> str:
        return f"PrivateKey{str(self.public_key).removeprefix('PublicKey')}"

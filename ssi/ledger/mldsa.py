"""ML-DSA-44 keys of cosigners: verify only, for key stores hold none yet.

Source:  FIPS 204 (pure, with an empty context); C2SP tlog-cosignature v1.0.0, "ML-DSA-44 signed message".
Shapes:  a public key is 1,312 bytes, a signature 2,420.
I/O:     none.
Errors:  InvalidInputError (no such key, or an OpenSSL that does not know the algorithm), InvalidSignatureError.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.errors import InvalidInputError, InvalidSignatureError

KEY_BYTES: Final = 1312
SIGNATURE_BYTES: Final = 2420
_LABEL: Final = b"subtree/v1\n\0"


class MlDsa44PublicKey(msgspec.Struct, frozen=True):
    """A public key as its bytes; equal keys compare and hash equal."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise InvalidInputError(f"an ML-DSA-44 key has {KEY_BYTES} bytes, not {len(self.raw)}")

    def to_raw(self) -> bytes:
        """Return the bytes of the key."""
        return self.raw

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise InvalidSignatureError unless the signature holds."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

        try:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey as Native

            Native.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature as exc:
            raise InvalidSignatureError("the ML-DSA-44 signature does not hold") from exc
        except (ImportError, UnsupportedAlgorithm, ValueError) as exc:
            raise InvalidInputError("ML-DSA-44 is not to be had from the cryptography library here") from exc


def cosigned_tree(name: str, time: int, origin: str, size: int, root: bytes) -> bytes:
    """Return the bytes that an ML-DSA-44 cosignature of a whole tree signs; ``time`` in Unix seconds.

    Extension lines of the checkpoint are not among them. Raises InvalidInputError for names over 255 bytes.
    """
    named, log = name.encode(), origin.encode()
    if not 0 < len(named) < 256 or not 0 < len(log) < 256 or not 0 <= time < 1 << 63:
        raise InvalidInputError("names in an ML-DSA-44 cosignature have 1 to 255 bytes, and its time 63 bits")
    parts = (_LABEL, bytes([len(named)]), named, time.to_bytes(8, "big"), bytes([len(log)]), log)
    return b"".join(parts) + bytes(8) + size.to_bytes(8, "big") + root

"""The two ciphersuites of BBS: hashing to scalars and to the curve.

Source:  draft-irtf-cfrg-bbs-signatures-10, sections 4.2.2 (hash to scalar) and 7.2 (BLS12-381-SHA-256,
         BLS12-381-SHAKE-256), appendix A.1; RFC 9380, sections 3 (hash to curve) and 5.3 (expand_message).
I/O:     none.
Errors:  InvalidInputError (a tag longer than 255 octets, an output longer than the expansion gives).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256, shake_256
from typing import Final

from ssi.errors import InvalidInputError
from ssi.keys.bbs.group import FIELD_PRIME, G1Point, Scalar, g1_from_octets

EXPAND_LENGTH: Final = 48
_MAP_LENGTH: Final = 64


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Return ``length`` uniform octets of SHA-256, at most 8160 (RFC 9380, 5.3.1). Raises InvalidInputError."""
    blocks = -(-length // 32)
    if len(dst) > 255 or blocks > 255:
        raise InvalidInputError("expected a tag of at most 255 octets and an output of at most 8160")
    tag = dst + bytes([len(dst)])
    first = sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\x00" + tag).digest()
    block = sha256(first + b"\x01" + tag).digest()
    output = block
    number = int.from_bytes(first, "big")
    for index in range(2, blocks + 1):
        mixed = (number ^ int.from_bytes(block, "big")).to_bytes(32, "big")
        block = sha256(mixed + bytes([index]) + tag).digest()
        output += block
    return output[:length]


def expand_message_xof(message: bytes, dst: bytes, length: int) -> bytes:
    """Return ``length`` uniform octets of SHAKE-256, at most 65535 (RFC 9380, 5.3.2). Raises InvalidInputError."""
    if len(dst) > 255 or length > 65535:
        raise InvalidInputError("expected a tag of at most 255 octets and an output of at most 65535")
    return shake_256(message + length.to_bytes(2, "big") + dst + bytes([len(dst)])).digest(length)


class Ciphersuite:
    """One ciphersuite; ``SHA_256`` and ``SHAKE_256`` are the two that there are."""

    __slots__ = ("expand_message", "identifier", "p1")

    def __init__(self, identifier: str, expand_message: Callable[[bytes, bytes, int], bytes], p1: str) -> None:
        """Fix what section 7.2 fixes: the ciphersuite_id, expand_message, and P1 in hexadecimal."""
        self.identifier: Final = identifier.encode("ascii")
        self.expand_message: Final = expand_message
        self.p1: Final = g1_from_octets(bytes.fromhex(p1))

    def __repr__(self) -> str:
        return f"Ciphersuite({self.identifier.decode()})"

    def hash_to_scalar(self, message: bytes, dst: bytes) -> Scalar:
        """Hash octets to a scalar (4.2.2). Raises InvalidInputError if ``dst`` is longer than 255 octets."""
        return Scalar.from_be_bytes_mod_order(self.expand_message(message, dst, EXPAND_LENGTH))

    def hash_to_curve(self, message: bytes, dst: bytes) -> G1Point:
        """Hash octets to a point of G1 (RFC 9380, 3: ``hash_to_curve``, with 64 octets for each of two elements)."""
        uniform = self.expand_message(message, dst, 2 * _MAP_LENGTH)
        left, right = (
            G1Point.map_from_fp_be((int.from_bytes(part, "big") % FIELD_PRIME).to_bytes(48, "big"))
            for part in (uniform[:_MAP_LENGTH], uniform[_MAP_LENGTH:])
        )
        return left + right


SHA_256: Final = Ciphersuite(
    "BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_",
    expand_message_xmd,
    "a8ce256102840821a3e94ea9025e4662b205762f9776b3a766c872b948f1fd225e7c59698588e70d11406d161b4e28c9",
)
"""BLS12-381-SHA-256 (7.2.2), the ciphersuite of bbs-2023."""
SHAKE_256: Final = Ciphersuite(
    "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_",
    expand_message_xof,
    "8929dfbc7e6642c4ed9cba0856e493f8b9d7d5fcb0c31ef8fdcd34d50648a56c795e106e9eada6e0bda386b414150755",
)
"""BLS12-381-SHAKE-256 (7.2.1)."""

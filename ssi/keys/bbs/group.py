"""BLS12-381: points and scalars from octets, with every check that a verifier owes, over py-arkworks-bls12381.

Source:  draft-irtf-cfrg-bbs-signatures-10, sections 2 (notation), 4.2.4 (serialization) and appendix B.2 (point
         encoding); draft-irtf-cfrg-pairing-friendly-curves-11, appendix C (the encoding itself).
Input:   octets of any origin.
Shapes:  a point of G1 takes 48 octets and one of G2 takes 96, both compressed; a scalar takes 32, big-endian, 1..r-1.
I/O:     none.
Errors:  InvalidInputError (octets that are no such point or scalar); UnavailableError when this package is imported
         and the extra ``countersigned[bbs]`` is not installed.

Nothing here runs in constant time: numbers pass through Python, and the library below does not promise it either. A
party that can time an issuer's or a holder's operations closely may learn about secret scalars.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ssi.errors import InvalidInputError, UnavailableError

try:
    from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar
except ImportError as exc:  # pragma: no cover - the tests run with the extra
    raise UnavailableError("BBS and BLS12-381 keys need the extra countersigned[bbs]") from exc

__all__ = ["GT", "G1Point", "G2Point", "Scalar"]

FIELD_PRIME: Final = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
POINT_LENGTH: Final = 48
"""Octets of a point of G1."""
PUBLIC_KEY_LENGTH: Final = 96
"""Octets of a point of G2, which is what a public key is."""
SCALAR_LENGTH: Final = 32

_G1_IDENTITY: Final = G1Point.identity()
_G2_IDENTITY: Final = G2Point.identity()
BP2: Final = G2Point()
"""The base point of G2."""
NEGATIVE_BP2: Final = -BP2
ONE: Final = Scalar(1)


def g1_from_octets(octets: bytes) -> G1Point:
    """Return the point of G1 that ``octets`` encode.

    Raises InvalidInputError for a point off the curve, outside the subgroup, the identity, or a second spelling.
    """
    try:
        point = G1Point.from_compressed_bytes(octets)
    except (ValueError, TypeError) as exc:
        raise InvalidInputError("expected 48 octets of a point in the subgroup G1") from exc
    # The library takes any octets after the flag of the identity, so that the comparison is by value first.
    if point == _G1_IDENTITY or point.to_compressed_bytes() != octets:
        raise InvalidInputError("expected the canonical octets of a point of G1 other than the identity")
    return point


@lru_cache(maxsize=1024)
def g2_from_octets(octets: bytes) -> G2Point:
    """Return the point of G2 that ``octets`` encode: a public key (``octets_to_pubkey``). Raises as above."""
    try:
        point = G2Point.from_compressed_bytes(octets)
    except (ValueError, TypeError) as exc:
        raise InvalidInputError("expected 96 octets of a point in the subgroup G2") from exc
    if point == _G2_IDENTITY or point.to_compressed_bytes() != octets:
        raise InvalidInputError("expected the canonical octets of a point of G2 other than the identity")
    return point


def scalar_from_octets(octets: bytes) -> Scalar:
    """Return the scalar 1..r-1 that 32 big-endian ``octets`` encode. Raises InvalidInputError."""
    try:
        scalar = Scalar.from_be_bytes(octets)
    except (ValueError, TypeError) as exc:
        raise InvalidInputError("expected 32 octets of a scalar below the group order") from exc
    if scalar.is_zero():
        raise InvalidInputError("expected a scalar other than zero")
    return scalar


def combine(points: Sequence[G1Point], scalars: Sequence[Scalar]) -> G1Point:
    """Return the sum of each point times its scalar, in one multi-scalar multiplication."""
    if len(points) != len(scalars):  # The library would leave out what has no partner.
        raise InvalidInputError(f"expected as many scalars as points, got {len(scalars)} and {len(points)}")
    return G1Point.multiexp_unchecked(list(points), list(scalars))

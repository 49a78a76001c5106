"""Keys of BBS as ``ssi.keys`` holds them; the arithmetic is loaded when a key is made, and not before.

Source:  draft-irtf-cfrg-bbs-signatures-10, section 3.4 (keys); Controlled Identifiers 1.0, 2.2.2 (Multikey, 0xeb01).
Shapes:  a public key is a compressed point of G2, 96 bytes; a secret key a big-endian scalar 1..r-1, 32 bytes.
I/O:     none.
Errors:  InvalidInputError (no such key), UnavailableError (the extra ``countersigned[bbs]`` is not installed).
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import NoReturn

from ssi.errors import InvalidSignatureError, ProofPurposeError


class BlsPublicKey:
    """A point of G2, checked: on the curve, in the subgroup, canonical, and not the identity."""

    __slots__ = ("octets",)

    octets: bytes

    def __init__(self, octets: bytes) -> None:
        """Check and keep 96 bytes. Raises InvalidInputError."""
        from ssi.keys.bbs.signature import check_public_key

        check_public_key(octets)
        self.octets = octets

    def verify(self, signature: bytes, message: bytes) -> NoReturn:
        """Raise InvalidSignatureError: a key of BBS verifies lists of messages, see ``ssi.keys.bbs``."""
        raise InvalidSignatureError("a BLS12-381 key verifies BBS signatures and proofs only")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlsPublicKey) and self.octets == other.octets

    def __hash__(self) -> int:
        return hash(self.octets)


class BlsPrivateKey:
    """A secret scalar; its text form does not show it."""

    __slots__ = ("_public", "octets")

    octets: bytes

    def __init__(self, octets: bytes) -> None:
        """Check and keep 32 bytes. Raises InvalidInputError."""
        from ssi.keys.bbs.signature import sk_to_pk

        self._public = BlsPublicKey(sk_to_pk(octets))
        self.octets = octets

    @classmethod
    def generate(cls) -> BlsPrivateKey:
        """Derive a key from the operating system's random numbers (3.4.1)."""
        from ssi.keys.bbs.signature import keygen

        return cls(keygen(token_bytes(32)))

    def public_key(self) -> BlsPublicKey:
        """Return the public part."""
        return self._public

    def sign(self, message: bytes) -> NoReturn:
        """Raise ProofPurposeError: a key of BBS signs lists of messages."""
        raise ProofPurposeError("a BLS12-381 key makes BBS signatures only, over a list of messages")

    def bbs_sign(self, messages: Sequence[bytes], header: bytes, commitment: bytes | None) -> bytes:
        """Return the BBS signature of ``messages``, ``header`` and what was committed to. Raises InvalidInputError."""
        from ssi.keys.bbs.blind import blind_sign
        from ssi.keys.bbs.signature import sign

        if commitment is not None:
            return blind_sign(self.octets, self._public.octets, commitment, messages, header=header)
        return sign(self.octets, self._public.octets, messages, header=header)

"""The eddsa-rdfc-2022 cryptosuite: Ed25519 over SHA-256 hashes of canonical N-Quads.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, section 3.2.
Shapes:  hash data is 64 bytes, a signature 64 bytes.
I/O:     none.
Errors:  those of ``ssi.proofs.rdfc``.
"""

from __future__ import annotations

from ssi.keys import Curve
from ssi.proofs.rdfc import RdfcCryptosuite


class EddsaRdfc2022(RdfcCryptosuite):
    """eddsa-rdfc-2022. Source: W3C Data Integrity EdDSA Cryptosuites v1.0, 3.2."""

    __slots__ = ()

    def __init__(self) -> None:
        """The suite has one curve and one hash."""
        super().__init__("eddsa-rdfc-2022", Curve.ED25519, "sha256")

"""The ecdsa-jcs-2019 cryptosuite: ECDSA on P-256 or P-384 over hashes of JCS text.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, section 3.3; FIPS 186-5.
Shapes:  P-256 goes with SHA-256 (64 bytes of hash data), P-384 with SHA-384 (96 bytes), in the hash data as in the
         signature itself. A signature is R‖S, 64 or 96 bytes, never DER.
I/O:     none.
Errors:  those of ``ssi.proofs.jcs``.
"""

from __future__ import annotations

from hashlib import sha256, sha384
from typing import Final

from ssi.keys import Curve
from ssi.proofs.jcs import JcsCryptosuite

_HASHES: Final = {Curve.P256: sha256, Curve.P384: sha384}


class EcdsaJcs2019(JcsCryptosuite):
    """ecdsa-jcs-2019 with keys of one curve. Source: W3C Data Integrity ECDSA Cryptosuites v1.0, 3.3."""

    __slots__ = ()

    def __init__(self, curve: Curve) -> None:
        """Take the hash that belongs to ``curve``. Raises ValueError unless it is P-256 or P-384."""
        if curve not in _HASHES:
            raise ValueError(f"expected the curve P-256 or P-384, got {curve}")
        super().__init__("ecdsa-jcs-2019", curve, _HASHES[curve])

"""The ecdsa-rdfc-2019 cryptosuite: ECDSA on P-256 or P-384 over hashes of canonical N-Quads.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, section 3.2; FIPS 186-5.
Shapes:  P-256 goes with SHA-256 (64 bytes of hash data), P-384 with SHA-384 (96 bytes): inside RDFC-1.0, in the hash
         data and in the signature. A signature is R‖S, 64 or 96 bytes, never DER.
I/O:     none.
Errors:  those of ``ssi.proofs.rdfc``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ssi.encoding.rdfc import HashName
from ssi.keys import Curve
from ssi.proofs.rdfc import RdfcCryptosuite

_HASHES: Final[Mapping[Curve, HashName]] = {Curve.P256: "sha256", Curve.P384: "sha384"}


class EcdsaRdfc2019(RdfcCryptosuite):
    """ecdsa-rdfc-2019 with keys of one curve. Source: W3C Data Integrity ECDSA Cryptosuites v1.0, 3.2."""

    __slots__ = ()

    def __init__(self, curve: Curve) -> None:
        """Take the hash that belongs to ``curve``. Raises ValueError unless it is P-256 or P-384."""
        if curve not in _HASHES:
            raise ValueError(f"expected the curve P-256 or P-384, got {curve}")
        super().__init__("ecdsa-rdfc-2019", curve, _HASHES[curve])

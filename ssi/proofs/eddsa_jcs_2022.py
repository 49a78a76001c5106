"""The eddsa-jcs-2022 cryptosuite: Ed25519 over SHA-256 hashes of JCS text.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, section 3.3.
Shapes:  hash data is 64 bytes, a signature 64 bytes.
I/O:     none.
Errors:  those of ``ssi.proofs.jcs``.
"""

from __future__ import annotations

from hashlib import sha256

from ssi.keys import Curve
from ssi.proofs.jcs import JcsCryptosuite


class EddsaJcs2022(JcsCryptosuite):
    """eddsa-jcs-2022. Source: W3C Data Integrity EdDSA Cryptosuites v1.0, 3.3."""

    __slots__ = ()

    def __init__(self) -> None:
        """The suite has one curve and one hash."""
        super().__init__("eddsa-jcs-2022", Curve.ED25519, sha256)

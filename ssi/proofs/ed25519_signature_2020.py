"""Proofs of the type Ed25519Signature2020, which credentials from before Data Integrity carry.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, appendix on Ed25519Signature2020; the context
         https://w3id.org/security/suites/ed25519-2020/v1.
Shapes:  the type of the proof names the suite and there is no ``cryptosuite``; ``created`` is required. Hash data and
         signature are those of eddsa-rdfc-2022; URDNA2015, under which they were made, is RDFC-1.0 by an older name.
I/O:     none.
Errors:  those of ``ssi.proofs.rdfc``.

It is here to verify what was issued once. New proofs should be of eddsa-rdfc-2022; that this one can be made too serves
conformance tests.
"""

from __future__ import annotations

from typing import Final

from ssi.keys import Curve
from ssi.proofs.rdfc import RdfcCryptosuite

NAME: Final = "Ed25519Signature2020"


class Ed25519Signature2020(RdfcCryptosuite):
    """Ed25519Signature2020: a type of proof that is its own suite."""

    __slots__ = ()

    def __init__(self) -> None:
        """The suite has one curve and one hash."""
        super().__init__(NAME, Curve.ED25519, "sha256")

"""The cryptosuites by name, and the steps that each of them has.

Source:  W3C Verifiable Credential Data Integrity 1.0, section 3 (cryptographic suites).
Shapes:  one name may stand for several curves, and then for one instance each: the key chooses among them, never the
         proof, and a key of none of them is refused.
I/O:     none.
Errors:  VerificationError (an unknown suite, or a key of another type).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from ssi.errors import VerificationError
from ssi.keys import Curve, PublicKey
from ssi.proofs.ecdsa_jcs_2019 import EcdsaJcs2019
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.types import JsonObject


class Cryptosuite(Protocol):
    """The steps of one cryptosuite with keys of one curve, under the specification's names."""

    @property
    def name(self) -> str:
        """The value of ``cryptosuite``."""
        ...

    @property
    def curve(self) -> Curve:
        """The curve of its keys."""
        ...

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof configuration for a new proof over ``document``."""
        ...

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that a proof with ``options`` secures. Raises VerificationError."""
        ...

    def hash_data(self, document: JsonObject, proof_config: JsonObject) -> bytes:
        """Return the bytes that get signed. Raises CanonicalizationError."""
        ...

    def encode(self, signature: bytes) -> str:
        """Return the ``proofValue`` of a signature."""
        ...

    def decode(self, proof_value: str) -> bytes:
        """Return the signature of a ``proofValue``. Raises InvalidInputError."""
        ...

    def check_key(self, key: PublicKey) -> None:
        """Raise VerificationError unless ``key`` is of the suite's type."""
        ...

    def verify(self, hash_data: bytes, signature: bytes, key: PublicKey) -> None:
        """Raise InvalidSignatureError unless the signature holds under ``key``."""
        ...


EDDSA_JCS_2022: Final[Cryptosuite] = EddsaJcs2022()
ECDSA_JCS_2019_P256: Final[Cryptosuite] = EcdsaJcs2019(Curve.P256)
ECDSA_JCS_2019_P384: Final[Cryptosuite] = EcdsaJcs2019(Curve.P384)

_ALL: Final = (EDDSA_JCS_2022, ECDSA_JCS_2019_P256, ECDSA_JCS_2019_P384)
SUITES: Final[Mapping[str, Mapping[Curve, Cryptosuite]]] = {
    name: {suite.curve: suite for suite in _ALL if suite.name == name} for name in dict.fromkeys(s.name for s in _ALL)
}
"""By name, then by the curve of the key."""
_JCS_BY_CURVE: Final = {suite.curve: suite for suite in _ALL}


def check_suite(name: str) -> None:
    """Raise VerificationError unless ``name`` is that of a suite."""
    if name not in SUITES:
        raise VerificationError(f"expected a cryptosuite of {', '.join(SUITES)}")


def suite_for(name: str, key: PublicKey) -> Cryptosuite:
    """Return the suite ``name`` as it works with ``key``. Raises VerificationError."""
    check_suite(name)
    suite = SUITES[name].get(key.curve)
    if suite is None:
        raise VerificationError(f"{name}: expected a key on {' or '.join(SUITES[name])}, got one on {key.curve}")
    return suite


def jcs_suite_for(key: PublicKey) -> Cryptosuite:
    """Return the JCS suite that signs with keys such as ``key``. Raises VerificationError if there is none."""
    suite = _JCS_BY_CURVE.get(key.curve)
    if suite is None:
        raise VerificationError(f"expected a key on {', '.join(_JCS_BY_CURVE)}, got one on {key.curve}")
    return suite

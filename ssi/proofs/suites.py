"""The cryptosuites by name, and the steps that each of them has.

Source:  W3C Verifiable Credential Data Integrity 1.0, section 3 (cryptographic suites).
Shapes:  one name may stand for several curves, and then for one instance each: the key chooses among them, never the
         proof, and a key of none of them is refused.
I/O:     none, except that a suite waits for the signer.
Errors:  VerificationError (an unknown suite, or a key of another type).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from ssi.encoding.jsonld import Contexts
from ssi.errors import VerificationError
from ssi.keys import Curve, PublicKey
from ssi.proofs.bbs_2023 import Bbs2023
from ssi.proofs.ecdsa_jcs_2019 import EcdsaJcs2019
from ssi.proofs.ecdsa_rdfc_2019 import EcdsaRdfc2019
from ssi.proofs.ecdsa_sd_2023 import EcdsaSd2023
from ssi.proofs.ed25519_signature_2020 import Ed25519Signature2020
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.proofs.eddsa_rdfc_2022 import EddsaRdfc2022
from ssi.proofs.jcs import JcsCryptosuite
from ssi.proofs.plain import Signer
from ssi.proofs.selective.suite import SelectiveCryptosuite
from ssi.types import JsonObject


class Cryptosuite(Protocol):
    """One cryptosuite with keys of one curve.

    A suite is free in what it signs and in what a proof value holds: one signature, or many and the means to derive
    from them. What it needs beside document and options, such as mandatory pointers, is given to its constructor.
    Those of ``SelectiveCryptosuite`` have ``showing`` for it.
    """

    @property
    def name(self) -> str:
        """The value of ``cryptosuite``; the type of the proof where that is older than Data Integrity."""
        ...

    @property
    def curve(self) -> Curve:
        """The curve of its keys."""
        ...

    def check_key(self, key: PublicKey) -> None:
        """Raise VerificationError unless ``key`` is of the suite's type."""
        ...

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof for ``document`` as it will be shown, but for its proofValue."""
        ...

    async def prove(
        self, document: JsonObject, proof_config: JsonObject, sign: Signer, *, contexts: Contexts = ...
    ) -> str:
        """Return the proofValue of a proof over ``document``, which holds the matching proofs of a chain.

        ``proof_config`` is what ``configure`` returned. Raises InvalidInputError, CanonicalizationError, and as
        ``sign``.
        """
        ...

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that a proof with ``options`` secures. Raises VerificationError."""
        ...

    def verify(
        self,
        document: JsonObject,
        proof_config: JsonObject,
        proof_value: str,
        key: PublicKey,
        *,
        contexts: Contexts = ...,
    ) -> None:
        """Raise InvalidSignatureError unless the proof over ``document`` holds under ``key``.

        ``document`` is what ``unsecured`` returned, with the matching proofs of a chain, and ``proof_config`` the proof
        without its proofValue. Raises InvalidInputError and CanonicalizationError too, and VerificationError if the
        key is of another type.
        """
        ...


EDDSA_JCS_2022: Final = EddsaJcs2022()
ECDSA_JCS_2019_P256: Final = EcdsaJcs2019(Curve.P256)
ECDSA_JCS_2019_P384: Final = EcdsaJcs2019(Curve.P384)
EDDSA_RDFC_2022: Final = EddsaRdfc2022()
ECDSA_RDFC_2019_P256: Final = EcdsaRdfc2019(Curve.P256)
ECDSA_RDFC_2019_P384: Final = EcdsaRdfc2019(Curve.P384)
ED25519_SIGNATURE_2020: Final = Ed25519Signature2020()
ECDSA_SD_2023: Final = EcdsaSd2023()
"""Verifies derived proofs; ``showing`` gives the one that issues with mandatory pointers. So does the next."""
BBS_2023: Final = Bbs2023()

_JCS: Final[tuple[JcsCryptosuite, ...]] = (EDDSA_JCS_2022, ECDSA_JCS_2019_P256, ECDSA_JCS_2019_P384)
_ALL: Final[tuple[Cryptosuite, ...]] = (
    *_JCS,
    EDDSA_RDFC_2022,
    ECDSA_RDFC_2019_P256,
    ECDSA_RDFC_2019_P384,
    ED25519_SIGNATURE_2020,
    ECDSA_SD_2023,
    BBS_2023,
)
SUITES: Final[Mapping[str, Mapping[Curve, Cryptosuite]]] = {
    name: {suite.curve: suite for suite in _ALL if suite.name == name} for name in dict.fromkeys(s.name for s in _ALL)
}
"""By name, then by the curve of the key."""
JCS_NAMES: Final = frozenset(suite.name for suite in _JCS)
"""The suites that hash a document as it is written; all others read it as a graph."""
SELECTIVE_NAMES: Final = frozenset(suite.name for suite in _ALL if isinstance(suite, SelectiveCryptosuite))
"""The suites with base proofs and derived proofs."""
_JCS_BY_CURVE: Final = {suite.curve: suite for suite in _JCS}


def check_suite(name: str) -> None:
    """Raise VerificationError unless ``name`` is that of a suite."""
    if name not in SUITES:
        raise VerificationError(f"expected a cryptosuite of {', '.join(SUITES)}")


def is_jcs_suite(name: str) -> bool:
    """Return whether the suite ``name`` secures a document as it is written, and reads no contexts."""
    return any(suite.name == name for suite in _JCS)


def suite_for(name: str, key: PublicKey) -> Cryptosuite:
    """Return the suite ``name`` as it works with ``key``. Raises VerificationError."""
    check_suite(name)
    suite = SUITES[name].get(key.curve)
    if suite is None:
        raise VerificationError(f"{name}: expected a key on {' or '.join(SUITES[name])}, got one on {key.curve}")
    return suite


def is_selective(name: str) -> bool:
    """Tell whether holders derive proofs of the suite ``name``, and so whether it takes mandatory pointers."""
    return name in SELECTIVE_NAMES


def issuing_suite(name: str, key: PublicKey, mandatory_pointers: Sequence[str]) -> Cryptosuite:
    """Return the suite ``name`` as it signs with ``key``; one with selective disclosure always shows the pointers.

    Raises VerificationError, and InvalidInputError for what is no JSON pointer.
    """
    suite = suite_for(name, key)
    return suite.showing(mandatory_pointers) if isinstance(suite, SelectiveCryptosuite) else suite


def jcs_suite_for(key: PublicKey) -> JcsCryptosuite:
    """Return the JCS suite that signs with keys such as ``key``. Raises VerificationError if there is none."""
    suite = _JCS_BY_CURVE.get(key.curve)
    if suite is None:
        raise VerificationError(f"expected a key on {', '.join(_JCS_BY_CURVE)}, got one on {key.curve}")
    return suite

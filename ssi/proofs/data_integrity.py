"""Data Integrity proofs: read them, add them, verify them.

Source:  W3C Verifiable Credential Data Integrity 1.0, sections 2.1 (proofs), 4.2 (add proof) and 4.4 (verify proof).
Input:   a JSON object from the gate with a ``proof`` member, and the key that its caller resolved.
Shapes:  times are Unix seconds; ``proof`` is one object, or a list that ``parse_proofs`` reads. A proof with
         ``previousProof`` secures other proofs too and is refused until chains are supported.
I/O:     none, except that ``add_proof`` waits for the key store.
Errors:  InvalidInputError (malformed proof), ProofPurposeError, InvalidSignatureError, ValidityError (expired, or from
         the future), VerificationError (another cryptosuite, type of key or @context).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from ssi.encoding.timestamps import format_seconds, parse_seconds
from ssi.errors import InvalidInputError, ProofPurposeError, ValidityError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.types import JsonObject, JsonValue

MAX_PROOFS: Final = 16
MAX_SKEW_SECONDS: Final = 60
_TEXT_MEMBERS: Final = ("id", "created", "expires", "challenge", "nonce")


class Cryptosuite(Protocol):
    """The steps of one cryptosuite, under the specification's names."""

    @property
    def name(self) -> str:
        """The value of ``cryptosuite``."""
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
SUITES: Final[Mapping[str, Cryptosuite]] = {suite.name: suite for suite in (EDDSA_JCS_2022,)}


class DataIntegrityProof(msgspec.Struct, frozen=True):
    """One proof as it was read; ``raw`` keeps every member, for all of them are signed."""

    cryptosuite: str
    verification_method: str
    proof_purpose: str
    proof_value: str
    raw: JsonObject
    id: str | None = None
    created: int | None = None
    expires: int | None = None
    domain: tuple[str, ...] = ()
    challenge: str | None = None
    previous_proof: tuple[str, ...] = ()

    @property
    def options(self) -> JsonObject:
        """The proof without its ``proofValue``: what was hashed beside the document."""
        return {name: value for name, value in self.raw.items() if name != "proofValue"}


def parse_proof(raw: JsonValue) -> DataIntegrityProof:
    """Read one proof object (2.1). Raises InvalidInputError unless it is a DataIntegrityProof with its members."""
    if not isinstance(raw, dict):
        raise InvalidInputError("expected a proof that is an object")
    if raw.get("type") != "DataIntegrityProof":
        raise InvalidInputError("expected a proof of type DataIntegrityProof")
    for name in _TEXT_MEMBERS:
        if name in raw and not isinstance(raw[name], str):
            raise InvalidInputError(f"expected the proof's {name} to be a string")
    return DataIntegrityProof(
        cryptosuite=_text(raw, "cryptosuite"),
        verification_method=_text(raw, "verificationMethod"),
        proof_purpose=_text(raw, "proofPurpose"),
        proof_value=_text(raw, "proofValue"),
        raw=raw,
        id=raw.get("id"),
        created=_time(raw, "created"),
        expires=_time(raw, "expires"),
        domain=_texts(raw, "domain"),
        challenge=raw.get("challenge"),
        previous_proof=_texts(raw, "previousProof"),
    )


def parse_proofs(value: JsonValue) -> tuple[DataIntegrityProof, ...]:
    """Read the ``proof`` member of a document: one proof, or a list of 1 to 16. Raises InvalidInputError."""
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= MAX_PROOFS:
        raise InvalidInputError(f"expected 1 to {MAX_PROOFS} proofs, got {len(items)}")
    return tuple(parse_proof(item) for item in items)


def verify_proof(document: JsonObject, *, key: PublicKey, expected_purpose: str, now: int) -> JsonObject:
    """Verify the one proof of ``document`` under ``key`` and return the document that it secures (4.4).

    The caller has resolved ``key`` from the proof's verification method, and uses what is returned, not ``document``.
    ``now`` is in Unix seconds. Raises InvalidInputError, ProofPurposeError, ValidityError, InvalidSignatureError or
    VerificationError.
    """
    proofs = parse_proofs(document.get("proof"))
    if len(proofs) != 1:
        raise VerificationError(f"expected one proof, got a set of {len(proofs)}")
    return verify_one(document, proofs[0], key=key, expected_purpose=expected_purpose, now=now)


def verify_one(
    document: JsonObject,
    proof: DataIntegrityProof,
    *,
    key: PublicKey,
    expected_purpose: str,
    now: int,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> JsonObject:
    """As ``verify_proof``, for one ``proof`` of a document that may carry several, or carry them elsewhere."""
    suite = SUITES.get(proof.cryptosuite)
    if suite is None:
        raise VerificationError(f"expected a cryptosuite of {', '.join(SUITES)}")
    if proof.proof_purpose != expected_purpose:
        raise ProofPurposeError(f"expected the proof purpose {expected_purpose}")
    if proof.previous_proof:
        raise VerificationError("expected a proof without previousProof: proof chains are not supported")
    if proof.created is not None and proof.created > now + max_skew_seconds:
        raise ValidityError(f"the proof was created at {proof.created}, now {now}")
    if proof.expires is not None and proof.expires <= now:
        raise ValidityError(f"the proof expired at {proof.expires}, now {now}")
    suite.check_key(key)
    options = proof.options
    unsecured = suite.unsecured(document, options)
    suite.verify(suite.hash_data(unsecured, options), suite.decode(proof.proof_value), key)
    return unsecured


async def add_proof(
    document: JsonObject,
    *,
    kms: Kms,
    label: str,
    purpose: KeyPurpose,
    verification_method: str,
    proof_purpose: str,
    created: int | None,
    suite: Cryptosuite = EDDSA_JCS_2022,
    options: JsonObject | None = None,
) -> JsonObject:
    """Return ``document`` with a proof by the key ``label`` of ``kms`` (4.2).

    ``created`` is in Unix seconds; ``options`` adds members such as ``domain`` or ``challenge``. Raises
    InvalidInputError if the document has a proof already, VerificationError if the key does not fit the suite, and
    what the key store raises.
    """
    if "proof" in document:
        raise InvalidInputError("expected a document without proof: proof sets are not supported")
    proof: JsonObject = {**(options or {}), "type": "DataIntegrityProof", "cryptosuite": suite.name}
    if created is not None:
        proof["created"] = format_seconds(created)
    proof["verificationMethod"] = verification_method
    proof["proofPurpose"] = proof_purpose
    suite.check_key(await kms.public_key(label))
    proof = suite.configure(document, proof)
    signature = await kms.sign(label, suite.hash_data(document, proof), purpose=purpose)
    return {**document, "proof": {**proof, "proofValue": suite.encode(signature)}}


def _text(raw: JsonObject, name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"expected the proof's {name}, a string")
    return value


def _texts(raw: JsonObject, name: str) -> tuple[str, ...]:
    if name not in raw:
        return ()
    value = raw[name]
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise InvalidInputError(f"expected the proof's {name} to be a string or a list of strings")
    return tuple(items)


def _time(raw: JsonObject, name: str) -> int | None:
    if name not in raw:
        return None
    try:
        return parse_seconds(raw[name])
    except InvalidInputError as exc:
        raise InvalidInputError(f"the proof's {name}: {exc}") from exc

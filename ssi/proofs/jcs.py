"""What the cryptosuites that canonicalise with JCS share: every step but the choice of curve and hash.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, 3.3; ECDSA Cryptosuites v1.0, 3.3; RFC 8785.
Shapes:  documents and proof options are JSON objects from the gate and are never changed in place. Hash data is
         hash(proof configuration) before hash(document); a proof value is multibase base58btc (``z``).
I/O:     none.
Errors:  InvalidInputError (a proof value that is none), CanonicalizationError, InvalidSignatureError,
         VerificationError (a key of another type, a document whose @context does not start with the proof's).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.keys.curves import FACTS
from ssi.types import JsonObject, JsonValue


class Digest(Protocol):
    """What ``hashlib`` gives back."""

    def digest(self) -> bytes:
        """Return the hash."""
        ...


class JcsCryptosuite:
    """A suite that signs hash(JCS(proof configuration)) ‖ hash(JCS(document)) with keys of one curve."""

    __slots__ = ("_hash", "_signature_length", "curve", "name")

    name: str
    """The value of ``cryptosuite``."""
    curve: Curve
    """The curve of the keys that this instance signs and verifies with."""

    def __init__(self, name: str, curve: Curve, hash_function: Callable[[bytes], Digest]) -> None:
        """Fix what the specification of the suite fixes for ``curve``."""
        self.name = name
        self.curve = curve
        self._hash = hash_function
        self._signature_length = FACTS[curve].signature_length

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof configuration for a new proof over ``document`` (create proof, steps 1 and 2)."""
        return with_document_context(document, options)

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that the proof with ``options`` secures (verify proof, steps 1 and 4).

        Raises VerificationError if the document's ``@context`` does not start with the proof's.
        """
        return unsecured_document(document, options)

    def hash_data(self, document: JsonObject, proof_config: JsonObject) -> bytes:
        """Return the bytes that get signed: two hashes (the section "Hashing" of the suite).

        ``proof_config`` has no "proofValue"; ``document`` has no "proof", but for the matching proofs of a chain.
        The hash of the proof configuration comes first: the order is normative.
        Raises CanonicalizationError if a value has no RFC 8785 form.
        """
        return self._hash(jcs(proof_config)).digest() + self._hash(jcs(document)).digest()

    def encode(self, signature: bytes) -> str:
        """Return the ``proofValue`` of a signature."""
        return base58btc_encode(signature)

    def decode(self, proof_value: str) -> bytes:
        """Return the signature of a ``proofValue``. Raises InvalidInputError."""
        length = self._signature_length
        # Base58 takes less than 1.4 characters for a byte, and decoding costs the square of the length.
        if not proof_value.startswith("z") or len(proof_value) > length * 3 // 2:
            raise InvalidInputError(
                f"{self.name}: expected a proofValue of {length} bytes in base58btc, which starts with z"
            )
        signature = multibase_decode(proof_value)
        if len(signature) != length:
            raise InvalidInputError(f"{self.name}: expected a proofValue of {length} bytes, got {len(signature)}")
        return signature

    def check_key(self, key: PublicKey) -> None:
        """Raise VerificationError unless ``key`` is of the type that this suite verifies with."""
        if key.curve is not self.curve:
            raise VerificationError(f"{self.name}: expected a key on {self.curve}, got one on {key.curve}")

    def verify(self, hash_data: bytes, signature: bytes, key: PublicKey) -> None:
        """Raise InvalidSignatureError unless the signature over ``hash_data`` holds under ``key``."""
        self.check_key(key)
        try:
            key.verify(signature, hash_data)
        except InvalidSignatureError as exc:
            raise InvalidSignatureError(f"{self.name}: signature mismatch") from exc


def with_document_context(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the proof configuration: ``options`` with the document's ``@context``, where it has one."""
    if "@context" not in document:
        return dict(options)
    return {**options, "@context": document["@context"]}


def unsecured_document(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the document that a proof with ``options`` secures.

    Values that were appended to ``@context`` after signing are left out again, so that what is returned is exactly
    what was signed. Raises VerificationError if the document's ``@context`` does not start with the proof's.
    """
    unsecured = dict(document)
    unsecured.pop("proof", None)
    if "@context" not in options:
        return unsecured
    signed = _as_list(options["@context"])
    if "@context" not in document or _as_list(document["@context"])[: len(signed)] != signed:
        raise VerificationError("expected the document's @context to start with the @context of its proof")
    unsecured["@context"] = options["@context"]
    return unsecured


def _as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]

"""The eddsa-jcs-2022 cryptosuite: Ed25519 over SHA-256 hashes of JCS text.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, section 3.3.
Shapes:  hash data is 64 bytes, hash(proof configuration) before hash(document); a signature is 64 bytes; a proof value
         is multibase base58btc (``z``).
I/O:     none.
Errors:  InvalidInputError (a proof value that is none), CanonicalizationError, InvalidSignatureError,
         VerificationError (a key of another type, another @context).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.proofs.jcs import unsecured_document, with_document_context
from ssi.types import JsonObject

_MAX_PROOF_VALUE_CHARACTERS: Final = 96
"""64 bytes take at most 88 characters of base58 and the prefix."""


class EddsaJcs2022:
    """eddsa-jcs-2022. Source: W3C Data Integrity EdDSA Cryptosuites v1.0, 3.3."""

    @property
    def name(self) -> str:
        """The value of ``cryptosuite``."""
        return "eddsa-jcs-2022"

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof configuration for a new proof over ``document`` (3.3.1 steps 1 and 2)."""
        return with_document_context(document, options)

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that the proof with ``options`` secures (3.3.2 steps 1 and 4).

        Raises VerificationError if the document's ``@context`` does not start with the proof's.
        """
        return unsecured_document(document, options)

    def hash_data(self, document: JsonObject, proof_config: JsonObject) -> bytes:
        """Return the 64 bytes that get signed (3.3.4).

        ``document`` has no "proof" member, ``proof_config`` no "proofValue".
        The hash of the proof configuration comes first: the order is normative.
        Raises CanonicalizationError if a value has no RFC 8785 form.
        """
        return sha256(jcs(proof_config)).digest() + sha256(jcs(document)).digest()

    def encode(self, signature: bytes) -> str:
        """Return the ``proofValue`` of a signature (3.3.1 step 7)."""
        return base58btc_encode(signature)

    def decode(self, proof_value: str) -> bytes:
        """Return the signature of a ``proofValue`` (3.3.2 step 3). Raises InvalidInputError."""
        if not proof_value.startswith("z") or len(proof_value) > _MAX_PROOF_VALUE_CHARACTERS:
            raise InvalidInputError(f"{self.name}: expected a proofValue of 64 bytes in base58btc, which starts with z")
        signature = multibase_decode(proof_value)
        if len(signature) != 64:
            raise InvalidInputError(f"{self.name}: expected a proofValue of 64 bytes, got {len(signature)}")
        return signature

    def check_key(self, key: PublicKey) -> None:
        """Raise VerificationError unless ``key`` is of the type that this suite verifies with."""
        if key.curve is not Curve.ED25519:
            raise VerificationError(f"{self.name}: expected an Ed25519 key, got one on {key.curve}")

    def verify(self, hash_data: bytes, signature: bytes, key: PublicKey) -> None:
        """Raise InvalidSignatureError unless the 64-byte signature holds (3.3.7)."""
        self.check_key(key)
        try:
            key.verify(signature, hash_data)
        except InvalidSignatureError as exc:
            raise InvalidSignatureError(f"{self.name}: signature mismatch") from exc

"""What the cryptosuites share whose proof is one signature over two hashes: every step but canonicalization.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, 3.2 and 3.3; ECDSA Cryptosuites v1.0, 3.2 and 3.3 (the sections
         "Hashing", "Proof Serialization" and "Proof Verification", which are the same text in each).
Shapes:  documents and proof options are JSON objects from the gate and are never changed in place. Hash data is
         hash(proof configuration) before hash(document); a proof value is multibase base58btc (``z``).
I/O:     none, except that ``prove`` waits for the signer.
Errors:  InvalidInputError (a proof value that is none), CanonicalizationError, InvalidSignatureError,
         VerificationError (a key of another type, or a document that is not the one the proof is for).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.keys.curves import FACTS
from ssi.types import JsonObject

Signer: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Signs one message with the key that the proof names: R‖S, or 64 bytes of Ed25519."""


class PlainCryptosuite(ABC):
    """A suite that signs hash(proof configuration) ‖ hash(document) with keys of one curve."""

    __slots__ = ("_signature_length", "curve", "name")

    name: str
    """The value of ``cryptosuite``."""
    curve: Curve
    """The curve of the keys that this instance signs and verifies with."""

    def __init__(self, name: str, curve: Curve) -> None:
        """Fix what the specification of the suite fixes for ``curve``."""
        self.name = name
        self.curve = curve
        self._signature_length = FACTS[curve].signature_length

    @abstractmethod
    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof for ``document`` as it will be shown, but for its proofValue (create proof, step 2)."""

    @abstractmethod
    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that the proof with ``options`` secures (verify proof, steps 1 to 4).

        Raises VerificationError if the two do not belong together.
        """

    @abstractmethod
    def hash_data(self, document: JsonObject, proof_config: JsonObject, *, contexts: Contexts = BUNDLED) -> bytes:
        """Return the bytes that get signed: two hashes (the section "Hashing" of the suite).

        ``proof_config`` has no "proofValue"; ``document`` has no "proof", but for the matching proofs of a chain.
        The hash of the proof configuration comes first: the order is normative.
        Raises CanonicalizationError or InvalidInputError if one of them has no canonical form.
        """

    async def prove(
        self, document: JsonObject, proof_config: JsonObject, sign: Signer, *, contexts: Contexts = BUNDLED
    ) -> str:
        """Return the ``proofValue`` of a new proof. Raises as ``hash_data`` and as ``sign``."""
        return self.encode(await sign(self.hash_data(document, proof_config, contexts=contexts)))

    def verify(
        self,
        document: JsonObject,
        proof_config: JsonObject,
        proof_value: str,
        key: PublicKey,
        *,
        contexts: Contexts = BUNDLED,
    ) -> None:
        """Raise InvalidSignatureError unless the proof holds under ``key``, and as ``decode`` and ``hash_data``."""
        self.check_key(key)
        signature = self.decode(proof_value)
        try:
            key.verify(signature, self.hash_data(document, proof_config, contexts=contexts))
        except InvalidSignatureError as exc:
            raise InvalidSignatureError(f"{self.name}: signature mismatch") from exc

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

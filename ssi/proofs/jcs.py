"""What the cryptosuites that canonicalise with JCS share: every step but the choice of curve and hash.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, 3.3; ECDSA Cryptosuites v1.0, 3.3; RFC 8785.
Shapes:  as ``ssi.proofs.plain``. The proof keeps the @context of the document that it was made for, and a document may
         have grown further ones since.
I/O:     none, except that ``prove`` waits for the signer.
Errors:  those of ``ssi.proofs.plain``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import VerificationError
from ssi.keys import Curve
from ssi.proofs.plain import PlainCryptosuite
from ssi.types import JsonObject, JsonValue


class Digest(Protocol):
    """What ``hashlib`` gives back."""

    def digest(self) -> bytes:
        """Return the hash."""
        ...


class JcsCryptosuite(PlainCryptosuite):
    """A suite that signs hash(JCS(proof configuration)) ‖ hash(JCS(document)) with keys of one curve."""

    __slots__ = ("_hash",)

    def __init__(self, name: str, curve: Curve, hash_function: Callable[[bytes], Digest]) -> None:
        """Fix what the specification of the suite fixes for ``curve``."""
        super().__init__(name, curve)
        self._hash = hash_function

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof configuration for a new proof over ``document`` (create proof, steps 1 and 2)."""
        return with_document_context(document, options)

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the document that the proof with ``options`` secures (verify proof, steps 1 and 4).

        Raises VerificationError if the document's ``@context`` does not start with the proof's.
        """
        return unsecured_document(document, options)

    def hash_data(self, document: JsonObject, proof_config: JsonObject, *, contexts: Contexts = BUNDLED) -> bytes:
        """As every suite; a context means nothing to JCS. Raises CanonicalizationError for what RFC 8785 cannot say."""
        return self._hash(jcs(proof_config)).digest() + self._hash(jcs(document)).digest()


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

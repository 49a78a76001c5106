"""What the cryptosuites that canonicalise RDF share: every step but the choice of curve and hash.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, 3.2; ECDSA Cryptosuites v1.0, 3.2; RDFC-1.0; JSON-LD 1.1.
Shapes:  as ``ssi.proofs.plain``. What gets hashed are the canonical N-Quads of document and proof configuration, the
         latter read under the document's @context, which the proof does not keep.
I/O:     none, except that ``prove`` waits for the signer. Contexts come from an allow-list, never from a network.
Errors:  those of ``ssi.proofs.plain``, and InvalidInputError or VerificationError for JSON-LD that is not let in: a
         context that is not allowed, a term that none defines, a construct that is not covered.

Two documents that say the same in RDF have the same proof. What is signed is thus what the members mean, not how they
are written: arrays that are sets have no order, and a verifier that trusts a term must also trust its context. Whoever
reads the document as JSON must not be shown another way of writing it than its contexts give, so any other is refused
(``ssi.encoding.jsonld.compact``).
"""

from __future__ import annotations

from ssi.encoding.jsonld import BUNDLED, Contexts, to_quads
from ssi.encoding.rdfc import HashName, canonicalize
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve
from ssi.proofs.plain import PlainCryptosuite
from ssi.types import JsonObject


class RdfcCryptosuite(PlainCryptosuite):
    """A suite that signs hash(RDFC(proof configuration)) ‖ hash(RDFC(document)) with keys of one curve.

    The hash is the one inside RDFC-1.0 too.
    """

    __slots__ = ("_hash_name",)

    def __init__(self, name: str, curve: Curve, hash_name: HashName) -> None:
        """Fix what the specification of the suite fixes for ``curve``."""
        super().__init__(name, curve)
        self._hash_name: HashName = hash_name

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof without the @context of ``document``, which is there for canonicalization only."""
        return dict(options)

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return ``document`` without its proofs.

        Raises VerificationError if the proof has an @context of its own that is not the document's: nothing secures
        it, and the configuration is read under the document's.
        """
        unsecured = dict(document)
        unsecured.pop("proof", None)
        if "@context" in options and options["@context"] != document.get("@context"):
            raise VerificationError(f"{self.name}: expected a proof without @context, or with that of the document")
        return unsecured

    def hash_data(self, document: JsonObject, proof_config: JsonObject, *, contexts: Contexts = BUNDLED) -> bytes:
        """As every suite (3.2.4 of each). The @context of ``proof_config`` is that of ``document``, as 3.2.5 says."""
        if "@context" not in document:
            raise InvalidInputError(f"{self.name}: expected a document with @context")
        config = {**proof_config, "@context": document["@context"]}
        return self._digest(config, contexts) + self._digest(document, contexts)

    def _digest(self, document: JsonObject, contexts: Contexts) -> bytes:
        return canonicalize(to_quads(document, contexts=contexts, compact=True), hash_name=self._hash_name).hash()

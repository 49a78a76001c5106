"""What the cryptosuites that canonicalise with JCS share: their treatment of ``@context``.

Source:  W3C Data Integrity EdDSA Cryptosuites v1.0, 3.3.1 step 2 and 3.3.2 step 4; ECDSA Cryptosuites v1.0, 3.3.
Shapes:  documents and proof options are JSON objects from the gate and are never changed in place.
I/O:     none.
Errors:  VerificationError (the document's @context does not start with the proof's).
"""

from __future__ import annotations

from ssi.errors import VerificationError
from ssi.types import JsonObject, JsonValue


def with_document_context(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the proof configuration: ``options`` with the document's ``@context``, where it has one (3.3.1)."""
    if "@context" not in document:
        return dict(options)
    return {**options, "@context": document["@context"]}


def unsecured_document(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the document that a proof with ``options`` secures (3.3.2 steps 1 and 4).

    Values that were appended to ``@context`` after signing are left out again, so that what is returned is exactly
    what was signed. Raises VerificationError if the document's ``@context`` does not start with the proof's.
    """
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if "@context" not in options:
        return unsecured
    signed = _as_list(options["@context"])
    if "@context" not in document or _as_list(document["@context"])[: len(signed)] != signed:
        raise VerificationError("expected the document's @context to start with the @context of its proof")
    unsecured["@context"] = options["@context"]
    return unsecured


def _as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]

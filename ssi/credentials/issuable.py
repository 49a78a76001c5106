"""May this be signed? Everything that can be told of a credential, or a presentation, before a key touches it.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4 and 5, and v1.1, section 4; JSON-LD 1.1, "safe mode" as
         the Data Integrity specifications want it (VC Data Integrity 1.0, 2.4.1: terms that mean nothing are errors).
Input:   a JSON object from the parse gate, without a proof.
Shapes:  ``contexts`` is the allow-list; whatever is on it is known by its URL.
I/O:     none.
Errors:  InvalidInputError, CanonicalizationError (a term that no context defines, a value that would be lost),
         VerificationError (a related resource has another digest).
"""

from __future__ import annotations

from collections.abc import Mapping

from ssi.credentials.presentation import Presentation, parse_presentation
from ssi.credentials.vcdm import Credential, check_credential, check_related_resources
from ssi.credentials.vcdm_v1 import is_v1, parse_credential_v1
from ssi.encoding.jsonld import Contexts, to_quads
from ssi.errors import InvalidInputError
from ssi.types import JsonObject


def check_issuable(
    document: JsonObject, *, contexts: Contexts, resources: Mapping[str, bytes] | None = None, compact: bool = False
) -> Credential:
    """Return ``document`` as a credential that may be signed, of data model 2.0 or 1.1.

    ``resources`` are bytes of related resources by URL; those that are not there are not checked, except contexts.
    ``compact`` is for a proof over RDF, which takes no other form of the document.
    """
    if "proof" in document:
        raise InvalidInputError("expected a credential without proof")
    check_meaning(document, contexts=contexts, compact=compact)
    if is_v1(document):
        credential = parse_credential_v1(document, contexts=contexts, inline_contexts="processed")
    else:
        credential = check_credential(document, contexts=contexts, inline_contexts="processed")
    check_related_resources(credential, resources or {})
    return credential


def check_presentable(document: JsonObject, *, contexts: Contexts) -> Presentation:
    """Return ``document`` as a presentation that may be signed."""
    if "proof" in document:
        raise InvalidInputError("expected a presentation without proof")
    check_meaning(document, contexts=contexts)
    return parse_presentation(document, contexts=contexts, inline_contexts="processed")


def check_meaning(document: JsonObject, *, contexts: Contexts, compact: bool = False) -> None:
    """Raise CanonicalizationError unless every member of ``document`` means something under its contexts."""
    to_quads(document, contexts=contexts, compact=compact)

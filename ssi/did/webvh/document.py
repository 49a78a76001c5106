"""Build the document of a did:webvh DID.

Source:  W3C DID Core v1.0, section 5; Controlled Identifiers v1.0, section 2.2.2 (Multikey).
Shapes:  verification methods are Multikeys with absolute ids, controlled by the DID itself.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.did.document import RELATIONSHIPS
from ssi.errors import InvalidInputError
from ssi.keys import PublicKey
from ssi.types import JsonObject

CONTEXT: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")

_FRAGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class DocumentKey(msgspec.Struct, frozen=True):
    """A key to publish, under ``did#fragment``, for the relationships it is meant for."""

    fragment: str
    key: PublicKey
    relationships: tuple[str, ...] = ("assertionMethod",)


def build_document(
    did: str,
    *,
    keys: Sequence[DocumentKey] = (),
    services: Sequence[JsonObject] = (),
    also_known_as: Sequence[str] = (),
) -> JsonObject:
    """Return a DID document. ``did`` may hold the ``{SCID}`` placeholder.

    Raises InvalidInputError for a fragment that is none or comes twice, and for an unknown relationship.
    """
    if len({key.fragment for key in keys}) != len(keys):
        raise InvalidInputError("expected every key under its own fragment")
    document: JsonObject = {"@context": list(CONTEXT), "id": did}
    if also_known_as:
        document["alsoKnownAs"] = list(also_known_as)
    if keys:
        document["verificationMethod"] = [_method(did, key) for key in keys]
    for relationship in RELATIONSHIPS:
        listed = [f"{did}#{key.fragment}" for key in keys if relationship in key.relationships]
        if listed:
            document[relationship] = listed
    if services:
        document["service"] = list(services)
    return document


def _method(did: str, key: DocumentKey) -> JsonObject:
    if not _FRAGMENT.fullmatch(key.fragment):
        raise InvalidInputError("expected a fragment of letters, digits and -._~")
    if not key.relationships or not set(key.relationships) <= set(RELATIONSHIPS):
        raise InvalidInputError(f"expected a key to have relationships of {', '.join(RELATIONSHIPS)}")
    return {
        "id": f"{did}#{key.fragment}",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": key.key.to_multikey(),
    }

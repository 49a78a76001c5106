"""Do two DID documents say the same? Asked when the host of a did:web DID changes.

Source:  W3C DID Core 1.0, sections 3.2 (relative DID URLs), 5.1 to 5.4; did:web method, "Update".
Input:   two parsed documents of one DID.
Shapes:  a statement is a name ("assertionMethod did:web:town.example#key-1") and what is said; key material is compared
         as a key, whether it is written as a JWK or as a Multikey.
I/O:     none.
Errors:  VerificationError (documents of two DIDs).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ssi.did.document import DidDocument
from ssi.did.verification_method import VerificationMethod, public_key_of
from ssi.encoding.jcs import jcs
from ssi.errors import SsiError, VerificationError
from ssi.types import JsonObject

RELATIONSHIPS: Final = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)


class DocumentDifference(msgspec.Struct, frozen=True):
    """A statement that only one of the documents makes, or that they make in different ways."""

    name: str
    """As the operator accepts it."""
    published: bool
    """Whether the published document says anything under this name."""
    ours: bool
    """Whether ours does."""


def compare_documents(published: DidDocument, ours: DidDocument) -> tuple[DocumentDifference, ...]:
    """Return where two documents of one DID differ in meaning, by name."""
    if published.id != ours.id:
        raise VerificationError("expected two documents of one DID")
    theirs, mine = dict(_statements(published)), dict(_statements(ours))
    return tuple(
        DocumentDifference(f"{published.id} {name}", name in theirs, name in mine)
        for name in sorted(theirs.keys() | mine.keys())
        if theirs.get(name) != mine.get(name)
    )


def _statements(document: DidDocument) -> Iterator[tuple[str, object]]:
    for method in document.verification_methods:
        yield f"verificationMethod {method.id}", (method.controller, method.ends_at, _key(method))
    for relationship in RELATIONSHIPS:
        for entry in _listed(document.raw, relationship):
            identifier = str(entry.get("id") if isinstance(entry, dict) else entry)
            yield f"{relationship} {_absolute(document.id, identifier)}", True
    for service in document.services:
        said = {name: value for name, value in service.raw.items() if name != "id"}
        yield f"service {service.id}", jcs(said)
    for member in ("alsoKnownAs", "controller"):
        for value in _listed(document.raw, member):
            yield f"{member} {value}", True


def _key(method: VerificationMethod) -> object:
    """Return the key as a Multikey; of a type that is none of ours, what is written."""
    try:
        return public_key_of(method).to_multikey()
    except SsiError:
        return jcs({name: value for name, value in method.raw.items() if name not in ("id", "type", "controller")})


def _listed(raw: JsonObject, member: str) -> list[Any]:
    value = raw.get(member, [])
    return value if isinstance(value, list) else [value]


def _absolute(did: str, identifier: str) -> str:
    return did + identifier if identifier.startswith("#") else identifier

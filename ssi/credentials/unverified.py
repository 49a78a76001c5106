"""What a document with embedded proofs claims, to decide whose keys to look for before anything of it is believed.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.12 and 4.13; W3C Verifiable Credential Data Integrity
         1.0, section 2.2 (proof purposes).
Input:   a JSON object from the gate.
Shapes:  a credential is secured for ``assertionMethod``, a presentation for ``authentication``.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.credentials.presentation import MAX_CREDENTIALS
from ssi.credentials.values import parse_identified, parse_objects, parse_types
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError
from ssi.proofs.proof import DataIntegrityProof, controller_of, parse_proofs
from ssi.types import JsonObject

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"


class KeyNeeded(msgspec.Struct, frozen=True):
    """A key that verifying takes: of ``verification_method``, as its controller's document lists it for ``purpose``."""

    verification_method: str
    purpose: str

    @property
    def controller(self) -> str:
        """The DID, or the URL of the document, to resolve."""
        return controller_of(self.verification_method)


class UnverifiedCredential(msgspec.Struct, frozen=True, gc=False):
    """What a secured credential claims, to decide by issuer and type whether to look for keys, and for nothing else."""

    document: JsonObject
    issuer: str
    types: tuple[str, ...]
    proofs: tuple[DataIntegrityProof, ...]

    @property
    def keys(self) -> tuple[KeyNeeded, ...]:
        """The keys that verifying takes."""
        return tuple(dict.fromkeys(KeyNeeded(proof.verification_method, ASSERTION) for proof in self.proofs))

    @property
    def signing_input(self) -> bytes:
        """What the proofs are over, whatever their suites make of it: document and options, without signatures.

        It stands for the credential where a JWS has its signing input, such as in a proof of issuance.
        """
        return jcs({**self.document, "proof": [proof.options for proof in self.proofs]})


class UnverifiedPresentation(msgspec.Struct, frozen=True, gc=False):
    """As ``UnverifiedCredential``; ``credentials`` are those with embedded proofs, in their order."""

    document: JsonObject
    holder: str | None
    proofs: tuple[DataIntegrityProof, ...]
    credentials: tuple[UnverifiedCredential, ...]

    @property
    def keys(self) -> tuple[KeyNeeded, ...]:
        """The keys that verifying takes, those for the credentials after those for the presentation."""
        own = [KeyNeeded(proof.verification_method, AUTHENTICATION) for proof in self.proofs]
        return tuple(dict.fromkeys([*own, *(key for credential in self.credentials for key in credential.keys)]))


def read_credential(document: JsonObject) -> UnverifiedCredential:
    """Read whose keys verifying ``document`` takes. Raises InvalidInputError."""
    issuer = parse_identified(document.get("issuer"), "issuer")
    types = parse_types(document.get("type"), "type", required="VerifiableCredential")
    return UnverifiedCredential(document, issuer, types, parse_proofs(document.get("proof")))


def read_presentation(document: JsonObject) -> UnverifiedPresentation:
    """Read whose keys verifying ``document`` and the credentials with proofs in it takes. Raises InvalidInputError."""
    parse_types(document.get("type"), "type", required="VerifiablePresentation")
    holder = parse_identified(document["holder"], "holder") if "holder" in document else None
    proofs = parse_proofs(document.get("proof"))
    credentials: tuple[UnverifiedCredential, ...] = ()
    if "verifiableCredential" in document:
        members = parse_objects(document["verifiableCredential"], "verifiableCredential")
        if len(members) > MAX_CREDENTIALS:
            raise InvalidInputError(f"expected at most {MAX_CREDENTIALS} credentials in a presentation")
        credentials = tuple(read_credential(member) for member in members if "proof" in member)
    return UnverifiedPresentation(document, holder, proofs, credentials)

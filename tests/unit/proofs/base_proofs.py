"""What the tests of the suites with selective disclosure share: a document, and base proofs over it."""

from __future__ import annotations

from typing import Any

from ssi.keys import KeyPurpose
from ssi.proofs.data_integrity import add_further_proof, add_proof
from ssi.types import JsonObject

NOW = 1_700_000_000
MANDATORY = ["/issuer", "/credentialSubject/parts/0/kind"]
DOCUMENT: JsonObject = {
    "@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://example.org/#"}],
    "type": ["VerifiableCredential"],
    "issuer": {"id": "did:example:issuer", "name": "Office"},
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {
        "name": "Zoë",
        "born": 1990,
        "parts": [{"size": 1, "kind": "k"}, {"size": 2, "kind": "k"}],
    },
}


async def add_base_proof(document: JsonObject, **arguments: Any) -> JsonObject:
    """Return ``document`` with a proof at NOW, the first or one more."""
    fixed = {"purpose": KeyPurpose.CREDENTIAL, "proof_purpose": "assertionMethod", "created": NOW}
    add = add_further_proof if "proof" in document else add_proof
    return await add(document, **{**fixed, **arguments})

"""Signers for the tests of proofs: a key store with a key of every suite, and documents they have signed."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, PinnedContext
from ssi.errors import VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import (
    Cryptosuite,
    VerifiedDocument,
    add_further_proof,
    add_proof,
    jcs_suite_for,
    verify_proofs,
)
from ssi.types import JsonObject

NOW = 1_700_000_000
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
_VOCABULARY: JsonObject = {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}}
CONTEXTS = BUNDLED.with_pinned({EXAMPLES: PinnedContext(_VOCABULARY, sha256(jcs(_VOCABULARY)).hexdigest())})
"""The bundled contexts, and the examples context of W3C, which defines every term."""
ASSERTION = "assertionMethod"
DOCUMENT: JsonObject = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "urn:x:1",
    "n": 1.5,
    "nested": {"list": [1, "two", None, True], "text": "Zoë"},
}
KEYS = {
    name: PrivateKey.generate(curve)
    for name, curve in {"ed": Curve.ED25519, "p256": Curve.P256, "p384": Curve.P384, "ed2": Curve.ED25519}.items()
}


def method(label: str) -> str:
    """Return the verification method of the key ``label``."""
    return f"did:example:{label}#key-1"


def keys(verification_method: str, purpose: str) -> PublicKey:
    """Look a key up, for assertions and authentication alike."""
    for label, key in KEYS.items():
        if verification_method == method(label):
            return key.public_key
    raise VerificationError(f"expected a known key for {purpose}")


async def kms() -> MemoryKms:
    """Return a store with all keys."""
    store = MemoryKms()
    for label, key in KEYS.items():
        await store.add(label, key, purpose=KeyPurpose.CREDENTIAL)
    return store


async def sign(document: JsonObject, label: str, **options: Any) -> JsonObject:
    """Return ``document`` with the first proof, by the key ``label``."""
    return await add_proof(document, **await _arguments(label), options=options)


async def sign_further(secured: JsonObject, label: str, previous: Any = None, **options: Any) -> JsonObject:
    """Return ``secured`` with one more proof, by the key ``label``."""
    return await add_further_proof(secured, **await _arguments(label), previous_proof=previous, options=options)


async def _arguments(label: str) -> dict[str, Any]:
    suite: Cryptosuite = jcs_suite_for(KEYS[label].public_key)
    return {
        "kms": await kms(),
        "label": label,
        "purpose": KeyPurpose.CREDENTIAL,
        "verification_method": method(label),
        "proof_purpose": ASSERTION,
        "created": NOW,
        "suite": suite,
    }


def verify(document: JsonObject, **changed: Any) -> VerifiedDocument:
    """Verify all proofs of ``document`` for assertions at NOW, but for what is ``changed``."""
    arguments: dict[str, Any] = {"keys": keys, "expected_purpose": ASSERTION, "now": NOW, "contexts": CONTEXTS}
    return verify_proofs(document, **{**arguments, **changed})


def copy(document: JsonObject) -> Any:
    """Return a deep copy."""
    return json.loads(json.dumps(document))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every leaf in ``value``."""
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in leaves(item, (*path, name))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [path]


def altered(document: JsonObject, path: tuple[Any, ...]) -> JsonObject:
    """Return a copy of ``document`` in which the leaf at ``path`` has another value of the same type."""
    changed: JsonObject = copy(document)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if isinstance(value, str):
        # The last character of base58, or of a date, may not be free to change.
        holder[path[-1]] = value[:2] + ("A" if value[2:3] != "A" else "B") + value[3:]
    elif isinstance(value, bool):
        holder[path[-1]] = not value
    else:
        holder[path[-1]] = "x" if value is None else value + 1
    return changed

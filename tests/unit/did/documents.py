"""Keys and documents that the tests of this folder share."""

from __future__ import annotations

from typing import Any

from ssi.keys import Curve, PrivateKey, PublicKey

DID = "did:example:agency"


def fresh(curve: Curve = Curve.P256) -> PublicKey:
    return PrivateKey.generate(curve).public_key


def multikey(key: PublicKey, name: str = "key-1", *, did: str = DID, **members: Any) -> dict[str, Any]:
    return {
        "id": f"{did}#{name}",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": key.to_multikey(),
    } | members


def document(*methods: Any, did: str = DID, **members: Any) -> dict[str, Any]:
    return {"@context": ["https://www.w3.org/ns/did/v1"], "id": did, "verificationMethod": list(methods)} | members

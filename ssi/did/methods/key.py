"""did:key, where the DID is the key.

Source:  did:key method (W3C CCG draft, 2025-11-02), "Format", "Create"; Controlled Identifiers v1.0, 2.2.2 (Multikey).
Shapes:  the identifier is multibase base58btc (``z``) over a multicodec prefix and the raw public key; elliptic-curve
         points are compressed. Documents carry Multikeys, as the current text does. Its grammar also knows base64url,
         its algorithm and the Multikey format only base58btc: a second spelling of a key is refused.
I/O:     none: the document is computed.
Errors:  InvalidDidError (not a key, or of a type that is not supported), InvalidInputError (asked for another version).
"""

from __future__ import annotations

from typing import Final

from ssi.did.document import parse_document
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.encoding.multicodec import ED25519_PUB, X25519_PUB
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import PublicKey
from ssi.types import JsonObject

_CONTEXT: Final = "https://www.w3.org/ns/did/v1.1"
_SIGNING: Final = ("authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
_FIELD_PRIME: Final = 2**255 - 19
_MAX_LENGTH: Final = 256


class DidKey:
    """The did:key method."""

    method: Final[str] = "key"

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the one document that ``did`` ever has; ``version_time`` changes nothing.

        Raises InvalidDidError, and InvalidInputError if a version id is asked for.
        """
        if version_id is not None:
            raise InvalidInputError("did:key documents have no versions")
        document = parse_document(build_key_document(did), did=did)
        return Resolution(document, ResolutionMetadata(source="key"))


def did_key(public_key: PublicKey) -> str:
    """Return the did:key of a public key, in base58btc."""
    return f"did:key:{public_key.to_multikey()}"


def build_key_document(did: str) -> JsonObject:
    """Return the document of a did:key ("Document Creation Algorithm").

    An Ed25519 key gets the X25519 key derived from it for key agreement; an X25519 key serves key agreement only.
    Raises InvalidDidError.
    """
    parsed = parse_did(did)
    value = parsed.id
    if parsed.method != "key" or not value.startswith("z") or len(value) > _MAX_LENGTH:
        raise InvalidDidError("expected did:key and one base58btc value that starts with z")
    try:
        raw = multibase_decode(value)
        if raw.startswith(X25519_PUB):
            _check_length(raw, X25519_PUB, 32)
            method = _multikey(did, value)
            return {
                "@context": [_CONTEXT],
                "id": did,
                "verificationMethod": [method],
                "keyAgreement": [method["id"]],
            }
        PublicKey.from_multikey(value)
    except InvalidInputError as exc:
        raise InvalidDidError(f"the identifier is not a supported key: {exc}") from exc
    method = _multikey(did, value)
    document: JsonObject = {"@context": [_CONTEXT], "id": did, "verificationMethod": [method]}
    document.update({relationship: [method["id"]] for relationship in _SIGNING})
    if raw.startswith(ED25519_PUB):
        agreement = X25519_PUB + x25519_from_ed25519(raw[len(ED25519_PUB) :])
        document["keyAgreement"] = [_multikey(did, base58btc_encode(agreement))]
    return document


def x25519_from_ed25519(public_key: bytes) -> bytes:
    """Return the X25519 public key (32 bytes) of an Ed25519 public key (32 bytes).

    The map is u = (1 + y) / (1 - y) of RFC 7748, 4.1. Raises InvalidDidError for the point that has no image.
    """
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if y >= _FIELD_PRIME or y == 1:
        raise InvalidDidError("the Ed25519 key has no X25519 form")
    u = (1 + y) * pow(1 - y, -1, _FIELD_PRIME) % _FIELD_PRIME
    return u.to_bytes(32, "little")


def _multikey(did: str, value: str) -> JsonObject:
    return {"id": f"{did}#{value}", "type": "Multikey", "controller": did, "publicKeyMultibase": value}


def _check_length(raw: bytes, prefix: bytes, length: int) -> None:
    if len(raw) != len(prefix) + length:
        raise InvalidDidError(f"expected {length} bytes of key, got {len(raw) - len(prefix)}")

"""did:key, where the DID is the key.

Source:  did:key method (W3C CCG draft, 2025-11-02), "Format", "Create"; Controlled Identifiers v1.0, 2.2.2 (Multikey);
         EBSI DID method for natural persons (multicodec ``jwk_jcs-pub``).
Shapes:  the identifier is multibase base58btc (``z``) over a multicodec prefix and the raw public key; elliptic-curve
         points are compressed. With ``jwk_jcs-pub`` it is the RFC 8785 form of a JWK with its required members only,
         and the document carries that JWK; other documents carry Multikeys, as the current text does. Its grammar also
         knows base64url, its algorithm and the Multikey format only base58btc: a second spelling of a key is refused.
I/O:     none: the document is computed.
Errors:  InvalidDidError (not a key, or of a type that is not supported), InvalidInputError (asked for another version).
"""

from __future__ import annotations

from typing import Final

from ssi.did.document import parse_document
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.encoding.multicodec import ED25519_PUB, JWK_JCS_PUB, X25519_PUB
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import PublicKey
from ssi.types import JsonObject

_CONTEXT: Final = "https://www.w3.org/ns/did/v1.1"
_SIGNING: Final = ("authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
_FIELD_PRIME: Final = 2**255 - 19
_MAX_LENGTH: Final = 256
_MAX_JWK_LENGTH: Final = 512


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


def did_key_of_jwk(public_key: PublicKey) -> str:
    """Return the did:key of a public key in the form that EBSI asks of natural persons (``jwk_jcs-pub``)."""
    return f"did:key:{base58btc_encode(JWK_JCS_PUB + jcs(_required(public_key)))}"


def build_key_document(did: str) -> JsonObject:
    """Return the document of a did:key ("Document Creation Algorithm").

    An Ed25519 key gets the X25519 key derived from it for key agreement; an X25519 key serves key agreement only.
    Raises InvalidDidError.
    """
    parsed = parse_did(did)
    value = parsed.id
    if parsed.method != "key" or not value.startswith("z") or len(value) > _MAX_JWK_LENGTH:
        raise InvalidDidError("expected did:key and one base58btc value that starts with z")
    try:
        raw = multibase_decode(value)
        if raw.startswith(JWK_JCS_PUB):
            return _jwk_document(did, value, raw[len(JWK_JCS_PUB) :])
        if len(value) > _MAX_LENGTH:
            raise InvalidInputError(f"expected at most {_MAX_LENGTH} characters")
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


def _jwk_document(did: str, value: str, encoded: bytes) -> JsonObject:
    """Return the document of a ``jwk_jcs-pub`` identifier. A second spelling of the JWK would be a second DID of it."""
    key = PublicKey.from_jwk(parse_object(encoded))
    jwk = _required(key)
    if jcs(jwk) != encoded:
        raise InvalidInputError("expected the RFC 8785 form of a JWK with its required members only")
    method = {"id": f"{did}#{value}", "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk}
    document: JsonObject = {"@context": [_CONTEXT], "id": did, "verificationMethod": [method]}
    document.update({relationship: [method["id"]] for relationship in _SIGNING})
    return document


def _required(key: PublicKey) -> JsonObject:
    """Return the JWK of ``key`` with the members of its thumbprint only (RFC 7638, 3.2)."""
    jwk = key.to_jwk()
    return {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}


def _multikey(did: str, value: str) -> JsonObject:
    return {"id": f"{did}#{value}", "type": "Multikey", "controller": did, "publicKeyMultibase": value}


def _check_length(raw: bytes, prefix: bytes, length: int) -> None:
    if len(raw) != len(prefix) + length:
        raise InvalidDidError(f"expected {length} bytes of key, got {len(raw) - len(prefix)}")

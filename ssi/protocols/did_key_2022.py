"""Resolution results as the did:key text of 2022 has them: error names as strings, and a format for the keys.

Source:  did:key method (W3C CCG, v0.7 of 2022), "Document Creation Algorithm", "Error Handling": what its public test
         suite asks of a resolver.
Input:   a request whose Accept is ``application/ld+json;profile="https://w3id.org/did-resolution"``.
Shapes:  errors are ``invalidDid``, ``methodNotSupported``, ``invalidPublicKeyLength``, ``unsupportedPublicKeyType``,
         ``invalidDidUrl``, ``invalidPublicKeyType``, ``notFound``, ``internalError``; documents name their controller.
I/O:     none.
Errors:  UnsupportedFormatError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ssi.did.document import RELATIONSHIPS
from ssi.did.resolver import Resolution
from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import multibase_decode
from ssi.encoding.multicodec import ED25519_PUB, P256_PUB, P384_PUB, SECP256K1_PUB, X25519_PUB
from ssi.errors import InvalidDidError, InvalidInputError, NotFoundError, SsiError, UnsupportedDidMethodError
from ssi.keys import PublicKey
from ssi.protocols.did_resolution import OLD_PROFILE, build_error_response, build_metadata
from ssi.protocols.http import HttpResponse, build_json
from ssi.types import JsonObject, JsonValue

CONTEXT: Final = "https://w3id.org/did-resolution/v1"
MULTIKEY: Final = "Multikey"
JSON_WEB_KEY: Final = "JsonWebKey2020"
SUITE_FORMATS: Final = ("Ed25519VerificationKey2020", "X25519KeyAgreementKey2020")
_METHOD_MEMBERS: Final = frozenset({"verificationMethod", *RELATIONSHIPS})
_LENGTHS: Final = {ED25519_PUB: 32, X25519_PUB: 32, P256_PUB: 33, P384_PUB: 49, SECP256K1_PUB: 33}


class UnsupportedFormatError(InvalidInputError):
    """The key format that was asked for is none, or is an experimental one."""


def check_options(options: Mapping[str, str]) -> str:
    """Return the key format to write. Raises UnsupportedFormatError for one that is not written here."""
    wanted = options.get("publicKeyFormat", MULTIKEY)
    if wanted not in (MULTIKEY, JSON_WEB_KEY, *SUITE_FORMATS):
        raise UnsupportedFormatError(f"expected publicKeyFormat {MULTIKEY}, {JSON_WEB_KEY} or {SUITE_FORMATS[0]}")
    return wanted


def build_response(resolution: Resolution, *, key_format: str, dereferences: bool) -> HttpResponse:
    """Return the response for a DID, or for a DID URL of it: the document either way."""
    name = "didDereferencingMetadata" if dereferences else "didResolutionMetadata"
    document = {
        member: _with_format(value, key_format) if member in _METHOD_MEMBERS else value
        for member, value in resolution.document.raw.items()
    }
    document["controller"] = resolution.document.id
    result: JsonObject = {
        "@context": CONTEXT,
        "didDocument": document,
        "didDocumentMetadata": build_metadata(resolution),
        name: {"contentType": "application/did+ld+json"},
    }
    return build_json(410 if resolution.metadata.deactivated else 200, result, content_type=OLD_PROFILE)


def build_old_error(error: SsiError, *, did_url: str, dereferences: bool) -> HttpResponse:
    """Return the response for a request that failed."""
    name = "didDereferencingMetadata" if dereferences else "didResolutionMetadata"
    result: JsonObject = {
        "@context": CONTEXT,
        "didDocument": {},
        "didDocumentMetadata": {},
        name: {"error": _error_name(error, did_url, dereferences=dereferences)},
    }
    status = build_error_response(error, dereferences=dereferences).status
    return build_json(status, result, content_type=OLD_PROFILE)


def _error_name(error: SsiError, did_url: str, *, dereferences: bool) -> str:
    if isinstance(error, UnsupportedFormatError):
        return "invalidPublicKeyType" if dereferences else "unsupportedPublicKeyType"
    if isinstance(error, UnsupportedDidMethodError):
        return "methodNotSupported"
    if isinstance(error, InvalidDidError):
        if dereferences:
            return "invalidDidUrl"
        return "invalidPublicKeyLength" if _has_wrong_length(did_url) else "invalidDid"
    if isinstance(error, NotFoundError):
        return "notFound"
    return "invalidOptions" if isinstance(error, InvalidInputError) else "internalError"


def _has_wrong_length(did: str) -> bool:
    """Tell whether a did:key names a type of key, with more or fewer bytes than such a key has."""
    try:
        raw = multibase_decode(did.removeprefix("did:key:"))
    except InvalidInputError:
        return False
    return any(raw.startswith(prefix) and len(raw) - len(prefix) != length for prefix, length in _LENGTHS.items())


def _with_format(methods: JsonValue, key_format: str) -> JsonValue:
    """Return the methods of a member of the document; ids of methods stay as they are."""
    return [_formatted(item, key_format) if isinstance(item, dict) else item for item in methods]


def _formatted(method: JsonObject, key_format: str) -> JsonObject:
    """Return the verification method in the format that was asked for, as it is if it has no such form."""
    if method.get("type") != MULTIKEY or key_format == MULTIKEY:
        return method
    value = method["publicKeyMultibase"]
    raw = multibase_decode(value)
    kept = {name: method[name] for name in ("id", "controller")}
    if key_format == JSON_WEB_KEY:
        return {**kept, "type": JSON_WEB_KEY, "publicKeyJwk": _jwk(value, raw)}
    if raw.startswith(ED25519_PUB):
        return {**kept, "type": SUITE_FORMATS[0], "publicKeyMultibase": value}
    if raw.startswith(X25519_PUB):
        return {**kept, "type": SUITE_FORMATS[1], "publicKeyMultibase": value}
    return method


def _jwk(value: str, raw: bytes) -> JsonObject:
    if raw.startswith(X25519_PUB):
        return {"kty": "OKP", "crv": "X25519", "x": b64url_encode(raw[len(X25519_PUB) :])}
    return PublicKey.from_multikey(value).to_jwk()

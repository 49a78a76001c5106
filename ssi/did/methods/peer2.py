"""did:peer with numalgo 2: keys and services written into the DID itself.

Source:  Peer DID Method Specification (2025-05-20), "Method 2: multiple inception key without doc" and "Method 3".
Input:   a DID from anywhere; for a new one, Multikeys with their relationships, and services with relative ids.
Shapes:  ``did:peer:2`` and then elements, each a period and a purpose code: keys as multibase base58btc, services as
         unpadded base64url of JSON with the abbreviations of the lookup table. Ids are ``#key-N`` and ``#service-N``.
I/O:     none.
Errors:  InvalidDidError (a DID that is none), InvalidInputError (a service that cannot be written).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from ssi.did.document import parse_document
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.encoding.multicodec import SHA2_256_MULTIHASH, X25519_PUB
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue

MAX_ELEMENTS: Final = 64
MAX_KEY_CHARACTERS: Final = 160

_PREFIX: Final = "did:peer:2"
_CONTEXT: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
_PURPOSES: Final = {
    "A": "assertionMethod",
    "E": "keyAgreement",
    "V": "authentication",
    "I": "capabilityInvocation",
    "D": "capabilityDelegation",
}
_CODES: Final = {relationship: code for code, relationship in _PURPOSES.items()}
_SERVICE: Final = "S"
_SHORT_NAMES: Final = {"type": "t", "serviceEndpoint": "s", "routingKeys": "r", "accept": "a"}
_LONG_NAMES: Final = {short: name for name, short in _SHORT_NAMES.items()}
_SHORT_TYPES: Final = {"DIDCommMessaging": "dm"}
_LONG_TYPES: Final = {short: name for name, short in _SHORT_TYPES.items()}


class PeerKey(msgspec.Struct, frozen=True):
    """A key for a peer DID: its Multikey, and the one relationship that it serves."""

    multikey: str
    relationship: str = "authentication"


def did_peer_2(keys: Sequence[PeerKey], services: Sequence[JsonObject] = ()) -> str:
    """Return the did:peer:2 of these keys and services, in this order ("Generating a did:peer:2").

    Raises InvalidInputError for an unknown relationship, a key that is none, and a service without type or endpoint, or
    with an id that is not relative.
    """
    elements: list[str] = []
    for key in keys:
        if key.relationship not in _CODES:
            raise InvalidInputError(f"expected a relationship of {', '.join(_CODES)}")
        _check_key(key.multikey)
        elements.append(f".{_CODES[key.relationship]}{key.multikey}")
    for service in services:
        if "type" not in service or "serviceEndpoint" not in service:
            raise InvalidInputError("expected a service with a type and a serviceEndpoint")
        if not str(service.get("id", "#")).startswith("#"):
            raise InvalidInputError("expected a service whose id is relative")
        if service["type"] in list(_LONG_TYPES) or not _LONG_NAMES.keys().isdisjoint(service):
            raise InvalidInputError("expected a service without abbreviations of its own: they would be read as others")
        encoded = msgspec.json.encode(_abbreviated(service))
        elements.append(f".{_SERVICE}{b64url_encode(encoded)}")
    did = _PREFIX + "".join(elements)
    try:
        parse_document(build_peer_2_document(did), did=did)
    except InvalidDidError as exc:
        raise InvalidInputError(f"expected keys and services that make a did:peer:2: {exc}") from exc
    return did


def build_peer_2_document(did: str) -> JsonObject:
    """Return the document of a did:peer:2 ("Resolving a did:peer:2"). Raises InvalidDidError."""
    start, *elements = did.split(".")
    if start != _PREFIX or not 1 <= len(elements) <= MAX_ELEMENTS:
        raise InvalidDidError(f"expected did:peer:2 and 1 to {MAX_ELEMENTS} elements that start with a period")
    document: JsonObject = {"@context": list(_CONTEXT), "id": did}
    methods: list[JsonObject] = []
    services: list[JsonObject] = []
    for element in elements:
        code, value = element[:1], element[1:]
        if code == _SERVICE:
            services.append(_read_service(value))
            continue
        if code not in _PURPOSES:
            raise InvalidDidError("expected elements of did:peer:2 with the purpose codes A, E, V, I, D and S")
        try:
            _check_key(value)
        except InvalidInputError as exc:
            raise InvalidDidError(f"an element of did:peer:2 is no key: {exc}") from exc
        method_id = f"#key-{len(methods) + 1}"
        methods.append({"id": method_id, "type": "Multikey", "controller": did, "publicKeyMultibase": value})
        document.setdefault(_PURPOSES[code], []).append(method_id)
    if methods:
        document["verificationMethod"] = methods
    if services:
        document["service"] = _with_ids(services)
    document["alsoKnownAs"] = [peer_3_of(did)]
    return document


def peer_3_of(did: str) -> str:
    """Return the did:peer:3 that shortens a did:peer:2 ("Method 3")."""
    digest = sha256(did.removeprefix(_PREFIX).encode("ascii")).digest()
    return f"did:peer:3{base58btc_encode(SHA2_256_MULTIHASH + digest)}"


def _check_key(multikey: str) -> None:
    """Raise InvalidInputError unless the text is a Multikey of a type that documents may hold here."""
    if not multikey.startswith("z") or len(multikey) > MAX_KEY_CHARACTERS:
        raise InvalidInputError(f"expected a Multikey that starts with z, of at most {MAX_KEY_CHARACTERS} characters")
    raw = multibase_decode(multikey)
    if raw.startswith(X25519_PUB):
        if len(raw) != len(X25519_PUB) + 32:
            raise InvalidInputError("expected an X25519 key of 32 bytes")
        return
    PublicKey.from_multikey(multikey)


def _read_service(encoded: str) -> JsonObject:
    try:
        service = parse_object(b64url_decode(encoded))
    except InvalidInputError as exc:
        raise InvalidDidError(f"a service of did:peer:2 is not the base64url of a JSON object: {exc}") from exc
    expanded: JsonObject = _expanded(service)
    if "type" not in expanded or "serviceEndpoint" not in expanded:
        raise InvalidDidError("a service of did:peer:2 has a type and a serviceEndpoint")
    if isinstance(expanded["type"], str):
        expanded["type"] = _LONG_TYPES.get(expanded["type"], expanded["type"])
    if "id" in expanded and not (isinstance(expanded["id"], str) and expanded["id"].startswith("#")):
        raise InvalidDidError("the id of a service of did:peer:2 is relative")
    return expanded


def _with_ids(services: list[JsonObject]) -> list[JsonObject]:
    """Return the services, those without id numbered: ``#service``, ``#service-1``, ``#service-2``."""
    unnamed = 0
    named: list[JsonObject] = []
    for service in services:
        if "id" not in service:
            service = {**service, "id": "#service" if unnamed == 0 else f"#service-{unnamed}"}
            unnamed += 1
        named.append(service)
    return named


def _abbreviated(service: JsonObject) -> JsonObject:
    short: JsonObject = _renamed(service, _SHORT_NAMES)
    if isinstance(short["t"], str):
        short["t"] = _SHORT_TYPES.get(short["t"], short["t"])
    return short


def _expanded(service: JsonObject) -> JsonObject:
    long: JsonObject = _renamed(service, _LONG_NAMES)
    return long


def _renamed(value: JsonValue, names: dict[str, str]) -> Any:
    """Return ``value`` with member names replaced at every depth. Raises InvalidDidError if two become one."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {names.get(name, name): _renamed(item, names) for name, item in value.items()}
    if len(renamed) != len(value):
        raise InvalidDidError("a service of did:peer:2 has a member twice, in full and abbreviated")
    return renamed

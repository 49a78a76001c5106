"""What the attributes of a did:ethr say: verification methods and services, by their names in the registry.

Source:  ETHR DID Method Specification, "Non-Ethereum Attributes", "Known Key Types", "Key purposes", "Service
         Endpoints"; DID Core v1.0, 5.4 (what a serviceEndpoint may be).
Input:   an attribute as the registry has it, whoever wrote it.
Shapes:  names are ``did/pub/ALGORITHM/PURPOSE[/ENCODING]`` and ``did/svc/TYPE``; values are bytes. A value that is no
         key of its algorithm, or no endpoint, gives None: what is shown is well formed, and its number counts on.
I/O:     none.
Errors:  none.

An encoding is followed for algorithms that the specification does not know; for those it knows it fixes one form.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Final

from ssi.encoding import multicodec
from ssi.encoding.gate import parse_json
from ssi.encoding.multibase import base58_encode, base58btc_encode
from ssi.errors import InvalidInputError
from ssi.keys import Curve, PublicKey
from ssi.types import JsonObject, JsonValue

MAX_VALUE_BYTES: Final = 8192
"""Longest value that becomes a key or a service."""
KEY_PREFIX: Final = "did/pub/"
SERVICE_PREFIX: Final = "did/svc/"
SECP256K1: Final = "EcdsaSecp256k1VerificationKey2019"
RECOVERY: Final = "EcdsaSecp256k1RecoveryMethod2020"

_NAME: Final = re.compile(r"did/(?:pub|svc)/([A-Za-z0-9_]+)(?:/([A-Za-z0-9_]+))?(?:/([A-Za-z0-9_]+))?")
_RAW_BYTES: Final = 32

_RELATIONSHIPS: Final[dict[str | None, tuple[str, ...]]] = {
    "veriKey": ("assertionMethod",),
    # The reference resolver lists it in both: who may speak as the DID may also assert.
    "sigAuth": ("authentication", "assertionMethod"),
    "enc": ("keyAgreement",),
}


def relationships(purpose: str | None) -> tuple[str, ...]:
    """Return where a key of this purpose is listed; nowhere for a purpose that is none of the specification's."""
    return _RELATIONSHIPS.get(purpose, ())


def attribute_parts(name: str) -> tuple[str, str | None, str | None] | None:
    """Return the algorithm or service type of a name, its purpose and its encoding; None for another kind of name."""
    match = _NAME.fullmatch(name)
    return None if match is None else (match[1], match[2], match[3])


def key_material(algorithm: str, encoding: str | None, value: bytes) -> JsonObject | None:
    """Return ``type`` and key members of the verification method that a key attribute stands for."""
    if not 0 < len(value) <= MAX_VALUE_BYTES:
        return None
    if algorithm in ("Ed25519", "X25519"):
        if len(value) != _RAW_BYTES:
            return None
        if algorithm == "Ed25519":
            return _multibase("Ed25519VerificationKey2020", multicodec.ED25519_PUB + value)
        return _multibase("X25519KeyAgreementKey2020", multicodec.X25519_PUB + value)
    if algorithm == "Multikey":
        return _multibase("Multikey", value)
    if algorithm == "Secp256k1":
        return _secp256k1(value)
    if encoding == "base58":
        return {"type": algorithm, "publicKeyBase58": base58_encode(value)}
    if encoding == "base64":
        return {"type": algorithm, "publicKeyBase64": base64.b64encode(value).decode("ascii")}
    return {"type": algorithm, "publicKeyHex" if encoding in (None, "hex") else "value": value.hex()}


def endpoint(value: bytes) -> JsonValue | None:
    """Return the endpoint of a service attribute: a text, or what its JSON says if DID Core allows it."""
    if not 0 < len(value) <= MAX_VALUE_BYTES:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    try:
        json.loads(text, parse_constant=_refuse)
    except RecursionError:
        return None
    except ValueError:
        return text
    try:
        found = parse_json(text)
    except InvalidInputError:
        return None  # JSON that two readers could read differently
    return found if isinstance(found, str | dict | list) else None


def _refuse(_: str) -> None:
    raise ValueError


def _multibase(kind: str, value: bytes) -> JsonObject:
    return {"type": kind, "publicKeyMultibase": base58btc_encode(value)}


def _secp256k1(value: bytes) -> JsonObject | None:
    try:
        key = PublicKey.from_raw(Curve.SECP256K1, value)
    except InvalidInputError:
        return None
    return {"type": SECP256K1, "publicKeyJwk": key.to_jwk()}

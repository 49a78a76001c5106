"""Read one verification method, and the public key in it.

Source:  W3C Controlled Identifiers v1.0, section 2.2 (verification methods, Multikey, JsonWebKey); the verification
         suites of 2018 to 2020 for documents that still carry them.
Shapes:  exactly one ``publicKey…`` member; private members are refused wherever they stand.
I/O:     none.
Errors:  InvalidInputError (malformed), VerificationError (a type, or a use of the key, that is not for verifying here).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ssi.did.parse import parse_did, parse_did_url
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonObject, JsonValue

if TYPE_CHECKING:
    from ssi.keys import PublicKey

_PRIVATE_JWK: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "seed"})

_TYPES: Final[dict[str, tuple[frozenset[str], frozenset[str] | None]]] = {
    # type: members that may carry the key, curves that the type allows (None: any)
    "Multikey": (frozenset({"publicKeyMultibase"}), None),
    "JsonWebKey": (frozenset({"publicKeyJwk"}), None),
    "JsonWebKey2020": (frozenset({"publicKeyJwk"}), None),
    "Ed25519VerificationKey2020": (frozenset({"publicKeyMultibase"}), frozenset({"Ed25519"})),
    "Ed25519VerificationKey2018": (frozenset({"publicKeyBase58", "publicKeyJwk"}), frozenset({"Ed25519"})),
    "EcdsaSecp256k1VerificationKey2019": (
        frozenset({"publicKeyJwk", "publicKeyBase58", "publicKeyHex", "publicKeyMultibase"}),
        frozenset({"secp256k1"}),
    ),
}


class VerificationMethod(msgspec.Struct, frozen=True):
    """One verification method of a DID document; ``id`` is absolute."""

    id: str
    type: str
    controller: str
    raw: JsonObject
    ends_at: int | None = None
    """Unix seconds from which the method proves nothing: the earlier of ``expires`` and ``revoked``."""


def parse_verification_method(raw: JsonValue, *, did: str, absolute_ids: bool = False) -> VerificationMethod:
    """Return one verification method of the document of ``did``, without reading its key yet.

    Raises InvalidInputError if a required member is missing or malformed, or if the method publishes a private key.
    """
    if not isinstance(raw, dict):
        raise InvalidInputError("a verification method is an object or the id of one")
    for name in ("id", "type"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise InvalidInputError(f"a verification method has the string {name}")
    # Widely published documents leave the controller out; such a method is read, and nobody's, so it gives no key.
    controller = raw.get("controller", "")
    if not isinstance(controller, str) or ("controller" in raw and not controller):
        raise InvalidInputError("a verification method's controller is a string")
    method_id: str = raw["id"]
    if method_id.startswith("#") and not absolute_ids:
        method_id = f"{did}{method_id}"
    parse_did_url(method_id)
    if controller:
        parse_did(controller)
    _refuse_private(raw)
    ends = [_unix(raw[name], name) for name in ("expires", "revoked") if name in raw]
    return VerificationMethod(method_id, raw["type"], controller, raw, min(ends, default=None))


def public_key_of(method: VerificationMethod, relationship: str) -> PublicKey:
    """Return the public key of ``method``, for use under ``relationship``.

    Raises VerificationError if the type is unknown here or the JWK is not for verifying, InvalidInputError if the
    material is malformed, has several forms, or is of another curve than the type says.
    """
    members = [name for name in method.raw if name.startswith("publicKey")]
    if method.type not in _TYPES:
        raise VerificationError("verification method of a type that is not supported")
    allowed, curves = _TYPES[method.type]
    # Two forms of one key could name two keys, and two readers would pick differently.
    if len(members) != 1 or members[0] not in allowed:
        raise InvalidInputError(f"{method.type}: expected exactly one of {', '.join(sorted(allowed))}")
    value = method.raw[members[0]]
    if members[0] == "publicKeyJwk":
        _check_jwk_use(value, relationship)
    elif not isinstance(value, str):
        raise InvalidInputError(f"{members[0]} is a string")
    key = _READERS[members[0]](value, method.type)
    if curves is not None and key.curve not in curves:
        raise InvalidInputError(f"{method.type}: key of another curve")
    return key


def _from_multibase(value: Any, _type: str) -> PublicKey:
    from ssi.keys import PublicKey

    return PublicKey.from_multikey(value)


def _from_jwk(value: Any, _type: str) -> PublicKey:
    from ssi.keys import PublicKey

    return PublicKey.from_jwk(value)


def _from_base58(value: Any, kind: str) -> PublicKey:
    from ssi.encoding.multibase import base58_decode

    return _from_raw(base58_decode(value), kind)


def _from_hex(value: Any, kind: str) -> PublicKey:
    try:
        return _from_raw(bytes.fromhex(value), kind)
    except ValueError as exc:
        raise InvalidInputError("publicKeyHex is hexadecimal") from exc


def _from_raw(raw: bytes, kind: str) -> PublicKey:
    from ssi.keys import Curve, PublicKey

    return PublicKey.from_raw(Curve.ED25519 if kind.startswith("Ed25519") else Curve.SECP256K1, raw)


_READERS: Final[dict[str, Callable[[Any, str], PublicKey]]] = {
    "publicKeyMultibase": _from_multibase,
    "publicKeyJwk": _from_jwk,
    "publicKeyBase58": _from_base58,
    "publicKeyHex": _from_hex,
}


def _check_jwk_use(jwk: object, relationship: str) -> None:
    """Hold the JWK's own ``use`` and ``key_ops`` (RFC 7517, 4.2 and 4.3) against a signing relationship."""
    if not isinstance(jwk, dict):
        raise InvalidInputError("publicKeyJwk is an object")
    if relationship == "keyAgreement":
        return
    operations = jwk.get("key_ops")
    if operations is not None and not isinstance(operations, list):
        raise InvalidInputError("key_ops is an array")
    if jwk.get("use", "sig") != "sig" or (operations is not None and "verify" not in operations):
        raise VerificationError("the JWK's use or key_ops is not verifying")


def _refuse_private(raw: JsonObject) -> None:
    """Refuse a method that publishes its private key: whoever reads it can sign with it."""
    if any(name.startswith(("privateKey", "secretKey")) for name in raw):
        raise InvalidInputError("a verification method publishes its private key")
    jwk = raw.get("publicKeyJwk")
    if isinstance(jwk, dict) and not _PRIVATE_JWK.isdisjoint(jwk):
        raise InvalidInputError("a verification method publishes its private key")


def _unix(value: object, name: str) -> int:
    """Return Unix seconds of an XML Schema dateTimeStamp, which has a time zone (Controlled Identifiers 2.2)."""
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as exc:
        raise InvalidInputError(f"{name} is a date and time with its zone") from exc
    if moment.tzinfo is None or "T" not in str(value):
        raise InvalidInputError(f"{name} is a date and time with its zone")
    try:
        return int(moment.timestamp())
    except (OverflowError, ValueError) as exc:
        raise InvalidInputError(f"{name} lies outside the readable range") from exc

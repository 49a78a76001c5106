"""Read one verification method, and the public key in it.

Source:  W3C Controlled Identifiers v1.0, section 2.2 (verification methods, Multikey, JsonWebKey); the verification
         suites of 2018 to 2020 for documents that still carry them.
Shapes:  exactly one ``publicKey…`` member; private members are refused wherever they stand.
I/O:     none.
Errors:  InvalidInputError (not a verification method), VerificationError (no key that may be used to verify here).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from ssi.did.parse import check_identifier, check_identifier_url
from ssi.encoding.multibase import base58_decode
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.keys.jwk import PRIVATE_MEMBERS
from ssi.types import JsonObject, JsonValue

_TYPES: Final[dict[str, tuple[frozenset[str], frozenset[Curve] | None]]] = {
    # type: members that may carry the key, curves that the type allows (None: any)
    "Multikey": (frozenset({"publicKeyMultibase"}), None),
    "JsonWebKey": (frozenset({"publicKeyJwk"}), None),
    "JsonWebKey2020": (frozenset({"publicKeyJwk"}), None),
    "Ed25519VerificationKey2020": (frozenset({"publicKeyMultibase"}), frozenset({Curve.ED25519})),
    "Ed25519VerificationKey2018": (frozenset({"publicKeyBase58", "publicKeyJwk"}), frozenset({Curve.ED25519})),
    "Bls12381G2Key2020": (
        frozenset({"publicKeyBase58", "publicKeyMultibase"}),
        frozenset({Curve.BLS12_381_G2}),
    ),
    "EcdsaSecp256k1VerificationKey2019": (
        frozenset({"publicKeyJwk", "publicKeyBase58", "publicKeyHex", "publicKeyMultibase"}),
        frozenset({Curve.SECP256K1}),
    ),
}


_RAW: Final = {kind: next(iter(curves)) for kind, (_, curves) in _TYPES.items() if curves is not None}
"""The one curve of a type whose keys come without its name."""


class VerificationMethod(msgspec.Struct, frozen=True):
    """One verification method of a DID document; ``id`` is absolute."""

    id: str
    type: str
    controller: str
    raw: JsonObject
    ends_at: int | None = None
    """Unix seconds from which the method proves nothing: the earlier of ``expires`` and ``revoked``."""


def parse_verification_method(raw: JsonValue, *, did: str, absolute_ids: bool = False) -> VerificationMethod:
    """Return one verification method of the document of ``did``, a DID or an https URL, without reading its key yet.

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
    check_identifier_url(method_id)
    if controller:
        check_identifier(controller)
    _refuse_private(raw)
    ends = [_unix(raw[name], name) for name in ("expires", "revoked") if name in raw]
    return VerificationMethod(method_id, raw["type"], controller, raw, min(ends, default=None))


def public_key_of(method: VerificationMethod) -> PublicKey:
    """Return the public key of ``method``.

    Raises VerificationError if the type or the curve is not supported, the material is malformed or comes in several
    forms, the curve is not the type's, or the JWK's own ``use`` and ``key_ops`` are not for verifying.
    """
    if method.type == "EcdsaSecp256k1RecoveryMethod2020" and not any(n.startswith("publicKey") for n in method.raw):
        raise VerificationError(
            f"{method.type} names an account and holds no public key: it verifies no signature here"
        )
    if method.type not in _TYPES:
        raise VerificationError("the verification method is of a type that is not supported")
    allowed, curves = _TYPES[method.type]
    members = [name for name in method.raw if name.startswith("publicKey")]
    # Two forms of one key could name two keys, and two readers would pick differently.
    if len(members) != 1 or members[0] not in allowed:
        raise VerificationError(f"{method.type}: expected exactly one of {', '.join(sorted(allowed))}")
    try:
        key = _read_key(members[0], method.raw[members[0]], method.type)
    except (InvalidInputError, ValueError) as exc:
        raise VerificationError(f"{method.type}: {members[0]} is not a supported public key") from exc
    if curves is not None and key.curve not in curves:
        raise VerificationError(f"{method.type}: the key is on another curve")
    return key


def _read_key(member: str, value: object, kind: str) -> PublicKey:
    if member == "publicKeyJwk" and isinstance(value, dict):
        return PublicKey.from_jwk(value)
    if not isinstance(value, str):
        raise InvalidInputError(f"{member} has another JSON type")
    if member == "publicKeyMultibase":
        return PublicKey.from_multikey(value)
    raw = base58_decode(value) if member == "publicKeyBase58" else bytes.fromhex(value)
    return PublicKey.from_raw(_RAW[kind], raw)


def _refuse_private(raw: JsonObject) -> None:
    """Refuse a method that publishes its private key: whoever reads it can sign with it."""
    if any(name.startswith(("privateKey", "secretKey")) for name in raw):
        raise InvalidInputError("a verification method publishes its private key")
    jwk = raw.get("publicKeyJwk")
    if isinstance(jwk, dict) and not PRIVATE_MEMBERS.isdisjoint(jwk):
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

"""The CWT claims in a COSE header, by the names that they have in a JWT.

Source:  RFC 9597 (CWT Claims header parameter); RFC 8392, 3.1 (iss, sub, aud, exp, nbf, iat); RFC 8747, 3.1 and 3.2
         (cnf); RFC 9711, 4.1 (nonce).
Input:   the headers of a COSE_Sign1 whose signature held, or will be checked by the caller.
Shapes:  out comes what a JWT would say: text and numbers, ``cnf`` with a ``jwk``. Other claims are ignored.
I/O:     none.
Errors:  InvalidInputError (not the shape), VerificationError (a payload that says something else).
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from ssi.encoding.cbor import CborValue
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.keys.cose import CWT_CLAIMS, UnverifiedSign1
from ssi.keys.cose_key import cose_key, public_key_of
from ssi.types import JsonObject, JsonValue

_NAMES: Final = {1: "iss", 2: "sub", 3: "aud", 4: "exp", 5: "nbf", 6: "iat", 8: "cnf", 10: "nonce"}
_NUMBERS: Final = {name: number for number, name in _NAMES.items()}
_TIMES: Final = frozenset({"exp", "nbf", "iat"})
_COSE_KEY: Final = 1
"""The confirmation method that holds a key (RFC 8747, 3.1)."""


def claims_of(sign1: UnverifiedSign1, payload: JsonObject) -> JsonObject:
    """Return the payload's members and the header's claims together.

    Raises InvalidInputError if the claims are not protected or one is not of its type, VerificationError if a member
    of the same name says something else.
    """
    if CWT_CLAIMS in sign1.unprotected:
        raise InvalidInputError("expected CWT claims in the protected header")
    if CWT_CLAIMS not in sign1.protected:
        return payload
    claims = sign1.protected[CWT_CLAIMS]
    if type(claims) is not dict:
        raise InvalidInputError("expected CWT claims to be a map")
    merged = dict(payload)
    for label, value in claims.items():
        name = _NAMES.get(label) if type(label) is int else None
        if name is None:
            continue
        read = _read(name, value)
        if merged.setdefault(name, read) != read:
            raise VerificationError(f"expected {name} to say the same in header and payload")
    return merged


def unverified_issued_at(sign1: UnverifiedSign1, payload: JsonObject) -> int | None:
    """Return the time that an unverified COSE_Sign1 claims for its signature, None if it claims none."""
    claims = sign1.protected.get(CWT_CLAIMS)
    found = claims.get(_NUMBERS["iat"]) if type(claims) is dict else None
    found = payload.get("iat") if found is None else found
    return int(found) if type(found) is int or (type(found) is float and isfinite(found)) else None


def header_claims(claims: JsonObject) -> dict[int, CborValue]:
    """Return ``claims`` as the value of the header parameter; what is None is left out, ``cnf`` is a public key."""
    made: dict[int, CborValue] = {}
    for name, value in claims.items():
        if value is None:
            continue
        if isinstance(value, PublicKey):
            made[_NUMBERS[name]] = {_COSE_KEY: cose_key(value)}
        else:
            made[_NUMBERS[name]] = value.encode("utf-8") if name == "nonce" else value
    return made


def _read(name: str, value: CborValue) -> JsonValue:
    if name in _TIMES:
        if type(value) is int or (type(value) is float and isfinite(value)):
            return value
    elif name == "cnf":
        if type(value) is dict and _COSE_KEY in value:
            return {"jwk": public_key_of(value[_COSE_KEY]).to_jwk()}
    elif name == "nonce" and type(value) is bytes:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidInputError("expected the nonce to be text in bytes") from None
    elif type(value) is str or (name == "aud" and _is_texts(value)):
        return value
    raise InvalidInputError(f"expected the CWT claim {name} to be of its type")


def _is_texts(value: CborValue) -> bool:
    return type(value) is list and all(type(item) is str for item in value)

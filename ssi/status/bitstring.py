"""The claims of a Bitstring Status List credential, in and out.

Source:  W3C Bitstring Status List v1.0, sections 2.2 (credential), 3.3 (generation) and 3.4 (expansion);
         W3C Securing VCs using JOSE and COSE, section 3.1.1 (the claims are the credential, ``vc`` is not used).
Shapes:  ``encodedList`` is multibase base64url (``u``) over gzip; index 0 is the left-most bit of byte 0; ``ttl`` is in
         milliseconds.
I/O:     none. Signatures are the caller's (``ssi.status.verify``, ``ssi.status.publish``).
Errors:  InvalidInputError, VerificationError (two names for one issuer).
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.timestamps import NANOSECONDS, format_seconds, parse_nanoseconds
from ssi.errors import InvalidInputError, VerificationError
from ssi.status.content import ListContent, optional_date, optional_text, optional_ttl, required_text
from ssi.status.deflate import MAX_EXPANDED_BYTES, Wrapper, deflate, inflate
from ssi.status.reference import StatusFormat
from ssi.types import JsonObject, JsonValue

CREDENTIAL_TYP: Final = "vc+jwt"
CREDENTIAL_MEDIA_TYPE: Final = "application/vc+jwt"
EMBEDDED_MEDIA_TYPE: Final = "application/vc"
"""A list credential whose proof is embedded (VCDM 2.0, section 6.3)."""
CONTEXT_V2: Final = "https://www.w3.org/ns/credentials/v2"
LIST_CREDENTIAL_TYPE: Final = "BitstringStatusListCredential"
LIST_TYPE: Final = "BitstringStatusList"


def decode_list(encoded: str, *, max_bytes: int = MAX_EXPANDED_BYTES) -> bytes:
    """Return the bitstring of an ``encodedList`` (section 3.4), of at most ``max_bytes`` bytes.

    Raises InvalidInputError, also for other multibase alphabets: section 2.2 allows base64url alone.
    """
    if not encoded.startswith("u"):
        raise InvalidInputError("expected encodedList to be multibase base64url, which starts with u")
    return inflate(b64url_decode(encoded[1:]), Wrapper.GZIP, max_bytes=max_bytes)


def encode_list(bitstring: bytes) -> str:
    """Return ``bitstring`` as an ``encodedList`` (section 3.3)."""
    return "u" + b64url_encode(deflate(bitstring, Wrapper.GZIP))


def parse_bitstring_claims(claims: JsonObject, *, max_bytes: int = MAX_EXPANDED_BYTES) -> ListContent:
    """Return what a Bitstring Status List credential says.

    ``claims`` come from a verified vc+jwt: expanding the list is work that only an issuer may ask for. ``max_bytes``
    bounds the expanded list. Raises InvalidInputError if a member breaks a MUST of section 2.2 or of VCDM 2.0,
    VerificationError if ``iss`` names another issuer than ``issuer``.
    """
    _check_credential(claims)
    subject = claims.get("credentialSubject")
    if type(subject) is not dict or LIST_TYPE not in _names(subject.get("type"), "credentialSubject.type"):
        raise InvalidInputError("expected credentialSubject to be one BitstringStatusList")
    size = subject.get("statusSize")
    if size is not None and (type(size) is not int or size < 1):
        raise InvalidInputError("expected credentialSubject.statusSize to be a positive integer")
    valid_from, valid_until = _optional_time(claims, "validFrom", up=True), _optional_time(claims, "validUntil")
    issued_at = optional_date(claims, "iat")
    return ListContent(
        format=StatusFormat.BITSTRING,
        uri=optional_text(claims, "id"),
        issuer=_issuer(claims),
        data=decode_list(required_text(subject, "encodedList"), max_bytes=max_bytes),
        size=size,
        purposes=_names(subject.get("statusPurpose"), "statusPurpose"),
        issued_at=valid_from if issued_at is None else issued_at,
        not_before=max((t for t in (valid_from, optional_date(claims, "nbf", up=True)) if t is not None), default=None),
        expires_at=min((t for t in (valid_until, optional_date(claims, "exp")) if t is not None), default=None),
        ttl_seconds=optional_ttl(subject, units_per_second=1000),
    )


def build_bitstring_claims(
    bitstring: bytes, *, purpose: str, uri: str, issuer: str, issued_at: int, expires_at: int, ttl_seconds: int
) -> JsonObject:
    """Return a Bitstring Status List credential over ``bitstring`` (section 3.1).

    The validity period is said by ``validFrom`` and ``validUntil`` alone, so that no second statement can differ.
    """
    return {
        "@context": [CONTEXT_V2],
        "id": uri,
        "type": ["VerifiableCredential", LIST_CREDENTIAL_TYPE],
        "issuer": issuer,
        "validFrom": format_seconds(issued_at),
        "validUntil": format_seconds(expires_at),
        "credentialSubject": {
            "id": f"{uri}#list",
            "type": LIST_TYPE,
            "statusPurpose": purpose,
            "encodedList": encode_list(bitstring),
            "ttl": ttl_seconds * 1000,
        },
    }


def claimed_issuer(claims: JsonObject) -> str:
    """Return the issuer that a credential names, to choose a key by. Raises InvalidInputError."""
    issuer = claims.get("issuer")
    if type(issuer) is dict:
        issuer = issuer.get("id")
    if type(issuer) is not str or not issuer:
        raise InvalidInputError("expected issuer to be a string, or an object with id")
    return issuer


def _check_credential(claims: JsonObject) -> None:
    contexts = claims.get("@context")
    if type(contexts) is not list or not contexts or contexts[0] != CONTEXT_V2:
        raise InvalidInputError("expected a credential whose first @context is that of VCDM 2.0")
    types = _names(claims.get("type"), "type")
    if "VerifiableCredential" not in types or LIST_CREDENTIAL_TYPE not in types:
        raise InvalidInputError("expected a credential of type BitstringStatusListCredential")
    if "vc" in claims or "vp" in claims:
        raise InvalidInputError("expected claims that are the credential, without vc or vp")


def _issuer(claims: JsonObject) -> str:
    issuer = claimed_issuer(claims)
    if optional_text(claims, "iss") not in (None, issuer):
        raise VerificationError("expected iss and issuer of a status list to be the same")
    return issuer


def _names(value: JsonValue, name: str) -> tuple[str, ...]:
    names = value if type(value) is list else [value]
    if not names or any(type(item) is not str or not item for item in names):
        raise InvalidInputError(f"expected {name} to be one or more strings")
    return tuple(names)


def _optional_time(claims: JsonObject, name: str, *, up: bool = False) -> int | None:
    """Return a dateTimeStamp member in whole Unix seconds, or None if it is absent; a fraction rounds up or is cut."""
    if name not in claims:
        return None
    try:
        nanoseconds = parse_nanoseconds(claims[name])
    except InvalidInputError as exc:
        raise InvalidInputError(f"expected {name} to be a date and time with a time zone") from exc
    return -(-nanoseconds // NANOSECONDS) if up else nanoseconds // NANOSECONDS

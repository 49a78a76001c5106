"""The claims of a Token Status List (JWT), in and out.

Source:  draft-ietf-oauth-status-list-20, sections 4 (list) and 5.1 (Status List Token in JWT format).
Shapes:  ``lst`` is base64url (no multibase prefix) over the zlib data format; index 0 is the least significant bits of
         byte 0; ``bits`` is 1, 2, 4 or 8; ``ttl`` is in seconds.
I/O:     none. Signatures are the caller's (``ssi.status.verify``, ``ssi.status.publish``).
Errors:  InvalidInputError.
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import InvalidInputError
from ssi.status.bits import TOKEN_SIZES
from ssi.status.content import ListContent, optional_date, optional_text, optional_ttl, required_text
from ssi.status.deflate import MAX_EXPANDED_BYTES, Wrapper, deflate, inflate
from ssi.status.reference import StatusFormat
from ssi.types import JsonObject

TOKEN_TYP: Final = "statuslist+jwt"  # noqa: S105 - a media type
TOKEN_MEDIA_TYPE: Final = "application/statuslist+jwt"  # noqa: S105 - a media type


def parse_token_claims(claims: JsonObject, *, max_bytes: int = MAX_EXPANDED_BYTES) -> ListContent:
    """Return what the claims of a Status List Token say. Source: section 5.1.

    ``claims`` come from a verified JWS: expanding ``lst`` is work that only an issuer may ask for. ``max_bytes`` bounds
    the expanded list. Raises InvalidInputError if a claim breaks a MUST of sections 4.2 or 5.1.
    """
    status_list = claims.get("status_list")
    if type(status_list) is not dict:
        raise InvalidInputError("expected status_list to be an object")
    bits = status_list.get("bits")
    if type(bits) is not int or bits not in TOKEN_SIZES:
        raise InvalidInputError("expected status_list.bits to be 1, 2, 4 or 8")
    issued_at = optional_date(claims, "iat")
    if issued_at is None:
        raise InvalidInputError("expected a Status List Token to have iat")
    return ListContent(
        format=StatusFormat.TOKEN,
        uri=required_text(claims, "sub"),
        issuer=optional_text(claims, "iss"),
        data=inflate(b64url_decode(required_text(status_list, "lst")), Wrapper.ZLIB, max_bytes=max_bytes),
        size=bits,
        purposes=(),
        issued_at=issued_at,
        not_before=optional_date(claims, "nbf", up=True),
        expires_at=optional_date(claims, "exp"),
        ttl_seconds=optional_ttl(claims, units_per_second=1),
    )


def build_token_claims(
    data: bytes, *, bits: int, uri: str, issuer: str, issued_at: int, expires_at: int, ttl_seconds: int
) -> JsonObject:
    """Return the claims of a Status List Token over ``data``, packed with ``bits`` per entry.

    ``iss`` is not required by the draft; it is written because a list is believed here only if its issuer is named.
    """
    return {
        "iss": issuer,
        "sub": uri,
        "iat": issued_at,
        "exp": expires_at,
        "ttl": ttl_seconds,
        "status_list": {"bits": bits, "lst": b64url_encode(deflate(data, Wrapper.ZLIB))},
    }

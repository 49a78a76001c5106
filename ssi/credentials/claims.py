"""What a JWT may say around a credential or presentation, whichever envelope it came in.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, sections 1.1.2.1 (vc and vp), 3.1.3 (header
         parameters and claims), 4.1 (kid, iss, cnf), 4.3 (kid without iss); RFC 7519, 4.1 (exp, nbf, iat, aud);
         RFC 7800, 3.2 (cnf).
Input:   protected header and claims of a JWS or SD-JWT whose signature already held.
I/O:     none.
Errors:  InvalidInputError (not the shape), ValidityError (time), VerificationError (two statements that disagree),
         KeyBindingError (``cnf`` that names no key).
"""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import Final

from ssi.credentials.values import is_url, parse_datetime
from ssi.errors import InvalidInputError, KeyBindingError, ValidityError, VerificationError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue, UnixSeconds

MAX_SKEW_SECONDS: Final = 60
"""How far the issuer's clock may be ahead of ours. It never lengthens the life of what has ended."""

_DID_END: Final = re.compile("[/?#]")


def check_times(claims: JsonObject, *, now: UnixSeconds, max_skew_seconds: int) -> UnixSeconds | None:
    """Check exp, nbf and iat, the times of the signature, and return iat. Raises ValidityError, InvalidInputError.

    ``iat`` may be a dateTimeStamp where it should be a number: W3C's own published vectors have it so, and nothing is
    accepted longer for it.
    """
    expires = claims.get("exp")
    if expires is not None and now >= _number(expires, "exp"):
        raise ValidityError(f"the signature expired at {expires}, now {now}")
    not_before = claims.get("nbf")
    if not_before is not None and now + max_skew_seconds < _number(not_before, "nbf"):
        raise ValidityError(f"the signature holds from {not_before}, now {now}")
    issued = claims.get("iat")
    if issued is None:
        return None
    issued = parse_datetime(issued, "iat") if type(issued) is str else _number(issued, "iat")
    if now + max_skew_seconds < issued:
        raise ValidityError(f"the signature was made at {issued}, now {now}")
    return int(issued)


def check_content_type(header: JsonObject, expected: str) -> None:
    """Raise VerificationError unless ``cty`` is absent or ``expected`` (3.1.1, 3.1.2), with or without application/."""
    content_type = header.get("cty")
    if content_type is None or content_type == expected:
        return
    if type(content_type) is not str or content_type.lower().removeprefix("application/") != expected:
        raise VerificationError(f"expected cty {expected}")


def check_no_wrapping(claims: JsonObject) -> None:
    """Raise InvalidInputError if the claims wrap the data model as its version 1.1 did, or hold a second proof."""
    if "vc" in claims or "vp" in claims:
        raise InvalidInputError("expected no vc or vp claim: the payload is the document itself")
    if "proof" in claims:
        raise InvalidInputError("expected no embedded proof in a document that is secured by an envelope")


def check_author(header: JsonObject, claims: JsonObject, author: str, role: str) -> None:
    """Raise VerificationError unless iss and kid agree with ``author``, the issuer or holder (4.1.2, 4.3).

    A kid that is a DID URL, or a URL with a fragment, belongs to what stands before; without iss it has to be a URL.
    """
    kid = header.get("kid")
    named = False
    for claimed in (header.get("iss"), claims.get("iss")):
        if claimed is not None:
            if claimed != author:
                raise VerificationError(f"expected iss to be the {role}")
            named = True
    if kid is None:
        if not named:
            raise VerificationError(f"expected kid or iss to lead to the key of the {role}")
    elif type(kid) is not str:
        raise InvalidInputError("expected kid to be a string")
    elif kid.startswith("did:"):
        if _DID_END.split(kid, maxsplit=1)[0] != author:
            raise VerificationError(f"expected kid to be a verification method of the {role}")
    elif is_url(kid):
        if "#" in kid and kid.partition("#")[0] != author:
            raise VerificationError(f"expected kid to be a verification method of the {role}")
    elif not named:
        raise VerificationError("expected kid to be an absolute URL where iss is absent")


def check_challenge(claims: JsonObject, *, audience: str | None, nonce: str | None) -> None:
    """Raise VerificationError unless aud and nonce are the ones that were asked for; None asks for nothing."""
    if audience is not None:
        claimed = claims.get("aud")
        if audience != claimed and not (type(claimed) is list and audience in claimed):
            raise VerificationError("expected aud to name this verifier")
    if nonce is not None:
        claimed = claims.get("nonce")
        if type(claimed) is not str or not compare_digest(claimed.encode("utf-8", "replace"), nonce.encode("utf-8")):
            raise VerificationError("expected the nonce of this request")


def confirmation_key(claims: JsonObject) -> PublicKey | None:
    """Return the key that ``cnf`` binds the document to (RFC 7800), None if there is no ``cnf``.

    Raises KeyBindingError if ``cnf`` names its key in another way than by ``jwk``, InvalidInputError if that is none.
    """
    confirmation = claims.get("cnf")
    if confirmation is None:
        return None
    jwk = confirmation.get("jwk") if type(confirmation) is dict else None
    if type(jwk) is not dict:
        raise KeyBindingError("expected cnf to hold a jwk")
    return PublicKey.from_jwk(jwk)


def _number(value: JsonValue, name: str) -> float:
    if type(value) is int or type(value) is float:
        return value
    raise InvalidInputError(f"expected {name} to be a number of seconds")

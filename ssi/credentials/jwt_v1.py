"""Credentials and presentations as data model 1.1 put them into JWTs: under a ``vc`` or ``vp`` claim. To be read only.

Source:  W3C Verifiable Credentials Data Model v1.1, section 6.3.1 (JSON Web Token); RFC 7519; RFC 7515.
Input:   compact text, as it comes in envelopes of type ``application/jwt``.
Shapes:  registered claims stand for members of the document: ``iss`` for issuer or holder, ``sub`` for the subject's
         id, ``nbf`` for the beginning, ``exp`` for the end, ``jti`` for the id. Where both are there they agree; the
         document that is returned has them all. Its data model is 1.1, or 2.0 in this old envelope.
I/O:     none.
Errors:  InvalidInputError, InvalidSignatureError, VerificationError, ValidityError.

A JWT of today is another type with another ``typ`` (``ssi.credentials.jose``), and neither is taken for the other.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ssi.credentials.claims import MAX_SKEW_SECONDS, check_author, check_times
from ssi.credentials.contexts import InlineContexts
from ssi.credentials.enveloped import Opened, VerifiedCredential, VerifiedPresentation, check_presented
from ssi.credentials.jose import UnverifiedVcJwt, UnverifiedVpJwt
from ssi.credentials.presentation import parse_presentation
from ssi.credentials.values import parse_identified, parse_moment, parse_types
from ssi.credentials.vcdm import check_validity
from ssi.credentials.vcdm_v1 import is_v1, parse_any_credential
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.keys.jws import UnverifiedJws, parse_jws, verify_jws
from ssi.types import JsonObject, JsonValue, UnixSeconds

MEDIA_TYPE: Final = "application/jwt"
TYPES: Final = frozenset({"jwt", ""})
"""``typ`` says JWT if it is there at all (6.3.1)."""


def read_jwt_vc(compact: str | bytes) -> UnverifiedVcJwt:
    """Parse a JWT with a ``vc`` claim as far as is needed to choose a key. Raises InvalidInputError."""
    jws = parse_jws(compact)
    document = _credential(jws.unverified_claims())
    issuer = parse_identified(document.get("issuer"), "issuer")
    types = parse_types(document.get("type"), "type", required="VerifiableCredential")
    return UnverifiedVcJwt(jws, issuer, types, _kid(jws))


def verify_jwt_vc(
    unverified: UnverifiedVcJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> VerifiedCredential:
    """Return the credential as verified under ``key``, which the caller found for its issuer and kid.

    Arguments as for ``ssi.credentials.jose.verify_vc_jwt``. Raises what the module says.
    """
    jws = verify_jws(unverified.jws, key, typ=TYPES)
    document = _credential(jws.claims)
    credential = parse_any_credential(document, contexts=contexts, inline_contexts=inline_contexts)
    check_author(jws.header, jws.claims, credential.issuer, "issuer")
    issued_at = check_times(jws.claims, now=now, max_skew_seconds=max_skew_seconds)
    check_validity(credential, now=now, max_skew_seconds=max_skew_seconds)
    return VerifiedCredential(credential, key, jws.header, jws.claims, jws.compact, issued_at)


def read_jwt_vp(compact: str | bytes) -> UnverifiedVpJwt:
    """Parse a JWT with a ``vp`` claim as far as is needed to choose a key. Raises InvalidInputError."""
    jws = parse_jws(compact)
    document = _presentation(jws.unverified_claims())
    holder = parse_identified(document["holder"], "holder") if "holder" in document else None
    return UnverifiedVpJwt(jws, holder, _kid(jws))


def verify_jwt_vp(
    unverified: UnverifiedVpJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> VerifiedPresentation:
    """Return the presentation as verified under ``key``; its credentials are still in their envelopes.

    Arguments as for ``ssi.credentials.jose.verify_vp_jwt``. Raises what the module says.
    """
    jws = verify_jws(unverified.jws, key, typ=TYPES)
    presentation = parse_presentation(_presentation(jws.claims), contexts=contexts)
    enveloped, issued_at = check_presented(
        Opened(jws.header, jws.claims, jws.claims),
        presentation,
        now=now,
        audience=audience,
        nonce=nonce,
        max_age_seconds=max_age_seconds,
        max_skew_seconds=max_skew_seconds,
    )
    return VerifiedPresentation(presentation, enveloped, key, jws.header, jws.compact, issued_at)


def _credential(claims: JsonObject) -> JsonObject:
    """Return the credential that ``claims`` stand for."""
    document = _inner(claims, "vc")
    begin, end = ("issuanceDate", "expirationDate") if is_v1(document) else ("validFrom", "validUntil")
    document = _with_author(document, claims, "issuer")
    document = _with_time(document, claims, "nbf", begin)
    document = _with_time(document, claims, "exp", end)
    document = _with_text(document, claims, "jti", "id")
    if "sub" in claims:
        subject = document.get("credentialSubject", {})
        if not isinstance(subject, dict):
            raise InvalidInputError("expected one credentialSubject where sub is said")
        document = {**document, "credentialSubject": _with_text(subject, claims, "sub", "id")}
    return document


def _presentation(claims: JsonObject) -> JsonObject:
    document = _inner(claims, "vp")
    document = _with_author(document, claims, "holder")
    return _with_text(document, claims, "jti", "id")


def _inner(claims: JsonObject, name: str) -> JsonObject:
    inner = claims.get(name)
    if not isinstance(inner, dict):
        raise InvalidInputError(f"expected a JWT with the claim {name}, an object")
    if "proof" in inner:
        raise InvalidInputError("expected no embedded proof in a document that is secured by an envelope")
    return inner


def _with_author(document: JsonObject, claims: JsonObject, name: str) -> JsonObject:
    said: JsonValue = document.get(name)
    if "iss" not in claims:
        return document
    if said is None:
        return {**document, name: claims["iss"]}
    if (said.get("id") if isinstance(said, dict) else said) != claims["iss"]:
        raise VerificationError(f"expected iss to be the {name}")
    return document


def _with_text(document: JsonObject, claims: JsonObject, claim: str, name: str) -> JsonObject:
    if claim not in claims:
        return document
    if document.get(name, claims[claim]) != claims[claim]:
        raise VerificationError(f"expected {claim} and {name} to agree")
    return {**document, name: claims[claim]}


def _with_time(document: JsonObject, claims: JsonObject, claim: str, name: str) -> JsonObject:
    if claim not in claims:
        return document
    seconds = claims[claim]
    if type(seconds) is not int or not 0 <= seconds < 253_402_300_800:
        raise InvalidInputError(f"expected {claim} to be a whole number of seconds")
    if name not in document:
        return {**document, name: format_seconds(seconds)}
    if parse_moment(document[name], name)[0] != seconds:
        raise VerificationError(f"expected {claim} and {name} to agree")
    return document


def _kid(jws: UnverifiedJws) -> str | None:
    kid = jws.header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise InvalidInputError("expected kid to be a string")
    return kid

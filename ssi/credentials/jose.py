"""Credentials and presentations as JWTs: ``vc+jwt`` and ``vp+jwt``.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, sections 3.1 (with JOSE), 4 (key discovery), 5.1
         (verifying), 6 (validation); RFC 7515; RFC 8725, 3.11 (explicit typing).
Input:   compact text. ``read_…`` says whose key to look for, ``verify_…`` takes that key and returns what to believe:
         only what ``verify_…`` returned may be used.
Shapes:  the payload is the credential or presentation itself; iat, exp and cnf stand beside its members.
I/O:     none; ``sign_…`` awaits the key store.
Errors:  InvalidInputError, InvalidSignatureError, VerificationError, ValidityError, KeyBindingError.

The data model and the envelope are checked here, trust in the issuer, schema and status by the caller. Issue through
``check_credential``: what is signed here is a ``Credential``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from ssi.credentials.claims import (
    MAX_SKEW_SECONDS,
    check_author,
    check_no_wrapping,
)
from ssi.credentials.contexts import VC_V2_CONTEXT, InlineContexts
from ssi.credentials.enveloped import (
    Opened,
    VerifiedCredential,
    VerifiedPresentation,
    check_credential_in,
    check_presentation_in,
)
from ssi.credentials.presentation import Envelope, parse_presentation
from ssi.credentials.values import parse_identified, parse_types
from ssi.credentials.vcdm import Credential
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.keys.jws import UnverifiedJws, build_jws, parse_jws, sign_jws, signing_input, verify_jws
from ssi.types import JsonObject, UnixSeconds

VC_JWT_TYPES: Final = frozenset({"vc+jwt"})
VP_JWT_TYPES: Final = frozenset({"vp+jwt"})
VC_JWT_MEDIA_TYPE: Final = "application/vc+jwt"
VP_JWT_MEDIA_TYPE: Final = "application/vp+jwt"


class UnverifiedVcJwt(msgspec.Struct, frozen=True, gc=False):
    """A parsed VC-JWT, to decide by issuer and type whether to look for a key, and for nothing else."""

    jws: UnverifiedJws
    issuer: str
    types: tuple[str, ...]
    kid: str | None


class UnverifiedVpJwt(msgspec.Struct, frozen=True, gc=False):
    """A parsed VP-JWT, to look for the holder's key and for nothing else."""

    jws: UnverifiedJws
    holder: str | None
    kid: str | None


def read_vc_jwt(compact: str | bytes) -> UnverifiedVcJwt:
    """Parse a VC-JWT as far as is needed to choose a key. Raises InvalidInputError."""
    return as_vc_jwt(parse_jws(compact))


def as_vc_jwt(jws: UnverifiedJws) -> UnverifiedVcJwt:
    """Return what a parsed JWS says of itself as a credential. Raises InvalidInputError if it says too little."""
    claims = jws.unverified_claims()
    issuer = parse_identified(claims.get("issuer"), "issuer")
    types = parse_types(claims.get("type"), "type", required="VerifiableCredential")
    return UnverifiedVcJwt(jws, issuer, types, _kid(jws.header))


def verify_vc_jwt(
    unverified: UnverifiedVcJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    typ: Collection[str] = VC_JWT_TYPES,
) -> VerifiedCredential:
    """Return the credential as verified under ``key``, which the caller found for its issuer and kid.

    ``contexts`` are the context URLs that the verifier knows beside the base context; ``max_skew_seconds`` is how far
    the issuer's clock may be ahead; ``typ`` names the accepted header types ("" accepts a missing one, which the
    specification allows and RFC 8725 advises against). Raises InvalidSignatureError, VerificationError, ValidityError,
    InvalidInputError.
    """
    jws = verify_jws(unverified.jws, key, typ=typ)
    credential, issued_at = check_credential_in(
        Opened(jws.header, jws.claims, jws.claims),
        now=now,
        contexts=contexts,
        inline_contexts=inline_contexts,
        max_skew_seconds=max_skew_seconds,
    )
    return VerifiedCredential(credential, key, jws.header, jws.claims, jws.compact, issued_at)


def read_vp_jwt(compact: str | bytes) -> UnverifiedVpJwt:
    """Parse a VP-JWT as far as is needed to choose a key. Raises InvalidInputError."""
    return as_vp_jwt(parse_jws(compact))


def as_vp_jwt(jws: UnverifiedJws) -> UnverifiedVpJwt:
    """Return what a parsed JWS says of itself as a presentation. Raises InvalidInputError."""
    claims = jws.unverified_claims()
    holder = parse_identified(claims["holder"], "holder") if "holder" in claims else None
    return UnverifiedVpJwt(jws, holder, _kid(jws.header))


def verify_vp_jwt(
    unverified: UnverifiedVpJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    typ: Collection[str] = VP_JWT_TYPES,
) -> VerifiedPresentation:
    """Return the presentation as verified under ``key``, which the caller found for its holder or its credential.

    ``audience``, ``nonce`` and ``max_age_seconds`` (since ``iat``) have to be said; None is for a presentation that
    answers no request. Raises InvalidSignatureError, VerificationError, ValidityError, InvalidInputError.
    """
    jws = verify_jws(unverified.jws, key, typ=typ)
    presentation, enveloped, issued_at = check_presentation_in(
        Opened(jws.header, jws.claims, jws.claims),
        now=now,
        audience=audience,
        nonce=nonce,
        max_age_seconds=max_age_seconds,
        contexts=contexts,
        max_skew_seconds=max_skew_seconds,
    )
    return VerifiedPresentation(presentation, enveloped, key, jws.header, jws.compact, issued_at)


async def sign_vc_jwt(
    credential: Credential,
    *,
    kms: Kms,
    label: str,
    kid: str,
    issued_at: UnixSeconds | None = None,
    expires_at: UnixSeconds | None = None,
    holder_key: PublicKey | None = None,
) -> str:
    """Return ``credential`` as a VC-JWT signed by the key ``label``, whose verification method is ``kid``.

    ``holder_key`` goes into ``cnf``. Raises InvalidInputError if ``kid`` is not the issuer's or a member would be
    written twice, and as ``Kms.sign``.
    """
    header, claims = credential_parts(credential, kid, issued_at, expires_at, holder_key)
    return await sign_jws(header, claims, kms=kms, label=label, purpose=KeyPurpose.CREDENTIAL)


async def sign_vc_jwts(
    credentials: Sequence[Credential],
    *,
    kms: Kms,
    label: str,
    kid: str,
    issued_at: UnixSeconds | None = None,
    expires_at: UnixSeconds | None = None,
    holder_keys: Sequence[PublicKey] | None = None,
) -> list[str]:
    """Return many credentials as VC-JWTs in one call of the key store; ``holder_keys`` are one per credential."""
    alg = (await kms.public_key(label)).alg
    keys: Sequence[PublicKey | None] = holder_keys if holder_keys is not None else [None] * len(credentials)
    if len(keys) != len(credentials):
        raise InvalidInputError("expected as many holder keys as credentials")
    messages = []
    for credential, holder_key in zip(credentials, keys, strict=True):
        header, claims = credential_parts(credential, kid, issued_at, expires_at, holder_key)
        messages.append(signing_input({"alg": alg, **header}, claims))
    signatures = await kms.sign_many(label, messages, purpose=KeyPurpose.CREDENTIAL)
    return [build_jws(message, signature) for message, signature in zip(messages, signatures, strict=True)]


async def sign_vp_jwt(
    credentials: Sequence[Envelope | str],
    *,
    kms: Kms,
    label: str,
    kid: str | None,
    holder: str | None,
    audience: str | None,
    nonce: str | None,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds | None = None,
    identifier: str | None = None,
) -> str:
    """Return a presentation of ``credentials`` as a VP-JWT signed by the holder's key ``label``.

    A string is a VC-JWT; whatever else is presented comes as an ``Envelope``. With a ``holder``, ``kid`` is
    one of its verification methods; without, the verifier knows the key from ``cnf``. Raises InvalidInputError, and
    as ``Kms.sign``.
    """
    claims: JsonObject = {
        "@context": [VC_V2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "id": identifier,
        "holder": holder,
        "verifiableCredential": [_envelope(item).to_object() for item in credentials] or None,
        "aud": audience,
        "nonce": nonce,
        "iat": issued_at,
        "exp": expires_at,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    header = {"typ": "vp+jwt", "cty": "vp"} | ({} if kid is None else {"kid": kid})
    parse_presentation(claims, contexts=())
    if holder is not None:
        _check_own(header, claims, holder, "holder")
    return await sign_jws(header, claims, kms=kms, label=label, purpose=KeyPurpose.HOLDER)


def envelope_vc_jwt(compact: str) -> Envelope:
    """Return a VC-JWT in the envelope that a presentation carries."""
    return Envelope(VC_JWT_MEDIA_TYPE, compact)


def credential_parts(
    credential: Credential,
    kid: str,
    issued_at: UnixSeconds | None,
    expires_at: UnixSeconds | None,
    holder_key: PublicKey | None,
) -> tuple[JsonObject, JsonObject]:
    """Return header and claims of a credential that ``kid`` signs; ``typ`` is that of a VC-JWT.

    Raises InvalidInputError if ``kid`` is not the issuer's or a member would be written twice.
    """
    claims = dict(credential.raw)
    check_no_wrapping(claims)
    added = {
        "iat": issued_at,
        "exp": expires_at,
        "cnf": None if holder_key is None else {"jwk": holder_key.to_jwk()},
    }
    for name, value in added.items():
        if value is not None:
            if name in claims:
                raise InvalidInputError(f"expected a credential without {name}, which the envelope adds")
            claims[name] = value
    header: JsonObject = {"typ": "vc+jwt", "cty": "vc", "kid": kid}
    _check_own(header, claims, credential.issuer, "issuer")
    return header, claims


def _check_own(header: JsonObject, claims: JsonObject, author: str, role: str) -> None:
    """The rules of a verifier, before signing: what breaks them is the caller's input, not a forgery."""
    try:
        check_author(header, claims, author, role)
    except VerificationError as exc:
        raise InvalidInputError(str(exc)) from exc


def _envelope(item: Envelope | str) -> Envelope:
    if isinstance(item, Envelope):
        return item
    if "~" in item:
        raise InvalidInputError("expected a VC-JWT, or an Envelope that names its media type")
    return envelope_vc_jwt(item)


def _kid(header: JsonObject) -> str | None:
    kid = header.get("kid")
    if kid is not None and type(kid) is not str:
        raise InvalidInputError("expected kid to be a string")
    return kid

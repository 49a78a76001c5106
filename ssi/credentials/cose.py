"""Credentials and presentations as COSE_Sign1: ``vc+cose`` and ``vp+cose``.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, sections 3.3 (with COSE), 4 (key discovery), 5.3
         (verifying), 6 (validation); RFC 9052; RFC 9596 (typ); RFC 9597 (CWT claims in the header).
Input:   the bytes of a COSE_Sign1, or the base64 text that stands for them in a data: URL. ``read_…`` says whose key to
         look for, ``verify_…`` takes that key and returns what to believe.
Shapes:  the payload is the credential or presentation itself, as JSON; iss, iat, exp, cnf, aud and nonce are CWT claims
         of the protected header. What is verified comes out as from ``ssi.credentials.jose``, its ``header`` with the
         names of JOSE and ``compact`` the base64 text.
I/O:     none; ``sign_…`` awaits the key store.
Errors:  InvalidInputError, InvalidSignatureError, VerificationError, ValidityError, KeyBindingError.

A kid that is a URL belongs to the author, as with JOSE. Any other, such as a key's thumbprint, is a hint among the
author's keys: 4.3 asks for iss beside it, W3C's own examples have none, and the caller looks the key up by the author.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from ssi.credentials.claims import (
    MAX_SKEW_SECONDS,
    check_author,
    check_no_wrapping,
)
from ssi.credentials.cwt import claims_of, header_claims
from ssi.credentials.enveloped import (
    Opened,
    VerifiedCredential,
    VerifiedPresentation,
    check_credential_in,
    check_presentation_in,
)
from ssi.credentials.presentation import Envelope, Presentation
from ssi.credentials.values import is_url, parse_identified, parse_types
from ssi.credentials.vcdm import Credential
from ssi.encoding.base64url import b64_decode, b64_encode
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.keys.cose import (
    CONTENT_TYPE,
    CWT_CLAIMS,
    KID,
    TYP,
    Header,
    UnverifiedSign1,
    media_type_of,
    parse_sign1,
    sign_sign1,
    verify_sign1,
)
from ssi.keys.jws import encode_json
from ssi.types import JsonObject, UnixSeconds

VC_COSE_TYPES: Final = frozenset({"vc+cose"})
VP_COSE_TYPES: Final = frozenset({"vp+cose"})
VC_COSE_MEDIA_TYPE: Final = "application/vc+cose"
VP_COSE_MEDIA_TYPE: Final = "application/vp+cose"


class UnverifiedVcCose(msgspec.Struct, frozen=True, gc=False):
    """A parsed credential, to decide by issuer and type whether to look for a key, and for nothing else."""

    sign1: UnverifiedSign1
    payload: JsonObject
    issuer: str
    types: tuple[str, ...]
    kid: str | None


class UnverifiedVpCose(msgspec.Struct, frozen=True, gc=False):
    """A parsed presentation, to look for the holder's key and for nothing else."""

    sign1: UnverifiedSign1
    payload: JsonObject
    holder: str | None
    kid: str | None


def parse_cose(data: bytes | str) -> UnverifiedSign1:
    """Parse a ``vc+cose`` or ``vp+cose``, which the ``typ`` of its header tells; text is base64.

    Raises InvalidInputError.
    """
    return parse_sign1(b64_decode(data) if isinstance(data, str) else data, understood=(CWT_CLAIMS, TYP))


def read_vc_cose(data: bytes | str) -> UnverifiedVcCose:
    """Parse a ``vc+cose`` as far as is needed to choose a key; text is base64. Raises InvalidInputError."""
    return as_vc_cose(parse_cose(data))


def as_vc_cose(sign1: UnverifiedSign1) -> UnverifiedVcCose:
    """Return what a parsed COSE_Sign1 says of itself as a credential. Raises InvalidInputError."""
    payload = _payload(sign1)
    issuer = parse_identified(payload.get("issuer"), "issuer")
    types = parse_types(payload.get("type"), "type", required="VerifiableCredential")
    return UnverifiedVcCose(sign1, payload, issuer, types, _kid(sign1))


def check_own_claims(unverified: UnverifiedVcCose) -> JsonObject:
    """Return the claims of header and payload together, unverified, for a holder who reads what was delivered.

    Raises InvalidInputError unless the header is that of a ``vc+cose``, VerificationError if the two contradict.
    """
    sign1 = unverified.sign1
    if media_type_of(sign1.protected, TYP) not in VC_COSE_TYPES:
        raise InvalidInputError(f"expected a credential of type {' or '.join(sorted(VC_COSE_TYPES))}")
    check_no_wrapping(unverified.payload)
    return claims_of(sign1, unverified.payload)


def verify_vc_cose(
    unverified: UnverifiedVcCose,
    key: PublicKey,
    *,
    now: UnixSeconds,
    contexts: Collection[str],
    inline_contexts: bool = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    typ: Collection[str] = VC_COSE_TYPES,
) -> VerifiedCredential:
    """Return the credential as verified under ``key``, which the caller found for its issuer and kid.

    ``contexts``, ``max_skew_seconds`` and ``typ`` as for ``verify_vc_jwt``. Raises InvalidSignatureError,
    VerificationError, ValidityError, InvalidInputError.
    """
    sign1, payload = unverified.sign1, unverified.payload
    verify_sign1(sign1, key, typ=typ)
    opened = _open(sign1, payload, key)
    credential, issued_at = check_credential_in(
        opened, now=now, contexts=contexts, inline_contexts=inline_contexts, max_skew_seconds=max_skew_seconds
    )
    return VerifiedCredential(credential, key, opened.header, opened.claims, b64_encode(sign1.encoded), issued_at)


def read_vp_cose(data: bytes | str) -> UnverifiedVpCose:
    """Parse a ``vp+cose`` as far as is needed to choose a key; text is base64. Raises InvalidInputError."""
    return as_vp_cose(parse_cose(data))


def as_vp_cose(sign1: UnverifiedSign1) -> UnverifiedVpCose:
    """Return what a parsed COSE_Sign1 says of itself as a presentation. Raises InvalidInputError."""
    payload = _payload(sign1)
    holder = parse_identified(payload["holder"], "holder") if "holder" in payload else None
    return UnverifiedVpCose(sign1, payload, holder, _kid(sign1))


def verify_vp_cose(
    unverified: UnverifiedVpCose,
    key: PublicKey,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    typ: Collection[str] = VP_COSE_TYPES,
) -> VerifiedPresentation:
    """Return the presentation as verified under ``key``, which the caller found for its holder or its credential.

    ``audience``, ``nonce`` and ``max_age_seconds`` (since ``iat``) have to be said, as for ``verify_vp_jwt``. Raises
    InvalidSignatureError, VerificationError, ValidityError, InvalidInputError.
    """
    sign1, payload = unverified.sign1, unverified.payload
    verify_sign1(sign1, key, typ=typ)
    opened = _open(sign1, payload, key)
    presentation, enveloped, issued_at = check_presentation_in(
        opened,
        now=now,
        audience=audience,
        nonce=nonce,
        max_age_seconds=max_age_seconds,
        contexts=contexts,
        max_skew_seconds=max_skew_seconds,
    )
    return VerifiedPresentation(presentation, enveloped, key, opened.header, b64_encode(sign1.encoded), issued_at)


async def sign_vc_cose(
    credential: Credential,
    *,
    kms: Kms,
    label: str,
    kid: str,
    issued_at: UnixSeconds | None = None,
    expires_at: UnixSeconds | None = None,
    holder_key: PublicKey | None = None,
) -> bytes:
    """Return ``credential`` as a COSE_Sign1 signed by the key ``label``, whose verification method is ``kid``.

    Where ``kid`` is no URL, iss joins the header (4.3); ``holder_key`` goes into ``cnf``. Raises InvalidInputError if
    ``kid`` is another's or the payload says a claim of its own, and as ``Kms.sign``.
    """
    added = {"iat": issued_at, "exp": expires_at, "cnf": holder_key}
    header = _header(credential.raw, added, kid, credential.issuer, "vc")
    payload = encode_json(credential.raw)
    return await sign_sign1(header, payload, kms=kms, label=label, purpose=KeyPurpose.CREDENTIAL)


async def sign_vp_cose(
    presentation: Presentation,
    *,
    kms: Kms,
    label: str,
    kid: str | None,
    audience: str | None,
    nonce: str | None,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds | None = None,
) -> bytes:
    """Return ``presentation``, such as from ``build_presentation``, as a COSE_Sign1 signed by the holder's key.

    With a holder, ``kid`` is one of its verification methods; without, the verifier knows the key from ``cnf``.
    Raises InvalidInputError, and as ``Kms.sign``.
    """
    added = {"aud": audience, "nonce": nonce, "iat": issued_at, "exp": expires_at}
    header = _header(presentation.raw, added, kid, presentation.holder, "vp")
    if not all(isinstance(item, Envelope) for item in presentation.credentials):
        raise InvalidInputError("expected every credential of the presentation in an envelope")
    payload = encode_json(presentation.raw)
    return await sign_sign1(header, payload, kms=kms, label=label, purpose=KeyPurpose.HOLDER)


def envelope_vc_cose(encoded: bytes) -> Envelope:
    """Return a ``vc+cose`` in the envelope that a presentation carries: in base64 (3.3.1)."""
    return Envelope(VC_COSE_MEDIA_TYPE, b64_encode(encoded), base64=True)


def _payload(sign1: UnverifiedSign1) -> JsonObject:
    if sign1.payload is None:
        raise InvalidInputError("expected a COSE_Sign1 with its payload")
    return parse_object(sign1.payload, max_bytes=len(sign1.payload))


def _kid(sign1: UnverifiedSign1) -> str | None:
    """Return the kid as text, None if there is none or it is bytes of another kind."""
    try:
        return None if sign1.kid is None else sign1.kid.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _open(sign1: UnverifiedSign1, payload: JsonObject, key: PublicKey) -> Opened:
    """Return the header in JOSE's names, and the claims of header and payload together."""
    members = {
        "alg": key.alg,
        "typ": sign1.protected.get(TYP),
        "cty": sign1.protected.get(CONTENT_TYPE),
        "kid": _kid(sign1),
    }
    header: JsonObject = {name: value for name, value in members.items() if value is not None}
    return Opened(header, payload, claims_of(sign1, payload), _check_author)


def _check_author(header: JsonObject, claims: JsonObject, author: str, role: str) -> None:
    kid = header.get("kid")
    if is_url(kid):
        check_author({"kid": kid}, claims, author, role)
    elif claims.get("iss") is not None:
        check_author({}, claims, author, role)


def _header(document: JsonObject, added: JsonObject, kid: str | None, author: str | None, kind: str) -> Header:
    """Return the protected header without alg. Raises InvalidInputError."""
    check_no_wrapping(document)
    added = {"iss": None if author is None or (kid is not None and is_url(kid)) else author, **added}
    for name, value in added.items():
        if value is not None and name in document:
            raise InvalidInputError(f"expected a document without {name}, which the envelope adds")
    header: dict[int | str, object] = {CONTENT_TYPE: f"application/{kind}", TYP: f"application/{kind}+cose"}
    if kid is not None:
        header[KID] = kid.encode("utf-8")
    claims = header_claims(added)
    if claims:
        header[CWT_CLAIMS] = claims
    if author is not None:
        try:
            _check_author({} if kid is None else {"kid": kid}, {**document, **added}, author, "author")
        except VerificationError as exc:
            raise InvalidInputError(str(exc)) from exc
    return header

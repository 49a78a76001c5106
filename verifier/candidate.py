"""Read a presentation as far as is needed to decide whether to go on: what, by whom, of which type.

Source:  RFC 9901 and SD-JWT VC (``~`` ends every part), W3C VC-JOSE-COSE (``vc+jwt``, ``vp+jwt``, ``vc+cose``,
         ``vp+cose``), W3C VCDM 2.0 sections 4.12 and 4.13 with W3C Data Integrity 1.0 (``ldp_vc``: JSON with a proof).
Input:   untrusted text, compact or JSON, or a COSE_Sign1 as bytes or in base64. A presentation in an envelope holds
         envelopes only, as VC-JOSE-COSE has it; one with a proof may hold credentials of both kinds.
I/O:     none.
Errors:  InvalidInputError, whatever comes in.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from ssi.credentials.cose import (
    VC_COSE_MEDIA_TYPE,
    VP_COSE_MEDIA_TYPE,
    UnverifiedVcCose,
    UnverifiedVpCose,
    as_vc_cose,
    as_vp_cose,
    parse_cose,
    read_vc_cose,
    read_vp_cose,
)
from ssi.credentials.cwt import unverified_issued_at
from ssi.credentials.data_integrity import (
    UnverifiedCredential,
    UnverifiedPresentation,
    read_credential,
    read_presentation,
)
from ssi.credentials.jose import UnverifiedVcJwt, UnverifiedVpJwt, as_vc_jwt, as_vp_jwt, read_vc_jwt, read_vp_jwt
from ssi.credentials.presentation import (
    ENVELOPED_CREDENTIAL,
    ENVELOPED_PRESENTATION,
    Envelope,
    Presentation,
    parse_envelope,
    parse_presentation,
)
from ssi.credentials.sd_jwt import UnverifiedSdJwt, UnverifiedSdJwtVc, as_sd_jwt_vc, parse_sd_jwt
from ssi.encoding.base64url import b64_decode
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.keys.cose import TYP, media_type_of
from ssi.keys.jws import media_type, parse_jws
from ssi.types import JsonObject

CandidateFormat: TypeAlias = Literal["sd-jwt-vc", "sd-jwt", "vc+jwt", "vc+cose", "ldp_vc"]
SD_JWT_VC_TYPES: Final = frozenset({"dc+sd-jwt", "vc+sd-jwt"})
VC_JWT_MEDIA_TYPE: Final = "application/vc+jwt"
VP_JWT_MEDIA_TYPE: Final = "application/vp+jwt"
SIGN1: Final = b"\xd2"
"""How a COSE_Sign1 with its tag begins: with no character of the other formats."""
MAX_CREDENTIALS: Final = 16
MAX_JSON_BYTES: Final = 1 << 20
MAX_PRESENTED: Final = 1 << 22
"""Longer than any format allows: what is refused for its length alone is not even copied."""


class Signer(msgspec.Struct, frozen=True):
    """Who is said to have signed, with which key, and when."""

    controller: str
    """Whose key it is: the issuer, or for a proof whoever controls its verification method."""
    kid: str | None
    signed_at: int | None


class Candidate(msgspec.Struct, frozen=True):
    """A credential that nothing is believed of yet."""

    format: CandidateFormat
    issuer: str
    types: tuple[str, ...]
    signers: tuple[Signer, ...]
    """One, or one for each proof."""
    body: UnverifiedSdJwtVc | UnverifiedSdJwt | UnverifiedVcJwt | UnverifiedVcCose | UnverifiedCredential

    @property
    def signing_input(self) -> bytes:
        """What the issuer signed."""
        if isinstance(self.body, UnverifiedCredential):
            return self.body.signing_input
        if isinstance(self.body, UnverifiedVcJwt):
            return self.body.jws.signing_input
        if isinstance(self.body, UnverifiedVcCose):
            return self.body.sign1.signing_input()
        sd_jwt = self.body.sd_jwt if isinstance(self.body, UnverifiedSdJwtVc) else self.body
        return sd_jwt.issuer_jws.signing_input


class Presented(msgspec.Struct, frozen=True):
    """What was presented: credentials, and the presentation around them if there is one."""

    candidates: tuple[Candidate, ...]
    around: UnverifiedVpJwt | UnverifiedVpCose | UnverifiedPresentation | None


def read_presented(text: str | bytes, *, contexts: tuple[str, ...]) -> Presented:
    """Return what ``text`` presents: a credential of any format, or a presentation. Raises InvalidInputError."""
    if len(text) > MAX_PRESENTED:
        raise InvalidInputError(f"expected a presentation of at most {MAX_PRESENTED} bytes")
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if raw.startswith(SIGN1):
        return _cose(raw, contexts)
    raw = raw.strip()
    if raw.startswith(b"{"):
        return _json(parse_object(raw, max_bytes=MAX_JSON_BYTES), contexts)
    if b"~" in raw:
        return Presented((_sd_jwt(raw),), None)
    if b"." not in raw:
        return _cose(_from_base64(raw), contexts)
    jws = parse_jws(raw)
    if media_type(jws.header) == "vp+jwt":
        return _vp_jwt(as_vp_jwt(jws), contexts)
    return Presented((_vc_jwt(as_vc_jwt(jws)),), None)


def _json(document: JsonObject, contexts: tuple[str, ...]) -> Presented:
    types = document.get("type")
    names = types if isinstance(types, list) else [types]
    if ENVELOPED_PRESENTATION in names:
        envelope = parse_envelope(document, contexts=contexts, kind=ENVELOPED_PRESENTATION)
        if envelope.media_type == VP_COSE_MEDIA_TYPE and envelope.base64:
            return _vp_cose(read_vp_cose(envelope.data), contexts)
        if envelope.media_type != VP_JWT_MEDIA_TYPE:
            raise InvalidInputError(f"expected a presentation in an envelope of {VP_JWT_MEDIA_TYPE} or vp+cose")
        return _vp_jwt(read_vp_jwt(envelope.data), contexts)
    if ENVELOPED_CREDENTIAL in names:
        return Presented((_enveloped(parse_envelope(document, contexts=contexts)),), None)
    if "VerifiablePresentation" not in names:
        return Presented((_ldp_vc(read_credential(document)),), None)
    around = read_presentation(document)
    return Presented(_members(parse_presentation(document, contexts=contexts)), around)


def _members(presentation: Presentation) -> tuple[Candidate, ...]:
    if not 1 <= len(presentation.credentials) <= MAX_CREDENTIALS:
        raise InvalidInputError(f"expected a presentation of 1 to {MAX_CREDENTIALS} credentials")
    return tuple(
        _enveloped(item) if isinstance(item, Envelope) else _ldp_vc(read_credential(item.raw))
        for item in presentation.credentials
    )


def _ldp_vc(credential: UnverifiedCredential) -> Candidate:
    signers = tuple(Signer(proof.controller, proof.verification_method, proof.created) for proof in credential.proofs)
    return Candidate("ldp_vc", credential.issuer, credential.types, signers, credential)


def _enveloped(item: Envelope) -> Candidate:
    if item.media_type == VC_COSE_MEDIA_TYPE and item.base64:
        return _vc_cose(read_vc_cose(item.data))
    if item.media_type != VC_JWT_MEDIA_TYPE:
        raise InvalidInputError("expected a credential in an envelope of application/vc+jwt or vc+cose")
    return _vc_jwt(read_vc_jwt(item.data))


def _signer(issuer: str, kid: str | None, claims: JsonObject) -> tuple[Signer]:
    issued_at = claims.get("iat")
    return (Signer(issuer, kid, int(issued_at) if isinstance(issued_at, int | float) else None),)


def _sd_jwt(raw: bytes) -> Candidate:
    parsed = parse_sd_jwt(raw)
    typ = media_type(parsed.header)
    if typ in SD_JWT_VC_TYPES:
        credential = as_sd_jwt_vc(parsed)
        named = credential.issuer or ""
        signer = _signer(named, credential.kid, parsed.unverified_claims())
        return Candidate("sd-jwt-vc", named, (credential.vct,), signer, credential)
    claims, kid = parsed.unverified_claims(), parsed.header.get("kid")
    # RFC 9901 leaves it to the payload who issued it: iss of a JWT, or else issuer of a W3C credential (its A.4).
    issuer = claims["iss"] if "iss" in claims else claims.get("issuer", "")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str) or not isinstance(kid, str | None):
        raise InvalidInputError("expected iss or issuer, and kid, to be strings")
    return Candidate("sd-jwt", issuer, (typ,), _signer(issuer, kid, claims), parsed)


def _vc_jwt(credential: UnverifiedVcJwt) -> Candidate:
    signer = _signer(credential.issuer, credential.kid, credential.jws.unverified_claims())
    return Candidate("vc+jwt", credential.issuer, credential.types, signer, credential)


def _vp_jwt(around: UnverifiedVpJwt, contexts: tuple[str, ...]) -> Presented:
    return Presented(_envelopes(around.jws.unverified_claims(), contexts), around)


def _envelopes(claims: JsonObject, contexts: tuple[str, ...]) -> tuple[Candidate, ...]:
    presentation = parse_presentation(claims, contexts=contexts)
    if not all(isinstance(item, Envelope) for item in presentation.credentials):
        raise InvalidInputError("expected every credential of an enveloped presentation in an envelope")
    return _members(presentation)


def _cose(data: bytes, contexts: tuple[str, ...]) -> Presented:
    sign1 = parse_cose(data)
    if media_type_of(sign1.protected, TYP) == "vp+cose":
        return _vp_cose(as_vp_cose(sign1), contexts)
    return Presented((_vc_cose(as_vc_cose(sign1)),), None)


def _from_base64(raw: bytes) -> bytes:
    """Return the COSE_Sign1 in base64 text; what else has neither dots nor tildes is no format of ours."""
    try:
        data = b64_decode(raw.decode("ascii"))
    except UnicodeDecodeError as exc:
        raise InvalidInputError("expected a credential or presentation") from exc
    if not data.startswith(SIGN1):
        raise InvalidInputError("expected a credential or presentation")
    return data


def _vc_cose(credential: UnverifiedVcCose) -> Candidate:
    signed_at = unverified_issued_at(credential.sign1, credential.payload)
    signer = (Signer(credential.issuer, credential.kid, signed_at),)
    return Candidate("vc+cose", credential.issuer, credential.types, signer, credential)


def _vp_cose(around: UnverifiedVpCose, contexts: tuple[str, ...]) -> Presented:
    return Presented(_envelopes(around.payload, contexts), around)

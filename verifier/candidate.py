"""Read a presentation as far as is needed to decide whether to go on: what, by whom, of which type.

Source:  RFC 9901 and SD-JWT VC (``~`` ends every part), W3C VC-JOSE-COSE (``vc+jwt``, ``vp+jwt``).
Input:   untrusted text.
I/O:     none.
Errors:  InvalidInputError, whatever comes in.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from ssi.credentials.jose import UnverifiedVcJwt, UnverifiedVpJwt, read_vc_jwt, read_vp_jwt
from ssi.credentials.presentation import Envelope, parse_presentation
from ssi.credentials.sd_jwt import UnverifiedSdJwt, UnverifiedSdJwtVc, as_sd_jwt_vc, parse_sd_jwt
from ssi.errors import InvalidInputError
from ssi.keys.jws import media_type, parse_jws
from ssi.types import JsonObject

CandidateFormat: TypeAlias = Literal["sd-jwt-vc", "sd-jwt", "vc+jwt"]
SD_JWT_VC_TYPES: Final = frozenset({"dc+sd-jwt", "vc+sd-jwt"})
VC_JWT_MEDIA_TYPE: Final = "application/vc+jwt"
MAX_CREDENTIALS: Final = 16


class Candidate(msgspec.Struct, frozen=True):
    """A credential that nothing is believed of yet."""

    format: CandidateFormat
    issuer: str
    types: tuple[str, ...]
    kid: str | None
    body: UnverifiedSdJwtVc | UnverifiedSdJwt | UnverifiedVcJwt

    def unverified_claims(self) -> JsonObject:
        """Return the payload, to find a key by and for nothing else."""
        if isinstance(self.body, UnverifiedVcJwt):
            return self.body.jws.unverified_claims()
        if isinstance(self.body, UnverifiedSdJwtVc):
            return self.body.sd_jwt.unverified_claims()
        return self.body.unverified_claims()


class Presented(msgspec.Struct, frozen=True):
    """What was presented: credentials, and the VP-JWT around them if there is one."""

    candidates: tuple[Candidate, ...]
    envelope: UnverifiedVpJwt | None


def read_presented(text: str | bytes, *, contexts: tuple[str, ...]) -> Presented:
    """Return what ``text`` presents: an SD-JWT, a VC-JWT, or a VP-JWT with VC-JWTs inside. Raises InvalidInputError."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    raw = raw.strip()
    if b"~" in raw:
        return Presented((_sd_jwt(raw),), None)
    if media_type(parse_jws(raw).header) == "vp+jwt":
        return _vp_jwt(raw, contexts)
    return Presented((_vc_jwt(raw),), None)


def _sd_jwt(raw: bytes) -> Candidate:
    parsed = parse_sd_jwt(raw)
    typ = media_type(parsed.header)
    if typ in SD_JWT_VC_TYPES:
        credential = as_sd_jwt_vc(parsed)
        return Candidate("sd-jwt-vc", credential.issuer or "", (credential.vct,), credential.kid, credential)
    claims, kid = parsed.unverified_claims(), parsed.header.get("kid")
    # RFC 9901 leaves it to the payload who issued it: iss of a JWT, or else issuer of a W3C credential (its A.4).
    issuer = claims["iss"] if "iss" in claims else claims.get("issuer", "")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str) or not isinstance(kid, str | None):
        raise InvalidInputError("expected iss or issuer, and kid, to be strings")
    return Candidate("sd-jwt", issuer, (typ,), kid, parsed)


def _vc_jwt(raw: bytes | str) -> Candidate:
    credential = read_vc_jwt(raw)
    return Candidate("vc+jwt", credential.issuer, credential.types, credential.kid, credential)


def _vp_jwt(raw: bytes, contexts: tuple[str, ...]) -> Presented:
    envelope = read_vp_jwt(raw)
    presentation = parse_presentation(envelope.jws.unverified_claims(), contexts=contexts)
    if not 1 <= len(presentation.credentials) <= MAX_CREDENTIALS:
        raise InvalidInputError(f"expected a presentation of 1 to {MAX_CREDENTIALS} credentials")
    candidates = []
    for item in presentation.credentials:
        if not isinstance(item, Envelope) or item.media_type != VC_JWT_MEDIA_TYPE:
            raise InvalidInputError("expected a presentation of credentials in application/vc+jwt envelopes")
        candidates.append(_vc_jwt(item.data))
    return Presented(tuple(candidates), envelope)

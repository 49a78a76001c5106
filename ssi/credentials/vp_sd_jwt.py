"""Presentations with selective disclosure: ``vp+sd-jwt``.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, section 3.2.2; RFC 9901.
Input:   compact SD-JWT text, with or without a key binding JWT.
Shapes:  the processed payload is the presentation itself; its credentials are in envelopes.
I/O:     none; ``sign_vp_sd_jwt`` awaits the key store.
Errors:  as ``ssi.credentials.jose`` and ``ssi.credentials.sd_jwt``; DisclosureError for a member that decides over the
         presentation's life and could have been withheld.

A holder who may be withheld is looked for by ``iss``, and has to be the same when it is disclosed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from ssi.credentials.claims import MAX_SKEW_SECONDS
from ssi.credentials.enveloped import Opened, check_presentation_in
from ssi.credentials.presentation import Envelope, Presentation
from ssi.credentials.sd_jwt import (
    ClaimPath,
    IssuedSdJwt,
    UnverifiedSdJwt,
    issue_sd_jwt,
    parse_sd_jwt,
    verify_sd_jwt,
)
from ssi.credentials.sd_jwt.key_binding import check_kb_integrity
from ssi.credentials.values import is_url, parse_identified
from ssi.errors import DisclosureError, InvalidInputError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.types import JsonObject, UnixSeconds

VP_SD_JWT_TYPES: Final = frozenset({"vp+sd-jwt"})
VP_SD_JWT_MEDIA_TYPE: Final = "application/vp+sd-jwt"
NEVER_DISCLOSABLE: Final = frozenset({"@context", "type", "iss", "iat", "nbf", "exp", "aud", "nonce"})
"""What a verifier decides by. A holder conceals none of it."""
_WITHHOLDABLE_TO_GAIN: Final = frozenset({"nbf", "exp"})


class UnverifiedVpSdJwt(msgspec.Struct, frozen=True, gc=False):
    """A parsed presentation, to look for the holder's key and for nothing else."""

    sd_jwt: UnverifiedSdJwt
    holder: str | None
    kid: str | None


class VerifiedVpSdJwt(msgspec.Struct, frozen=True, gc=False):
    """A presentation as far as it was disclosed. Its credentials have to be verified each on its own."""

    presentation: Presentation
    credentials: tuple[Envelope, ...]
    key: PublicKey
    header: JsonObject
    disclosed_paths: tuple[ClaimPath, ...]
    compact: str
    issued_at: UnixSeconds | None


def read_vp_sd_jwt(text: str | bytes) -> UnverifiedVpSdJwt:
    """Parse a ``vp+sd-jwt`` as far as is needed to choose a key. Raises InvalidInputError."""
    sd_jwt = parse_sd_jwt(text)
    claims = sd_jwt.unverified_claims()
    named = claims.get("holder", claims.get("iss"))
    kid = sd_jwt.header.get("kid")
    if kid is not None and type(kid) is not str:
        raise InvalidInputError("expected kid to be a string")
    return UnverifiedVpSdJwt(sd_jwt, None if named is None else parse_identified(named, "holder"), kid)


def verify_vp_sd_jwt(
    unverified: UnverifiedVpSdJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> VerifiedVpSdJwt:
    """Return the presentation as verified under ``key``, which the caller found for its holder and kid.

    ``audience``, ``nonce`` and ``max_age_seconds`` have to be said, as for ``verify_vp_jwt``. Raises
    InvalidSignatureError, VerificationError, DisclosureError, ValidityError, InvalidInputError.
    """
    verified = verify_sd_jwt(unverified.sd_jwt, key, typ=VP_SD_JWT_TYPES)
    for path in verified.disclosed:
        if path[0] in _WITHHOLDABLE_TO_GAIN:
            raise DisclosureError(f"{path[0]} must not be selectively disclosed")
    presentation, enveloped, issued_at = check_presentation_in(
        Opened(verified.header, verified.claims, verified.claims),
        now=now,
        audience=audience,
        nonce=nonce,
        max_age_seconds=max_age_seconds,
        contexts=contexts,
        max_skew_seconds=max_skew_seconds,
    )
    if unverified.holder is not None and presentation.holder not in (None, unverified.holder):
        raise DisclosureError("expected the holder that the key was chosen by")
    check_kb_integrity(verified)
    paths = verified.disclosed_paths
    return VerifiedVpSdJwt(presentation, enveloped, key, verified.header, paths, verified.sd_jwt, issued_at)


async def sign_vp_sd_jwt(
    presentation: Presentation,
    *,
    disclosable: Iterable[Sequence[str | int | None]],
    kms: Kms,
    label: str,
    kid: str,
    audience: str | None,
    nonce: str | None,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds | None = None,
) -> IssuedSdJwt:
    """Return ``presentation`` as a ``vp+sd-jwt`` whose claims at ``disclosable`` may be withheld.

    iss names the holder where ``kid`` is no URL, or the holder may be withheld. Raises InvalidInputError if a path
    leads into ``NEVER_DISCLOSABLE`` or a credential is in no envelope, and as ``Kms.sign``.
    """
    paths = [tuple(path) for path in disclosable]
    if any(path and path[0] in NEVER_DISCLOSABLE for path in paths):
        raise InvalidInputError("expected every member that a verifier decides by to stay in plain sight")
    if not all(isinstance(item, Envelope) for item in presentation.credentials):
        raise InvalidInputError("expected every credential of the presentation in an envelope")
    hidden = any(path and path[0] == "holder" for path in paths)
    added = {
        "iss": presentation.holder if hidden or not is_url(kid) else None,
        "aud": audience,
        "nonce": nonce,
        "iat": issued_at,
        "exp": expires_at,
    }
    claims = dict(presentation.raw)
    for name, value in added.items():
        if value is not None and claims.setdefault(name, value) != value:
            raise InvalidInputError(f"expected a presentation without {name}, which the envelope adds")
    header = {"cty": "vp", "kid": kid}
    return await issue_sd_jwt(
        claims,
        disclosable=paths,
        typ="vp+sd-jwt",
        kms=kms,
        label=label,
        header=header,
        purpose=KeyPurpose.HOLDER,
    )

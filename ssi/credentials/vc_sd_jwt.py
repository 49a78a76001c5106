"""W3C credentials with selective disclosure: ``vc+sd-jwt``.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, section 3.2; RFC 9901. SD-JWT VC (``dc+sd-jwt``) is
         another format with another data model: ``ssi.credentials.sd_jwt.vc``.
Input:   compact SD-JWT text, with or without a key binding JWT.
Shapes:  the processed payload is the credential itself.
I/O:     none; ``sign_vc_sd_jwt`` awaits the key store.
Errors:  as ``ssi.credentials.jose`` and ``ssi.credentials.sd_jwt``; DisclosureError for a member that decides over
         validity or status and could have been withheld.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from ssi.credentials.claims import MAX_SKEW_SECONDS
from ssi.credentials.contexts import InlineContexts
from ssi.credentials.enveloped import Opened, check_credential_in
from ssi.credentials.jose import credential_parts
from ssi.credentials.sd_jwt import (
    ClaimPath,
    IssuedSdJwt,
    KeyBinding,
    KeyBindingPolicy,
    UnverifiedSdJwt,
    issue_sd_jwt,
    parse_sd_jwt,
    verify_sd_jwt,
)
from ssi.credentials.sd_jwt.key_binding import check_key_binding
from ssi.credentials.values import parse_identified
from ssi.credentials.vcdm import Credential
from ssi.errors import DisclosureError, InvalidInputError
from ssi.keys import Kms, PublicKey
from ssi.types import JsonObject, UnixSeconds

VC_SD_JWT_TYPES: Final = frozenset({"vc+sd-jwt"})
VC_SD_JWT_MEDIA_TYPE: Final = "application/vc+sd-jwt"
NEVER_DISCLOSABLE: Final = frozenset(
    {
        *("@context", "type", "issuer", "validFrom", "validUntil", "credentialStatus", "credentialSchema"),
        *("relatedResource", "iss", "iat", "nbf", "exp", "cnf"),
    }
)
"""What a verifier decides by. An issuer conceals none of it."""
_WITHHOLDABLE_TO_GAIN: Final = frozenset({"validFrom", "validUntil", "credentialStatus", "nbf", "exp", "cnf"})


class UnverifiedVcSdJwt(msgspec.Struct, frozen=True, gc=False):
    """A parsed credential, to choose a key by issuer and kid and for nothing else."""

    sd_jwt: UnverifiedSdJwt
    issuer: str
    kid: str | None


class VerifiedVcSdJwt(msgspec.Struct, frozen=True, gc=False):
    """A credential as far as it was disclosed; signature, disclosures, shape, validity and asked-for binding held."""

    credential: Credential
    key: PublicKey
    header: JsonObject
    claims: JsonObject
    disclosed_paths: tuple[ClaimPath, ...]
    compact: str
    issued_at: UnixSeconds | None
    key_binding: KeyBinding | None


def read_vc_sd_jwt(text: str | bytes) -> UnverifiedVcSdJwt:
    """Parse a ``vc+sd-jwt`` as far as is needed to choose a key. Raises InvalidInputError.

    The issuer is the ``issuer`` member, or ``iss`` where a foreign issuer made that member disclosable.
    """
    sd_jwt = parse_sd_jwt(text)
    claims = sd_jwt.unverified_claims()
    issuer = parse_identified(claims.get("issuer", claims.get("iss")), "issuer")
    kid = sd_jwt.header.get("kid")
    if kid is not None and type(kid) is not str:
        raise InvalidInputError("expected kid to be a string")
    return UnverifiedVcSdJwt(sd_jwt, issuer, kid)


def verify_vc_sd_jwt(
    unverified: UnverifiedVcSdJwt,
    key: PublicKey,
    *,
    now: UnixSeconds,
    contexts: Collection[str],
    key_binding: KeyBindingPolicy | None,
    inline_contexts: InlineContexts = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> VerifiedVcSdJwt:
    """Return the credential as verified under ``key``, which the caller found for its issuer and kid.

    ``key_binding`` has to be said: None accepts a presentation from anyone who has a copy. ``contexts`` as for
    ``verify_vc_jwt``. Raises InvalidSignatureError, VerificationError, DisclosureError, ValidityError,
    KeyBindingError, InvalidInputError.
    """
    verified = verify_sd_jwt(unverified.sd_jwt, key, typ=VC_SD_JWT_TYPES)
    for path in verified.disclosed:
        if path[0] in _WITHHOLDABLE_TO_GAIN:
            raise DisclosureError(f"{path[0]} must not be selectively disclosed")
    credential, issued_at = check_credential_in(
        Opened(verified.header, verified.claims, verified.claims),
        now=now,
        contexts=contexts,
        inline_contexts=inline_contexts,
        max_skew_seconds=max_skew_seconds,
    )
    if credential.issuer != unverified.issuer:
        raise DisclosureError("expected the issuer that the key was chosen by")
    binding = check_key_binding(verified, key_binding, now=now, max_skew_seconds=max_skew_seconds)
    paths = verified.disclosed_paths
    header, claims = verified.header, verified.claims
    return VerifiedVcSdJwt(credential, key, header, claims, paths, verified.sd_jwt, issued_at, binding)


async def sign_vc_sd_jwt(
    credential: Credential,
    *,
    disclosable: Iterable[Sequence[str | int | None]],
    kms: Kms,
    label: str,
    kid: str,
    issued_at: UnixSeconds | None = None,
    expires_at: UnixSeconds | None = None,
    holder_key: PublicKey | None = None,
) -> IssuedSdJwt:
    """Return ``credential`` as a ``vc+sd-jwt`` whose claims at ``disclosable`` the holder may withhold.

    Raises InvalidInputError if a path leads into ``NEVER_DISCLOSABLE``, and as ``sign_vc_jwt``.
    """
    paths = [tuple(path) for path in disclosable]
    if any(path and path[0] in NEVER_DISCLOSABLE for path in paths):
        raise InvalidInputError("expected every member that a verifier decides by to stay in plain sight")
    header, claims = credential_parts(credential, kid, issued_at, expires_at, holder_key)
    rest = {name: value for name, value in header.items() if name != "typ"}
    return await issue_sd_jwt(claims, disclosable=paths, typ="vc+sd-jwt", kms=kms, label=label, header=rest)

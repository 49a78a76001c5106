"""SD-JWT VC: an SD-JWT that is a credential of a named type.

Source:  draft-ietf-oauth-sd-jwt-vc-18 sections 2.2 (data format), 2.4 (verification); RFC 9901 section 7.
Shapes:  header ``typ`` is ``dc+sd-jwt`` (``vc+sd-jwt`` was its name until November 2024, and only policy accepts it).
         Claims that say who, of what type, until when, bound to what and revocable where lie in plain sight.
I/O:     none; ``issue_sd_jwt_vc`` awaits the key store. The caller resolves the issuer's key and checks the status.
Errors:  InvalidInputError, VerificationError, InvalidSignatureError, DisclosureError, ValidityError, KeyBindingError.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ssi.credentials.sd_jwt.compact import UnverifiedSdJwt, parse_sd_jwt
from ssi.credentials.sd_jwt.hashing import DEFAULT_HASH
from ssi.credentials.sd_jwt.issue import NO_DECOYS, IssuedSdJwt, issue_sd_jwt
from ssi.credentials.sd_jwt.key_binding import KeyBinding, KeyBindingPolicy, check_key_binding
from ssi.credentials.sd_jwt.paths import ClaimPath
from ssi.credentials.sd_jwt.validity import MAX_SKEW_SECONDS, numeric_date, verify_validity
from ssi.credentials.sd_jwt.verify import VerifiedSdJwt, verify_sd_jwt
from ssi.errors import DisclosureError, InvalidInputError, VerificationError
from ssi.keys import Kms, PublicKey
from ssi.types import JsonObject, JsonValue

SD_JWT_VC_TYPES: Final = frozenset(("dc+sd-jwt",))
NEVER_DISCLOSABLE: Final = frozenset(("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"))
"""Claims that MUST NOT be selectively disclosed, nor any part of them (2.2.2.3)."""


_GIVEN: Final = frozenset(("vct", "iss", "iat", "nbf", "exp", "status", "cnf"))
"""Claims that ``issue_sd_jwt_vc`` takes as arguments."""

_NEVER_DISCLOSABLE_PATHS: Final = frozenset((name,) for name in NEVER_DISCLOSABLE)


class UnverifiedSdJwtVc(msgspec.Struct, frozen=True, gc=False):
    """Who says to have issued what, to choose a key and a policy by. Nothing in it is to be believed yet."""

    sd_jwt: UnverifiedSdJwt
    issuer: str | None
    kid: str | None
    vct: str


class VerifiedSdJwtVc(msgspec.Struct, frozen=True, gc=False):
    """A credential whose signature, disclosures, validity and, if asked for, key binding held; status is apart."""

    issuer: str | None
    """The ``iss`` claim; None where the issuer is named by the certificate in ``x5c`` alone."""
    vct: str
    types: tuple[str, ...]
    """``vct`` and then ``aka_vcts``."""
    claims: JsonObject
    """The processed payload."""
    disclosed_paths: tuple[ClaimPath, ...]
    status: JsonObject | None
    """The ``status`` claim, for the status check that follows."""
    issued_at: int | float | None
    valid_from: int | float | None
    valid_until: int | float | None
    """Unix seconds of ``iat``, ``nbf`` and ``exp``."""
    key_binding: KeyBinding | None
    """The proven binding; None if the policy did not ask for one."""
    sd_jwt: VerifiedSdJwt


def read_sd_jwt_vc(text: str | bytes) -> UnverifiedSdJwtVc:
    """Parse an SD-JWT VC as far as needed to find its issuer's key. Raises InvalidInputError."""
    return as_sd_jwt_vc(parse_sd_jwt(text))


def as_sd_jwt_vc(sd_jwt: UnverifiedSdJwt) -> UnverifiedSdJwtVc:
    """Return what a parsed SD-JWT says of itself as a credential. Raises InvalidInputError if it says too little."""
    claims = sd_jwt.unverified_claims()
    kid = sd_jwt.header.get("kid")
    if kid is not None and type(kid) is not str:
        raise InvalidInputError("expected kid to be a string")
    issuer = _optional_text(claims, "iss")
    if kid is not None and kid.startswith("did:") and kid.partition("#")[0] != issuer:
        raise InvalidInputError("expected a kid that is a DID URL to belong to iss")
    return UnverifiedSdJwtVc(sd_jwt, issuer, kid, _vct(claims))


def verify_sd_jwt_vc(
    unverified: UnverifiedSdJwtVc,
    key: PublicKey,
    *,
    now: int,
    key_binding: KeyBindingPolicy | None,
    typ: Collection[str] = SD_JWT_VC_TYPES,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> VerifiedSdJwtVc:
    """Return the credential behind ``unverified`` if it is to be believed at ``now`` (Unix seconds).

    ``key`` is what ``unverified.issuer`` resolved to. ``key_binding`` is the verifier's decision: None accepts a
    presentation from anyone who has a copy, with or without a KB-JWT, which then proves nothing but must hold.
    Policy may add ``vc+sd-jwt`` to ``typ``.

    Raises InvalidSignatureError, VerificationError, DisclosureError, ValidityError, KeyBindingError, InvalidInputError.
    """
    verified = verify_sd_jwt(unverified.sd_jwt, key, typ=typ)
    _check_in_plain_sight(verified)
    claims = verified.claims
    vct = _vct(claims)
    types = _types(claims, vct)
    status = claims.get("status")
    if "status" in claims and type(status) is not dict:
        raise InvalidInputError("expected status to be an object")
    _optional_text(claims, "sub")
    verify_validity(claims, now=now, max_skew_seconds=max_skew_seconds)
    binding = check_key_binding(verified, key_binding, now=now, max_skew_seconds=max_skew_seconds)
    return VerifiedSdJwtVc(
        issuer=_optional_text(claims, "iss"),
        vct=vct,
        types=types,
        claims=claims,
        disclosed_paths=verified.disclosed_paths,
        status=status,
        issued_at=numeric_date(claims, "iat"),
        valid_from=numeric_date(claims, "nbf"),
        valid_until=numeric_date(claims, "exp"),
        key_binding=binding,
        sd_jwt=verified,
    )


async def issue_sd_jwt_vc(
    claims: JsonObject,
    *,
    vct: str,
    issuer: str,
    kid: str,
    disclosable: Iterable[Sequence[str | int | None]],
    kms: Kms,
    label: str,
    issued_at: int | None = None,
    valid_from: int | None = None,
    valid_until: int | None = None,
    holder_key: PublicKey | None = None,
    status: JsonObject | None = None,
    header: Mapping[str, JsonValue] | None = None,
    decoys: Mapping[ClaimPath, int] = NO_DECOYS,
    hash_name: str = DEFAULT_HASH,
) -> IssuedSdJwt:
    """Sign ``claims`` about the subject as an SD-JWT VC of type ``vct``; times are Unix seconds.

    ``issued_at`` is the time itself, which lets an issuer round it so that credentials of one batch do not show their
    order. Raises InvalidInputError if ``claims`` has a member that an argument stands for, or ``disclosable`` one that
    must stay in plain sight.
    """
    given = {"vct": vct, "iss": issuer, "iat": issued_at, "nbf": valid_from, "exp": valid_until, "status": status}
    payload = {name: value for name, value in given.items() if value is not None}
    if not claims.keys().isdisjoint(_GIVEN):
        raise InvalidInputError(f"expected {', '.join(sorted(_GIVEN))} as arguments, not among the claims")
    payload.update(claims)
    _types(payload, _vct(payload))
    return await issue_sd_jwt(
        payload,
        disclosable=disclosable,
        typ="dc+sd-jwt",
        kms=kms,
        label=label,
        header={"kid": kid, **(header or {})},
        holder_key=holder_key,
        decoys=decoys,
        hash_name=hash_name,
        in_plain_sight=NEVER_DISCLOSABLE,
    )


def _check_in_plain_sight(verified: VerifiedSdJwt) -> None:
    """Neither such a claim itself nor a part of it may be behind a digest."""
    for (name,) in verified.disclosed.keys() & _NEVER_DISCLOSABLE_PATHS:
        raise DisclosureError(f"{name} must not be selectively disclosed")
    for path in verified.with_digests:
        if path and path[0] in NEVER_DISCLOSABLE:
            raise DisclosureError(f"{path[0]} must not have parts that can be withheld")


def _vct(claims: JsonObject) -> str:
    vct = claims.get("vct")
    if type(vct) is not str or not vct:
        raise InvalidInputError("expected vct, the type of the credential, as a string")
    return vct


def _types(claims: JsonObject, vct: str) -> tuple[str, ...]:
    others = claims.get("aka_vcts")
    if others is None and "aka_vcts" not in claims:
        return (vct,)
    if type(others) is not list or not others or not all(type(other) is str and other for other in others):
        raise InvalidInputError("expected aka_vcts to be an array of type names")
    if vct in others:
        raise VerificationError("expected aka_vcts without the value of vct")
    return (vct, *others)


def _optional_text(claims: JsonObject, name: str) -> str | None:
    value = claims.get(name)
    if name in claims and (type(value) is not str or not value):
        raise InvalidInputError(f"expected {name} to be a string")
    return value

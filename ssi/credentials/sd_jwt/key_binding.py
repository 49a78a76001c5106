"""Key binding: prove, and verify, that the presenter holds the key that the issuer named.

Source:  RFC 9901 sections 4.3 (the KB-JWT), 7.2 (holder) and 7.3 step 5 (verifier).
Shapes:  ``sd_hash`` is over the text up to and including the last "~", so dropping, adding and reordering disclosures
         break it. Times are Unix seconds.
I/O:     none; ``bind`` awaits the key store.
Errors:  KeyBindingError, InvalidInputError.
"""

from __future__ import annotations

from hmac import compare_digest

import msgspec

from ssi.credentials.sd_jwt.compact import UnverifiedSdJwt, parse_sd_jwt
from ssi.credentials.sd_jwt.hashing import digest_of, hash_name_of
from ssi.credentials.sd_jwt.validity import MAX_SKEW_SECONDS, numeric_date
from ssi.credentials.sd_jwt.verify import VerifiedSdJwt, confirmation_key
from ssi.errors import InvalidInputError, KeyBindingError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.keys.jws import UnverifiedJws, sign_jws, verify_jws
from ssi.types import JsonObject

KB_TYPES = frozenset(("kb+jwt",))


class KeyBinding(msgspec.Struct, frozen=True, gc=False):
    """The presenter held ``key`` at ``issued_at`` and signed for this audience and nonce."""

    key: PublicKey
    issued_at: int | float


class KeyBindingPolicy(msgspec.Struct, frozen=True):
    """What a verifier that requires key binding asks of it; nothing here has a default."""

    nonce: str
    audience: str
    max_age_seconds: int


def verify_key_binding(
    verified: VerifiedSdJwt,
    *,
    nonce: str,
    audience: str,
    now: int,
    max_age_seconds: int,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> KeyBinding:
    """Return the proven key binding of a presentation (RFC 9901, 7.3 step 5).

    ``nonce`` and ``audience`` are what this verifier sent and is called; ``now`` is in Unix seconds and the KB-JWT at
    most ``max_age_seconds`` old. Calling this function is what requires key binding: a presentation without a KB-JWT
    is refused. Raises KeyBindingError, and InvalidInputError if the KB-JWT is malformed or the policy is incomplete.
    """
    if not nonce or not audience or max_age_seconds <= 0:
        raise InvalidInputError("expected a nonce, an audience and an age to require key binding with")
    if verified.unverified_kb_jws is None:
        raise KeyBindingError("key binding is required, and the presentation has no key binding JWT")
    key = verified.holder_key()
    claims = _verify_kb_jwt(verified, verified.unverified_kb_jws, key)
    issued_at = _check_times(claims, now, max_age_seconds, max_skew_seconds)
    _check_equal(claims, "aud", audience)
    _check_equal(claims, "nonce", nonce)
    return KeyBinding(key, issued_at)


def check_key_binding(
    verified: VerifiedSdJwt, policy: KeyBindingPolicy | None, *, now: int, max_skew_seconds: int = MAX_SKEW_SECONDS
) -> KeyBinding | None:
    """Return the key binding that ``policy`` asks for; None as policy accepts anybody who has a copy.

    Raises as ``verify_key_binding``, or for None as ``check_kb_integrity``.
    """
    if policy is None:
        check_kb_integrity(verified)
        return None
    return verify_key_binding(
        verified,
        nonce=policy.nonce,
        audience=policy.audience,
        max_age_seconds=policy.max_age_seconds,
        now=now,
        max_skew_seconds=max_skew_seconds,
    )


def check_kb_integrity(verified: VerifiedSdJwt) -> None:
    """Refuse a presentation whose KB-JWT does not hold, where key binding is not required.

    Nothing is proved by this, since nonce and audience are not looked at; it refuses what was altered on its way. A
    confirmation method other than ``jwk`` is passed over. Raises KeyBindingError.
    """
    cnf = verified.claims.get("cnf")
    if verified.unverified_kb_jws is not None and type(cnf) is dict and "jwk" in cnf:
        _verify_kb_jwt(verified, verified.unverified_kb_jws, verified.holder_key())


def _verify_kb_jwt(verified: VerifiedSdJwt, jws: UnverifiedJws, key: PublicKey) -> JsonObject:
    """Return the claims of a KB-JWT that ``key`` signed for exactly these disclosures (7.3 steps 5.b to 5.d, 5.g)."""
    try:
        claims = verify_jws(jws, key, typ=KB_TYPES).claims
    except VerificationError as exc:
        raise KeyBindingError("expected a KB-JWT of type kb+jwt, signed with the key in cnf") from exc
    _check_equal(claims, "sd_hash", digest_of(verified.sd_jwt.encode("ascii"), verified.hash_name))
    return claims


def _check_times(claims: JsonObject, now: int, max_age_seconds: int, max_skew_seconds: int) -> int | float:
    issued_at = numeric_date(claims, "iat")
    if issued_at is None:
        raise KeyBindingError("expected the KB-JWT to have iat")
    if issued_at > now + max_skew_seconds:
        raise KeyBindingError(f"the KB-JWT was issued at {issued_at}, now {now}")
    if now - issued_at > max_age_seconds:
        raise KeyBindingError(f"the KB-JWT is older than {max_age_seconds} seconds")
    # RFC 9901 asks for neither of these, but a KB-JWT that has them says when it is not to be used (7.3 step 5.h).
    not_after, not_before = numeric_date(claims, "exp"), numeric_date(claims, "nbf")
    if not_after is not None and now >= not_after:
        raise KeyBindingError(f"the KB-JWT ended at {not_after}, now {now}")
    if not_before is not None and now + max_skew_seconds < not_before:
        raise KeyBindingError(f"the KB-JWT begins at {not_before}, now {now}")
    return issued_at


def _check_equal(claims: JsonObject, name: str, expected: str) -> None:
    """A single string is the only shape that 4.3 allows for any of the three, so an array as ``aud`` is refused too."""
    value = claims.get(name)
    if type(value) is not str or not compare_digest(value.encode(), expected.encode()):
        raise KeyBindingError(f"the KB-JWT has another {name} than expected")


async def bind(presentation: str, *, kms: Kms, label: str, nonce: str, audience: str, now: int) -> str:
    """Return ``presentation``, an SD-JWT, as an SD-JWT+KB signed by the holder's key ``label`` (RFC 9901, 7.2).

    Raises KeyBindingError if that key is not the one in ``cnf``, InvalidInputError if ``presentation`` is no bare
    SD-JWT, and what the key store raises.
    """
    if not nonce or not audience:
        raise InvalidInputError("expected a nonce and an audience to bind a presentation to")
    unverified = parse_bare(presentation)
    claims = unverified.unverified_claims()
    # "cnf" is in plain sight in every credential that this library accepts as bound (SD-JWT VC, 2.2.2.3).
    if confirmation_key(claims) != await kms.public_key(label):
        raise KeyBindingError("expected the holder's key to be the one in cnf")
    kb_claims: JsonObject = {
        "iat": now,
        "aud": audience,
        "nonce": nonce,
        "sd_hash": digest_of(unverified.sd_jwt.encode("ascii"), hash_name_of(claims)),
    }
    kb_jwt = await sign_jws({"typ": "kb+jwt"}, kb_claims, kms=kms, label=label, purpose=KeyPurpose.HOLDER)
    return unverified.sd_jwt + kb_jwt


def parse_bare(text: str) -> UnverifiedSdJwt:
    """Parse what a holder got from an issuer; an SD-JWT+KB is refused (RFC 9901, 7.2)."""
    unverified = parse_sd_jwt(text)
    if unverified.kb_jws is not None:
        raise InvalidInputError("expected an SD-JWT without a key binding JWT")
    return unverified

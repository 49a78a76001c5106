"""Verify an SD-JWT: the issuer's signature, then every disclosure against what was signed.

Source:  RFC 9901 section 7.1, steps 1 to 5. Step 6 (validity) is ``verify_validity`` in ``validity.py``; the rules of
         SD-JWT VC, which join both, are in ``vc.py``.
Input:   an ``UnverifiedSdJwt`` and the key of the issuer whom the caller resolved and accepts (step 2.c).
I/O:     none.
Errors:  InvalidSignatureError, VerificationError (typ), DisclosureError, KeyBindingError, InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ssi.credentials.sd_jwt.compact import UnverifiedSdJwt
from ssi.credentials.sd_jwt.paths import ClaimPath
from ssi.credentials.sd_jwt.process import process
from ssi.errors import InvalidInputError, KeyBindingError
from ssi.keys import PublicKey
from ssi.keys.jws import UnverifiedJws, verify_jws
from ssi.types import JsonObject


class VerifiedSdJwt(msgspec.Struct, frozen=True, gc=False):
    """What the issuer signed and the holder disclosed. Holder binding and validity are checks of their own."""

    claims: JsonObject
    """The processed payload: no digests, no ``_sd_alg``, withheld claims absent."""
    header: JsonObject
    key: PublicKey
    """The issuer's key under which the signature held."""
    disclosed: dict[ClaimPath, str]
    """Path of each disclosed claim to the text of its disclosure."""
    with_digests: tuple[ClaimPath, ...]
    """Paths of the objects and arrays of which the holder may withhold a part, ``()`` being the payload itself."""
    signed_claims: JsonObject
    """The payload as it was signed, digests and all."""
    hash_name: str
    sd_jwt: str
    """The verified text, up to and including the last "~"."""
    unverified_kb_jws: UnverifiedJws | None
    """The key binding JWT that came along; only ``verify_key_binding`` says whether it holds."""

    @property
    def disclosed_paths(self) -> tuple[ClaimPath, ...]:
        """The paths of the claims that were disclosed, in ``claims``."""
        return tuple(self.disclosed)

    def holder_key(self) -> PublicKey:
        """Return the key in ``cnf`` (RFC 9901, 4.1.2; RFC 7800, 3.2).

        Raises KeyBindingError if there is no ``cnf``, or one with another confirmation method than a ``jwk`` alone.
        """
        return confirmation_key(self.claims)


def confirmation_key(claims: JsonObject) -> PublicKey:
    """Return the public key in the ``cnf`` claim of ``claims``; raises KeyBindingError if there is none to use."""
    cnf = claims.get("cnf")
    if type(cnf) is not dict:
        raise KeyBindingError("expected a cnf claim: the credential is bound to no key")
    jwk = cnf.get("jwk")
    # RFC 7800 section 3.1 allows one of these members only; which of two keys is meant would be a guess.
    if type(jwk) is not dict or "jwe" in cnf or "jku" in cnf:
        raise KeyBindingError("expected cnf to have jwk, and neither jwe nor jku beside it")
    try:
        return PublicKey.from_jwk(jwk)
    except InvalidInputError as exc:
        raise KeyBindingError("expected cnf.jwk to be a public key of a known type") from exc


def verify_sd_jwt(unverified: UnverifiedSdJwt, key: PublicKey, *, typ: Collection[str]) -> VerifiedSdJwt:
    """Return the processed payload of an SD-JWT (RFC 9901, 7.1, steps 1 to 5).

    ``key`` is the issuer's, ``typ`` the accepted header types in lower case without ``application/``. A key binding JWT
    is neither needed nor looked at: whether it is, is the caller's policy, never the token's (7.3 step 1).

    Raises InvalidSignatureError, VerificationError if ``typ`` is another, DisclosureError if the disclosures do not fit
    what was signed, InvalidInputError if something signed is malformed.
    """
    jws = verify_jws(unverified.issuer_jws, key, typ=typ)
    signed_claims = jws.claims
    processed = process(signed_claims, unverified.disclosures)
    return VerifiedSdJwt(
        claims=processed.claims,
        header=jws.header,
        key=key,
        disclosed=processed.disclosed,
        with_digests=processed.with_digests,
        signed_claims=signed_claims,
        hash_name=processed.hash_name,
        sd_jwt=unverified.sd_jwt,
        unverified_kb_jws=unverified.kb_jws,
    )

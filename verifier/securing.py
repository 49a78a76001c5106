"""Is this what the issuer signed, does it still hold, and is it bound to whoever presents it? One answer per format.

Source:  RFC 9901 sections 7.1 and 7.3, SD-JWT VC section 2.4, W3C VC-JOSE-COSE sections 3.1 and 3.3, W3C Data
         Integrity 1.0 sections 4.4 and 4.5.
Input:   a candidate whose issuer policy accepts, and the key of each of its signers.
Shapes:  times are Unix seconds.
I/O:     none.
Errors:  InvalidSignatureError, DisclosureError, ValidityError, KeyBindingError, VerificationError, InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.credentials.cose import UnverifiedVcCose, verify_vc_cose
from ssi.credentials.data_integrity import (
    AnyVerifiedCredential,
    KeyNeeded,
    UnverifiedCredential,
    found_keys,
    verify_credential,
)
from ssi.credentials.jose import UnverifiedVcJwt, verify_vc_jwt
from ssi.credentials.sd_jwt import (
    KeyBindingPolicy,
    UnverifiedSdJwt,
    UnverifiedSdJwtVc,
    verify_sd_jwt,
    verify_sd_jwt_vc,
    verify_validity,
)
from ssi.credentials.sd_jwt.key_binding import check_key_binding
from ssi.keys import PublicKey
from ssi.types import JsonObject

from .candidate import Candidate
from .issuer_keys import ASSERTION, IssuerKey
from .policy import Policy, Trust

_PROTOCOL_CLAIMS: Final = frozenset({"iss", "iat", "nbf", "exp", "vct", "aka_vcts", "vct#integrity", "cnf", "status"})


class Believed(msgspec.Struct, frozen=True):
    """A credential after its signature held: its claims about the subject, and its payload as it was signed."""

    claims: JsonObject
    payload: JsonObject
    issued_at: int | None
    holder: PublicKey | None
    credential: AnyVerifiedCredential | None
    """Of a W3C credential."""
    issuer_names: tuple[str, ...] = ()
    """Other DIDs of the issuer, which has moved."""


def secured(
    candidate: Candidate, found: Sequence[IssuerKey], *, trust: Trust, policy: Policy, nonce: str | None, at: int
) -> Believed:
    """Return the credential once signature, disclosures, validity and key binding hold, as its format has them.

    ``found`` has a key for each of the candidate's signers, in their order.
    """
    body = candidate.body
    if isinstance(body, UnverifiedCredential):
        return _with_proof(candidate, body, found, trust, policy, at)
    (one,) = found
    if isinstance(body, UnverifiedVcJwt):
        credential = verify_vc_jwt(
            body, one.key, now=at, contexts=policy.known_contexts, max_skew_seconds=policy.skew_seconds
        )
        return Believed(_of_subjects(credential), credential.claims, credential.issued_at, None, credential)
    if isinstance(body, UnverifiedVcCose):
        credential = verify_vc_cose(
            body, one.key, now=at, contexts=policy.known_contexts, max_skew_seconds=policy.skew_seconds
        )
        return Believed(_of_subjects(credential), credential.claims, credential.issued_at, None, credential)
    binding = _binding(policy, nonce)
    if isinstance(body, UnverifiedSdJwtVc):
        verified = verify_sd_jwt_vc(
            body,
            one.key,
            now=at,
            key_binding=binding,
            typ=policy.sd_jwt_types,
            max_skew_seconds=policy.skew_seconds,
        )
        holder = None if verified.key_binding is None else verified.key_binding.key
        return Believed(_subject_claims(verified.claims), verified.claims, _whole(verified.issued_at), holder, None)
    return _plain(body, one, binding, policy, at)


def _with_proof(
    candidate: Candidate,
    body: UnverifiedCredential,
    found: Sequence[IssuerKey],
    trust: Trust,
    policy: Policy,
    at: int,
) -> Believed:
    keys = {
        KeyNeeded(signer.kid or "", ASSERTION): one.key for signer, one in zip(candidate.signers, found, strict=True)
    }
    credential = verify_credential(
        body,
        keys=found_keys(keys),
        now=at,
        contexts=policy.known_contexts,
        jsonld_contexts=policy.jsonld_contexts,
        issuer_is_controller=trust.issuer_is_controller,
        max_skew_seconds=policy.skew_seconds,
    )
    created = [
        item.proof.created
        for item in credential.proofs
        if item.key == credential.key and item.proof.created is not None
    ]
    issued_at = min(created, default=None)
    return Believed(_of_subjects(credential), credential.credential.raw, issued_at, None, credential)


def _of_subjects(credential: AnyVerifiedCredential) -> JsonObject:
    subjects = credential.credential.subjects
    return subjects[0] if len(subjects) == 1 else {"credentialSubject": list(subjects)}


def _plain(
    body: UnverifiedSdJwt, found: IssuerKey, binding: KeyBindingPolicy | None, policy: Policy, at: int
) -> Believed:
    """An SD-JWT of a ``typ`` that policy names, without the rules that a credential type adds."""
    verified = verify_sd_jwt(body, found.key, typ=policy.sd_jwt_types)
    verify_validity(verified.claims, now=at, max_skew_seconds=policy.skew_seconds)
    bound = check_key_binding(verified, binding, now=at, max_skew_seconds=policy.skew_seconds)
    issued_at = verified.claims.get("iat")
    return Believed(
        _subject_claims(verified.claims),
        verified.claims,
        _whole(issued_at) if isinstance(issued_at, int | float) else None,
        None if bound is None else bound.key,
        None,
    )


def _binding(policy: Policy, nonce: str | None) -> KeyBindingPolicy | None:
    if policy.holder_binding == "not-required" or nonce is None:
        return None
    return KeyBindingPolicy(nonce, policy.audience, policy.presentation_max_age_seconds)


def _subject_claims(claims: JsonObject) -> JsonObject:
    return {name: value for name, value in claims.items() if name not in _PROTOCOL_CLAIMS}


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)

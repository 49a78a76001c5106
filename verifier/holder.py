"""Who presents this, and is it the one whom the credential was issued to?

Source:  RFC 9901 section 7.3 (key binding), W3C VC-JOSE-COSE section 4.1 (``cnf``), VCDM 2.0 section 4.13 (holder), and
         W3C Data Integrity 1.0 section 4.4 (``domain`` and ``challenge`` of a presentation's own proof).
Input:   what was presented, and its credentials after their signatures held.
Shapes:  times are Unix seconds.
I/O:     the resolver, for a holder with a DID.
Errors:  KeyBindingError, and those of ``verify_vp_jwt``, of ``verify_own_proofs`` and of the resolver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ssi.credentials import data_integrity
from ssi.credentials.cose import UnverifiedVpCose, verify_vp_cose
from ssi.credentials.data_integrity import AUTHENTICATION, AnyVerifiedCredential, UnverifiedPresentation
from ssi.credentials.enveloped import VerifiedCredential, check_holder
from ssi.credentials.jose import UnverifiedVpJwt, verify_vp_jwt
from ssi.did.resolver import Resolver
from ssi.errors import KeyBindingError
from ssi.keys import PublicKey

from .candidate import Presented
from .policy import Policy
from .report import Checks
from .securing import Believed

SELF_CONTAINED: Final = ("did:key:", "did:jwk:", "did:peer:")
"""DIDs that say their keys themselves, so that nothing is asked of anybody."""


async def presenter(
    presented: Presented,
    believed: Sequence[Believed],
    *,
    policy: Policy,
    resolver: Resolver,
    nonce: str | None,
    at: int,
    checks: Checks,
) -> PublicKey | None:
    """Return the key that the presenter proved to hold; None where policy does not ask for it."""
    checks.begin("holder")
    if presented.around is not None:
        key = await _of_presentation(presented.around, believed, policy, resolver, nonce, at)
        if policy.holder_binding == "not-required":
            # Whoever has a copy can send it again: it holds, and proves nothing of who presents it now.
            checks.not_asked("holder", "policy asks for no holder binding")
            return None
        checks.passed("holder", "presentation", "audience and nonce of this verifier")
        return key
    if policy.holder_binding == "not-required":
        checks.not_asked("holder", "policy asks for no holder binding")
        return None
    holder = believed[0].holder
    if holder is None:
        raise KeyBindingError("expected a presentation signed by the holder, got the bare credential")
    checks.passed("holder", "key binding", "audience and nonce of this verifier")
    return holder


async def _of_presentation(
    around: UnverifiedVpJwt | UnverifiedVpCose | UnverifiedPresentation,
    believed: Sequence[Believed],
    policy: Policy,
    resolver: Resolver,
    nonce: str | None,
    at: int,
) -> PublicKey:
    """A presentation must hold even where policy would take the bare credential: what is signed is checked."""
    credentials = [item.credential for item in believed if item.credential is not None]
    if len(credentials) != len(believed):
        raise KeyBindingError("expected a presentation around its credentials")
    if policy.holder_binding == "required":
        asked = _Asked(policy.audience, nonce, policy.presentation_max_age_seconds)
    else:
        asked = _Asked(None, None, None)
    if isinstance(around, UnverifiedPresentation):
        return await _of_proofs(around, credentials, policy, resolver, asked, at)
    jwts = [credential for credential in credentials if isinstance(credential, VerifiedCredential)]
    if len(jwts) != len(credentials):
        raise KeyBindingError("expected every credential of an enveloped presentation in an envelope")
    key = await _bound_key(around, jwts, resolver, at)
    rules: dict[str, Any] = {
        "now": at,
        "audience": asked.audience,
        "nonce": asked.nonce,
        "max_age_seconds": asked.max_age_seconds,
        "contexts": policy.known_contexts,
        "max_skew_seconds": policy.skew_seconds,
    }
    if isinstance(around, UnverifiedVpCose):
        presentation = verify_vp_cose(around, key, **rules)
    else:
        presentation = verify_vp_jwt(around, key, **rules)
    for credential in jwts:
        check_holder(credential, presentation)
    return key


class _Asked(msgspec.Struct, frozen=True):
    """What a presentation must answer; None where policy asks for no holder binding."""

    audience: str | None
    nonce: str | None
    max_age_seconds: int | None


async def _of_proofs(
    around: UnverifiedPresentation,
    credentials: Sequence[AnyVerifiedCredential],
    policy: Policy,
    resolver: Resolver,
    asked: _Asked,
    at: int,
) -> PublicKey:
    """Return the key of the presenter, who is the subject of each credential or has the key in its ``cnf``."""
    subjects = {subject.get("id") for credential in credentials for subject in credential.credential.subjects}
    needed = [need for need in around.keys if need.purpose == AUTHENTICATION]
    for need in needed:
        # Otherwise whoever has any good credential could have us ask any host for a document.
        if need.controller not in subjects and not need.controller.startswith(SELF_CONTAINED):
            raise KeyBindingError("expected the presentation to be signed by the subject of the credential")
    keys = {need: await resolver.key(need.verification_method, need.purpose, at=at) for need in needed}
    presentation = data_integrity.verify_own_proofs(
        around,
        keys=data_integrity.found_keys(keys),
        now=at,
        domain=asked.audience,
        challenge=asked.nonce,
        max_age_seconds=asked.max_age_seconds,
        contexts=policy.known_contexts,
        jsonld_contexts=policy.jsonld_contexts,
        max_skew_seconds=policy.skew_seconds,
    )
    for credential in credentials:
        data_integrity.check_holder(credential, presentation)
    return presentation.key


async def _bound_key(
    envelope: UnverifiedVpJwt | UnverifiedVpCose, credentials: Sequence[VerifiedCredential], resolver: Resolver, at: int
) -> PublicKey:
    """Return the one key that the presentation must be signed with to show all of ``credentials``.

    That is the key in ``cnf``; a credential without one belongs to the holder, whose DID then has to give the key:
    what a presentation says of its holder is otherwise the word of whoever signed it.
    """
    keys = [credential.holder_key() for credential in credentials]
    if None in keys:
        if envelope.holder is None or envelope.kid is None or envelope.kid.partition("#")[0] != envelope.holder:
            raise KeyBindingError("expected a credential bound to a key, or a holder with a DID")
        keys.append(await resolver.key(envelope.kid, "authentication", at=at))
    found = {key for key in keys if key is not None}
    if len(found) != 1:
        raise KeyBindingError("expected credentials that are bound to one key")
    return found.pop()

"""Who presents this, and is it the one whom the credential was issued to?

Source:  RFC 9901 section 7.3 (key binding), W3C VC-JOSE-COSE section 4.1 (``cnf``) and VCDM 2.0 section 4.13 (holder).
Input:   what was presented, and its credentials after their signatures held.
Shapes:  times are Unix seconds.
I/O:     the resolver, for a holder with a DID.
Errors:  KeyBindingError, and those of ``verify_vp_jwt`` and of the resolver.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssi.credentials.jose import UnverifiedVpJwt, VerifiedCredential, check_holder, verify_vp_jwt
from ssi.did.resolver import Resolver
from ssi.errors import KeyBindingError
from ssi.keys import PublicKey

from .candidate import Presented
from .policy import Policy
from .report import Checks
from .securing import Believed


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
    if presented.envelope is not None:
        return await _of_presentation(presented, believed, policy, resolver, nonce, at, checks)
    if policy.holder_binding == "not-required":
        checks.not_asked("holder", "policy asks for no holder binding")
        return None
    holder = believed[0].holder
    if holder is None:
        raise KeyBindingError("expected a presentation signed by the holder, got the bare credential")
    checks.passed("holder", "key binding", "audience and nonce of this verifier")
    return holder


async def _of_presentation(
    presented: Presented,
    believed: Sequence[Believed],
    policy: Policy,
    resolver: Resolver,
    nonce: str | None,
    at: int,
    checks: Checks,
) -> PublicKey | None:
    """A VP-JWT must hold even where policy would take the bare credential: what is signed is checked."""
    envelope = presented.envelope
    credentials = [item.credential for item in believed if item.credential is not None]
    if envelope is None or len(credentials) != len(believed):
        raise KeyBindingError("expected a presentation around its credentials")
    key = await _bound_key(envelope, credentials, resolver, at)
    required = policy.holder_binding == "required"
    presentation = verify_vp_jwt(
        envelope,
        key,
        now=at,
        audience=policy.audience if required else None,
        nonce=nonce if required else None,
        max_age_seconds=policy.presentation_max_age_seconds if required else None,
        contexts=policy.contexts,
        max_skew_seconds=policy.skew_seconds,
    )
    for credential in credentials:
        check_holder(credential, presentation)
    if not required:
        # Whoever has a copy can send it again: it holds, and proves nothing of who presents it now.
        checks.not_asked("holder", "policy asks for no holder binding")
        return None
    checks.passed("holder", "presentation", "audience and nonce of this verifier")
    return key


async def _bound_key(
    envelope: UnverifiedVpJwt, credentials: Sequence[VerifiedCredential], resolver: Resolver, at: int
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

"""Find the issuer's key for a signature: the one in force, or one that it has replaced where policy still takes it.

Source:  decision 15 of the design; W3C DID Core 1.0, section 5.3.2 (assertionMethod).
Input:   an issuer and a ``kid`` that local policy has accepted; nothing is resolved for others.
Shapes:  times are Unix seconds.
I/O:     the resolver.
Errors:  VerificationError (no such key), ProofPurposeError (not for assertions), UnavailableError, DidNotFoundError.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ssi.did.resolver import Resolution, Resolver
from ssi.errors import DidNotFoundError, InvalidDidError, UntrustedIssuerError, VerificationError
from ssi.keys import PublicKey
from ssi.ports import Commitment, RegistryView

from .policy import Policy, Trust

ASSERTION = "assertionMethod"


class IssuerKey(msgspec.Struct, frozen=True):
    """A key, and where it comes from in words."""

    key: PublicKey
    source: str
    detail: str = ""
    names: tuple[str, ...] = ()
    """Every DID that the issuer has or had, if its DID moved: all of them are the issuer."""


async def issuer_key(
    issuer: str,
    kid: str | None,
    *,
    signed_at: int | None,
    trust: Trust,
    policy: Policy,
    resolver: Resolver,
    view: RegistryView | None,
    now: int,
    proven: Callable[[str], Commitment | None] = lambda _: None,
) -> IssuerKey:
    """Return the key of ``issuer`` that ``kid`` names.

    ``signed_at`` is what the signer says of the time; only a policy that takes superseded keys goes by it. ``proven``
    is asked about a compromised key: for the commitment that proves this credential to be older.
    """
    if trust.keys:
        return _pinned(trust, kid)
    if not issuer.startswith("did:"):
        raise UntrustedIssuerError("expected an issuer with a DID, or keys that policy pins for it")
    resolution = await resolver.resolve(issuer)
    if resolution.metadata.deactivated:
        raise VerificationError("the issuer's DID is deactivated")
    method, names = _verification_method(issuer, kid, resolution), names_of(resolution)
    stolen = None if view is None else compromised_name(method, resolution, view, now)
    if stolen is not None:
        found = await _compromised(issuer, method, signed_at, resolver, policy, lambda: proven(stolen))
        return msgspec.structs.replace(found, names=names)
    source = f"{issuer} version {resolution.metadata.version_id}" if resolution.metadata.version_id else issuer
    try:
        return IssuerKey(resolution.key(method, ASSERTION, at=now), source, names=names)
    except VerificationError:
        until = policy.accept_superseded_keys_until
        if until is None or now >= until or signed_at is None:
            raise
    return msgspec.structs.replace(await superseded_key(issuer, method, signed_at, resolver), names=names)


def names_of(resolution: Resolution) -> tuple[str, ...]:
    """Return every DID that the method vouches to be the one that was resolved, the document's first."""
    return (resolution.document.id, *resolution.metadata.equivalent_id)


def compromised_name(method: str, resolution: Resolution, view: RegistryView, now: int) -> str | None:
    """Return under which name ``method`` was declared compromised, or None if it was under none.

    The key of a DID that moved is the same under its old name and under its new one.
    """
    fragment = method.partition("#")[2]
    for name in dict.fromkeys((method, *(f"{did}#{fragment}" for did in names_of(resolution)))):
        if view.compromised_since(name, at=now) is not None:
            return name
    return None


def _pinned(trust: Trust, kid: str | None) -> IssuerKey:
    for pinned in trust.keys:
        if pinned.kid in (None, kid):
            return IssuerKey(pinned.key, "policy", "pinned key")
    raise VerificationError("expected a kid that policy pins a key for")


def _verification_method(issuer: str, kid: str | None, resolution: Resolution) -> str:
    """Return the DID URL of the key. Without ``kid`` the issuer must have one key only: guessing is no check."""
    if kid is None:
        keys = resolution.document.keys(ASSERTION)
        if len(keys) != 1:
            raise VerificationError("expected a kid, since the issuer has several keys")
        return next(iter(keys))
    method = f"{issuer}{kid}" if kid.startswith("#") else kid
    if method.partition("#")[0] != issuer:
        raise VerificationError("expected a kid under the issuer's DID")
    return method


async def _compromised(
    issuer: str,
    method: str,
    signed_at: int | None,
    resolver: Resolver,
    policy: Policy,
    proven: Callable[[], Commitment | None],
) -> IssuerKey:
    """Return a compromised key for a credential that the ledger proves to be older (decision 15); else refuse it."""
    commitment = proven() if policy.accept_proven_before_compromise else None
    if commitment is None or signed_at is None:
        raise VerificationError("the issuer declared this key compromised")
    past = await superseded_key(issuer, method, signed_at, resolver)
    detail = f"compromised key, and entry {commitment.entry} of the ledger proves the credential earlier"
    return IssuerKey(past.key, past.source, detail)


async def superseded_key(issuer: str, method: str, signed_at: int, resolver: Resolver) -> IssuerKey:
    """Return the key that ``method`` named when the issuer says to have signed.

    Both times are whole seconds: what was signed in the very second in which the key was replaced may have come first,
    so the version before that second counts, too.
    """
    for at in (signed_at, signed_at - 1):
        try:
            past = await resolver.resolve(issuer, version_time=at)
        except InvalidDidError as exc:
            raise VerificationError("expected a DID with a history, to look up a key that was replaced") from exc
        except DidNotFoundError:
            break
        try:
            key = past.key(method, ASSERTION, at=at)
        except VerificationError:
            continue
        return IssuerKey(key, f"{issuer} version {past.metadata.version_id}", "superseded key, accepted by policy")
    raise VerificationError("expected a key that the issuer had when it says to have signed")

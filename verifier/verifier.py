"""The relying party's façade: one presentation in, claims and a report out, or a refusal that names the check.

Source:  the walk of a credential in the design (``docs/adr/0001``); the steps as the modules that are called.
Input:   untrusted text, and the nonce that this verifier sent.
Shapes:  times are Unix seconds.
I/O:     none before policy has accepted issuer and type; then the resolver and the source of status lists.
Errors:  InvalidInputError (no presentation), Refused (a check failed), CouldNotCheck (a check could not be made).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from ssi.credentials.jose import (
    UnverifiedVcJwt,
    UnverifiedVpJwt,
    VerifiedCredential,
    check_holder,
    verify_vc_jwt,
    verify_vp_jwt,
)
from ssi.credentials.sd_jwt import (
    KeyBindingPolicy,
    UnverifiedSdJwtVc,
    verify_key_binding,
    verify_sd_jwt,
    verify_sd_jwt_vc,
    verify_validity,
)
from ssi.credentials.sd_jwt.key_binding import check_kb_integrity
from ssi.did.resolver import Resolver, default_resolver, system_clock
from ssi.errors import (
    InvalidInputError,
    KeyBindingError,
    SsiError,
    StatusError,
    UnavailableError,
    UntrustedIssuerError,
)
from ssi.keys import PublicKey
from ssi.ports import RegistryView, StatusListSource
from ssi.types import JsonObject, UnixSeconds

from .candidate import Candidate, Presented, read_presented
from .issuer_keys import ASSERTION, IssuerKey, issuer_key
from .policy import Policy, Trust
from .report import Checks, Report
from .status import StatusChecker

if TYPE_CHECKING:
    from ssi.credentials.sd_jwt import UnverifiedSdJwt

Clock: TypeAlias = Callable[[], int]


class RegistrySource(Protocol):
    """The registry as a verifier needs it: the newest view, and DID logs (``RegistryFollower`` is one)."""

    def view(self) -> RegistryView:
        """Return the newest view; pure state, nothing waits."""
        ...

    async def did_log(self, did: str) -> bytes:
        """Return the log of a DID (``LogSource``)."""
        ...


_PROTOCOL_CLAIMS: Final = frozenset({"iss", "iat", "nbf", "exp", "vct", "aka_vcts", "vct#integrity", "cnf", "status"})


class VerifiedPresentation(msgspec.Struct, frozen=True):
    """A credential to believe, with what the presenter chose to show of it."""

    issuer: str
    type: str
    """The type that policy accepted it as."""
    claims: JsonObject
    """The claims about the subject, as far as they were shown."""
    holder: PublicKey | None
    """The key that the presenter proved to hold; None where policy does not ask."""
    report: Report


class _Believed(msgspec.Struct, frozen=True):
    """A credential after its signature held."""

    claims: JsonObject
    payload: JsonObject
    issued_at: int | None
    holder: PublicKey | None
    credential: VerifiedCredential | None


class Verifier:
    """Verifies under one policy. Keep it: its caches make the second verification cheap."""

    def __init__(
        self,
        policy: Policy,
        *,
        resolver: Resolver | None = None,
        lists: StatusListSource | None = None,
        registry: RegistrySource | None = None,
        now: Clock = system_clock,
    ) -> None:
        """``lists`` may be left out only if policy does not look at the status.

        Without ``resolver``, DIDs are resolved from the registry, if there is one, and from themselves.

        Raises InvalidInputError for a policy that needs a port which is not there.
        """
        if policy.status != "not-checked" and lists is None:
            raise InvalidInputError("this policy checks the status, which needs a source of status lists")
        if registry is None and (policy.anchoring or any(entry.accredited for entry in policy.trust)):
            raise InvalidInputError("this policy asks the registry, which needs a view of it")
        self.policy: Final = policy
        self._resolver = resolver or default_resolver(log_source=registry, now=now)
        self._registry = registry
        self._now = now
        self._status = None if lists is None else StatusChecker(policy, lists=lists, list_key=self._list_key, now=now)

    async def verify(
        self, presentation: str | bytes, *, nonce: str | None = None, now: UnixSeconds | None = None
    ) -> VerifiedPresentation:
        """Return what a presentation of one credential says, if policy believes it at ``now``.

        ``nonce`` is the one that was sent to the presenter; it may be None only if policy asks for no holder binding.
        Raises InvalidInputError, Refused or CouldNotCheck.
        """
        found = await self.verify_all(presentation, nonce=nonce, now=now)
        if len(found) != 1:
            checks = Checks(self._now() if now is None else now)
            checks.begin("issuer")
            raise checks.failure(UntrustedIssuerError("expected a presentation of one credential"))
        return found[0]

    async def verify_all(
        self, presentation: str | bytes, *, nonce: str | None = None, now: UnixSeconds | None = None
    ) -> tuple[VerifiedPresentation, ...]:
        """Return every credential of a presentation, all of which must be believed; otherwise as ``verify``."""
        if self.policy.holder_binding == "required" and not nonce:
            raise InvalidInputError("holder binding is required, which needs the nonce that was sent")
        at = self._now() if now is None else now
        checks = Checks(at)
        try:
            presented = read_presented(presentation, contexts=self.policy.contexts)
            checks.passed("format", presented.candidates[0].format)
            checks.begin("issuer")
            view = None if self._registry is None else self._registry.view()
            trusts = [self._accept(candidate, view, at, checks) for candidate in presented.candidates]
            believed = []
            for candidate, trust in zip(presented.candidates, trusts, strict=True):
                believed.append(await self._secured(candidate, trust, view, nonce, at, checks))
            holder = await self._holder(presented, believed, nonce, at, checks)
            for candidate, trust, credential in zip(presented.candidates, trusts, believed, strict=True):
                self._trusted(candidate, trust, credential, view, at, checks)
                _match_schema(trust, credential, checks)
                await self._in_force(candidate, trust, credential, view, at, checks)
        except SsiError as exc:
            failure = checks.failure(exc)
            raise failure from (None if failure is exc else exc)
        report = checks.report()
        return tuple(
            VerifiedPresentation(candidate.issuer, trust.type, credential.claims, holder, report)
            for candidate, trust, credential in zip(presented.candidates, trusts, believed, strict=True)
        )

    def _accept(self, candidate: Candidate, view: RegistryView | None, at: int, checks: Checks) -> Trust:
        """Decide by local knowledge alone whether this issuer may be asked about at all."""
        trust = self.policy.trusted(candidate.types)
        if trust is None:
            raise UntrustedIssuerError("policy accepts no credential of this type")
        if candidate.issuer in trust.issuers:
            checks.passed("issuer", "policy", f"accepted by name for {trust.type}")
        elif trust.accredited and view is not None and _accredited(view, candidate, trust, at):
            checks.passed("issuer", f"registry at size {view.size}", f"accredited for {trust.type}")
        else:
            raise UntrustedIssuerError("policy does not accept this issuer for this type of credential")
        return trust

    async def _secured(
        self,
        candidate: Candidate,
        trust: Trust,
        view: RegistryView | None,
        nonce: str | None,
        at: int,
        checks: Checks,
    ) -> _Believed:
        checks.begin("signature")
        signed_at = candidate.unverified_claims().get("iat")
        found = await issuer_key(
            candidate.issuer,
            candidate.kid,
            signed_at=int(signed_at) if isinstance(signed_at, int | float) else None,
            trust=trust,
            policy=self.policy,
            resolver=self._resolver,
            view=view,
            now=at,
        )
        believed = self._verify(candidate, found, nonce, at)
        checks.passed("signature", found.source, found.detail)
        checks.passed("validity", f"clock at {at}")
        return believed

    def _verify(self, candidate: Candidate, found: IssuerKey, nonce: str | None, at: int) -> _Believed:
        """Signature, disclosures, validity and key binding in one step, as each format has them."""
        policy, body = self.policy, candidate.body
        if isinstance(body, UnverifiedVcJwt):
            credential = verify_vc_jwt(
                body, found.key, now=at, contexts=policy.contexts, max_skew_seconds=policy.skew_seconds
            )
            subjects = credential.credential.subjects
            claims = subjects[0] if len(subjects) == 1 else {"credentialSubject": list(subjects)}
            return _Believed(claims, credential.claims, credential.issued_at, None, credential)
        binding = self._binding(nonce)
        if isinstance(body, UnverifiedSdJwtVc):
            verified = verify_sd_jwt_vc(
                body,
                found.key,
                now=at,
                key_binding=binding,
                typ=policy.sd_jwt_types,
                max_skew_seconds=policy.skew_seconds,
            )
            holder = None if verified.key_binding is None else verified.key_binding.key
            return _Believed(
                _subject_claims(verified.claims), verified.claims, _whole(verified.issued_at), holder, None
            )
        return self._verify_plain(body, found, binding, at)

    def _verify_plain(
        self, body: UnverifiedSdJwt, found: IssuerKey, binding: KeyBindingPolicy | None, at: int
    ) -> _Believed:
        """An SD-JWT of a ``typ`` that policy names, without the rules that a credential type adds."""
        verified = verify_sd_jwt(body, found.key, typ=self.policy.sd_jwt_types)
        verify_validity(verified.claims, now=at, max_skew_seconds=self.policy.skew_seconds)
        holder = None
        if binding is None:
            check_kb_integrity(verified)
        else:
            holder = verify_key_binding(
                verified,
                nonce=binding.nonce,
                audience=binding.audience,
                max_age_seconds=binding.max_age_seconds,
                now=at,
                max_skew_seconds=self.policy.skew_seconds,
            ).key
        issued_at = verified.claims.get("iat")
        return _Believed(
            _subject_claims(verified.claims),
            verified.claims,
            _whole(issued_at) if isinstance(issued_at, int | float) else None,
            holder,
            None,
        )

    def _binding(self, nonce: str | None) -> KeyBindingPolicy | None:
        if self.policy.holder_binding == "not-required" or nonce is None:
            return None
        return KeyBindingPolicy(nonce, self.policy.audience, self.policy.presentation_max_age_seconds)

    async def _holder(
        self, presented: Presented, believed: list[_Believed], nonce: str | None, at: int, checks: Checks
    ) -> PublicKey | None:
        checks.begin("holder")
        if presented.envelope is not None:
            return await self._vp_holder(presented, believed, nonce, at, checks)
        if self.policy.holder_binding == "not-required":
            checks.not_asked("holder", "policy asks for no holder binding")
            return None
        holder = believed[0].holder
        if holder is None:
            raise KeyBindingError("expected a presentation signed by the holder, got the bare credential")
        checks.passed("holder", "key binding", "audience and nonce of this verifier")
        return holder

    async def _vp_holder(
        self, presented: Presented, believed: list[_Believed], nonce: str | None, at: int, checks: Checks
    ) -> PublicKey | None:
        """A VP-JWT must hold even where policy would take the bare credential: what is signed is checked."""
        envelope, policy = presented.envelope, self.policy
        credentials = [item.credential for item in believed if item.credential is not None]
        if envelope is None or len(credentials) != len(believed):
            raise KeyBindingError("expected a presentation around its credentials")
        key = await self._presenter_key(envelope, credentials, at)
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

    async def _presenter_key(
        self, envelope: UnverifiedVpJwt, credentials: Sequence[VerifiedCredential], at: int
    ) -> PublicKey:
        """Return the one key that the presentation must be signed with to show all of ``credentials``.

        That is the key in ``cnf``; a credential without one belongs to the holder, whose DID then has to give the key:
        what a presentation says of its holder is otherwise the word of whoever signed it.
        """
        keys = [credential.holder_key() for credential in credentials]
        if None in keys:
            if envelope.holder is None or envelope.kid is None or envelope.kid.partition("#")[0] != envelope.holder:
                raise KeyBindingError("expected a credential bound to a key, or a holder with a DID")
            keys.append(await self._resolver.key(envelope.kid, "authentication", at=at))
        found = {key for key in keys if key is not None}
        if len(found) != 1:
            raise KeyBindingError("expected credentials that are bound to one key")
        return found.pop()

    def _trusted(
        self,
        candidate: Candidate,
        trust: Trust,
        believed: _Believed,
        view: RegistryView | None,
        at: int,
        checks: Checks,
    ) -> None:
        """What the registry says of the issuer at the time it signed, where policy relies on it."""
        checks.begin("trust")
        if candidate.issuer in trust.issuers or view is None:
            checks.not_asked("trust", "the issuer is accepted by name")
            return
        signed_at = at if believed.issued_at is None else believed.issued_at
        if not _accredited(view, candidate, trust, signed_at):
            raise UntrustedIssuerError("the issuer was not accredited for this type when it signed")
        checks.passed("trust", f"registry at size {view.size}", "accredited when it signed and now")

    async def _in_force(
        self,
        candidate: Candidate,
        trust: Trust,
        believed: _Believed,
        view: RegistryView | None,
        at: int,
        checks: Checks,
    ) -> None:
        checks.begin("status")
        if self._status is None or self.policy.status == "not-checked":
            checks.not_asked("status", "policy does not look at the status")
            return
        await self._status.check(
            believed.payload, issuers=(candidate.issuer, *trust.list_issuers), view=view, now=at, checks=checks
        )

    async def _list_key(self, kid: str | None, issuer: str) -> PublicKey:
        """Return the key of a status list: of its issuer's DID now, or pinned for this issuer."""
        trusts = [trust for trust in self.policy.trust if issuer in (*trust.issuers, *trust.list_issuers)]
        pinned = [found for trust in trusts for found in trust.keys]
        for found in pinned:
            if found.kid in (None, kid):
                return found.key
        if pinned:
            # Policy pins keys because it does not rely on what the issuer's DID gives; that goes for its lists, too.
            raise StatusError("expected a status list with a kid that policy pins a key for")
        if kid is None or not issuer.startswith("did:"):
            raise UnavailableError("expected a status list with the kid of a DID")
        method, now = f"{issuer}{kid}" if kid.startswith("#") else kid, self._now()
        if self._registry is not None and self._registry.view().compromised_since(method, at=now) is not None:
            raise StatusError("the issuer declared the key of its status list compromised")
        return (await self._resolver.resolve(issuer)).key(method, ASSERTION, at=now)


def _accredited(view: RegistryView, candidate: Candidate, trust: Trust, at: int) -> bool:
    return view.may_issue(candidate.issuer, trust.type, at=at) is not None


def _match_schema(trust: Trust, believed: _Believed, checks: Checks) -> None:
    checks.begin("schema")
    if trust.schema is None:
        checks.not_asked("schema", "policy gives no schema")
        return
    from ssi.schema.json_schema import compile_schema

    compile_schema(trust.schema).validate(believed.claims)
    checks.passed("schema", "policy")


def _subject_claims(claims: JsonObject) -> JsonObject:
    return {name: value for name, value in claims.items() if name not in _PROTOCOL_CLAIMS}


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)

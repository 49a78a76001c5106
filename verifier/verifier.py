"""The relying party's façade: one presentation in, claims and a report out, or a refusal that names the check.

Source:  the walk of a credential in the design (``docs/adr/0001``); the steps as the modules that are called.
Input:   untrusted text, and the nonce that this verifier sent.
Shapes:  times are Unix seconds.
I/O:     none before policy has accepted issuer and type; then the resolver and the source of status lists.
Errors:  InvalidInputError (no presentation), Refused (a check failed), CouldNotCheck (a check could not be made).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from ssi.credentials.about import About
from ssi.did.resolver import Resolver, default_resolver, system_clock
from ssi.errors import (
    DidNotFoundError,
    InvalidInputError,
    SsiError,
    StatusError,
    UnavailableError,
    UntrustedIssuerError,
    VerificationError,
)
from ssi.keys import PublicKey
from ssi.ports import Fetch, RegistrySource, RegistryView, StatusListSource
from ssi.types import UnixSeconds

from .acceptance import accredited, check_signers, check_without_registry, match_schema
from .candidate import Candidate, read_presented
from .holder import presenter
from .issuance import proven_before
from .issuer_keys import ASSERTION, compromised_name, issuer_key, superseded_key
from .pinned import known_documents
from .policy import Policy, Trust
from .report import Checks, Refused, registry_at
from .schemas import check_beside
from .securing import Believed, secured
from .status import StatusChecker
from .verified import VerifiedPresentation

if TYPE_CHECKING:
    from pathlib import Path

    from ssi.ledger.quorum import Pin

    from .opening import OpenedVerifier

Clock: TypeAlias = Callable[[], int]
EvidenceKind: TypeAlias = Literal["excerpt", "whole"]

MAX_REMEMBERED_ISSUERS: Final = 4096


class Verifier:
    """Verifies under one policy. Keep it: its caches make the second verification cheap."""

    def __init__(
        self,
        policy: Policy,
        *,
        resolver: Resolver | None = None,
        lists: StatusListSource | None = None,
        registry: RegistrySource | None = None,
        fetch: Fetch | None = None,
        now: Clock = system_clock,
        usable: Callable[[int], None] | None = None,
        documents: Mapping[str, bytes] | None = None,
        contexts: Mapping[str, bytes] | None = None,
    ) -> None:
        """``lists`` may be left out only if policy does not look at the status.

        Without ``resolver``, DIDs are resolved from the registry, if there is one, over ``fetch``, and from themselves.
        Where evidence is kept they are always resolved in this way, so that all of it is written down.

        ``usable`` is asked before each verification, with its time, whether the ports may be used for it at all; it
        raises UnavailableError if not. ``contexts`` and ``documents`` are for what policy pins without content.

        Raises InvalidInputError for a policy that needs a port or a context which is not there.
        """
        if policy.status != "not-checked" and lists is None:
            raise InvalidInputError("this policy checks the status, which needs a source of status lists")
        if registry is None:
            check_without_registry(policy)
        self.policy: Final = policy.with_contexts(contexts or {})
        self.policy.jsonld_contexts  # noqa: B018  (a pinned context that is not there is said here, not at a holder)
        self._resolver = resolver or default_resolver(fetch=fetch, log_source=registry, now=now)
        self._registry = registry
        self._log_sizes: dict[str, int] = {}
        self._now = now
        self._usable = usable
        self._lists = lists
        self._fetch = fetch
        self._documents = known_documents(policy.document, documents or {})
        self._status = None if lists is None else StatusChecker(policy, lists=lists, list_key=self._list_key, now=now)

    @staticmethod
    async def open(
        place: str | Path,
        *,
        policy: Policy | str | Path,
        lists: StatusListSource | str | Path | None = None,
        fetch: Fetch | None = None,
        pin: Pin | str | Path | None = None,
        now: Clock = system_clock,
    ) -> OpenedVerifier:
        """Return a verifier over an offline folder or bundle, or over the ledger at a URL; see ``verifier.opening``."""
        from .opening import open_verifier

        return await open_verifier(place, policy=policy, lists=lists, fetch=fetch, pin=pin, now=now)

    async def verify(
        self,
        presentation: str | bytes,
        *,
        nonce: str | None = None,
        now: UnixSeconds | None = None,
        issuance_proofs: Sequence[bytes] = (),
        receipts: Mapping[str, bytes] | None = None,
        keep_evidence: bool | EvidenceKind = False,
    ) -> VerifiedPresentation:
        """Return what a presentation of one credential says, if policy believes it at ``now``.

        ``nonce`` is the one that was sent to the presenter; it may be None only if policy asks for no holder binding.
        ``issuance_proofs`` came with the presentation; see ``Policy.accept_proven_before_compromise``.
        ``receipts``, by the address of their status list, are for a policy that lets them do (``AnchoringPolicy``)
        and lists that come without. ``keep_evidence`` passes over caches and keeps what was looked at
        (``verifier.evidence``): of the ledger ``"excerpt"`` (as True does) or the ``"whole"``. A refusal carries it as
        ``kept``.
        Raises InvalidInputError, Refused or CouldNotCheck.
        """
        found = await self.verify_all(
            presentation,
            nonce=nonce,
            now=now,
            issuance_proofs=issuance_proofs,
            receipts=receipts,
            keep_evidence=keep_evidence,
        )
        if len(found) != 1:
            checks = Checks(self._now() if now is None else now)
            checks.begin("issuer")
            raise checks.failure(UntrustedIssuerError("expected a presentation of one credential"))
        return found[0]

    async def verify_all(
        self,
        presentation: str | bytes,
        *,
        nonce: str | None = None,
        now: UnixSeconds | None = None,
        issuance_proofs: Sequence[bytes] = (),
        receipts: Mapping[str, bytes] | None = None,
        keep_evidence: bool | EvidenceKind = False,
    ) -> tuple[VerifiedPresentation, ...]:
        """Return every credential of a presentation, all of which must be believed; otherwise as ``verify``."""
        if keep_evidence:
            if issuance_proofs:
                raise InvalidInputError("evidence does not hold issuance proofs: keep one or give the other")
            whole = keep_evidence == "whole"
            return await self._recorded(presentation, nonce, now, receipts or {}, whole_ledger=whole)
        if self.policy.holder_binding == "required" and not nonce:
            raise InvalidInputError("holder binding is required, which needs the nonce that was sent")
        at = self._now() if now is None else now
        checks = Checks(at)
        try:
            presented = read_presented(presentation, contexts=self.policy.known_contexts)
            checks.passed("format", presented.candidates[0].format)
            if self._usable is not None:
                checks.begin("bundle")
                self._usable(at)
            checks.begin("issuer")
            view = None if self._registry is None else self._registry.view()
            trusts = [self._accept(candidate, view, at, checks) for candidate in presented.candidates]
            believed = []
            for candidate, trust in zip(presented.candidates, trusts, strict=True):
                believed.append(await self._secured(candidate, trust, view, nonce, at, checks, issuance_proofs))
            holder = await presenter(
                presented,
                believed,
                policy=self.policy,
                resolver=self._resolver,
                nonce=nonce,
                at=at,
                checks=checks,
            )
            beside = [
                await self._judged(candidate, trust, credential, view, at, checks, receipts or {})
                for candidate, trust, credential in zip(presented.candidates, trusts, believed, strict=True)
            ]
        except SsiError as exc:
            failure = checks.failure(exc)
            raise failure from (None if failure is exc else exc)
        report = checks.report()
        return tuple(
            VerifiedPresentation(candidate.issuer, trust.type, credential.claims, holder, report, about=about)
            for candidate, trust, credential, about in zip(presented.candidates, trusts, believed, beside, strict=True)
        )

    async def _recorded(
        self,
        presentation: str | bytes,
        nonce: str | None,
        now: int | None,
        receipts: Mapping[str, bytes],
        *,
        whole_ledger: bool,
    ) -> tuple[VerifiedPresentation, ...]:
        from .recording import verify_recorded

        outcome, evidence = await verify_recorded(
            self.policy,
            presentation,
            nonce=nonce,
            at=now,
            fetch=self._fetch,
            lists=self._lists,
            registry=self._registry,
            now=self._now,
            usable=self._usable,
            methods=self._resolver.methods,
            receipts=receipts,
            documents=self._documents,
            whole_ledger=whole_ledger,
        )
        if isinstance(outcome, Refused):
            outcome.kept = evidence
            raise outcome
        return tuple(msgspec.structs.replace(found, kept=evidence) for found in outcome)

    def _accept(self, candidate: Candidate, view: RegistryView | None, at: int, checks: Checks) -> Trust:
        """Decide by local knowledge alone whether this issuer may be asked about at all."""
        trust = self.policy.trusted(candidate.types)
        if trust is None:
            raise UntrustedIssuerError("policy accepts no credential of this type")
        if candidate.issuer in trust.issuers:
            checks.passed("issuer", "policy", f"accepted by name for {trust.type}")
        elif trust.accredited and view is not None and accredited(view, candidate, trust, at):
            checks.passed("issuer", registry_at(view), f"accredited for {trust.type}")
        else:
            raise UntrustedIssuerError("policy does not accept this issuer for this type of credential")
        check_signers(candidate, trust)
        return trust

    async def _secured(
        self,
        candidate: Candidate,
        trust: Trust,
        view: RegistryView | None,
        nonce: str | None,
        at: int,
        checks: Checks,
        proofs: Sequence[bytes],
    ) -> Believed:
        checks.begin("signature")
        keys = []
        for signer in candidate.signers:
            if view is not None:
                self._forget_outdated(signer.controller, view)
            keys.append(
                await issuer_key(
                    signer.controller,
                    signer.kid,
                    signed_at=signer.signed_at,
                    trust=trust,
                    policy=self.policy,
                    resolver=self._resolver,
                    view=view,
                    now=at,
                    proven=lambda method: proven_before(candidate, method, proofs, view),
                )
            )
        believed = secured(candidate, keys, trust=trust, policy=self.policy, nonce=nonce, at=at)
        for found in keys:
            checks.passed("signature", found.source, found.detail)
        checks.passed("validity", f"clock at {at}")
        names = [
            name
            for signer, found in zip(candidate.signers, keys, strict=True)
            if signer.controller == candidate.issuer
            for name in found.names
        ]
        return msgspec.structs.replace(believed, issuer_names=tuple(names))

    async def _judged(
        self,
        candidate: Candidate,
        trust: Trust,
        believed: Believed,
        view: RegistryView | None,
        at: int,
        checks: Checks,
        receipts: Mapping[str, bytes],
    ) -> About | None:
        """Check trust evidence, schemas and status of what is signed; return what it says beside its claims."""
        self._trusted(candidate, trust, believed, view, at, checks)
        match_schema(trust, believed, checks)
        about = await check_beside(
            believed,
            policy=self.policy,
            documents=self._documents,
            believe=lambda schema: self._schema_credential(schema, view, at, receipts),
            checks=checks,
        )
        await self._in_force(candidate, trust, believed, view, at, checks, receipts)
        return about

    def _forget_outdated(self, issuer: str, view: RegistryView) -> None:
        """A rotation or deactivation that is on the ledger counts at once, however long an answer may be kept."""
        try:
            size = len(view.did_log(issuer))
        except DidNotFoundError:
            return
        if self._log_sizes.get(issuer) != size:
            if len(self._log_sizes) >= MAX_REMEMBERED_ISSUERS:
                self._log_sizes.clear()
            self._log_sizes[issuer] = size
            self._resolver.forget(issuer)

    def _trusted(
        self,
        candidate: Candidate,
        trust: Trust,
        believed: Believed,
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
        if not accredited(view, candidate, trust, signed_at):
            raise UntrustedIssuerError("the issuer was not accredited for this type when it signed")
        checks.passed("trust", registry_at(view), "accredited when it signed and now")

    async def _in_force(
        self,
        candidate: Candidate,
        trust: Trust,
        believed: Believed,
        view: RegistryView | None,
        at: int,
        checks: Checks,
        receipts: Mapping[str, bytes],
    ) -> None:
        checks.begin("status")
        if self._status is None or self.policy.status == "not-checked":
            checks.not_asked("status", "policy does not look at the status")
            return
        issuers = dict.fromkeys((candidate.issuer, *believed.issuer_names, *trust.list_issuers))
        await self._status.check(
            believed.payload, issuers=tuple(issuers), view=view, now=at, checks=checks, receipts=receipts
        )

    async def _schema_credential(
        self, candidate: Candidate, view: RegistryView | None, at: int, receipts: Mapping[str, bytes]
    ) -> Believed:
        """Return a schema credential to believe. Its checks are no lines of the report: the schema is one."""
        checks = Checks(at)
        trust = self._accept(candidate, view, at, checks)
        believed = await self._secured(candidate, trust, view, None, at, checks, ())
        self._trusted(candidate, trust, believed, view, at, checks)
        if "credentialStatus" in believed.payload:
            await self._in_force(candidate, trust, believed, view, at, checks, receipts)
        return believed

    async def _list_key(self, kid: str | None, issuer: str, *, signed_at: int | None = None) -> PublicKey:
        """Return the key of a status list, or of a commitment to it: of its issuer's DID, or pinned for this issuer."""
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
        resolution = await self._resolver.resolve(issuer)
        if self._registry is not None and compromised_name(method, resolution, self._registry.view(), now) is not None:
            raise StatusError("the issuer declared the key of its status list compromised")
        try:
            return resolution.key(method, ASSERTION, at=now)
        except VerificationError:
            if signed_at is None or resolution.metadata.deactivated:
                raise
            return (await superseded_key(issuer, method, signed_at, self._resolver)).key

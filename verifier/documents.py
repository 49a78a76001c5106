"""Verify what secures a document, whoever signed it: what VC-API's verifying side is.

Source:  W3C CCG Verifiable Credentials API v0.7, "Verify Credential", "Verify Presentation"; VCDM 2.0, 7.1; VC Data
         Integrity 1.0, 4.4 to 4.6.
Input:   a JSON object from the gate: a credential or presentation with proofs, or in an envelope.
Shapes:  times are Unix seconds. Checks are ``proof``, ``validity``, ``relatedResource``, ``status``.
I/O:     the resolver, and the sources of status lists that the caller gave.
Errors:  InvalidInputError, VerificationError and its kinds, CanonicalizationError, UnavailableError.

Whether an issuer may say such things is not asked here: that is ``Verifier`` with a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ssi.credentials import jwt_v1
from ssi.credentials.contexts import InlineContexts
from ssi.credentials.data_integrity import (
    AnyVerifiedCredential,
    KeyNeeded,
    found_keys,
    read_credential,
    read_presentation,
    verify_credential,
    verify_presentation,
)
from ssi.credentials.enveloped import VerifiedCredential
from ssi.credentials.issuable import check_meaning
from ssi.credentials.jose import read_vc_jwt, read_vp_jwt, verify_vc_jwt, verify_vp_jwt
from ssi.credentials.presentation import (
    ENVELOPED_CREDENTIAL,
    ENVELOPED_PRESENTATION,
    Envelope,
    parse_envelope,
)
from ssi.credentials.vcdm import Credential, check_related_resources
from ssi.did.resolver import Resolver
from ssi.encoding.jsonld import Contexts
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.ports import StatusListSource
from ssi.proofs.proof import controller_of
from ssi.protocols.vc_api import VerifyRequest
from ssi.status import (
    StatusListCache,
    StatusPolicy,
    StatusReference,
    UnverifiedStatusList,
    check_status,
    parse_references,
)
from ssi.status.source import StatusLists
from ssi.types import JsonObject

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"
MAX_LIST_AGE_SECONDS: Final = 86_400
_CREDENTIALS: Final = {
    "application/vc+jwt": (read_vc_jwt, verify_vc_jwt),
    jwt_v1.MEDIA_TYPE: (jwt_v1.read_jwt_vc, jwt_v1.verify_jwt_vc),
}
_PRESENTATIONS: Final = {
    "application/vp+jwt": (read_vp_jwt, verify_vp_jwt),
    jwt_v1.MEDIA_TYPE: (jwt_v1.read_jwt_vp, jwt_v1.verify_jwt_vp),
}


class Checked(msgspec.Struct, frozen=True):
    """A document that held: which checks were made, and what could not be."""

    checks: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class DocumentVerifier:
    """Verifies credentials and presentations by what secures them."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        contexts: Contexts,
        now: Callable[[], int],
        lists: Callable[[StatusReference], StatusListSource | None],
        issuer_is_controller: bool = True,
        inline_contexts: bool = False,
    ) -> None:
        """``lists`` returns where the list of a reference may be had, None for nowhere: then its status is unknown.

        ``issuer_is_controller=False`` accepts credentials that somebody else signed for their issuer.
        ``inline_contexts`` accepts contexts that are written out in a document. Proofs over RDF hold under any context
        that gives the same graph: whoever has such a credential can then swap its unprotected terms, and a reader of
        its JSON finds the values under other names. Readers of the graph are not misled.
        """
        self._resolver = resolver
        self._contexts = contexts
        self._now = now
        self._lists = lists
        self._issuer_is_controller = issuer_is_controller
        self._inline: InlineContexts = "processed" if inline_contexts else False

    async def credential(self, request: VerifyRequest) -> Checked:
        """Verify the credential of ``request``."""
        if _is_a(request.document, ENVELOPED_CREDENTIAL):
            envelope = parse_envelope(request.document, contexts=self._contexts)
            if request.domain is not None or request.challenge is not None:
                raise VerificationError("expected a proof with the domain and challenge asked for, got an envelope")
            held: AnyVerifiedCredential = await self._open(envelope)
        else:
            unverified = read_credential(request.document)
            check_meaning(request.document, contexts=self._contexts)
            held = verify_credential(
                unverified,
                keys=found_keys(await self._keys(unverified.keys)),
                now=self._now(),
                contexts=self._contexts,
                inline_contexts=self._inline,
                issuer_is_controller=self._issuer_is_controller,
                domain=request.domain,
                challenge=request.challenge,
                jsonld_contexts=self._contexts,
            )
        return await self._rest([held.credential], request)

    async def presentation(self, request: VerifyRequest) -> Checked:
        """Verify the presentation of ``request`` and every credential in it."""
        if _is_a(request.document, ENVELOPED_PRESENTATION):
            return await self._enveloped_presentation(request)
        unverified = read_presentation(request.document)
        check_meaning(request.document, contexts=self._contexts)
        opened = await self._opened(request.document)
        held = verify_presentation(
            unverified,
            keys=found_keys(await self._keys(unverified.keys)),
            now=self._now(),
            domain=request.domain,
            challenge=request.challenge,
            max_age_seconds=None,
            contexts=self._contexts,
            inline_contexts=self._inline,
            open_envelope=lambda envelope: opened[envelope.data],
            issuer_is_controller=self._issuer_is_controller,
            jsonld_contexts=self._contexts,
        )
        return await self._rest([item.credential for item in held.credentials], request)

    async def _enveloped_presentation(self, request: VerifyRequest) -> Checked:
        envelope = parse_envelope(request.document, contexts=self._contexts, kind=ENVELOPED_PRESENTATION)
        if envelope.media_type not in _PRESENTATIONS:
            raise InvalidInputError(f"expected a presentation in an envelope of {' or '.join(_PRESENTATIONS)}")
        read, verify = _PRESENTATIONS[envelope.media_type]
        unverified = read(envelope.data)
        held = verify(
            unverified,
            await self._key_of(unverified.kid, unverified.holder, AUTHENTICATION),
            now=self._now(),
            audience=_audience(request),
            nonce=request.challenge,
            max_age_seconds=None,
            contexts=self._contexts,
        )
        members = held.presentation.credentials
        envelopes = [item for item in members if isinstance(item, Envelope)]
        if len(envelopes) != len(members):
            raise InvalidInputError("expected every credential of a vp+jwt in an envelope")
        return await self._rest([(await self._open(item)).credential for item in envelopes], request)

    async def _opened(self, document: JsonObject) -> dict[str, VerifiedCredential]:
        """Return the credentials of a presentation that come in envelopes, verified, by the envelopes' data."""
        members = document.get("verifiableCredential", [])
        items = members if isinstance(members, list) else [members]
        opened: dict[str, VerifiedCredential] = {}
        for item in items:
            if isinstance(item, dict) and _is_a(item, ENVELOPED_CREDENTIAL):
                envelope = parse_envelope(item, contexts=self._contexts)
                opened[envelope.data] = await self._open(envelope)
        return opened

    async def _open(self, envelope: Envelope) -> VerifiedCredential:
        if envelope.media_type not in _CREDENTIALS:
            raise InvalidInputError(f"expected a credential in an envelope of {' or '.join(_CREDENTIALS)}")
        read, verify = _CREDENTIALS[envelope.media_type]
        unverified = read(envelope.data)
        key = await self._key_of(unverified.kid, unverified.issuer, ASSERTION)
        return verify(unverified, key, now=self._now(), contexts=self._contexts, inline_contexts=bool(self._inline))

    async def _key_of(self, kid: str | None, controller: str | None, purpose: str) -> PublicKey:
        """Return the key that an envelope's ``kid`` names, which has to be the controller's if there is one."""
        if kid is None:
            raise VerificationError("expected an envelope that names its key by kid")
        method = f"{controller or ''}{kid}" if kid.startswith("#") else kid
        if self._issuer_is_controller and controller is not None and controller_of(method) != controller:
            raise VerificationError("expected an envelope that is signed by its issuer or holder")
        return await self._resolver.key(method, purpose, at=self._now())

    async def _keys(self, needed: Sequence[KeyNeeded]) -> dict[KeyNeeded, PublicKey]:
        now = self._now()
        return {need: await self._resolver.key(need.verification_method, need.purpose, at=now) for need in needed}

    async def _rest(self, credentials: Sequence[Credential], request: VerifyRequest) -> Checked:
        checks, warnings = ["proof", "validity", "relatedResource"], []
        for credential in credentials:
            check_related_resources(credential, {})
            if "status" in request.checks:
                warnings += await self._status(credential)
        if "status" in request.checks:
            checks.append("status")
        return Checked(tuple(checks), tuple(warnings))

    async def _status(self, credential: Credential) -> list[str]:
        unknown = []
        for reference in parse_references(credential.raw):
            source = self._lists(reference)
            if source is None:
                unknown.append("a status list that this server does not ask for")
                continue
            # Lists are asked for anew each time: whoever sets a status and verifies next wants to see it.
            cache = StatusListCache(max_age_seconds=MAX_LIST_AGE_SECONDS)
            lists = StatusLists(source=source, resolve_key=self._list_key, cache=cache, clock=self._now)
            found = await lists.get(reference, issuers=(credential.issuer,))
            check_status(
                reference,
                found,
                issuers=(credential.issuer,),
                now=self._now(),
                policy=StatusPolicy(max_age_seconds=MAX_LIST_AGE_SECONDS),
            )
        return unknown

    async def _list_key(self, unverified: UnverifiedStatusList, issuer: str) -> PublicKey:
        return await self._key_of(unverified.kid, issuer, ASSERTION)


def _audience(request: VerifyRequest) -> str | None:
    """Return the domain that an envelope's ``aud`` has to be; unlike a proof's ``domain`` it is one."""
    if request.domain is None or isinstance(request.domain, str):
        return request.domain
    if len(request.domain) == 1:
        return request.domain[0]
    raise InvalidInputError("expected one domain for a presentation in an envelope")


def _is_a(document: JsonObject, kind: str) -> bool:
    types = document.get("type")
    return types == kind or (isinstance(types, list) and kind in types)

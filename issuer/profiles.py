"""Sign credentials that somebody else has put together: what VC-API's issuing side is.

Source:  W3C CCG Verifiable Credentials API v0.7, "Issue Credential", "Update Status"; VCDM 2.0 and 1.1.
Input:   a credential without proof; its issuer is the profile's.
Shapes:  times are Unix seconds. A credential of data model 1.1 gets the context of its proof, one of 2.0 has it.
I/O:     key store, and the store of status indexes.
Errors:  those of ``check_issuable``, InvalidInputError (a credential id that is taken), NotFoundError, and of the key
         store.

Nothing here asks whether the claims are true or whether the agency issues such a thing: that is for whoever holds the
token of this service. An agency whose catalogue says it uses ``Issuer``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from ssi.credentials.contexts import VC_V1_CONTEXT
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.issuable import check_issuable
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.presentation import Envelope
from ssi.credentials.vcdm import Credential
from ssi.encoding.jsonld import Contexts
from ssi.errors import InvalidInputError
from ssi.keys import Kms
from ssi.proofs import ed25519_signature_2020
from ssi.proofs.selective.pointers import core_pointers
from ssi.proofs.suites import Cryptosuite, is_jcs_suite, issuing_suite
from ssi.protocols.vc_api import IssueRequest, Profile, StatusRequest
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState
from ssi.status.reference import REVOCATION, SUSPENSION, build_bitstring_entry
from ssi.types import JsonObject, JsonValue

from .publishing import Publisher
from .store import Draft, IssuerStore, Selection

VC_JWT: Final = "application/vc+jwt"
DATA_INTEGRITY: Final = "https://w3id.org/security/data-integrity/v2"
ED25519_2020: Final = "https://w3id.org/security/suites/ed25519-2020/v1"
FAR_FUTURE: Final = 253_402_300_799
"""9999-12-31T23:59:59Z: a credential that says no end."""


class StatusDesk:
    """Gives credentials an entry in a status list, and changes it by the credential's id."""

    def __init__(
        self, *, store: IssuerStore, publisher: Publisher, base: str, entries: int, now: Callable[[], int]
    ) -> None:
        """``base`` is the https URL that the lists' addresses begin with."""
        self._store = store
        self._publisher = publisher
        self._base = base
        self._entries = entries
        self._now = now

    async def entries(self, reference: str, credential: Credential, *, label: str) -> list[JsonObject]:
        """Claim an index for the credential ``reference`` and return its ``credentialStatus``.

        Raises ConflictError if the reference has one already.
        """
        family = await self._store.open_family(
            StatusFormat.BITSTRING, entries=self._entries, capacity=self._entries // 2, base=self._base
        )
        now = self._now()
        until = FAR_FUTURE if credential.valid_until is None else credential.valid_until
        draft = Draft(
            reference=reference,
            type=credential.types[-1],
            format="ldp_vc",
            id=f"urn:countersigned:{secrets.token_hex(16)}",
            key=label,
            holder=None,
            request_tag=secrets.token_bytes(32),
            issued_at=now,
            valid_until=until,
        )
        row = await self._store.claim(draft, family)
        if row.id != draft.id or row.index is None:
            raise InvalidInputError("expected a credentialId that no other credential has")
        await self._publisher.ensure(row.family)
        lists = await self._publisher.family(row.family)
        references = lists.references(row.index)
        return [{"id": f"{item.uri}#{item.index}", **build_bitstring_entry(item)} for item in references]

    async def change(self, request: StatusRequest) -> None:
        """Set or clear a status.

        Raises NotFoundError, and InvalidInputError for another purpose and for taking back a revocation.
        """
        if request.purpose not in (REVOCATION, SUSPENSION):
            raise InvalidInputError("expected a statusPurpose of revocation or suspension")
        set_to = CredentialState.SUSPENDED if request.purpose == SUSPENSION else CredentialState.REVOKED
        if not request.set and set_to is CredentialState.REVOKED:
            raise InvalidInputError("expected a suspension to be taken back: a revocation is for good")
        await self._store.find(request.credential_id)
        await self._store.change(
            Selection(reference=request.credential_id),
            set_to if request.set else CredentialState.VALID,
            when=tuple(CredentialState) if set_to is CredentialState.REVOKED else _between(request),
            act=request.purpose,
            reason="status request",
            by="vc-api",
            at=self._now(),
        )
        await self._publisher.publish()

    async def list_at(self, uri: str) -> tuple[str, bytes]:
        """Return media type and bytes of the list at ``uri``. Raises NotFoundError."""
        found = await self._store.list_at(uri)
        return found.media_type, found.body


class ProfileIssuer:
    """Issues under one profile.

    Where holders derive proofs, every one of them shows what the request says. Where it says nothing, it shows the
    issuer, dates, status, schema and terms of use: what a holder could gain by leaving out.
    """

    def __init__(
        self, profile: Profile, *, kms: Kms, contexts: Contexts, now: Callable[[], int], desk: StatusDesk | None = None
    ) -> None:
        """``desk`` is needed for a profile with status. Raises InvalidInputError without."""
        if profile.list_label is not None and desk is None:
            raise InvalidInputError("a profile with status needs a status desk")
        self.profile: Final = profile
        self._kms = kms
        self._contexts = contexts
        self._now = now
        self._desk = desk

    async def issue(self, request: IssueRequest) -> JsonObject:
        """Return the credential, secured as the profile says."""
        profile = self.profile
        document = self._with_proof_context(request.credential)
        suite = await self._suite(document, request.mandatory_pointers)
        compact = suite is not None and not is_jcs_suite(suite.name)
        credential = check_issuable(document, contexts=self._contexts, compact=compact)
        if credential.issuer != profile.did:
            raise InvalidInputError(f"expected a credential whose issuer is {profile.did}")
        if profile.list_label is not None and self._desk is not None:
            reference = request.credential_id or credential.id or f"urn:countersigned:{secrets.token_hex(16)}"
            entries = await self._desk.entries(reference, credential, label=profile.label)
            document = {**document, "credentialStatus": _with(document.get("credentialStatus"), entries)}
            credential = check_issuable(document, contexts=self._contexts, compact=compact)
        if suite is None:
            return await self._enveloped(credential)
        return await secure_credential(
            credential,
            kms=self._kms,
            label=profile.label,
            verification_method=profile.method,
            created=self._now(),
            suite=suite,
            jsonld_contexts=self._contexts,
        )

    async def _suite(self, document: JsonObject, mandatory_pointers: Sequence[str] | None) -> Cryptosuite | None:
        """Return the suite of the proof, None for an envelope, before anything is claimed that it would be for."""
        if self.profile.cryptosuite is None:
            return None
        key = await self._kms.public_key(self.profile.label)
        return issuing_suite(self.profile.cryptosuite, key, self._pointers(document, mandatory_pointers))

    def _pointers(self, document: JsonObject, asked: Sequence[str] | None) -> Sequence[str]:
        """Return what every derived proof shows; a status that this profile adds is among it, if nothing was asked."""
        if asked is not None:
            return asked
        found = core_pointers(document)
        status = "/credentialStatus"
        return found if self.profile.list_label is None or status in found else [*found, status]

    async def _enveloped(self, credential: Credential) -> JsonObject:
        profile = self.profile
        compact = await sign_vc_jwt(
            credential,
            kms=self._kms,
            label=profile.label,
            kid=profile.method,
            issued_at=self._now(),
            holder_key=None,
        )
        return Envelope(VC_JWT, compact).to_object()

    def _with_proof_context(self, document: JsonObject) -> JsonObject:
        """Return ``document``; one of data model 1.1 names the context of the proof that it gets, at its end."""
        names = document.get("@context")
        if self.profile.cryptosuite is None or not isinstance(names, list) or names[:1] != [VC_V1_CONTEXT]:
            return document
        wanted = ED25519_2020 if self.profile.cryptosuite == ed25519_signature_2020.NAME else DATA_INTEGRITY
        return document if wanted in names else {**document, "@context": [*names, wanted]}


def _between(request: StatusRequest) -> tuple[CredentialState, ...]:
    return (CredentialState.VALID,) if request.set else (CredentialState.SUSPENDED,)


def _with(present: JsonValue, entries: list[JsonObject]) -> JsonValue:
    if present is None:
        return entries[0] if len(entries) == 1 else entries
    return [*(present if isinstance(present, list) else [present]), *entries]

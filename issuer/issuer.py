"""The issuing agency's façade: every act by the agency's own case number, and safe to repeat.

Source:  decisions 9, 11 and 16 of the design (``docs/adr/0001``); formats and lists as the modules that are called.
Shapes:  ``reference`` is the agency's case number; times are Unix seconds from the injected clock.
I/O:     the store, the key store and the registry, which are ports.
Errors:  InvalidInputError and SchemaError (what was asked), ConflictError (the case was used for something else),
         NotFoundError (no such type or case), UnavailableError (a port; ask again).

An act is in the store before anything is signed or sent, so a crash at any point is repaired by asking again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from ssi.errors import ConflictError, DidNotFoundError, InvalidInputError, UnavailableError
from ssi.keys import Curve, KeyPurpose, Kms, PublicKey
from ssi.ports import PublishedList
from ssi.registry.founding import system_clock
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.status.lists import CredentialState
from ssi.types import JsonObject

from .answers import IssuedCredential as IssuedCredential
from .answers import StatusChange as StatusChange
from .cases import Cases, format_of
from .catalogue import Catalogue, CredentialType, Format
from .continuity import Continuity
from .declaring import Declaring
from .handing_over import Claims as Claims
from .handing_over import HandingOver
from .identity import Identity
from .issuance import IssuanceBook
from .outbox import IntentKind, IntentState
from .publishing import Publisher, StatusSettings
from .reconciling import Reconciliation
from .store import Act, Issued, IssuerStore, Selection, select

Clock: TypeAlias = Callable[[], int]
RETRY_SECONDS: Final = 86_400
"""How long a request may be repeated and still give the same credential; then its tag is erased."""


class Issuer:
    """An issuing agency. It is itself a source of its status lists (``StatusListSource``)."""

    def __init__(
        self,
        identity: Identity,
        *,
        store: IssuerStore,
        registry: Registry | None,
        catalogue: Catalogue | Sequence[CredentialType],
        status_base: str,
        now: Clock = system_clock,
        status: StatusSettings | None = None,
    ) -> None:
        """``status_base`` is the https URL under which the agency serves its lists.

        An organisation has a registry; an identity that was made elsewhere has None, and its lists are not anchored.
        """
        if isinstance(identity, Organisation) is (registry is None):
            raise InvalidInputError("expected a registry for an organisation, and none for another identity")
        self.book: IssuanceBook | None = None  # an agency that keeps one sets it
        self.identity: Final = identity
        self.catalogue: Final = catalogue if isinstance(catalogue, Catalogue) else Catalogue(list(catalogue))
        self._store = store
        self._registry = registry
        self._now = now
        self._base = status_base.rstrip("/")
        self._status = status or StatusSettings()
        self._owns_store = False
        self._continuity = Continuity(identity.did, store=store, registry=registry, status_base=self._base)
        self._cases = Cases(
            identity,
            store=store,
            settings=self._status,
            status_base=self._base,
            now=now,
            continuity=self._continuity,
        )
        self._publisher = Publisher(identity, store=store, registry=registry, settings=self._status, now=now)
        self._handing_over = HandingOver(
            identity,
            store=store,
            catalogue=self.catalogue,
            cases=self._cases,
            publisher=self._publisher,
            enter=self._enter,
        )

    @classmethod
    async def create(
        cls,
        name: str,
        *,
        domain: str,
        accreditor: Organisation,
        registry: Registry,
        kms: Kms,
        catalogue: Catalogue | Sequence[CredentialType],
        store: IssuerStore | str,
        now: Clock = system_clock,
        status: StatusSettings | None = None,
        status_base: str | None = None,
    ) -> Issuer:
        """Make an agency: its keys and DID, its accreditation for every type of the catalogue, its log on the ledger.

        ``name`` is what the key store calls it, ``accreditor`` a root of the registry, ``store`` a store or its URL,
        ``status_base`` by default ``https://<domain>/status``. To be called once; ``open`` finds the agency again.
        """
        entries = catalogue if isinstance(catalogue, Catalogue) else Catalogue(list(catalogue))
        organisation = await Organisation.create(name, domain=domain, kms=kms, now=now())
        types = [type_name for entry in entries for type_name in (entry.vct, *entry.types)]
        await accreditor.enrol_issuer(organisation, types=types, registry=registry, now=now())
        return await cls.open(
            organisation,
            store=store,
            registry=registry,
            catalogue=entries,
            status_base=status_base or f"https://{domain}/status",
            now=now,
            status=status,
        )

    @classmethod
    async def open(
        cls,
        identity: Identity,
        *,
        store: IssuerStore | str,
        registry: Registry | None,
        catalogue: Catalogue | Sequence[CredentialType],
        status_base: str,
        now: Clock = system_clock,
        status: StatusSettings | None = None,
    ) -> Issuer:
        """Open an agency whose DID exists: on the ledger (``Organisation.open``), or elsewhere without a registry."""
        opened = store
        if isinstance(opened, str):
            from .stores import open_issuer_store

            opened = await open_issuer_store(opened)
        issuer = cls(
            identity,
            store=opened,
            registry=registry,
            catalogue=catalogue,
            status_base=status_base,
            now=now,
            status=status,
        )
        issuer._owns_store = isinstance(store, str)
        return issuer

    async def close(self) -> None:
        """Release the store if this issuer opened it."""
        if self._owns_store:
            self._owns_store = False
            await self._store.close()

    @property
    def did(self) -> str:
        """The agency's DID."""
        return self.identity.did

    @property
    def organisation(self) -> Organisation:
        """The agency as an organisation of the registry. Raises InvalidInputError for another identity."""
        return self._founded[0]

    @property
    def _founded(self) -> tuple[Organisation, Registry]:
        if not isinstance(self.identity, Organisation) or self._registry is None:
            raise InvalidInputError("this issuer's identity is not kept on a ledger: act where it is kept")
        return self.identity, self._registry

    @property
    def status_base(self) -> str:
        """The URL under which the agency serves its status lists."""
        return self._base

    @property
    def list_ttl_seconds(self) -> int:
        """How long a copy of a status list may be kept."""
        return self._status.ttl_seconds

    async def issue(
        self,
        type: str,
        claims: JsonObject,
        *,
        reference: str,
        format: Format | None = None,
        holder: PublicKey | None = None,
    ) -> IssuedCredential:
        """Issue a credential of a catalogue type under the agency's case number.

        Asked again with the same arguments within a day, it gives a credential with the same identifier, index and
        dates. Raises SchemaError if the claims do not match the type's schema, ConflictError if the case has another
        credential already (see ``reissue``), NotFoundError for an unknown type.
        """
        entry = self.catalogue.get(type)
        row = await self._cases.claim(entry, claims, reference, format_of(entry, format), holder)
        return await self._handing_over.sign(entry, claims, row)

    async def reissue(
        self,
        *,
        reference: str | None = None,
        type: str | None = None,
        key: str | None = None,
        claims: Claims | None = None,
        holder: PublicKey | None = None,
    ) -> AsyncIterator[IssuedCredential]:
        """Issue new credentials in place of those selected, which are revoked by it; yields one after another.

        ``claims`` is asked for each case; without it the type must keep claims. ``holder`` is for a single case whose
        holder has a new key. Cases that are revoked or suspended are left out; by its ``reference`` a revoked one can
        be issued anew, a suspended one raises ConflictError. Stopped half-way and called again, it goes on with those
        that are left: pass the label of the old key, which new credentials do not have.
        """
        async for issued in self._handing_over.replace_all(select(reference, type, key), claims, holder):
            yield issued
        await self.publish()

    async def revoke(
        self,
        *,
        reference: str | None = None,
        type: str | None = None,
        key: str | None = None,
        reason: str = "",
        by: str = "",
    ) -> StatusChange:
        """Revoke for good what is selected by case, type or signing key. ``reason`` and ``by`` stay in the store.

        Repeating it changes nothing more. Raises NotFoundError if no case of this reference exists.
        """
        states = (CredentialState.VALID, CredentialState.SUSPENDED)
        return await self._change(select(reference, type, key), "revoke", CredentialState.REVOKED, states, reason, by)

    async def suspend(
        self,
        *,
        reference: str | None = None,
        type: str | None = None,
        key: str | None = None,
        reason: str = "",
        by: str = "",
    ) -> StatusChange:
        """Suspend what is selected, until ``unsuspend``. Raises ConflictError for a case that is revoked."""
        states = (CredentialState.VALID,)
        return await self._change(
            select(reference, type, key), "suspend", CredentialState.SUSPENDED, states, reason, by
        )

    async def unsuspend(
        self,
        *,
        reference: str | None = None,
        type: str | None = None,
        key: str | None = None,
        reason: str = "",
        by: str = "",
    ) -> StatusChange:
        """End a suspension. Raises ConflictError for a case that is revoked."""
        states = (CredentialState.SUSPENDED,)
        return await self._change(select(reference, type, key), "unsuspend", CredentialState.VALID, states, reason, by)

    async def state(self, reference: str) -> CredentialState:
        """Return the state of a case's current credential. Raises NotFoundError."""
        return (await self._store.find(reference)).state

    async def acts(self, reference: str) -> Sequence[Act]:
        """Return what was done to a case's current credential, oldest first."""
        return await self._store.acts((await self._store.find(reference)).number)

    async def publish(self, *, everything: bool = False) -> bool:
        """Sign and anchor every list that changed or is about to expire; return whether all are anchored.

        ``everything`` signs the others again, too. Also takes over keys that another process of the agency has rotated,
        and erases claims and tags whose time is over. Run it on a schedule shorter than the lists' lifetime.
        """
        now = self._now()
        if self._registry is not None:
            with suppress(UnavailableError, DidNotFoundError):
                await self.organisation.reload(registry=self._registry, now=now)
        await self._continuity.require()
        await self._store.erase_due(now=now, retry_before=now - RETRY_SECONDS)
        anchored = await self._publisher.publish(everything=everything)
        return (self.book is None or await self.book.publish()) and anchored

    async def status_list(self, uri: str) -> PublishedList:
        """Return the list published last at ``uri`` (``StatusListSource``). Raises NotFoundError."""
        stored = await self._store.list_at(uri)
        return PublishedList(uri, stored.body, stored.media_type, stored.receipt)

    async def status_lists(self) -> Sequence[PublishedList]:
        """Return every list as published last, to be served at its URI."""
        return [
            PublishedList(stored.uri, stored.body, stored.media_type, stored.receipt)
            for stored in await self._store.lists()
        ]

    async def rotate_key(self, purpose: KeyPurpose = KeyPurpose.CREDENTIAL, *, curve: Curve = Curve.P256) -> str:
        """Replace the key for ``purpose`` and return the label of the one that is superseded.

        Lists are signed again at once when their key is replaced. Credentials of the old key verify only under
        policies that accept superseded keys; ``reissue(key=…)`` replaces them. Raises UnavailableError if the ledger
        does not answer: the new line waits in the outbox, and asking again goes on with it.
        """
        old = await self._declaring().rotate(purpose, curve)
        if purpose is KeyPurpose.LIST:
            await self._publisher.publish(everything=True)
        return old

    async def declare_compromised(self, kid: str) -> None:
        """Declare on the ledger that a key of this agency fell into other hands; a second time has no effect."""
        await self._declaring().declare_compromised(kid)

    async def reconcile(self, *, dry_run: bool = False) -> Reconciliation:
        """Bring to the ledger what is open in the outbox, and report what became of each intent.

        Safe at any time, after any crash; nothing is written twice. With ``dry_run`` nothing is written at all, and the
        report says what would be. ``publish`` does this too.
        """
        own = await self._publisher.reconcile(dry_run=dry_run)
        if (
            any(each.kind is IntentKind.LINE and each.state is IntentState.DONE for each in own.outcomes)
            and not dry_run
        ):
            organisation, registry = self._founded
            await organisation.reload(registry=registry, now=self._now())
        if self.book is None:
            return own
        more = await self.book.reconcile(dry_run=dry_run)
        return Reconciliation(outcomes=own.outcomes + more.outcomes, problem=own.problem or more.problem)

    def _declaring(self) -> Declaring:
        organisation, registry = self._founded
        return Declaring(organisation, outbox=self._store, registry=registry, now=self._now, reconcile=self.reconcile)

    def issued(self, *, key: str) -> AsyncIterator[Issued]:
        """Yield all that the key with this label signed, replaced credentials too, oldest first."""
        return self._cases.selected(Selection(key=key, replaced=True))

    async def renew(self, number: int, *, claims: Claims | None = None) -> IssuedCredential:
        """Replace the credential of row ``number`` as ``reissue`` does, without publishing; safe to repeat.

        Asked again, it gives the credential that took its place, with the same identifier. Raises ConflictError if the
        credential is revoked or suspended, or was replaced by somebody else since.
        """
        return await self._handing_over.renew(number, claims)

    async def _enter(self, credential: str) -> None:
        if self.book is not None:
            await self.book.add(credential)

    async def _change(
        self,
        selection: Selection,
        act: str,
        state: CredentialState,
        when: tuple[CredentialState, ...],
        reason: str,
        by: str,
    ) -> StatusChange:
        if selection.reference is not None:
            found = await self._store.find(selection.reference)
            if found.index is None:
                raise ConflictError(f"type {found.type} is not revocable")
            if found.state is CredentialState.REVOKED and state is not CredentialState.REVOKED:
                raise ConflictError("this reference is revoked, which is for good")
        await self._continuity.require()
        changed = await self._store.change(selection, state, when=when, act=act, reason=reason, by=by, at=self._now())
        anchored = await self.publish()
        return StatusChange(references=tuple(row.reference for row in changed), anchored=anchored)

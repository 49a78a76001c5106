"""An organisation on the ledger: its DID, its keys by purpose, and the statements that it signs.

Source:  did:webvh 1.0; the statements are those of ``ssi.registry.types``.
Input:   a key store in which the keys of the organisation called ``name`` are labelled ``name/purpose/N``.
Shapes:  the verification method of the key ``name/credential/2`` is ``did#credential-2``; every key of ``PUBLISHED`` is
         listed under ``assertionMethod``. Times are Unix seconds.
I/O:     the key store and the registry.
Errors:  KeyNotFoundError (the store has no key that the DID document lists), and those of key store and registry.

The newest listed key whose private part is in the store is the one that signs: a rotation that was interrupted before
its log line was published changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ssi.did.webvh import (
    DocumentKey,
    WebvhLog,
    WitnessRule,
    build_document,
    create_did,
    deactivate_did,
    rotate_keys,
    update_did,
)
from ssi.did.webvh.witness import NO_WITNESSES
from ssi.errors import ConflictError, InvalidInputError, KeyNotFoundError
from ssi.keys import Curve, KeyPurpose, Kms, PublicKey
from ssi.registry.registry import Registry, Submitted
from ssi.registry.statement import sign_statement
from ssi.registry.types import Accreditation, AccreditationRefs, Ending, EndingReason, EndingRefs, Role, StatementBody
from ssi.registry.view import RegistrySnapshot, hands_on
from ssi.registry.witness_proofs import witness_entries
from ssi.types import JsonObject, UnixSeconds

PUBLISHED: Final = (KeyPurpose.STATEMENT, KeyPurpose.CREDENTIAL, KeyPurpose.LIST)
"""The purposes whose keys stand in an organisation's DID document."""

ACCREDITATION_SECONDS: Final = 3 * 365 * 86_400


class NamedKey(msgspec.Struct, frozen=True):
    """A key of an organisation: where it is in the store, and what others call it."""

    label: str
    kid: str
    public_key: PublicKey


class Organisation:
    """An organisation that has its keys here. Make one with ``create``, find it again with ``open``."""

    def __init__(self, *, name: str, kms: Kms, log: WebvhLog) -> None:
        self.name: Final = name
        self.kms: Final = kms
        self._log = log

    @classmethod
    async def create(
        cls,
        name: str,
        *,
        domain: str,
        kms: Kms,
        now: UnixSeconds,
        purposes: Sequence[KeyPurpose] = PUBLISHED,
        curve: Curve = Curve.P256,
        path: Sequence[str] = (),
        port: int | None = None,
        services: Sequence[JsonObject] = (),
        witness: WitnessRule = NO_WITNESSES,
    ) -> Organisation:
        """Make the DID and a key for each of ``purposes``; ``publish`` then puts its log on a ledger.

        With ``witness`` the first line already waits until enough of them have approved it.
        What an interrupted attempt left in the key store under ``name`` is used again.
        """
        listed = await first_keys(name, kms=kms, purposes=purposes, curve=curve)
        made = await create_did(
            kms=kms,
            name=name,
            domain=domain,
            path=path,
            port=port,
            document=lambda did: build_document(did, keys=listed, services=services),
            witness=witness,
            now=now,
        )
        return cls(name=name, kms=kms, log=made.log)

    @classmethod
    async def open(cls, name: str, did: str, *, kms: Kms, registry: Registry, now: UnixSeconds) -> Organisation:
        """Find an organisation whose log is on the ledger. Raises DidNotFoundError."""
        from ssi.did.webvh import verify_log

        log = verify_log(await registry.did_log(did), did=did, now=now, witness_proofs=await registry.did_witness(did))
        return cls(name=name, kms=kms, log=log)

    async def reload(self, *, registry: Registry, now: UnixSeconds) -> bool:
        """Take over what another process has added to the log on the ledger; return whether there was anything.

        Without it this process would go on signing with keys that the other one has replaced. Raises DidNotFoundError
        if the log is not on the ledger, and as ``registry``.
        """
        from ssi.did.webvh import verify_log

        found = await registry.did_log(self.did)
        if found.strip().count(b"\n") < len(self._log.versions):
            return False
        self._log = verify_log(found, did=self.did, now=now, witness_proofs=await registry.did_witness(self.did))
        return True

    @property
    def did(self) -> str:
        """The organisation's DID."""
        return self._log.did

    @property
    def log(self) -> bytes:
        """The DID's log so far, as ``did.jsonl`` is served."""
        return b"".join(version.entry.line + b"\n" for version in self._log.versions)

    async def publish(self, registry: Registry, *, witness_proofs: bytes | None = None) -> Sequence[Submitted]:
        """Put every line of the log on the ledger; lines that are there already keep their place.

        ``witness_proofs`` are the bytes of its did-witness.json: lines that name witnesses wait until there are enough.
        """
        lines = [await registry.submit(version.entry.line) for version in self._log.versions]
        proofs = () if witness_proofs is None else witness_entries(witness_proofs)
        return [*lines, *[await registry.submit(entry) for entry in proofs]]

    async def key(self, purpose: KeyPurpose) -> NamedKey:
        """Return the key that signs for ``purpose`` now. Raises KeyNotFoundError."""
        for number in sorted(self._numbers(purpose), reverse=True):
            label, kid = _label(self.name, purpose, number), f"{self.did}#{_fragment(purpose, number)}"
            try:
                key = await self.kms.public_key(label)
            except KeyNotFoundError:
                continue
            if self._method(kid).get("publicKeyMultibase") == key.to_multikey():
                return NamedKey(label, kid, key)
        raise KeyNotFoundError(f"the key store has no {purpose} key that the DID document of {self.name} lists")

    async def rotate(
        self, purpose: KeyPurpose, *, registry: Registry, now: UnixSeconds, curve: Curve = Curve.P256
    ) -> NamedKey:
        """Replace the key for ``purpose``: a new one enters the DID document, the others for it leave.

        What the old key signed can then be verified only by policies that accept superseded keys. Of a DID with
        witnesses the old key comes back: the new one is in force once they have approved (see ``reload``).
        """
        await self._accept(await self._rotated(purpose, now=now, curve=curve), registry)
        return await self.key(purpose)

    async def rotation(self, purpose: KeyPurpose, *, now: UnixSeconds, curve: Curve = Curve.P256) -> tuple[int, bytes]:
        """Return the number and the line of the version that ``rotate`` would publish, signed and published nowhere.

        For those who keep it before they submit it: the new key is in force after ``reload``.
        """
        made = await self._rotated(purpose, now=now, curve=curve)
        return made.head.number, made.head.entry.line

    async def _rotated(self, purpose: KeyPurpose, *, now: UnixSeconds, curve: Curve) -> WebvhLog:
        document = await self.document_with_new_key(purpose, curve=curve)
        return (await update_did(self._log, kms=self.kms, name=self.name, now=now, document=document)).log

    async def document_with_new_key(self, purpose: KeyPurpose, *, curve: Curve = Curve.P256) -> JsonObject:
        """Return the DID document in which a new key for ``purpose`` has taken the place of the others for it.

        For those whose update keys lie elsewhere; ``rotate`` publishes it at once. Asked again, it gives the same key.
        """
        if purpose not in PUBLISHED:
            raise InvalidInputError(f"expected a purpose of {', '.join(PUBLISHED)}")
        numbers = self._numbers(purpose)
        number = max(numbers, default=0) + 1
        key = await _ensure(self.kms, self.name, purpose, number, curve)
        old = {f"{self.did}#{_fragment(purpose, past)}" for past in numbers}
        return _with_key(self._log.head.document, self.did, old, _fragment(purpose, number), key)

    async def rotate_update_key(self, *, registry: Registry, now: UnixSeconds) -> None:
        """Replace the DID's update key by the one that the log has committed to."""
        made = await rotate_keys(self._log, kms=self.kms, name=self.name, now=now)
        await self._accept(made.log, registry)

    async def deactivate(self, *, registry: Registry, now: UnixSeconds) -> None:
        """Deactivate the DID for good."""
        made = await deactivate_did(self._log, kms=self.kms, name=self.name, now=now)
        await self._accept(made.log, registry)

    async def sign(self, body: StatementBody) -> bytes:
        """Return ``body`` as a statement signed by this organisation, ready to be submitted."""
        key = await self.key(KeyPurpose.STATEMENT)
        return (await sign_statement(body, kms=self.kms, label=key.label, kid=key.kid)).encode("ascii")

    async def accredit(
        self,
        subject: str,
        *,
        role: Role,
        registry: Registry,
        now: UnixSeconds,
        types: Sequence[str] = (),
        by: str | None = None,
        answerable_to: Sequence[str] = (),
        valid_until: UnixSeconds | None = None,
    ) -> Submitted:
        """Entitle ``subject`` to ``role``, narrowed to credential ``types`` where given.

        ``by`` is the id of this organisation's own accreditation as accreditor; a root needs none.
        """
        body = Accreditation(
            iss=self.did,
            iat=now,
            subject=subject,
            role=role,
            answerable_to=tuple(answerable_to) or (self.did,),
            types=tuple(types) or msgspec.UNSET,
            valid_from=now,
            valid_until=now + ACCREDITATION_SECONDS if valid_until is None else valid_until,
            refs=msgspec.UNSET if by is None else AccreditationRefs(by=by),
        )
        return await registry.submit(await self.sign(body))

    async def enrol_issuer(
        self,
        issuer: Organisation,
        *,
        types: Sequence[str],
        registry: Registry,
        now: UnixSeconds,
        witness_proofs: bytes | None = None,
    ) -> Sequence[Submitted]:
        """Accredit another organisation as such and as issuer of ``types``, then put its log on the ledger.

        For a root: an accreditor below one says ``by`` in ``accredit``.
        """
        as_organisation = await self.accredit(issuer.did, role="organisation", registry=registry, now=now)
        as_issuer = await self.accredit(issuer.did, role="issuer", types=types, registry=registry, now=now)
        return [as_organisation, as_issuer, *await issuer.publish(registry, witness_proofs=witness_proofs)]

    async def declare_compromised(
        self, kid: str, *, listed_by: str, registry: Registry, now: UnixSeconds, since: UnixSeconds | None = None
    ) -> Submitted:
        """Declare that a key fell into other hands, ``since`` then (by default now).

        The key is this organisation's own, or of one that it accredited; ``listed_by`` is the id of the log entry, or
        of the accreditation, of the organisation whose key it is.
        """
        return await registry.submit(await self.compromise(kid, listed_by=listed_by, now=now, since=since))

    async def compromise(
        self, kid: str, *, listed_by: str, now: UnixSeconds, since: UnixSeconds | None = None
    ) -> bytes:
        """Return the statement that ``declare_compromised`` submits."""
        effective = now if since is None else since
        return await self.sign(
            Ending(
                iss=self.did,
                iat=now,
                reason="compromised",
                effective=effective,
                kid=kid,
                refs=EndingRefs(ends=listed_by),
            )
        )

    async def end(
        self,
        entry: str,
        *,
        reason: EndingReason,
        registry: Registry,
        now: UnixSeconds,
        effective: UnixSeconds | None = None,
        successor: str | None = None,
    ) -> Submitted:
        """End the statement with the id ``entry`` from ``effective`` on (by default now).

        ``successor`` belongs to the reason "succeeded"; a key is declared compromised by ``declare_compromised``.
        """
        body = Ending(
            iss=self.did,
            iat=now,
            reason=reason,
            effective=now if effective is None else effective,
            successor=msgspec.UNSET if successor is None else successor,
            refs=EndingRefs(ends=entry),
        )
        return await registry.submit(await self.sign(body))

    async def _accept(self, log: WebvhLog, registry: Registry) -> None:
        await registry.submit(log.head.entry.line)
        in_force = registry.view().did_version(log.did)
        # A line that waits for witnesses is not in force, nor are its keys: ``reload`` takes it over once it counts.
        if in_force is not None and in_force.version_id == log.head.entry.version_id:
            self._log = log

    def _numbers(self, purpose: KeyPurpose) -> list[int]:
        prefix = f"{self.did}#{purpose}-"
        listed = self._log.head.document.get("assertionMethod", [])
        tails = [kid.removeprefix(prefix) for kid in listed if isinstance(kid, str) and kid.startswith(prefix)]
        return [int(tail) for tail in tails if tail.isdecimal()]

    def _method(self, kid: str) -> Mapping[str, object]:
        for method in self._log.head.document.get("verificationMethod", []):
            if isinstance(method, dict) and method.get("id") == kid:
                return method
        return {}


def entitlement(
    view: RegistrySnapshot, signer: str, role: Role, *, types: Sequence[str] = (), at: UnixSeconds
) -> str | None:
    """Return the id of the newest accreditation under which ``signer`` may give ``role`` at ``at``, or None.

    None for a root, which needs none, and for whoever has none.
    """
    if signer in view.roots:
        return None
    asked = Accreditation(
        iss=signer,
        iat=at,
        subject=signer,
        role=role,
        answerable_to=(),
        types=tuple(types) or msgspec.UNSET,
        valid_from=at,
        valid_until=at,
    )
    for given in reversed(view.accreditations(signer)):
        if hands_on(given.body, asked) and view.in_force(given, at=at, acting=True) and view.chain(given):
            return given.id
    return None


async def first_keys(
    name: str, *, kms: Kms, purposes: Sequence[KeyPurpose] = PUBLISHED, curve: Curve = Curve.P256
) -> list[DocumentKey]:
    """Return the keys that a new organisation lists in its DID document, made now unless they are there already."""
    keys = [await _ensure(kms, name, purpose, 1, curve) for purpose in purposes]
    return [DocumentKey(_fragment(purpose, 1), key) for purpose, key in zip(purposes, keys, strict=True)]


def _with_key(document: JsonObject, did: str, old: set[str], fragment: str, key: PublicKey) -> JsonObject:
    """Return ``document`` with the ``old`` verification methods gone and ``key`` listed as ``did#fragment``."""
    made = build_document(did, keys=[DocumentKey(fragment, key)])
    methods = [method for method in document.get("verificationMethod", []) if method.get("id") not in old]
    listed = [kid for kid in document.get("assertionMethod", []) if kid not in old]
    return {
        **document,
        "verificationMethod": [*methods, *made["verificationMethod"]],
        "assertionMethod": [*listed, *made["assertionMethod"]],
    }


async def _ensure(kms: Kms, name: str, purpose: KeyPurpose, number: int, curve: Curve) -> PublicKey:
    label = _label(name, purpose, number)
    try:
        return await kms.generate(label, curve=curve, purpose=purpose)
    except ConflictError:
        return await kms.public_key(label)


def _label(name: str, purpose: KeyPurpose, number: int) -> str:
    return f"{name}/{purpose}/{number}"


def _fragment(purpose: KeyPurpose, number: int) -> str:
    return f"{purpose}-{number}"

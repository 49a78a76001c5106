"""From a request to a row: which credential a case has, with which identifier, key and status index.

Source:  decision 11 and 16 of the design (``docs/adr/0001``): state is rows, and an act is idempotent by its reference.
Shapes:  times are Unix seconds; a case is what the agency's reference stands for.
I/O:     the store; the key store is asked which key signs.
Errors:  InvalidInputError, SchemaError, ConflictError, and those of the store. Nothing is kept when one is raised.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final
from uuid import uuid4

from ssi.encoding.jcs import jcs
from ssi.errors import ConflictError, InvalidInputError
from ssi.keys import KeyPurpose, PublicKey
from ssi.status.lists import CredentialState, StatusFamily
from ssi.types import JsonObject

from .catalogue import CredentialType, Format
from .continuity import Continuity
from .identity import Identity
from .issuing import STATUS_FORMAT, check_signable
from .publishing import StatusSettings
from .store import Draft, Family, Issued, IssuerStore, Selection

MAX_REFERENCE_CHARACTERS: Final = 256


class Cases:
    """The cases of one agency."""

    def __init__(
        self,
        identity: Identity,
        *,
        store: IssuerStore,
        settings: StatusSettings,
        status_base: str,
        now: Callable[[], int],
        continuity: Continuity,
    ) -> None:
        self._identity = identity
        self._store = store
        self._settings = settings
        self._base = status_base
        self._now = now
        self._continuity = continuity
        self._tag_key: bytes | None = None

    async def claim(
        self, entry: CredentialType, claims: JsonObject, reference: str, format: Format, holder: PublicKey | None
    ) -> Issued:
        """Return the row of a reference: a new one, or the one that the same request made before.

        Raises SchemaError if the claims do not match the type's schema, ConflictError if the reference has a credential
        of another request.
        """
        check_reference(reference)
        entry.check_claims(claims)
        draft = await self._draft(entry, claims, reference, format, holder)
        row = await self._keep(entry, draft, format)
        same = (row.type, row.format, row.holder) == (draft.type, draft.format, draft.holder)
        if row.id != draft.id and not (same and hmac.compare_digest(row.request_tag or b"", draft.request_tag)):
            raise ConflictError("this reference has another credential already; reissue it, or use another reference")
        if row.key != draft.key:
            # The key was replaced since the first answer, and what is handed out now carries the new one.
            row = await self._store.rekey(row.number, draft.key)
        return row

    async def replace(self, row: Issued, entry: CredentialType, claims: JsonObject, holder: PublicKey | None) -> Issued:
        """Return the row of a new credential in place of ``row``, which is revoked by it; errors as ``claim``.

        Raises ConflictError also if the state of ``row`` has changed since it was read.
        """
        entry.check_claims(claims)
        same = format_of(entry, row.format)
        draft = await self._draft(entry, claims, row.reference, same, holder)
        return await self._keep(entry, draft, same, replaces=row.number, when=(row.state,))

    async def selected(self, selection: Selection) -> AsyncIterator[Issued]:
        """Yield what a selection chooses, oldest first, in pages: it may be everything that was ever issued."""
        after = 0
        while rows := await self._store.select(selection, after=after):
            for row in rows:
                yield row
            after = rows[-1].number

    async def _keep(
        self,
        entry: CredentialType,
        draft: Draft,
        format: Format,
        *,
        replaces: int | None = None,
        when: Sequence[CredentialState] = tuple(CredentialState),
    ) -> Issued:
        """Claim a row and an index for ``draft``; another family if the one with room was filled just now."""
        await self._continuity.require()
        family = await self._family(entry, format)
        while True:
            try:
                return await self._store.claim(draft, family, replaces=replaces, when=when)
            except ConflictError:
                other = await self._family(entry, format)
                if family is None or other is None or other.id == family.id:
                    raise
                family = other

    async def _draft(
        self, entry: CredentialType, claims: JsonObject, reference: str, format: Format, holder: PublicKey | None
    ) -> Draft:
        now, key = self._now(), await self._identity.key(KeyPurpose.CREDENTIAL)
        canonical = jcs(claims)
        draft = Draft(
            reference=reference,
            type=entry.name,
            format=format,
            id=f"urn:uuid:{uuid4()}",
            key=key.label,
            holder=None if holder is None else holder.to_multikey(),
            request_tag=await self._tag(canonical),
            issued_at=now,
            valid_until=now + entry.validity_seconds,
            retained=canonical if entry.retention_days else None,
            retained_until=now + entry.retention_days * 86_400,
        )
        check_signable(entry, claims, draft, key.public_key)
        return draft

    async def _tag(self, claims: bytes) -> bytes:
        if self._tag_key is None:
            self._tag_key = await self._store.secret()
        return hmac.digest(self._tag_key, claims, "sha256")

    async def _family(self, entry: CredentialType, format: Format) -> Family | None:
        if not entry.revocable:
            return None
        kind, entries = STATUS_FORMAT[format], self._settings.entries
        lists = StatusFamily(format=kind, issuer=self._identity.did, uri=f"{self._base}/0", entries=entries)
        return await self._store.open_family(kind, entries=entries, capacity=lists.capacity, base=self._base)


def format_of(entry: CredentialType, format: str | None) -> Format:
    """Return the format asked for, or the type's first. Raises InvalidInputError if the type has no such format."""
    for offered in entry.formats:
        if format in (None, offered):
            return offered
    raise InvalidInputError(f"type {entry.name} is issued as {' or '.join(entry.formats)}")


def check_reference(reference: str) -> None:
    """Raise InvalidInputError unless ``reference`` could be a case number."""
    if not 0 < len(reference) <= MAX_REFERENCE_CHARACTERS or not reference.isprintable():
        raise InvalidInputError(f"expected a reference of 1 to {MAX_REFERENCE_CHARACTERS} printable characters")

"""From a row to the credential that is handed over: signed for the first time, once more, or in another's place.

Source:  decisions 11 and 16 of the design (``docs/adr/0001``): an act is in the store before anything is signed.
Shapes:  times are Unix seconds; a row is a credential as the store knows it, without claims.
I/O:     the store and the key store.
Errors:  InvalidInputError (no claims are kept), ConflictError (the row is revoked, suspended or replaced meanwhile),
         UnavailableError (the key was replaced just now: ask again), and those of ``Cases`` and of signing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias

from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, UnavailableError
from ssi.keys import KeyPurpose, PublicKey
from ssi.status.lists import CredentialState
from ssi.types import JsonObject

from .answers import IssuedCredential
from .cases import Cases, format_of
from .catalogue import Catalogue, CredentialType
from .identity import Identity
from .issuing import Signer, sign_credential
from .publishing import Publisher
from .store import Issued, IssuerStore, Selection

Claims: TypeAlias = Callable[[str], JsonObject]
"""Asked for the claims of a reference when a credential is reissued, so that they need not be kept."""


class HandingOver:
    """Signs the rows of one agency."""

    def __init__(
        self,
        identity: Identity,
        *,
        store: IssuerStore,
        catalogue: Catalogue,
        cases: Cases,
        publisher: Publisher,
        enter: Callable[[str], Awaitable[None]],
    ) -> None:
        """``enter`` is told of each credential before it is handed over."""
        self._identity: Final = identity
        self._store: Final = store
        self._catalogue: Final = catalogue
        self._cases: Final = cases
        self._publisher: Final = publisher
        self._enter: Final = enter

    async def sign(self, entry: CredentialType, claims: JsonObject, row: Issued) -> IssuedCredential:
        """Return the credential that ``row`` stands for; its status list is published before it refers to it."""
        await self._publisher.ensure(row.family)
        references = () if row.index is None else (await self._publisher.family(row.family)).references(row.index)
        key = await self._identity.key(KeyPurpose.CREDENTIAL)
        if key.label != row.key:
            raise UnavailableError("the key that signs credentials was replaced just now: ask again")
        text = await sign_credential(
            entry, claims, row, references, Signer(self._identity.did, key, self._identity.kms)
        )
        await self._enter(text)
        return IssuedCredential(
            credential=text,
            id=row.id,
            reference=row.reference,
            type=row.type,
            format=row.format,
            issued_at=row.issued_at,
            valid_until=row.valid_until,
        )

    async def replace(
        self, row: Issued, claims: Claims | None, holder: PublicKey | None
    ) -> tuple[IssuedCredential, int]:
        """Return a new credential in place of that of ``row``, which is revoked by it, and the number of its row."""
        entry = self._catalogue.get(row.type)
        wanted = await self._claims_of(row, claims)
        if holder is None and row.holder is not None:
            holder = PublicKey.from_multikey(row.holder)
        new = await self._cases.replace(row, entry, wanted, holder)
        return await self.sign(entry, wanted, new), new.number

    async def replace_all(
        self, selection: Selection, claims: Claims | None, holder: PublicKey | None
    ) -> AsyncIterator[IssuedCredential]:
        """Yield new credentials in place of those selected; see ``Issuer.reissue``."""
        one, first_new = selection.reference is not None, 0
        async for row in self._cases.selected(selection):
            # New credentials match the selection as well, and have higher numbers than all old ones.
            if first_new and row.number >= first_new:
                break
            if row.state is CredentialState.SUSPENDED and one:
                raise ConflictError("this reference is suspended: unsuspend or revoke it first")
            if row.state is not CredentialState.VALID and not one:
                continue
            try:
                issued, number = await self.replace(row, claims, holder)
            except ConflictError:
                if one:
                    raise
                continue  # Somebody revoked, suspended or reissued it since it was selected: theirs is the later word.
            first_new = first_new or number
            yield issued

    async def renew(self, number: int, claims: Claims | None) -> IssuedCredential:
        """Replace the credential of row ``number``; asked again, give the one that took its place."""
        (row,) = await self._store.select(Selection(numbers=(number,)))
        if row.replaced_by is None:
            if row.state is not CredentialState.VALID:
                raise ConflictError(f"the credential is {row.state.name.lower()}")
            return (await self.replace(row, claims, None))[0]
        new = await self._store.find(row.reference)
        if new.number != row.replaced_by:
            raise ConflictError("the credential was replaced more than once since")
        entry, wanted = self._catalogue.get(new.type), await self._claims_of(new, claims)
        holder = None if new.holder is None else PublicKey.from_multikey(new.holder)
        return await self.sign(
            entry, wanted, await self._cases.claim(entry, wanted, new.reference, format_of(entry, new.format), holder)
        )

    async def _claims_of(self, row: Issued, claims: Claims | None) -> JsonObject:
        if claims is not None:
            return claims(row.reference)
        kept = await self._store.retained(row.number)
        if kept is None:
            raise InvalidInputError(f"type {row.type} keeps no claims: pass claims to reissue")
        return parse_object(kept)

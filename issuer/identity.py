"""Who an issuer is: its DID and its keys, whether an organisation of the registry or an identity made elsewhere.

Source:  decision 11 of the design (``docs/adr/0001``): the issuer signs by label and never sees a key.
Shapes:  a key has one label for each purpose, so that one key of another system may have two labels here.
I/O:     the key store.
Errors:  KeyNotFoundError, InvalidInputError, VerificationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from ssi.did.document import DidDocument
from ssi.did.resolver import Resolver
from ssi.errors import InvalidInputError, KeyNotFoundError, VerificationError
from ssi.keys import KeyPurpose, Kms
from ssi.registry.organisation import NamedKey


class Identity(Protocol):
    """What signing credentials and lists needs; ``Organisation`` is one."""

    @property
    def did(self) -> str:
        """The issuer's DID."""
        ...

    @property
    def kms(self) -> Kms:
        """The store of its keys."""
        ...

    async def key(self, purpose: KeyPurpose) -> NamedKey:
        """Return the key that signs for ``purpose`` now. Raises KeyNotFoundError."""
        ...


class OutsideIdentity:
    """An issuer whose DID (did:web, did:jwk, …) is not kept on the ledger. Make one with ``open``.

    Its lists are not anchored, and its keys are rotated where its DID document is kept.
    """

    def __init__(self, did: str, *, kms: Kms, keys: Mapping[KeyPurpose, NamedKey]) -> None:
        self._did: Final = did
        self._kms: Final = kms
        self._keys: Final = dict(keys)

    @classmethod
    async def open(
        cls, did: str, *, kms: Kms, keys: Mapping[KeyPurpose, tuple[str, str]], resolver: Resolver
    ) -> OutsideIdentity:
        """Find each purpose's key by its label in ``kms`` and its verification method in the DID document.

        ``keys`` gives label and verification method for CREDENTIAL and LIST. Raises InvalidInputError if one of them is
        left out, VerificationError if the document lists another key, and as the resolver and ``Kms.public_key``.
        """
        return await cls.of((await resolver.resolve(did)).document, kms=kms, keys=keys)

    @classmethod
    async def of(
        cls, document: DidDocument, *, kms: Kms, keys: Mapping[KeyPurpose, tuple[str, str]]
    ) -> OutsideIdentity:
        """As ``open``, with the DID document at hand: where the agency serves it itself."""
        if {KeyPurpose.CREDENTIAL, KeyPurpose.LIST} - set(keys):
            raise InvalidInputError("expected a key for credentials and one for status lists")
        named: dict[KeyPurpose, NamedKey] = {}
        for purpose, (label, kid) in keys.items():
            key = await kms.public_key(label)
            if document.key(kid, "assertionMethod") != key:
                raise VerificationError(f"the DID document lists another key than the one labelled for {purpose}")
            named[purpose] = NamedKey(label, kid, key)
        return cls(document.id, kms=kms, keys=named)

    @property
    def did(self) -> str:
        """The issuer's DID."""
        return self._did

    @property
    def kms(self) -> Kms:
        """The store of its keys."""
        return self._kms

    async def key(self, purpose: KeyPurpose) -> NamedKey:
        """Return the key for ``purpose``. Raises KeyNotFoundError."""
        try:
            return self._keys[purpose]
        except KeyError:
            raise KeyNotFoundError(f"this identity has no {purpose} key") from None

"""Holder keys that live in the vault, behind the same port as every other key store.

Shapes:  one record per key; its summary says what it is and has its public part, its content the secret. A label is
         found by its tag, a public key by that of its thumbprint.
I/O:     the vault; each change is durable before a method returns.
Errors:  as ``ssi.keys.Kms``, and those of the vault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.errors import ConflictError, InvalidInputError, KeyNotFoundError, ProofPurposeError
from ssi.keys import Curve, KeyInfo, KeyPurpose, PrivateKey, PublicKey

from .sealing import Plain
from .vault import Batch, Vault, new_id

KEY: Final = "key"
_LABEL: Final = "key label"
_THUMBPRINT: Final = "key thumbprint"


class _Summary(msgspec.Struct, frozen=True):
    label: str
    purpose: KeyPurpose
    curve: Curve
    exportable: bool
    public: bytes

    def info(self) -> KeyInfo:
        return KeyInfo(self.label, self.purpose, self.curve, self.exportable)

    def public_key(self) -> PublicKey:
        return PublicKey.from_raw(self.curve, self.public)


class VaultKms:
    """``Kms`` over a vault, for the holder's own signatures."""

    def __init__(self, vault: Vault) -> None:
        """Use the keys of an open wallet."""
        self._vault = vault

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """As ``Kms.generate``."""
        private = PrivateKey.generate(curve)
        await self.add(label, private, purpose=purpose, exportable=exportable)
        return private.public_key

    async def add(self, label: str, private: PrivateKey, *, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """Keep a key that was made elsewhere. Raises ConflictError if the label is taken."""
        info = KeyInfo(label, purpose, private.public_key.curve, exportable)

        async def build() -> Batch:
            await self._check_free(label)
            return Batch(puts=(self._plain(new_id(), info, private),))

        await self._vault.write(build)
        return private.public_key

    async def find(self, label: str) -> KeyInfo:
        """As ``Kms.find``."""
        return (await self._summary(label)).info()

    async def labels(self, purpose: KeyPurpose | None = None) -> Sequence[str]:
        """As ``Kms.labels``."""
        keys = await self._vault.read(await self._vault.find(KEY), content=False)
        summaries = [_parse(key) for key in keys]
        return sorted(summary.label for summary in summaries if purpose in (None, summary.purpose))

    async def public_key(self, label: str) -> PublicKey:
        """As ``Kms.public_key``."""
        return (await self._summary(label)).public_key()

    async def label_of(self, key: PublicKey) -> str:
        """Return the label of the key with this public part. Raises KeyNotFoundError."""
        found = await self.records_of(key.thumbprint())
        if not found:
            raise KeyNotFoundError("the wallet has no key with this public part")
        (plain, *_) = await self._vault.read(found[:1], content=False)
        return _parse(plain).label

    async def sign(self, label: str, message: bytes, *, purpose: KeyPurpose) -> bytes:
        """As ``Kms.sign``."""
        return (await self._for(label, purpose)).sign(message)

    async def sign_many(self, label: str, messages: Sequence[bytes], *, purpose: KeyPurpose) -> Sequence[bytes]:
        """As ``Kms.sign_many``."""
        private = await self._for(label, purpose)
        return [private.sign(message) for message in messages]

    async def export(self, label: str) -> PrivateKey:
        """As ``Kms.export``."""
        info, private = await self._secret(label)
        if not info.exportable:
            raise ProofPurposeError(f"key {label} was not made exportable")
        return private

    async def relabel(self, label: str, new_label: str, *, purpose: KeyPurpose) -> None:
        """As ``Kms.relabel``."""

        async def build() -> Batch:
            record_id = await self._id(label)
            info, private = await self._secret(label)
            if purpose is not info.purpose and (info.purpose, purpose) != (KeyPurpose.DID_NEXT, KeyPurpose.DID_UPDATE):
                raise ProofPurposeError(f"a {info.purpose} key never becomes a {purpose} key")
            if new_label != label:
                await self._check_free(new_label)
            changed = KeyInfo(new_label, purpose, info.curve, info.exportable)
            return Batch(puts=(self._plain(record_id, changed, private),))

        await self._vault.write(build)

    async def delete(self, label: str) -> None:
        """As ``Kms.delete``."""

        async def build() -> Batch:
            return Batch(deletes=(await self._id(label),))

        await self._vault.write(build)

    async def records_of(self, thumbprint: str) -> Sequence[bytes]:
        """Return the ids of the records with this key, for a change that removes it with what it was for."""
        return await self._vault.find(KEY, [self._vault.tag(_THUMBPRINT, thumbprint.encode())])

    async def secrets(self) -> list[tuple[KeyInfo, PrivateKey]]:
        """Return all keys with their secret parts, for the wallet to be carried elsewhere as a whole."""
        plains = await self._vault.read(await self._vault.find(KEY))
        found = [(_parse(plain), plain.content) for plain in plains]
        return [(summary.info(), PrivateKey.from_raw(summary.curve, secret)) for summary, secret in found]

    async def record_for(self, info: KeyInfo, private: PrivateKey) -> Plain | None:
        """Return the record of a key that was carried here, or None if the wallet has the key."""
        if await self.records_of(private.public_key.thumbprint()):
            return None
        record_id = new_id()
        if await self._vault.find(KEY, [self._label_tag(info.label)]):
            info = msgspec.structs.replace(info, label=f"{info.purpose}-{record_id.hex()}")
        await self._check_free(info.label)
        return self._plain(record_id, info, private)

    def _plain(self, record_id: bytes, info: KeyInfo, private: PrivateKey) -> Plain:
        summary = _Summary(info.label, info.purpose, info.curve, info.exportable, private.public_key.to_raw())
        thumbprint = private.public_key.thumbprint().encode()
        return Plain(
            id=record_id,
            category=KEY,
            tags=frozenset((self._label_tag(info.label), self._vault.tag(_THUMBPRINT, thumbprint))),
            summary=msgspec.json.encode(summary),
            content=private.to_raw(),
        )

    def _label_tag(self, label: str) -> bytes:
        return self._vault.tag(_LABEL, label.encode("utf-8", "replace"))

    async def _check_free(self, label: str) -> None:
        if not label or not label.isprintable():
            raise InvalidInputError("expected a printable label for a key")
        if await self._vault.find(KEY, [self._label_tag(label)]):
            raise ConflictError(f"a key with the label {label} is already there")

    async def _id(self, label: str) -> bytes:
        found = await self._vault.find(KEY, [self._label_tag(label)])
        if not found:
            raise KeyNotFoundError(f"no key has the label {label}")
        return found[0]

    async def _summary(self, label: str) -> _Summary:
        (plain,) = await self._vault.read([await self._id(label)], content=False)
        return _parse(plain)

    async def _secret(self, label: str) -> tuple[KeyInfo, PrivateKey]:
        (plain,) = await self._vault.read([await self._id(label)])
        summary = _parse(plain)
        return summary.info(), PrivateKey.from_raw(summary.curve, plain.content)

    async def _for(self, label: str, purpose: KeyPurpose) -> PrivateKey:
        info, private = await self._secret(label)
        if info.purpose is not purpose:
            raise ProofPurposeError(f"key {label} is a {info.purpose} key, not a {purpose} key")
        return private


def _parse(plain: Plain) -> _Summary:
    return msgspec.json.decode(plain.summary, type=_Summary)

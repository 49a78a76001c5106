"""A key store in this process, for tests and short-lived programs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ssi.errors import ConflictError, KeyNotFoundError, ProofPurposeError
from ssi.keys.curves import Curve
from ssi.keys.kms import KeyInfo, KeyPurpose, Kms
from ssi.keys.private import PrivateKey
from ssi.keys.public import PublicKey


class StoredKey(msgspec.Struct, frozen=True):
    """A key with its record."""

    info: KeyInfo
    private: PrivateKey


class MemoryKms:
    """The key store port over a dictionary; a durable store persists each change in ``_changed``."""

    def __init__(self) -> None:
        self._keys: dict[str, StoredKey] = {}

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """As ``Kms.generate``."""
        return self._add(StoredKey(KeyInfo(label, purpose, curve, exportable), PrivateKey.generate(curve)))

    async def add(self, label: str, private: PrivateKey, *, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """Keep a key that was made elsewhere. Raises ConflictError if the label is taken."""
        return self._add(StoredKey(KeyInfo(label, purpose, private.public_key.curve, exportable), private))

    async def find(self, label: str) -> KeyInfo:
        """As ``Kms.find``."""
        return self._get(label).info

    async def labels(self, purpose: KeyPurpose | None = None) -> Sequence[str]:
        """As ``Kms.labels``."""
        return sorted(label for label, key in self._keys.items() if purpose in (None, key.info.purpose))

    async def public_key(self, label: str) -> PublicKey:
        """As ``Kms.public_key``."""
        return self._get(label).private.public_key

    async def sign(self, label: str, message: bytes, *, purpose: KeyPurpose) -> bytes:
        """As ``Kms.sign``."""
        return self._for(label, purpose).sign(message)

    async def sign_many(self, label: str, messages: Sequence[bytes], *, purpose: KeyPurpose) -> Sequence[bytes]:
        """As ``Kms.sign_many``."""
        key = self._for(label, purpose)
        return [key.sign(message) for message in messages]

    async def bbs_sign(
        self,
        label: str,
        *,
        header: bytes,
        messages: Sequence[bytes],
        purpose: KeyPurpose,
        commitment: bytes | None = None,
    ) -> bytes:
        """As ``BbsKms.bbs_sign``."""
        return self._for(label, purpose).bbs_sign(messages, header=header, commitment=commitment)

    async def export(self, label: str) -> PrivateKey:
        """As ``Kms.export``."""
        key = self._get(label)
        if not key.info.exportable:
            raise ProofPurposeError(f"key {label} was not made exportable")
        return key.private

    async def relabel(self, label: str, new_label: str, *, purpose: KeyPurpose) -> None:
        """As ``Kms.relabel``."""
        key = self._get(label)
        before = key.info.purpose
        if purpose is not before and (before, purpose) != (KeyPurpose.DID_NEXT, KeyPurpose.DID_UPDATE):
            raise ProofPurposeError(f"a {before} key never becomes a {purpose} key")
        if new_label != label and new_label in self._keys:
            raise ConflictError(f"a key with the label {new_label} is already there")
        info = KeyInfo(new_label, purpose, key.info.curve, key.info.exportable)
        keys = {name: kept for name, kept in self._keys.items() if name != label}
        self._replace({**keys, new_label: StoredKey(info, key.private)})

    async def delete(self, label: str) -> None:
        """As ``Kms.delete``."""
        self._get(label)
        self._replace({name: key for name, key in self._keys.items() if name != label})

    def _add(self, key: StoredKey) -> PublicKey:
        if key.info.label in self._keys:
            raise ConflictError(f"a key with the label {key.info.label} is already there")
        self._replace({**self._keys, key.info.label: key})
        return key.private.public_key

    def _replace(self, keys: dict[str, StoredKey]) -> None:
        """Make ``keys`` the content; the one place where the content changes."""
        self._keys = keys

    def _get(self, label: str) -> StoredKey:
        try:
            return self._keys[label]
        except KeyError:
            raise KeyNotFoundError(f"no key has the label {label}") from None

    def _for(self, label: str, purpose: KeyPurpose) -> PrivateKey:
        key = self._get(label)
        if key.info.purpose is not purpose:
            raise ProofPurposeError(f"key {label} is a {key.info.purpose} key, not a {purpose} key")
        return key.private


def open_url(url: str, *, passphrase: str | bytes | None = None) -> Kms:
    """Return a new, empty store for ``memory:``."""
    return MemoryKms()

"""Find, make and retire the update keys of a DID in a key store.

Source:  did:webvh 1.0, "Authorized Keys" and "Pre-Rotation Key Hash Generation and Verification".
Shapes:  the keys of the DID called ``name`` are labelled ``name/update/N`` and ``name/next/N``, N the version that they
         sign first. ``name`` belongs to one DID only.
I/O:     the key store.
Errors:  KeyNotFoundError (the store has none of the keys that the log asks for), and what the key store raises.

A key is looked up by what the log says of it, never by its label alone: whatever a crash left half done, between a new
key and a published entry, the next attempt finds and uses it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ssi.did.webvh.hashing import key_hash
from ssi.did.webvh.parameters import Parameters
from ssi.errors import ConflictError, KeyNotFoundError
from ssi.keys import Curve, KeyPurpose, Kms, PublicKey


class UpdateKey(msgspec.Struct, frozen=True):
    """An update key in the store."""

    label: str
    public_key: PublicKey

    @property
    def multikey(self) -> str:
        """Its text in ``updateKeys``."""
        return self.public_key.to_multikey()


async def new_update_key(kms: Kms, name: str, version: int) -> UpdateKey:
    """Return the update key for ``version``, made now unless an earlier attempt made it."""
    return await _ensure(kms, f"{name}/update/{version}", KeyPurpose.DID_UPDATE)


async def new_next_key_hash(kms: Kms, name: str, version: int) -> str:
    """Return the hash of the key that will sign ``version``, made now unless an earlier attempt made it."""
    key = await _ensure(kms, f"{name}/next/{version}", KeyPurpose.DID_NEXT)
    return key_hash(key.multikey)


async def signing_key(kms: Kms, name: str, version: int, active: Parameters) -> UpdateKey:
    """Return the key that may sign ``version`` after a head with the parameters ``active``.

    A pre-rotated key becomes an update key here. Raises KeyNotFoundError.
    """
    for_update = _needed(active)
    found = await _find(kms, name, KeyPurpose.DID_UPDATE, for_update)
    if found is not None:
        return found
    if active.next_key_hashes:
        found = await _find(kms, name, KeyPurpose.DID_NEXT, for_update)
        if found is not None:
            label = f"{name}/update/{version}"
            await kms.relabel(found.label, label, purpose=KeyPurpose.DID_UPDATE)
            return UpdateKey(label, found.public_key)
    raise KeyNotFoundError(f"the key store has no key called {name} that may update the DID")


async def forget_spent_keys(kms: Kms, name: str, active: Parameters) -> tuple[str, ...]:
    """Destroy the update keys that no further entry needs, and return their labels.

    To be called once the head with the parameters ``active`` is published: with pre-rotation even the key that signed
    it is spent then, and must not be used again.
    """
    needed = _needed(active)
    spent: list[str] = []
    for label in await kms.labels(KeyPurpose.DID_UPDATE):
        if label.startswith(f"{name}/") and not needed(await kms.public_key(label)):
            await kms.delete(label)
            spent.append(label)
    return tuple(spent)


def _needed(active: Parameters) -> Callable[[PublicKey], bool]:
    """Return the test whether a key may sign the entry after one with the parameters ``active``."""
    if active.next_key_hashes:
        return lambda key: key_hash(key.to_multikey()) in active.next_key_hashes
    return lambda key: key.to_multikey() in active.update_keys


async def _find(kms: Kms, name: str, purpose: KeyPurpose, fits: Callable[[PublicKey], bool]) -> UpdateKey | None:
    for label in await kms.labels(purpose):
        if label.startswith(f"{name}/"):
            public_key = await kms.public_key(label)
            if fits(public_key):
                return UpdateKey(label, public_key)
    return None


async def _ensure(kms: Kms, label: str, purpose: KeyPurpose) -> UpdateKey:
    try:
        return UpdateKey(label, await kms.public_key(label))
    except KeyNotFoundError:
        pass
    try:
        return UpdateKey(label, await kms.generate(label, curve=Curve.ED25519, purpose=purpose))
    except ConflictError:
        # Another process was faster.
        return UpdateKey(label, await kms.public_key(label))

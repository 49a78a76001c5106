"""The key store port, shaped so that the keys may live in hardware.

A key is found by its label, has one purpose for all its life, and leaves the store only if it was made exportable.
Backends are under ``ssi.keys.backends``; what each must do is held by one contract suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from ssi.keys.curves import Curve
from ssi.keys.public import PublicKey

if TYPE_CHECKING:
    from ssi.keys.private import PrivateKey


class KeyPurpose(StrEnum):
    """What a key may sign; a key has exactly one."""

    DID_UPDATE = "did-update"
    DID_NEXT = "did-next"
    """Committed to by its hash in a did:webvh log, and of no use until it becomes the update key."""
    CREDENTIAL = "credential"
    LIST = "list"
    CHECKPOINT = "checkpoint"
    STATEMENT = "statement"
    HOLDER = "holder"
    WITNESS = "witness"
    """Approves versions of other parties' did:webvh logs."""
    CEREMONY = "ceremony"
    """Signs the papers of key ceremonies: requests, approvals, results. It authorises nothing elsewhere."""


class KeyInfo(msgspec.Struct, frozen=True):
    """What a store says of a key without using it."""

    label: str
    purpose: KeyPurpose
    curve: Curve
    exportable: bool


class Kms(Protocol):
    """A key store. Signatures are R‖S for ECDSA and 64 bytes for Ed25519, over the message itself."""

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """Draw a key and keep it durably before returning. Raises ConflictError if the label is taken."""
        ...

    async def find(self, label: str) -> KeyInfo:
        """Return what is known of a key. Raises KeyNotFoundError."""
        ...

    async def labels(self, purpose: KeyPurpose | None = None) -> Sequence[str]:
        """Return the labels of all keys, or of those with ``purpose``, sorted."""
        ...

    async def public_key(self, label: str) -> PublicKey:
        """Return the public part. Raises KeyNotFoundError."""
        ...

    async def sign(self, label: str, message: bytes, *, purpose: KeyPurpose) -> bytes:
        """Sign one message. Raises KeyNotFoundError, or ProofPurposeError if the key has another purpose."""
        ...

    async def sign_many(self, label: str, messages: Sequence[bytes], *, purpose: KeyPurpose) -> Sequence[bytes]:
        """Sign messages in order, in as few round trips as the store allows. Raises as ``sign``."""
        ...

    async def export(self, label: str) -> PrivateKey:
        """Return the private key. Raises KeyNotFoundError, or ProofPurposeError if it was not made exportable."""
        ...

    async def relabel(self, label: str, new_label: str, *, purpose: KeyPurpose) -> None:
        """Give a key a new label and the next purpose of its life.

        The only change of purpose is DID_NEXT to DID_UPDATE; a label may change within a purpose. Raises
        KeyNotFoundError, ConflictError if ``new_label`` is taken, ProofPurposeError for any other change.
        """
        ...

    async def delete(self, label: str) -> None:
        """Destroy a key. Raises KeyNotFoundError."""
        ...


@runtime_checkable
class BbsKms(Protocol):
    """What a key store can do besides, if it holds keys of BBS (``Curve.BLS12_381_G2``).

    Stores in hardware cannot: PKCS#11 has no mechanism for it, and such a store refuses.
    """

    async def bbs_sign(
        self,
        label: str,
        *,
        header: bytes,
        messages: Sequence[bytes],
        purpose: KeyPurpose,
        commitment: bytes | None = None,
    ) -> bytes:
        """Return the BBS signature (BLS12-381-SHA-256, 80 bytes) over header and messages, in order.

        With a ``commitment`` with proof, of a holder, it is a blind signature over what was committed to as well.
        Raises KeyNotFoundError, ProofPurposeError if the key has another purpose or is of another kind,
        InvalidInputError for more messages than one signature covers, for a commitment that does not hold, or if this
        store cannot.
        """
        ...

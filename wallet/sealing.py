"""How a wallet's rows are sealed: each for its place, and all of them under one head.

Source:  NIST SP 800-38D (AES-256-GCM, random nonces), RFC 5869 (HKDF-SHA256), RFC 2104 (HMAC).
Shapes:  a column is nonce (12), ciphertext, tag (16); its associated data are wallet, id, category, version and column.
         A head is sealed over count (8, big-endian), account (32) and the SHA-256 of the box of the head before (32;
         zeros at first). Search tags are HMAC-SHA256 cut to 16 bytes.
I/O:     none.
Errors:  VerificationError (not what this wallet sealed).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

import msgspec

from ssi.errors import VerificationError

from .store import NONCE_BYTES, TAG_BYTES, RecordEntry, SealedRecord, StoredHead, StoredWallet, WrappedKey, entry_of
from .unlock import DATA_KEY_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NO_HEAD: Final = bytes(32)
_HEAD_BYTES: Final = 8 + 32 + 32


class Plain(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the clear, as this process holds it for a moment."""

    id: bytes
    category: str
    tags: frozenset[bytes]
    summary: bytes
    content: bytes = b""
    """Empty too where only the summary was read."""

    def __repr__(self) -> str:
        return f"Plain({self.category})"  # what is in it must not get into a log by way of a traceback


class Index(msgspec.Struct, frozen=True):
    """The wallet at one revision, verified against its head."""

    head: StoredHead
    wraps: tuple[WrappedKey, ...]
    entries: dict[bytes, RecordEntry]
    """By id."""

    def version_of(self, id: bytes) -> int:
        """Return the version of a record, 0 if there is none."""
        entry = self.entries.get(id)
        return 0 if entry is None else entry.version


class WalletKeys:
    """The keys of one wallet, one for each purpose."""

    def __init__(self, data_key: bytes, wallet: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(data_key) != DATA_KEY_BYTES:
            raise VerificationError("the wrapped data key has another length than a data key has")
        self.data_key: Final = data_key
        self.records: Final[AESGCM] = AESGCM(_derive(data_key, wallet, b"records"))
        self.head: Final[AESGCM] = AESGCM(_derive(data_key, wallet, b"head"))
        self.account: Final = _derive(data_key, wallet, b"account")
        self._tags: Final = _derive(data_key, wallet, b"tags")

    def tag(self, kind: str, value: bytes) -> bytes:
        """Return the search tag of a value of this kind."""
        return hmac.new(self._tags, _pack(kind.encode(), value), sha256).digest()[:TAG_BYTES]


def seal_record(keys: WalletKeys, wallet: str, plain: Plain, version: int) -> SealedRecord:
    """Return a record sealed as this version of itself."""

    def seal(column: str, value: bytes) -> bytes:
        nonce = token_bytes(NONCE_BYTES)
        return nonce + keys.records.encrypt(nonce, value, _place(wallet, plain.id, plain.category, version, column))

    return SealedRecord(
        id=plain.id,
        category=plain.category,
        version=version,
        tags=b"".join(sorted(plain.tags)),
        summary=seal("summary", plain.summary),
        content=seal("content", plain.content),
    )


def open_record(keys: WalletKeys, wallet: str, record: SealedRecord, entry: RecordEntry, *, content: bool) -> Plain:
    """Return a record in the clear if it is the one that ``entry`` of the verified index means."""
    found = entry_of(record)
    if not content:
        found = msgspec.structs.replace(found, nonces=found.nonces + entry.nonces[NONCE_BYTES:])
    if found != entry:
        raise VerificationError("the record is another than the index says")

    def unseal(column: str, box: bytes) -> bytes:
        return _unseal(keys.records, box, _place(wallet, record.id, record.category, record.version, column))

    return Plain(
        id=record.id,
        category=record.category,
        tags=split_tags(record.tags),
        summary=unseal("summary", record.summary),
        content=unseal("content", record.content) if content else b"",
    )


def verify_index(keys: WalletKeys, wallet: str, stored: StoredWallet, *, before: StoredHead | None) -> Index:
    """Return the index of what was loaded if its head accounts for every row, and follows ``before``."""
    head = stored.head
    entries = {entry.id: entry for entry in stored.entries}
    plain = _unseal(keys.head, head.box, _place(wallet, b"", "head", head.revision, "head"))
    previous = plain[-len(_NO_HEAD) :]
    if len(plain) != _HEAD_BYTES or len(entries) != len(stored.entries):
        raise VerificationError("the wallet's head is not of this version's shape")
    if not hmac.compare_digest(plain, _head_text(keys, previous, stored.wraps, entries)):
        raise VerificationError("the wallet's rows are not those that its head accounts for")
    if before is not None:
        follows = head.revision > before.revision + 1 or previous == sha256(before.box).digest()
        if head.revision <= before.revision or not follows:
            raise VerificationError(f"the wallet was set back, or parted from revision {before.revision}")
    return Index(head, stored.wraps, entries)


def seal_head(
    keys: WalletKeys,
    wallet: str,
    before: StoredHead | None,
    wraps: Sequence[WrappedKey],
    entries: Mapping[bytes, RecordEntry],
) -> StoredHead:
    """Return the head that follows ``before``, or the first one, over these rows; ``wraps`` are by name."""
    revision = 1 if before is None else before.revision + 1
    previous = _NO_HEAD if before is None else sha256(before.box).digest()
    nonce = token_bytes(NONCE_BYTES)
    text = _head_text(keys, previous, wraps, entries)
    box = nonce + keys.head.encrypt(nonce, text, _place(wallet, b"", "head", revision, "head"))
    return StoredHead(revision=revision, box=box)


def _head_text(
    keys: WalletKeys, previous: bytes, wraps: Sequence[WrappedKey], entries: Mapping[bytes, RecordEntry]
) -> bytes:
    account = hmac.new(keys.account, len(wraps).to_bytes(8, "big"), sha256)
    for wrap in wraps:
        account.update(_pack(wrap.name.encode(), wrap.box))
    for _, entry in sorted(entries.items()):
        parts = (entry.id, entry.category.encode(), _number(entry.version), entry.tags, entry.nonces)
        account.update(_pack(*parts))
    return len(entries).to_bytes(8, "big") + account.digest() + previous


def _unseal(key: AESGCM, box: bytes, associated: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as exc:
        raise VerificationError("a row of the wallet was altered, or exchanged for another") from exc


def _place(wallet: str, id: bytes, category: str, version: int, column: str) -> bytes:
    """The associated data: where a ciphertext belongs."""
    return _pack(b"countersigned wallet 1", wallet.encode(), id, category.encode(), _number(version), column.encode())


def _pack(*parts: bytes) -> bytes:
    """Join parts so that no other parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _number(value: int) -> bytes:
    """A stored number; one that no version or revision can be stands for a damaged row, and fits no seal."""
    return value.to_bytes(8, "big", signed=True)


def split_tags(tags: bytes) -> frozenset[bytes]:
    """Return the tags in a row."""
    return frozenset(tags[start : start + TAG_BYTES] for start in range(0, len(tags), TAG_BYTES))


def _derive(data_key: bytes, wallet: str, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = sha256(wallet.encode()).digest()
    return HKDF(SHA256(), 32, salt=salt, info=b"countersigned wallet 1 " + purpose).derive(data_key)

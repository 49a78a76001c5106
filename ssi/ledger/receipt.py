"""Receipts: the proof, in one file, that an entry is in the log.

Source:  RFC 6962, section 2.1.1 (path); C2SP tlog-checkpoint (head); the JSON form is this library's own.
Input:   a ledger, an index and a signed checkpoint; or the bytes of a receipt, the entry and the trusted keys.
Shapes:  {"format": "log-receipt/1", "entry_index": i, "size": n, "path": [base64url of 32 bytes, …],
         "checkpoint": "the note's text", "entry": base64url}; ``size`` is the checkpoint's size. ``entry`` is optional:
         whoever has no ledger to read it from needs it to know what the receipt is of.
I/O:     ``make_receipts`` reads O(log n) hashes of the ledger; the rest is pure.
Errors:  InvalidInputError (not a receipt), InvalidSignatureError (the checkpoint), InclusionProofError (the path).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_note
from ssi.ledger.note import MAX_NOTE_BYTES, NoteKey, parse_note
from ssi.ledger.port import Ledger, Withheld
from ssi.types import JsonObject

FORMAT = "log-receipt/1"
MEDIA_TYPE = "application/json"
_MEMBERS = {"format", "entry_index", "size", "path", "checkpoint"}
_MAX_PATH = 63
MAX_ENTRY_BYTES = 1 << 16


class Receipt(msgspec.Struct, frozen=True):
    """Where an entry is, the path to the root of ``size`` entries, and the signed note over that root."""

    entry_index: int
    size: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    entry: bytes | None = None
    """The entry itself, where it travels along; ``verify_receipt`` alone shows that it is the one."""


async def make_receipt(ledger: Ledger, index: int, checkpoint: bytes) -> Receipt:
    """Return the receipt of entry ``index`` under the signed note ``checkpoint``."""
    return (await make_receipts(ledger, [index], checkpoint))[0]


async def make_receipts(ledger: Ledger, indexes: Sequence[int], checkpoint: bytes) -> list[Receipt]:
    """Return one receipt for each index; hashes that several need are read once.

    Raises EntryNotFoundError for an index that the checkpoint does not cover.
    """
    size = parse_checkpoint(parse_note(checkpoint).unverified_text).size
    paths = await merkle.inclusion_proofs(ledger, indexes, size)
    return [Receipt(index, size, tuple(path), checkpoint) for index, path in zip(indexes, paths, strict=True)]


def build_receipt(receipt: Receipt) -> bytes:
    """Write a receipt as JSON."""
    document: JsonObject = {
        "format": FORMAT,
        "entry_index": receipt.entry_index,
        "size": receipt.size,
        "path": [b64url_encode(value) for value in receipt.path],
        "checkpoint": receipt.checkpoint.decode(),
    }
    if receipt.entry is not None:
        document["entry"] = b64url_encode(receipt.entry)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def parse_receipt(data: bytes) -> Receipt:
    """Read a receipt without believing it. Raises InvalidInputError."""
    document = parse_object(data, max_bytes=2 * MAX_NOTE_BYTES + 2 * MAX_ENTRY_BYTES, max_depth=4)
    entry = document.pop("entry", None)
    if document.keys() != _MEMBERS or document["format"] != FORMAT:
        raise InvalidInputError(f"a receipt has the format {FORMAT} and the members {', '.join(sorted(_MEMBERS))}")
    index, size, path, note = (document[name] for name in ("entry_index", "size", "path", "checkpoint"))
    if type(index) is not int or type(size) is not int or not isinstance(note, str) or not isinstance(path, list):
        raise InvalidInputError("a receipt has two numbers, a list and a text")
    if entry is not None and (not isinstance(entry, str) or not 0 < len(entry) <= MAX_ENTRY_BYTES * 4 // 3):
        raise InvalidInputError(f"the entry of a receipt is a text of at most {MAX_ENTRY_BYTES} bytes")
    if len(path) > _MAX_PATH or not all(isinstance(value, str) for value in path):
        raise InvalidInputError(f"the path of a receipt is at most {_MAX_PATH} texts")
    checkpoint = note.encode()
    if parse_checkpoint(parse_note(checkpoint).unverified_text).size != size:
        raise InvalidInputError("the size of the receipt is not the size of its checkpoint")
    hashes = tuple(b64url_decode(value) for value in path)
    return Receipt(index, size, hashes, checkpoint, None if entry is None else b64url_decode(entry))


def verify_receipt(receipt: Receipt, entry: bytes | Withheld, *, keys: Sequence[NoteKey]) -> VerifiedCheckpoint:
    """Return the checkpoint under which ``entry`` is proved to be in the log at ``receipt.entry_index``.

    Raises InvalidSignatureError if the log did not sign it, InclusionProofError if the path does not lead there.
    """
    checkpoint = verify_note(receipt.checkpoint, keys=keys)
    leaf = entry.leaf_hash if isinstance(entry, Withheld) else merkle.leaf_hash(entry)
    merkle.verify_inclusion(receipt.entry_index, checkpoint.size, leaf, receipt.path, checkpoint.root)
    return checkpoint

"""Checkpoints: the signed head of a log.

Source:  C2SP tlog-checkpoint v1.0.0, over signed notes; cosignatures by C2SP tlog-cosignature v1.0.0.
Input:   a note and the trusted keys; or a ledger and the label of the log's checkpoint key.
Shapes:  three lines (origin, size in decimal, base64 root of 32 bytes) and opaque extension lines. Times are Unix
         seconds.
I/O:     ``sign_checkpoint`` asks the ledger and the Kms; the rest is pure.
Errors:  InvalidInputError (not a checkpoint), InvalidSignatureError (not signed by this log), ConflictError and
         InclusionProofError from ``check_successor``.

The checkpoint itself says no time, and extension lines are not recommended. So the log may add a second signature of
the same key, a timestamped cosignature, the same statement that witnesses make.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import msgspec

from ssi.errors import ConflictError, InvalidInputError, InvalidSignatureError
from ssi.keys import KeyPurpose, Kms
from ssi.ledger import merkle
from ssi.ledger.note import (
    COSIGNATURE_V1,
    COSIGNATURES,
    ED25519,
    Note,
    NoteKey,
    add_signature,
    build_note,
    check_key_name,
    cosigned_message,
    decode_base64,
    open_note,
    parse_note,
    parse_vkey,
)
from ssi.ledger.port import HASH_BYTES, Ledger

__all__ = [
    "COSIGNATURE_V1",
    "ED25519",
    "Checkpoint",
    "Note",
    "NoteKey",
    "VerifiedCheckpoint",
    "add_signature",
    "build_note",
    "check_successor",
    "checkpoint_text",
    "open_note",
    "parse_checkpoint",
    "parse_note",
    "parse_vkey",
    "sign_checkpoint",
    "verify_note",
]

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(msgspec.Struct, frozen=True):
    """The head of the log ``origin``: its size, its root at that size, and extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


class VerifiedCheckpoint(Checkpoint, frozen=True):
    """A checkpoint that its log signed.

    ``cosigners`` are the names of the trusted keys besides the log's whose cosignatures hold; ``cosigned_at`` is the
    newest time that the log or one of them states, or None if nobody states one. ``cosignatures`` are the trusted
    timestamped signatures with their times, the log's own included.
    """

    cosigners: tuple[str, ...] = ()
    cosigned_at: int | None = None
    cosignatures: tuple[tuple[NoteKey, int], ...] = ()


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Return the text that gets signed. Raises InvalidInputError if it would read back as something else."""
    root = base64.b64encode(checkpoint.root).decode()
    lines = [checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions]
    try:
        text = "".join(f"{line}\n" for line in lines).encode()
    except UnicodeEncodeError as exc:
        raise InvalidInputError("origin and extension lines are text") from exc
    back = parse_checkpoint(text)
    if (back.origin, back.size, back.root, back.extensions) != (
        checkpoint.origin,
        checkpoint.size,
        checkpoint.root,
        checkpoint.extensions,
    ):
        raise InvalidInputError("origin and extension lines of a checkpoint are single lines")
    return text


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint note. Raises InvalidInputError."""
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("the checkpoint is not UTF-8") from exc
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise InvalidInputError("a checkpoint is at least three non-empty lines")
    origin, decimal, encoded, *extensions = lines
    if not _DECIMAL.fullmatch(decimal) or int(decimal) > merkle.MAX_SIZE:
        raise InvalidInputError("the size of a checkpoint is a decimal number without leading zeros")
    root = decode_base64(encoded)
    if len(root) != HASH_BYTES:
        raise InvalidInputError(f"the root of a checkpoint is {HASH_BYTES} bytes")
    return Checkpoint(origin, int(decimal), root, tuple(extensions))


def verify_note(note: bytes, *, keys: Sequence[NoteKey]) -> VerifiedCheckpoint:
    """Return the checkpoint if its log signed it with one of ``keys``.

    The log's key carries the origin as its name, so that a key trusted for one log vouches for no other. Its own
    timestamped signature counts under the same trust. Raises InvalidSignatureError, InvalidInputError.
    """
    own_time = [key.timestamped() for key in keys if key.algorithm == ED25519]
    opened = open_note(note, keys=[*keys, *own_time])
    checkpoint = parse_checkpoint(opened.text)
    names = [line.key.name for line in opened.signatures if line.key.algorithm == ED25519]
    if checkpoint.origin not in names:
        raise InvalidSignatureError("the checkpoint is not signed by a trusted key with the name of its origin")
    times = [line.time for line in opened.signatures if line.time is not None]
    cosigners = {
        line.key.name
        for line in opened.signatures
        if line.key.algorithm in COSIGNATURES and line.key.name != checkpoint.origin
    }
    return VerifiedCheckpoint(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        extensions=checkpoint.extensions,
        cosigners=tuple(sorted(cosigners)),
        cosigned_at=max(times, default=None),
        cosignatures=tuple((line.key, line.time) for line in opened.signatures if line.time is not None),
    )


async def sign_checkpoint(
    ledger: Ledger, *, kms: Kms, label: str, origin: str, now: int | None = None, size: int | None = None
) -> bytes:
    """Sign the head of ``ledger`` (or its tree at an earlier ``size``) with the checkpoint key ``label``.

    With ``now`` the note also carries the log's timestamped signature. The origin is the key's name, so it has neither
    spaces nor '+'. Nothing is stored: see ``Ledger.put_checkpoint``. Raises KeyNotFoundError, ProofPurposeError,
    EntryNotFoundError.
    """
    check_key_name(origin)
    if origin == "cosignature/v1":
        # A checkpoint text that starts like a cosigned message would let one signature pass for the other.
        raise InvalidInputError("a log cannot be called cosignature/v1")
    at = await ledger.size() if size is None else size
    text = checkpoint_text(Checkpoint(origin, at, await merkle.root(ledger, at)))
    key = NoteKey(origin, await kms.public_key(label))
    messages = [text] if now is None else [text, cosigned_message(text, now)]
    signatures = await kms.sign_many(label, messages, purpose=KeyPurpose.CHECKPOINT)
    lines = [(key, signatures[0])]
    if now is not None:
        lines.append((key.timestamped(), now.to_bytes(8, "big") + signatures[1]))
    return build_note(text, lines)


def check_successor(stored: bytes | None, old: bytes | None, new: bytes) -> Checkpoint | None:
    """Return the checkpoint in ``new`` if it may take the place of ``stored``, or None if it is there already.

    The rules of ``Ledger.put_checkpoint`` that need no tree. Raises ConflictError, InvalidInputError.
    """
    checkpoint = parse_checkpoint(parse_note(new).unverified_text)
    if stored == new:
        return None
    if stored != old:
        raise ConflictError("another checkpoint was stored meanwhile")
    if stored is not None:
        before = parse_checkpoint(parse_note(stored).unverified_text)
        if checkpoint.origin != before.origin:
            raise ConflictError("the checkpoint is for another origin than the stored one")
        if checkpoint.size < before.size:
            raise ConflictError(f"the checkpoint is for size {checkpoint.size}, one for {before.size} was signed")
    return checkpoint

"""Collect the cosignatures of witnesses over a log's newest head.

Source:  C2SP tlog-witness, "add-checkpoint", from the log's side.
Input:   a ledger with a checkpoint, and witnesses by their address and key; what they answer is untrusted.
Shapes:  a witness's address is its submission prefix, without a slash at its end.
I/O:     one to three requests to each witness, all at once; the ledger's hashes for the proofs.
Errors:  none of a witness leaves: each becomes an ``Asked`` with its reason. NotFoundError without a checkpoint.

What a witness answers is taken over only if its own key's signature holds over this very head. Cosignatures that are
there already stay, and a newer one of a witness takes the place of its older one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ssi.errors import (
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    SsiError,
    UnavailableError,
)
from ssi.ledger import merkle
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint
from ssi.ledger.note import COSIGNATURES, NoteKey, NoteSignature, note_lines, open_note, parse_note
from ssi.ledger.port import Ledger
from ssi.ledger.witness import SIZE_TYPE, AddCheckpoint, build_add_checkpoint
from ssi.ports import Post

_TRIES = 3
_MAX_ANSWER_BYTES = 1 << 16


class WitnessAddress(msgspec.Struct, frozen=True):
    """Where a witness is asked, and the key under which its cosignatures hold."""

    url: str
    key: NoteKey

    def __post_init__(self) -> None:
        if self.key.algorithm not in COSIGNATURES:
            raise InvalidInputError(f"the key of the witness {self.key.name} is none for cosignatures")


class Asked(msgspec.Struct, frozen=True):
    """What came of asking one witness: the time that it cosigned at, or why it did not."""

    witness: str
    time: int | None = None
    reason: str = ""


class Collected(msgspec.Struct, frozen=True):
    """The head with all cosignatures that hold, and what came of each witness."""

    note: bytes
    asked: tuple[Asked, ...]


async def collect(ledger: Ledger, note: bytes, witnesses: Sequence[WitnessAddress], *, post: Post) -> Collected:
    """Return ``note``, the signed head of ``ledger``, with the cosignatures that ``witnesses`` give now."""
    import asyncio  # Slow to import, and whoever awaits this has it.

    answers = await asyncio.gather(*(_ask(ledger, note, witness, post) for witness in witnesses))
    asked = []
    for witness, (line, found) in zip(witnesses, answers, strict=True):
        asked.append(found)
        if line is not None:
            note = _with(note, line, witness.key)
    return Collected(note, tuple(asked))


async def cosign_head(ledger: Ledger, witnesses: Sequence[WitnessAddress], *, post: Post) -> Collected:
    """Collect cosignatures over the newest head of ``ledger`` and put the head with them in its place.

    Raises NotFoundError without a head, ConflictError if a newer one was signed meanwhile: nothing is changed then.
    """
    note = await ledger.checkpoint()
    if note is None:
        raise NotFoundError("the log has no checkpoint yet")
    collected = await collect(ledger, note, witnesses, post=post)
    if collected.note != note:
        await ledger.put_checkpoint(note, collected.note)
    return collected


async def _ask(ledger: Ledger, note: bytes, witness: WitnessAddress, post: Post) -> tuple[NoteSignature | None, Asked]:
    name = witness.key.name
    try:
        line, time = await _cosignature(ledger, note, witness, post)
    except SsiError as exc:
        return None, Asked(name, None, str(exc))
    return line, Asked(name, time)


async def _cosignature(ledger: Ledger, note: bytes, witness: WitnessAddress, post: Post) -> tuple[NoteSignature, int]:
    head = parse_checkpoint(parse_note(note).unverified_text)
    old = 0
    for _ in range(_TRIES):
        proof = await _proof(ledger, old, head)
        body = build_add_checkpoint(AddCheckpoint(old, tuple(proof), note))
        answer = await post(
            f"{witness.url}/add-checkpoint", body, content_type="text/plain", max_bytes=_MAX_ANSWER_BYTES
        )
        if answer.status == 200:
            return _accepted(note, answer.body, witness.key)
        if answer.status != 409:
            raise _refusal(answer.status, answer.body)
        old = _size(answer.content_type, answer.body)
        if old > head.size:
            raise ConflictError(f"the witness has cosigned a head of size {old}, this one is of size {head.size}")
    raise UnavailableError("the witness names another size each time: others send it heads, too")


async def _proof(ledger: Ledger, old: int, head: Checkpoint) -> Sequence[bytes]:
    return [] if old in (0, head.size) else await merkle.consistency_proof(ledger, old, head.size)


def _size(content_type: str, body: bytes) -> int:
    text = body.decode("ascii", "replace").removesuffix("\n")
    if not content_type.startswith(SIZE_TYPE) or not text.isdecimal() or len(text) > 19:
        raise InvalidInputError("the witness answered 409 without the size that it cosigned last")
    return int(text)


def _refusal(status: int, body: bytes) -> SsiError:
    said = "".join(char for char in body[:200].decode("utf-8", "replace") if char.isprintable())
    text = f"the witness answered {status}: {said}" if said else f"the witness answered {status}"
    if status == 422:
        return InclusionProofError(text)
    return UnavailableError(text) if status >= 500 else InvalidInputError(text)


def _accepted(note: bytes, lines: bytes, key: NoteKey) -> tuple[NoteSignature, int]:
    """Return the witness's own line, once it holds over the head of ``note``."""
    text = parse_note(note).unverified_text
    answered = parse_note(text + b"\n" + lines).signatures
    for line in answered:
        if (line.name, line.key_id) != (key.name, key.key_id):
            continue
        opened = open_note(text + b"\n" + note_lines([line]), keys=[key])
        time = opened.signatures[0].time
        if not time:
            raise InvalidSignatureError("the cosignature of a witness has a time")
        return line, time
    raise InvalidSignatureError(f"the witness answered without a signature of {key.name}")


def _with(note: bytes, line: NoteSignature, key: NoteKey) -> bytes:
    parsed = parse_note(note)
    others: Iterable[NoteSignature] = [
        each for each in parsed.signatures if (each.name, each.key_id) != (key.name, key.key_id)
    ]
    return parsed.unverified_text + b"\n" + note_lines([*others, line])

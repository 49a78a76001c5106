"""A witness of logs: cosigns a head if it follows the one that was cosigned before, and never two of one size.

Source:  C2SP tlog-witness (add-checkpoint, 2026-07) and tlog-cosignature v1.0.0 (Ed25519, ``cosignature/v1``).
Input:   the body of a request, which anybody may have made: an old size, a consistency proof, a checkpoint.
Shapes:  an answer is signature lines of a note; times are Unix seconds; at most 63 hashes in a proof.
I/O:     the store of heads and the key store. A head is in the store before its cosignature leaves, and takes the place
         of the very head that it was compared with.
Errors:  in the order of the specification: InvalidInputError (400), NotFoundError (404, no log of this witness),
         InvalidSignatureError (403), SizeConflictError (409, with the size last cosigned), InclusionProofError (422);
         ForkError, also 422, where the log signed another root for the size last cosigned.

A cosignature says: of this log I saw no other history, and at this time nothing larger. The sub-tree cosignatures of
the specification are optional and not offered; nor are those with ML-DSA-44, until key stores hold such keys.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from ssi.errors import (
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    NotFoundError,
    SizeConflictError,
    UnavailableError,
)
from ssi.keys import KeyPurpose, Kms
from ssi.ledger import merkle
from ssi.ledger.checkpoint import Checkpoint, parse_checkpoint, verify_note
from ssi.ledger.fork import prove_fork
from ssi.ledger.note import (
    COSIGNATURE_V1,
    ED25519,
    MAX_NOTE_BYTES,
    NoteKey,
    build_note,
    cosigned_message,
    decode_base64,
    note_lines,
    parse_note,
)

MAX_PROOF_LINES: Final = 63
MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 4096
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_TRIES: Final = 8


class AddCheckpoint(msgspec.Struct, frozen=True):
    """A request: the size that the log thinks was cosigned last, the proof from there, and the signed note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


def build_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Return the body of a request."""
    lines = [f"old {request.old_size}", *(base64.b64encode(node).decode() for node in request.proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + request.note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read the body of a request without believing it. Raises InvalidInputError."""
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidInputError(f"a request has at most {MAX_REQUEST_BYTES} bytes")
    head, separator, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("the lines before the checkpoint are ASCII") from exc
    old = _OLD.fullmatch(first)
    if old is None or not separator:
        raise InvalidInputError("a request begins with the line 'old SIZE' and has an empty line before the checkpoint")
    if len(lines) > MAX_PROOF_LINES:
        raise InvalidInputError(f"a consistency proof has at most {MAX_PROOF_LINES} lines")
    return AddCheckpoint(int(old[1]), tuple(decode_base64(line) for line in lines), note)


def origin_hash(origin: str) -> str:
    """Return the name under which a witness serves the newest head of a log."""
    return sha256(origin.encode()).hexdigest()


class HeadStore(Protocol):
    """The heads that were cosigned, by origin. Every method is one transaction, durable when it returns."""

    async def head(self, origin: str) -> bytes | None:
        """Return the cosigned note of the newest head, or None."""
        ...

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> None:
        """Keep ``new`` in place of ``old``. Raises ConflictError if another head is there than ``old``."""
        ...

    async def keep_fork(self, origin: str, proof: bytes) -> None:
        """Keep a fork proof of the log; the first one stays."""
        ...

    async def fork(self, origin: str) -> bytes | None:
        """Return the fork proof of the log, or None."""
        ...


class LogWitness:
    """The witness ``name`` with the key ``label``. Several processes may share one store."""

    def __init__(self, *, name: str, kms: Kms, label: str, store: HeadStore, logs: Iterable[NoteKey]) -> None:
        """``logs`` are the keys of the logs that are witnessed; a key's name is the log's origin.

        ``label`` is of a key that cosigns under this one name and for nothing else. Raises InvalidInputError if a key
        of a log is none that signs checkpoints, or has the name of the witness.
        """
        self._logs: dict[str, list[NoteKey]] = {}
        for key in logs:
            if key.algorithm != ED25519 or key.name == name:
                raise InvalidInputError(f"{key.name} is not the Ed25519 key of a log beside this witness")
            self._logs.setdefault(key.name, []).append(key)
        self._name = name
        self._kms = kms
        self._label = label
        self._store = store

    async def key(self) -> NoteKey:
        """Return the witness's key, whose ``vkey`` others configure. Raises KeyNotFoundError."""
        return NoteKey(self._name, await self._kms.public_key(self._label), COSIGNATURE_V1)

    async def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Return the signature line over the head in ``body``; raises as the module says.

        The head last cosigned may be sent again, for a newer time or after a lost answer.
        """
        request = parse_add_checkpoint(body)
        origin = parse_checkpoint(parse_note(request.note).unverified_text).origin
        keys = self._logs.get(origin)
        if keys is None:
            raise NotFoundError("this witness does not know the log")
        new = verify_note(request.note, keys=keys)
        if request.old_size > new.size:
            raise InvalidInputError(f"the old size {request.old_size} is above the checkpoint's size {new.size}")
        for _ in range(_TRIES):
            stored = await self._store.head(origin)
            await self._check(request, new, stored, keys)
            line, cosigned = await self._cosign(request.note, keys, now)
            try:
                await self._store.replace(origin, stored, cosigned)
            except ConflictError:
                continue  # another request was faster: compare with its head
            return line
        raise UnavailableError("other requests always came first: ask again")

    async def _check(
        self, request: AddCheckpoint, new: Checkpoint, stored: bytes | None, keys: Sequence[NoteKey]
    ) -> None:
        last = None if stored is None else parse_checkpoint(parse_note(stored).unverified_text)
        size = 0 if last is None else last.size
        if request.old_size != size:
            raise SizeConflictError(f"the head cosigned last is for size {size}, not {request.old_size}", size)
        if new.size == 0 and new.root != merkle.EMPTY_ROOT:
            raise InclusionProofError("an empty log has another root")
        if stored is None or last is None or size == 0:
            if request.proof:
                raise InclusionProofError("nothing has to be proved from an empty log")
            return
        if new.size == size and new.root != last.root:
            error = await prove_fork(stored, request.note, None, keys=keys)
            await self._store.keep_fork(new.origin, error.proof)
            raise error
        merkle.verify_consistency(size, new.size, request.proof, last.root, new.root)

    async def _cosign(self, note: bytes, keys: Sequence[NoteKey], now: int) -> tuple[bytes, bytes]:
        """Return the new signature line, and the note that is kept: the log's signatures and this one."""
        text = parse_note(note).unverified_text
        key = await self.key()
        stamp = now.to_bytes(8, "big")
        signature = stamp + await self._kms.sign(self._label, cosigned_message(text, now), purpose=KeyPurpose.WITNESS)
        mine = build_note(text, [(key, signature)])
        known = {(each.name, each.key_id) for each in keys}
        theirs = [line for line in parse_note(note).signatures if (line.name, line.key_id) in known]
        line = mine[len(text) + 1 :]
        return line, text + b"\n" + note_lines(theirs) + line

    async def head(self, digest: str) -> bytes:
        """Return the newest cosigned note of the log whose origin hashes to ``digest``. Raises NotFoundError."""
        return _found(await self._store.head(self._origin(digest)), "this witness has cosigned no head of the log")

    async def fork(self, digest: str) -> bytes:
        """Return the proof that the log forked, if this witness was shown one. Raises NotFoundError."""
        return _found(await self._store.fork(self._origin(digest)), "this witness has seen no fork of the log")

    def _origin(self, digest: str) -> str:
        for origin in self._logs:
            if origin_hash(origin) == digest:
                return origin
        raise NotFoundError("this witness does not know the log")


def _found(value: bytes | None, otherwise: str) -> bytes:
    if value is None:
        raise NotFoundError(otherwise)
    return value


class MemoryHeadStore:
    """``HeadStore`` in memory, for tests."""

    def __init__(self) -> None:
        self._heads: dict[str, bytes] = {}
        self._forks: dict[str, bytes] = {}

    async def head(self, origin: str) -> bytes | None:
        """As ``HeadStore.head``."""
        return self._heads.get(origin)

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> None:
        """As ``HeadStore.replace``."""
        if self._heads.get(origin) != old:
            raise ConflictError("another head was cosigned meanwhile")
        self._heads[origin] = new

    async def keep_fork(self, origin: str, proof: bytes) -> None:
        """As ``HeadStore.keep_fork``."""
        self._forks.setdefault(origin, proof)

    async def fork(self, origin: str) -> bytes | None:
        """As ``HeadStore.fork``."""
        return self._forks.get(origin)

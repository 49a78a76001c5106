"""Fork proofs: one file that shows to anybody that a log signed two histories.

Source:  RFC 6962, section 2.1.2 (the nodes of a consistency proof); C2SP tlog-checkpoint. The file is our own.
Input:   two signed checkpoints of one origin and, where their sizes differ, the larger tree's hashes; or the bytes of
         a proof that anybody may have made.
Shapes:  {"format": "log-fork/1", "vkeys": ["name+id+key", …], "checkpoints": [note, note], "path": [base64url, …]};
         the checkpoint of the smaller size comes first, and ``path`` is empty where the sizes are equal. It holds the
         nodes of the consistency proof from the smaller to the larger size, its first node always included.
I/O:     ``make_fork_proof`` reads O(log n) hashes; the rest is pure.
Errors:  InvalidInputError (not such a file, or two checkpoints that agree), InvalidSignatureError (not both signed by
         one log), InclusionProofError (the path does not lead to the larger root).

Two roots of one size speak for themselves. With two sizes, the path gives the larger root, so its nodes are those of
the larger tree (or SHA-256 is broken), and the root that the smaller size has in there is not the one signed for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import ForkError, InclusionProofError, InvalidInputError, InvalidSignatureError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_note
from ssi.ledger.note import ED25519, MAX_NOTE_BYTES, NoteKey, parse_note, parse_vkey
from ssi.ledger.port import HASH_BYTES, Ledger

FORMAT: Final = "log-fork/1"
MAX_PROOF_BYTES: Final = 4 * MAX_NOTE_BYTES
_MEMBERS: Final = {"format", "vkeys", "checkpoints", "path"}
_MAX_PATH: Final = 64
_MAX_KEYS: Final = 8


class ForkProof(msgspec.Struct, frozen=True):
    """Two checkpoints as signed notes, smaller size first, the keys that are said to be the log's, and the nodes."""

    vkeys: tuple[str, ...]
    checkpoints: tuple[bytes, bytes]
    path: tuple[bytes, ...] = ()


class VerifiedFork(msgspec.Struct, frozen=True):
    """A fork that is proved: the log of ``origin`` signed both heads, and no log has both."""

    origin: str
    first: VerifiedCheckpoint
    second: VerifiedCheckpoint
    keys: tuple[NoteKey, ...]
    """The keys under which both signatures hold."""
    root_in_second: bytes
    """The root that the size of ``first`` has in the history of ``second``."""


def fork_path(old: int, new: int) -> list[merkle.Leaves]:
    """Return the ranges whose hashes give both roots, 0 < old < new: the consistency proof with its first node."""
    path = merkle.consistency_path(old, new)
    # 2.1.2 leaves the first node out where it is the whole old tree; here it must not be taken from the signed root.
    return path if old & (old - 1) else [(0, old), *path]


def roots_from(path: Sequence[bytes], old: int, new: int) -> tuple[bytes, bytes]:
    """Return the roots of size ``old`` and ``new`` that the nodes of ``fork_path`` give, in one tree.

    Raises InclusionProofError if their number is another.
    """
    ranges = fork_path(old, new)
    if len(path) != len(ranges) or any(len(node) != HASH_BYTES for node in path):
        raise InclusionProofError(f"expected {len(ranges)} hashes between the sizes {old} and {new}")
    old_root = new_root = path[0]
    for (start, stop), node in zip(ranges[1:], path[1:], strict=True):
        if stop <= old:
            old_root = merkle.node_hash(node, old_root)
            new_root = merkle.node_hash(node, new_root)
        elif start >= old:
            new_root = merkle.node_hash(new_root, node)
    return old_root, new_root


async def make_fork_proof(
    one: bytes, other: bytes, *, keys: Sequence[NoteKey], ledger: Ledger | None = None
) -> ForkProof:
    """Return the proof that the signed notes ``one`` and ``other`` exclude each other.

    ``ledger`` has the history of the larger one; equal sizes need none. Raises InvalidInputError if the two agree, and
    as the module says.
    """
    notes = sorted((one, other), key=lambda note: parse_checkpoint(parse_note(note).unverified_text).size)
    first, second = (verify_note(note, keys=keys) for note in notes)
    path: tuple[bytes, ...] = ()
    if 0 < first.size < second.size:
        if ledger is None:
            raise InvalidInputError("two checkpoints of two sizes are compared in the log of the larger one")
        ranges = fork_path(first.size, second.size)
        nodes = {node for leaves in ranges for node in merkle.complete_nodes(leaves)}
        hashes = {(level, index): (await ledger.hashes(level, index, index + 1))[0] for level, index in sorted(nodes)}
        path = tuple(merkle.subtree_hash(leaves, hashes.__getitem__) for leaves in ranges)
    vkeys = tuple(key.vkey for key in keys if key.algorithm == ED25519 and key.name == first.origin)
    proof = ForkProof(vkeys[:_MAX_KEYS], (notes[0], notes[1]), path)
    verify_fork(proof, keys=keys)
    return proof


async def prove_fork(one: bytes, other: bytes, ledger: Ledger | None, *, keys: Sequence[NoteKey]) -> ForkError:
    """Return the error to raise for two notes that were found to exclude each other, with the proof in it."""
    proof = await make_fork_proof(one, other, keys=keys, ledger=ledger)
    first, second = (parse_checkpoint(parse_note(note).unverified_text) for note in proof.checkpoints)
    message = f"the log {first.origin} is forked: its heads of size {first.size} and {second.size} exclude each other"
    return ForkError(message, build_fork_proof(proof))


def verify_fork(proof: ForkProof, *, keys: Sequence[NoteKey]) -> VerifiedFork:
    """Return the fork if one log, whose key is among ``keys``, signed two heads that exclude each other.

    Raises InvalidSignatureError, InclusionProofError; InvalidInputError for two heads that agree: no fork is proved.
    """
    first, second = (verify_note(note, keys=keys) for note in proof.checkpoints)
    if first.origin != second.origin:
        raise InvalidSignatureError("the two checkpoints are of two logs")
    if first.size > second.size:
        raise InvalidInputError("the checkpoint of the smaller size comes first")
    if first.size == second.size or first.size == 0:
        if proof.path:
            raise InvalidInputError("two checkpoints of one size, or of an empty log, need no path")
        here = second.root if first.size == second.size else merkle.EMPTY_ROOT
    else:
        here, there = roots_from(proof.path, first.size, second.size)
        if there != second.root:
            raise InclusionProofError("the path does not lead to the root of the larger checkpoint")
    if here == first.root:
        raise InvalidInputError("the two checkpoints agree: this proves no fork")
    signed = tuple(key for key in keys if key.algorithm == ED25519 and key.name == first.origin)
    return VerifiedFork(first.origin, first, second, signed, here)


def build_fork_proof(proof: ForkProof) -> bytes:
    """Write a proof as JSON."""
    document = {
        "format": FORMAT,
        "vkeys": list(proof.vkeys),
        "checkpoints": [note.decode() for note in proof.checkpoints],
        "path": [b64url_encode(node) for node in proof.path],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def parse_fork_proof(data: bytes) -> ForkProof:
    """Read a proof without believing it. Raises InvalidInputError."""
    document = parse_object(data, max_bytes=MAX_PROOF_BYTES, max_depth=3)
    if document.keys() != _MEMBERS or document["format"] != FORMAT:
        raise InvalidInputError(f"a fork proof has the format {FORMAT} and the members {', '.join(sorted(_MEMBERS))}")
    lists = [document[name] for name in ("vkeys", "checkpoints", "path")]
    if not all(isinstance(each, list) and all(isinstance(item, str) for item in each) for each in lists):
        raise InvalidInputError("a fork proof has three lists of texts")
    vkeys, notes, path = lists
    if len(notes) != 2 or len(path) > _MAX_PATH or not 0 < len(vkeys) <= _MAX_KEYS:
        raise InvalidInputError(f"a fork proof has two checkpoints, 1 to {_MAX_KEYS} keys, at most {_MAX_PATH} hashes")
    for vkey in vkeys:
        parse_vkey(vkey)
    for note in notes:
        parse_checkpoint(parse_note(note.encode()).unverified_text)
    return ForkProof(tuple(vkeys), (notes[0].encode(), notes[1].encode()), tuple(b64url_decode(node) for node in path))

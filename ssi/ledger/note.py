"""Signed notes: a text and the lines of those who signed it.

Source:  C2SP signed-note v1.0.0; C2SP tlog-cosignature v1.0.0 (Ed25519, signature type 0x04; ML-DSA-44, 0x06, which is
         verified and not made).
Input:   the note's bytes and the keys that the caller trusts, each written as a vkey.
Shapes:  a note is text ending in a newline, an empty line, and lines "— name base64(key id || signature)"; the key id
         is the first 4 bytes of SHA-256(name, newline, type, public key); Ed25519 keys are 32 bytes, signatures 64.
I/O:     none.
Errors:  InvalidInputError (not a note, not a vkey), InvalidSignatureError (a trusted key did not sign this, or none
         did).

Signatures of keys that the caller does not know are ignored, as the specification says; one bad signature of a known
key refuses the whole note.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys import Curve, PublicKey
from ssi.ledger.mldsa import SIGNATURE_BYTES, MlDsa44PublicKey, cosigned_tree

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
COSIGNATURE_MLDSA = 0x06
COSIGNATURES = (COSIGNATURE_V1, COSIGNATURE_MLDSA)

# A verifier must accept 16 signatures, and a post-quantum one takes 5 kB.
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 100

_DASH = "— "
_TIMESTAMP_BYTES = 8


class NoteKey(msgspec.Struct, frozen=True):
    """A key that may sign notes: its name, its signature type (ED25519 or one of COSIGNATURES) and the public key."""

    name: str
    public_key: PublicKey | MlDsa44PublicKey
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.algorithm not in (ED25519, *COSIGNATURES):
            raise InvalidInputError(f"note signature type {self.algorithm:#04x} is not supported")
        if isinstance(self.public_key, MlDsa44PublicKey) != (self.algorithm == COSIGNATURE_MLDSA):
            raise InvalidInputError("a note key with signature type 6, and no other, is an ML-DSA-44 key")
        if isinstance(self.public_key, PublicKey) and self.public_key.curve is not Curve.ED25519:
            raise InvalidInputError(f"a note key is an Ed25519 key, not {self.public_key.curve}")

    @property
    def material(self) -> bytes:
        """The signature type and the bytes of the public key, as the vkey carries them."""
        return bytes([self.algorithm]) + self.public_key.to_raw()

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that find this key from a signature line."""
        return sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self) -> str:
        """The text form ``name+keyid+base64``, for configuration files."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.material).decode()}"

    def timestamped(self) -> NoteKey:
        """Return the same key and name as a signer of timestamped cosignatures."""
        return NoteKey(self.name, self.public_key, COSIGNATURE_V1)


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line, unverified: who is said to have signed, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes


class Note(msgspec.Struct, frozen=True):
    """A parsed note. ``unverified_text`` is to be believed only after ``open_note``."""

    unverified_text: bytes
    signatures: tuple[NoteSignature, ...]


class VerifiedSignature(msgspec.Struct, frozen=True):
    """A signature that held; ``time`` (Unix seconds) is what a timestamped one says, else None."""

    key: NoteKey
    time: int | None = None


class VerifiedNote(msgspec.Struct, frozen=True):
    """The text of a note and the trusted signatures that hold over it, at least one."""

    text: bytes
    signatures: tuple[VerifiedSignature, ...]


def check_key_name(name: str) -> None:
    """Raise InvalidInputError for a name that is empty or holds spaces, control characters or a plus sign."""
    if not name or "+" in name or any(char.isspace() or ord(char) < 0x20 for char in name) or not _is_utf8(name):
        raise InvalidInputError("a note key name is not empty and has neither spaces nor '+' nor control characters")


def parse_vkey(vkey: str) -> NoteKey:
    """Read a verifier key ``name+keyid+base64(type, key)``; the key id must be the right one."""
    name, *rest = vkey.split("+", 2)
    if len(rest) != 2:
        raise InvalidInputError("a vkey has the form name+keyid+base64")
    key_id, encoded = rest
    material = decode_base64(encoded)
    if material[:1] == bytes([COSIGNATURE_MLDSA]):
        key = NoteKey(name, MlDsa44PublicKey(material[1:]), COSIGNATURE_MLDSA)
    elif len(material) == 33 and material[0] in (ED25519, COSIGNATURE_V1):
        key = NoteKey(name, PublicKey.from_raw(Curve.ED25519, material[1:]), material[0])
    else:
        raise InvalidInputError("a vkey carries type 1 or 4 with an Ed25519 key, or type 6 with an ML-DSA-44 key")
    if key.key_id.hex() != key_id:
        raise InvalidInputError("the key id of the vkey does not belong to its name and key")
    return key


def parse_note(note: bytes) -> Note:
    """Take a note apart without believing it. Raises InvalidInputError."""
    if len(note) > MAX_NOTE_BYTES:
        raise InvalidInputError(f"the note has {len(note)} bytes, at most {MAX_NOTE_BYTES}")
    try:
        text = note.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInputError("the note is not UTF-8") from exc
    if any(char < " " and char != "\n" for char in text):
        raise InvalidInputError("the note has control characters")
    # The text keeps its own newline; the last empty line separates it from the signatures.
    body, separator, lines = text.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise InvalidInputError("the note is not a text, an empty line and signature lines")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MAX_SIGNATURES:
        raise InvalidInputError(f"the note has {len(signatures)} signatures, at most {MAX_SIGNATURES}")
    return Note((body + "\n").encode(), tuple(_parse_signature(line) for line in signatures))


def _parse_signature(line: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator:
        raise InvalidInputError("a signature line has the form '— name base64'")
    check_key_name(name)
    signature = decode_base64(encoded)
    if len(signature) < 5:
        raise InvalidInputError("a note signature is a 4-byte key id and at least one byte")
    return NoteSignature(name, signature[:4], signature[4:])


def open_note(note: bytes, *, keys: Sequence[NoteKey]) -> VerifiedNote:
    """Return the text with the trusted signatures that hold. Raises InvalidSignatureError, InvalidInputError."""
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified = []
    for line in parsed.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            verified.append(_verify_signature(key, line.signature, parsed.unverified_text))
    if not verified:
        raise InvalidSignatureError("none of the trusted keys signed this note")
    return VerifiedNote(parsed.unverified_text, tuple(verified))


def _verify_signature(key: NoteKey, signature: bytes, text: bytes) -> VerifiedSignature:
    time: int | None = None
    message, length = text, 64
    if key.algorithm in COSIGNATURES:
        time = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
        signature = signature[_TIMESTAMP_BYTES:]
        if key.algorithm == COSIGNATURE_V1:
            message = cosigned_message(text, time)
        else:
            message, length = _cosigned_tree(key.name, text, time), SIGNATURE_BYTES
            time = time or None  # 0 says: this tree is consistent, and maybe not the newest
    if len(signature) != length:
        raise InvalidSignatureError(f"the note signature of {key.name} does not have the length of its type")
    try:
        key.public_key.verify(signature, message)
    except InvalidSignatureError as exc:
        raise InvalidSignatureError(f"the note signature of {key.name} does not hold") from exc
    return VerifiedSignature(key, time)


def _cosigned_tree(name: str, text: bytes, time: int) -> bytes:
    from ssi.ledger.checkpoint import parse_checkpoint  # which stands on this module

    head = parse_checkpoint(text)
    return cosigned_tree(name, time, head.origin, head.size, head.root)


def cosigned_message(text: bytes, time: int) -> bytes:
    """Return the bytes that a timestamped cosignature signs; ``time`` is in Unix seconds, below 2**63."""
    if not 0 <= time < 1 << 63:
        raise InvalidInputError("the time of a cosignature is outside 0..2**63-1")
    return b"cosignature/v1\ntime %d\n" % time + text


def build_note(text: bytes, signatures: Sequence[tuple[NoteKey, bytes]]) -> bytes:
    """Write a note; a timestamped signature is given with its 8-byte big-endian time in front.

    Raises InvalidInputError if the result would not parse back to the same text.
    """
    lines = [
        f"{_DASH}{key.name} {base64.b64encode(key.key_id + signature).decode()}\n" for key, signature in signatures
    ]
    note = text + b"\n" + "".join(lines).encode()
    if not text.endswith(b"\n") or parse_note(note).unverified_text != text:
        raise InvalidInputError("the text of a note ends in a newline")
    return note


def note_lines(signatures: Sequence[NoteSignature]) -> bytes:
    """Return signature lines as a note has them."""
    return "".join(
        f"{_DASH}{line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n" for line in signatures
    ).encode()


def add_signature(note: bytes, key: NoteKey, signature: bytes) -> bytes:
    """Return ``note`` with one more signature line, as a witness answers."""
    parsed = parse_note(note)
    line = f"{_DASH}{key.name} {base64.b64encode(key.key_id + signature).decode()}\n"
    if len(parsed.signatures) >= MAX_SIGNATURES:
        raise InvalidInputError(f"the note has {len(parsed.signatures)} signatures, at most {MAX_SIGNATURES}")
    return note + line.encode()


def decode_base64(text: str) -> bytes:
    """Decode padded standard base64, in its one canonical spelling. Raises InvalidInputError."""
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise InvalidInputError("expected padded standard base64") from exc
    if base64.b64encode(decoded).decode() != text:
        raise InvalidInputError("expected base64 in its canonical spelling")
    return decoded


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

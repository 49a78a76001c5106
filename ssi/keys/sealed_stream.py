"""Seal long data in chunks, so that neither side holds more than two of them.

Source:  Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
         section 7 (STREAM); RFC 5869 (HKDF-SHA256); NIST SP 800-38D (AES-256-GCM).
Input:   a key of 32 random bytes, what the data is for (``context``), and files that are open for reading.
Shapes:  a line that names the kind, 32 random bytes, then chunks of 1 MiB, each with its tag of 16 bytes; only the last
         is shorter, and it is empty only if all is. Each file has a key of its own, by HKDF over random bytes and
         context. The nonce of a chunk is its number, from 0 in 12 bytes; its associated data are the first bytes of the
         file, the number in 8 bytes, and 1 for the last chunk or 0.
I/O:     reads one file and writes another, both given.
Errors:  InvalidInputError (no such file), VerificationError (altered, cut off, put together from others, another key or
         context). What the given files raise passes through.

Whoever unseals gets chunks before the end of the data was seen. They are what was sealed, in order and from the start;
that nothing is missing is only known when ``unseal_stream`` returns: keep the output aside until then.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from secrets import token_bytes
from typing import IO, TYPE_CHECKING, Final

import msgspec

from ssi.errors import InvalidInputError, VerificationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK: Final = b"countersigned-stream/1\n"
KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 1 << 20
_SALT_BYTES: Final = 32
_TAG_BYTES: Final = 16


class Streamed(msgspec.Struct, frozen=True):
    """What went through: the length of the data in the clear, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def new_key() -> bytes:
    """Return a key for ``seal_stream``."""
    return token_bytes(KEY_BYTES)


def seal_stream(source: IO[bytes], target: IO[bytes], *, key: bytes, context: bytes) -> Streamed:
    """Write what is in ``source`` to ``target``, sealed."""
    start = MARK + token_bytes(_SALT_BYTES)
    cipher = _cipher(key, start, context)
    target.write(start)
    size, digest = 0, sha256()
    for number, chunk, last in _chunks(source, CHUNK_BYTES):
        target.write(cipher.encrypt(_nonce(number), chunk, _associated(start, number, last)))
        size += len(chunk)
        digest.update(chunk)
    return Streamed(size, digest.hexdigest())


def unseal_stream(source: IO[bytes], target: IO[bytes], *, key: bytes, context: bytes) -> Streamed:
    """Write what was sealed to ``target``; it is whole only once this returns."""
    from cryptography.exceptions import InvalidTag

    start = _filled(source, len(MARK) + _SALT_BYTES)
    if not start.startswith(MARK) or len(start) != len(MARK) + _SALT_BYTES:
        raise InvalidInputError("expected a file sealed in chunks")
    cipher = _cipher(key, start, context)
    size, digest = 0, sha256()
    for number, sealed, last in _chunks(source, CHUNK_BYTES + _TAG_BYTES):
        try:
            chunk = cipher.decrypt(_nonce(number), sealed, _associated(start, number, last))
        except InvalidTag as exc:
            raise VerificationError("the sealed data was altered, cut off, or is of another file") from exc
        if not chunk and number:
            raise VerificationError("the sealed data ends with an empty chunk, which nothing of ours does")
        target.write(chunk)
        size += len(chunk)
        digest.update(chunk)
    return Streamed(size, digest.hexdigest())


def _chunks(source: IO[bytes], length: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, bytes, and whether it is the last, of each chunk; there is always one."""
    number, chunk = 0, _filled(source, length)
    while len(chunk) == length:
        following = _filled(source, length)
        if not following:
            break
        yield number, chunk, False
        number, chunk = number + 1, following
    yield number, chunk, True


def _filled(source: IO[bytes], length: int) -> bytes:
    """Return the next ``length`` bytes; fewer only at the end, whatever the file gives at once."""
    data = source.read(length)
    while 0 < len(data) < length:
        more = source.read(length - len(data))
        if not more:
            break
        data += more
    return data


def _cipher(key: bytes, start: bytes, context: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    if len(key) != KEY_BYTES:
        raise InvalidInputError(f"expected a key of {KEY_BYTES} bytes")
    own = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=start[len(MARK) :], info=MARK + context).derive(key)
    return AESGCM(own)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _associated(start: bytes, number: int, last: bool) -> bytes:
    return start + number.to_bytes(8, "big") + (b"\1" if last else b"\0")

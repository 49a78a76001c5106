"""Bytes sealed with a passphrase, for files that are kept or carried.

Source:  RFC 9106 (Argon2id), NIST SP 800-38D (AES-256-GCM).
Input:   the bytes and a passphrase; or a sealed file that anybody may have made.
Shapes:  a first line that names the kind, a second with ``{"iterations", "lanes", "memory_kib", "nonce", "salt"}`` as
         JSON, then the ciphertext with its tag; both lines are associated data. Reading takes at most 1 GiB and the
         time for it, whatever a file asks for.
I/O:     none; key derivation takes some 0.1 s and 64 MiB.
Errors:  InvalidInputError (no sealed file), VerificationError (wrong passphrase, or an altered file).
"""

from __future__ import annotations

from secrets import token_bytes
from typing import Final

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonObject

MARK: Final = b"countersigned-sealed/1\n"
MEMORY_KIB: Final = 65_536
ITERATIONS: Final = 3
_MAX_MEMORY_KIB: Final = 1 << 20
_MAX_ITERATIONS: Final = 16
_MAX_HEADER: Final = 1_024


def is_sealed(data: bytes) -> bool:
    """Tell whether ``data`` begins as a sealed file does."""
    return data.startswith(MARK)


def seal(data: bytes, passphrase: str | bytes) -> bytes:
    """Return ``data`` sealed. Raises InvalidInputError for an empty passphrase."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = token_bytes(12)
    header: JsonObject = {
        "iterations": ITERATIONS,
        "lanes": 1,
        "memory_kib": MEMORY_KIB,
        "nonce": b64url_encode(nonce),
        "salt": b64url_encode(token_bytes(16)),
    }
    start = MARK + jcs(header) + b"\n"
    return start + AESGCM(_key(passphrase, header)).encrypt(nonce, data, start)


def unseal(data: bytes, passphrase: str | bytes) -> bytes:
    """Return what was sealed. Raises as the module says."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    end = data.find(b"\n", len(MARK), len(MARK) + _MAX_HEADER)
    if not is_sealed(data) or end < 0:
        raise InvalidInputError("expected a sealed file")
    header = parse_object(data[len(MARK) : end])
    if header.keys() != {"iterations", "lanes", "memory_kib", "nonce", "salt"}:
        raise InvalidInputError("expected a sealed file with the parameters of its key")
    nonce = b64url_decode(_text(header, "nonce"))
    if len(nonce) != 12:
        raise InvalidInputError("expected a nonce of 12 bytes")
    try:
        return AESGCM(_key(passphrase, header)).decrypt(nonce, data[end + 1 :], data[: end + 1])
    except InvalidTag as exc:
        raise VerificationError("the passphrase is wrong, or the sealed file was altered") from exc


def _key(passphrase: str | bytes, header: JsonObject) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    secret = passphrase.encode("utf-8") if isinstance(passphrase, str) else passphrase
    if not secret:
        raise InvalidInputError("expected a passphrase")
    memory, iterations, lanes = header["memory_kib"], header["iterations"], header["lanes"]
    salt = b64url_decode(_text(header, "salt"))
    whole = all(type(number) is int for number in (memory, iterations, lanes))
    if not whole or lanes != 1 or not 8 <= memory <= _MAX_MEMORY_KIB or not 1 <= iterations <= _MAX_ITERATIONS:
        raise InvalidInputError("expected a sealed file with parameters that a key may be derived with")
    if not 16 <= len(salt) <= 64:
        raise InvalidInputError("expected a salt of 16 to 64 bytes")
    return Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory).derive(secret)


def _text(header: JsonObject, name: str) -> str:
    value = header[name]
    if not isinstance(value, str):
        raise InvalidInputError(f"expected {name} to be a string")
    return value

"""Base58btc and the two multibase alphabets that credentials use.

Source:  Controlled Identifiers 1.0, section 2.4 (multibase): ``z`` base58btc, ``u`` base64url without padding.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from typing import Final

import base58

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import InvalidInputError

MAX_BASE58_CHARACTERS: Final = 8192
"""Decoding base58 costs the square of its length, so the length is bounded before anything is decoded."""

_ALPHABET: Final = frozenset(base58.BITCOIN_ALPHABET.decode("ascii"))
_DIGITS: Final = bytes.maketrans(base58.BITCOIN_ALPHABET, bytes(range(58)))


def base58_encode(data: bytes) -> str:
    """Return ``data`` in the Bitcoin base58 alphabet, without a multibase prefix."""
    return base58.b58encode(data).decode("ascii")


def base58_decode(text: str) -> bytes:
    """Return the bytes that base58 ``text`` without prefix stands for. Raises InvalidInputError."""
    if len(text) > MAX_BASE58_CHARACTERS:
        raise InvalidInputError(f"expected at most {MAX_BASE58_CHARACTERS} characters of base58")
    if not _ALPHABET.issuperset(text):
        raise InvalidInputError("expected characters of the base58btc alphabet")
    # Every proof value comes this way: the package takes four times as long, the result is the same.
    number = 0
    for digit in text.encode("ascii").translate(_DIGITS):
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58btc_encode(data: bytes) -> str:
    """Return ``data`` as multibase base58btc, ``z…``."""
    return "z" + base58_encode(data)


def base64url_multibase_encode(data: bytes) -> str:
    """Return ``data`` as multibase base64url without padding, ``u…``."""
    return "u" + b64url_encode(data)


def multibase_decode(text: str) -> bytes:
    """Return the bytes of a multibase ``z`` or ``u`` text. Raises InvalidInputError."""
    if text.startswith("z"):
        return base58_decode(text[1:])
    if text.startswith("u"):
        return b64url_decode(text[1:])
    raise InvalidInputError("expected multibase text that starts with z (base58btc) or u (base64url)")

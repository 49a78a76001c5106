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

_NO_DIGIT: Final = 255
_DIGITS: Final = bytes(base58.BITCOIN_ALPHABET.find(code) % 256 for code in range(256))
"""The digit that each character of the alphabet stands for, 255 for every other."""


def base58_encode(data: bytes) -> str:
    """Return ``data`` in the Bitcoin base58 alphabet, without a multibase prefix."""
    return base58.b58encode(data).decode("ascii")


def base58_decode(text: str) -> bytes:
    """Return the bytes that base58 ``text`` without prefix stands for. Raises InvalidInputError."""
    if len(text) > MAX_BASE58_CHARACTERS:
        raise InvalidInputError(f"expected at most {MAX_BASE58_CHARACTERS} characters of base58")
    # Every proof value comes this way: the package takes six times as long. Four digits at once keep most of the
    # arithmetic in small numbers.
    digits = bytes(-len(text) % 4) + text.encode("utf-8", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        raise InvalidInputError("expected characters of the base58btc alphabet")
    number = 0
    for first, second, third, fourth in zip(digits[::4], digits[1::4], digits[2::4], digits[3::4], strict=True):
        number = number * 11_316_496 + (first * 195_112 + second * 3_364 + third * 58 + fourth)
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

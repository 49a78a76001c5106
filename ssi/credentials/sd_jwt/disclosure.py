"""One disclosure: the salted JSON array behind a digest.

Source:  RFC 9901 sections 4.2.1 (object properties), 4.2.2 (array elements), 9.3 (entropy of the salt).
Shapes:  base64url text of ``[salt, name, value]`` or ``[salt, value]``. The text is what is hashed and kept.
I/O:     none, except that salts come from the operating system's generator.
Errors:  InvalidInputError (no base64url or no JSON), DisclosureError (JSON of another shape).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator
from secrets import token_bytes
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import MAX_SAFE_INTEGER, parse_json
from ssi.errors import DisclosureError, InvalidInputError
from ssi.types import JsonValue

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_URL_ALPHABET: Final = bytes.maketrans(b"+/", b"-_")

# 18 bytes make 24 characters with no bits to spare, so that many salts can be cut from one string; RFC 9901 section
# 9.3 asks for 16.
_SALT_BYTES: Final = 18
_SALT_CHARS: Final = 24
_SALT_BATCH: Final = 32


def salts() -> Iterator[str]:
    """Yield fresh salts for ever; the generator is asked once per batch, which is most of what a salt costs."""
    while True:
        text = b64url_encode(token_bytes(_SALT_BYTES * _SALT_BATCH))
        for start in range(0, _SALT_CHARS * _SALT_BATCH, _SALT_CHARS):
            yield text[start : start + _SALT_CHARS]


def build_disclosure(parts: list[JsonValue]) -> bytes:
    """Return the ASCII bytes of the disclosure of ``[salt, name, value]`` or ``[salt, value]``.

    The caller has checked that the value is JSON; a lone surrogate raises InvalidInputError here.
    """
    try:
        raw = _encode(parts)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, TypeError, ValueError) as exc:
        raise InvalidInputError("expected a claim that has a JSON form") from exc
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_ALPHABET)


def read_property(disclosure: str) -> tuple[str, JsonValue]:
    """Return name and value of the disclosure of an object property (RFC 9901, 7.1 step 3.c.ii)."""
    parts = _read(disclosure)
    if len(parts) != 3 or type(parts[0]) is not str or type(parts[1]) is not str:
        raise DisclosureError("expected the disclosure of an object property to be [salt, name, value]")
    return parts[1], parts[2]


def read_element(disclosure: str) -> JsonValue:
    """Return the value of the disclosure of an array element (RFC 9901, 7.1 step 3.c.iii)."""
    parts = _read(disclosure)
    if len(parts) != 2 or type(parts[0]) is not str:
        raise DisclosureError("expected the disclosure of an array element to be [salt, value]")
    return parts[1]


def _read(disclosure: str) -> list[JsonValue]:
    """Return the JSON array of ``disclosure``, checked as the parse gate checks."""
    raw = b64url_decode(disclosure)
    try:
        parts = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected a disclosure to be JSON") from exc
    # Most disclosures hold one scalar. What the gate adds to the decoder (depth, member names, number range) then has
    # nothing to look at but the integer's range, so the second pass is only made for the others.
    if type(parts) is list and parts and _is_plain(parts[-1]):
        for part in parts[:-1]:
            if type(part) is not str:
                break
        else:
            return parts
    value = parse_json(raw)
    if type(value) is not list:
        raise DisclosureError("expected a disclosure to be a JSON array")
    return value


def _is_plain(value: JsonValue) -> bool:
    kind = type(value)
    return (
        kind is str or kind is bool or value is None or (kind is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
    )

"""One disclosure: the salted JSON array behind a digest.

Source:  RFC 9901 sections 4.2.1 (object properties), 4.2.2 (array elements), 9.3 (entropy of the salt).
Shapes:  base64url text of ``[salt, name, value]`` or ``[salt, value]``. The text is what is hashed and kept.
I/O:     none, except that salts come from the operating system's generator.
Errors:  InvalidInputError (no base64url or no JSON), DisclosureError (JSON of another shape).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator, Sequence
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


def read_disclosures(disclosures: Sequence[str]) -> list[JsonValue]:
    """Return the JSON value of each disclosure, checked as the parse gate checks. Raises InvalidInputError.

    Most disclosures hold one scalar. What the gate adds to the decoder (depth, member names, number range) then has
    nothing to look at but an integer's range, so the second pass is only made for the others.
    """
    raws = [b64url_decode(text) for text in disclosures]
    try:
        values = [_decode(raw) for raw in raws]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected a disclosure to be JSON") from exc
    for index, value in enumerate(values):
        if not _is_plain(value):
            values[index] = parse_json(raws[index])
    return values


def property_of(value: JsonValue) -> tuple[str, JsonValue]:
    """Return name and value of the disclosure of an object property (RFC 9901, 7.1 step 3.c.ii)."""
    if type(value) is not list or len(value) != 3 or type(value[0]) is not str or type(value[1]) is not str:
        raise DisclosureError("expected the disclosure of an object property to be [salt, name, value]")
    return value[1], value[2]


def element_of(value: JsonValue) -> JsonValue:
    """Return the value of the disclosure of an array element (RFC 9901, 7.1 step 3.c.iii)."""
    if type(value) is not list or len(value) != 2 or type(value[0]) is not str:
        raise DisclosureError("expected the disclosure of an array element to be [salt, value]")
    return value[1]


def _is_plain(value: JsonValue) -> bool:
    """Return whether ``value`` is ``[salt, value]`` or ``[salt, name, value]`` with a scalar, other than a float."""
    if type(value) is not list or not 2 <= len(value) <= 3 or type(value[0]) is not str:
        return False
    last = value[-1]
    kind = type(last)
    if kind is str:
        return len(value) == 2 or type(value[1]) is str
    if kind is int and not -MAX_SAFE_INTEGER <= last <= MAX_SAFE_INTEGER:
        return False
    return (last is None or kind is bool or kind is int) and (len(value) == 2 or type(value[1]) is str)

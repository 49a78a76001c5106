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

_SCALARS: Final = frozenset((str, bool, type(None)))
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


def read_disclosures(disclosures: Sequence[str]) -> list[tuple[str | None, JsonValue]]:
    """Return claim name and value of each disclosure, the name of an array element being None (4.2.1 and 4.2.2).

    Raises InvalidInputError for what is no base64url or no JSON as the parse gate takes it, DisclosureError for JSON of
    another shape. Most disclosures hold one scalar, and then the gate adds nothing to the decoder but the range of an
    integer, having no depth and no member names to look at; the second pass is made for the others.
    """
    raws = [b64url_decode(text) for text in disclosures]
    try:
        values = [_decode(raw) for raw in raws]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected a disclosure to be JSON") from exc
    found: list[tuple[str | None, JsonValue]] = []
    for index, parts in enumerate(values):
        name = content = None
        length = len(parts) if type(parts) is list else 0
        if length == 3:
            salt, name, content = parts
        elif length == 2:
            salt, content = parts
        if length not in (2, 3) or type(salt) is not str or (length == 3 and type(name) is not str):
            parse_json(raws[index])
            raise DisclosureError("expected a disclosure to be [salt, name, value] or [salt, value]")
        kind = type(content)
        if kind not in _SCALARS and not (isinstance(content, int) and -MAX_SAFE_INTEGER <= content <= MAX_SAFE_INTEGER):
            content = parse_json(raws[index])[-1]
        found.append((name, content))
    return found

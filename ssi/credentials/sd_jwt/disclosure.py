"""One disclosure: the salted JSON array behind a digest.

Source:  RFC 9901 sections 4.2.1 (object properties), 4.2.2 (array elements), 9.3 (entropy of the salt).
Shapes:  base64url text of ``[salt, name, value]`` or ``[salt, value]``. The text is what is hashed and kept.
I/O:     none, except that salts come from the operating system's generator.
Errors:  InvalidInputError (no base64url or no JSON), DisclosureError (JSON of another shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import Final, TypeAlias

import msgspec

from ssi.encoding.base64url import b64url_decode_many, b64url_encode, b64url_encode_many
from ssi.encoding.gate import MAX_SAFE_INTEGER, parse_json
from ssi.errors import DisclosureError, InvalidInputError
from ssi.types import JsonValue

SCALARS: Final = frozenset((str, bool, type(None)))
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode

# 18 bytes make 24 characters with no bits to spare, so that many salts can be cut from one string; RFC 9901 section
# 9.3 asks for 16.
_SALT_BYTES: Final = 18
_SALT_CHARS: Final = 24


Disclosed: TypeAlias = tuple[str, str | None, JsonValue]
"""Text of a disclosure, the name of the claim (None for an array element) and its value."""


def build_disclosures(contents: Sequence[tuple[JsonValue, ...]]) -> list[str]:
    """Return a disclosure of each of ``contents``, which are ``(name, value)`` or ``(value,)``.

    Each gets a fresh salt. The caller has checked that values are JSON; a lone surrogate raises InvalidInputError.
    """
    salts = b64url_encode(token_bytes(_SALT_BYTES * len(contents)))
    starts = range(0, len(salts), _SALT_CHARS)
    try:
        raws = [_encode((salts[at : at + _SALT_CHARS], *content)) for at, content in zip(starts, contents, strict=True)]
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, TypeError, ValueError) as exc:
        raise InvalidInputError("expected a claim that has a JSON form") from exc
    return b64url_encode_many(raws)


def read_disclosures(disclosures: Sequence[str]) -> list[Disclosed]:
    """Return the contents of each disclosure, in order (4.2.1 and 4.2.2).

    Raises InvalidInputError for what is no base64url or no JSON as the parse gate takes it, DisclosureError for JSON of
    another shape. Most disclosures hold one scalar, and then the gate adds nothing to the decoder but the range of an
    integer, having no depth and no member names to look at; the second pass is made for the others.
    """
    raws = b64url_decode_many(disclosures)
    try:
        values = [_decode(raw) for raw in raws]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected a disclosure to be JSON") from exc
    found: list[Disclosed] = []
    for text, raw, parts in zip(disclosures, raws, values, strict=True):
        length = len(parts) if type(parts) is list else 0
        if length == 3 and type(parts[0]) is str and type(parts[1]) is str:
            _, name, content = parts
        elif length == 2 and type(parts[0]) is str:
            name, content = None, parts[1]
        else:
            parse_json(raw)
            raise DisclosureError("expected a disclosure to be [salt, name, value] or [salt, value]")
        kind = type(content)
        if kind not in SCALARS and not (isinstance(content, int) and -MAX_SAFE_INTEGER <= content <= MAX_SAFE_INTEGER):
            content = parse_json(raw)[-1]
        found.append((text, name, content))
    return found

"""One disclosure: the salted JSON array behind a digest.

Source:  RFC 9901 sections 4.2.1 (object properties), 4.2.2 (array elements), 9.3 (entropy of the salt).
Shapes:  base64url text of ``[salt, name, value]`` or ``[salt, value]``. The text is what is hashed and kept.
I/O:     none, except that salts come from the operating system's generator.
Errors:  InvalidInputError (no base64url or no JSON), DisclosureError (JSON of another shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import Annotated, Final, TypeAlias

import msgspec

from ssi.encoding.base64url import b64url_decode_many, b64url_encode, b64url_encode_many
from ssi.encoding.gate import MAX_SAFE_INTEGER, parse_json
from ssi.errors import DisclosureError, InvalidInputError
from ssi.types import JsonValue

SCALARS: Final = frozenset((str, bool, type(None)))
_SafeInteger: TypeAlias = Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
_ScalarClaim: TypeAlias = tuple[str, str, str | bool | float | _SafeInteger | None]
_scalar_claims: Final = msgspec.json.Decoder(_ScalarClaim)
_JSON_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)
_encode_lines: Final = msgspec.json.Encoder().encode_lines

# 18 bytes make 24 characters with no bits to spare, so that many salts can be cut from one string; RFC 9901 section
# 9.3 asks for 16.
_SALT_BYTES: Final = 18
_SALT_CHARS: Final = 24


Contents: TypeAlias = Sequence[JsonValue]
"""What a disclosure says: ``[salt, name, value]`` of an object property, ``[salt, value]`` of an array element."""


def build_disclosures(*columns: Sequence[JsonValue]) -> list[str]:
    """Return a disclosure of each row of ``columns``, which are names and values, or values alone.

    Each gets a fresh salt. The caller has checked that values are JSON; a lone surrogate raises InvalidInputError.
    """
    count = len(columns[0])
    salts = b64url_encode(token_bytes(_SALT_BYTES * count))
    each_salt = [salts[at : at + _SALT_CHARS] for at in range(0, len(salts), _SALT_CHARS)]
    try:
        lines = _encode_lines(zip(each_salt, *columns, strict=True))
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, TypeError, ValueError) as exc:
        raise InvalidInputError("expected a claim that has a JSON form") from exc
    # A line feed ends each line and is never part of one, since JSON escapes it within strings.
    return b64url_encode_many(lines.split(b"\n")[:count])


def read_disclosures(disclosures: Sequence[str]) -> Sequence[Contents]:
    """Return the contents of each disclosure, in order (4.2.1 and 4.2.2).

    Raises InvalidInputError for what is no base64url or no JSON as the parse gate takes it, DisclosureError for JSON of
    another shape.
    """
    raws = b64url_decode_many(disclosures)
    # Most claims are scalars, and then the gate adds nothing to the decoder but the range of an integer: there are
    # no depth and no member names to look at. Values and line feeds are counted, so that no disclosure can end another.
    lines = b"\n".join(raws)
    try:
        contents: Sequence[Contents] = _scalar_claims.decode_lines(lines)
    except _JSON_ERRORS:
        return [_read(raw) for raw in raws]
    return contents if len(contents) == len(raws) == lines.count(b"\n") + 1 else [_read(raw) for raw in raws]


def _read(raw: bytes) -> Contents:
    try:
        claim: Contents = _scalar_claims.decode(raw)
    except _JSON_ERRORS:
        contents = parse_json(raw)
    else:
        return claim
    if type(contents) is list and len(contents) in (2, 3) and all(type(part) is str for part in contents[:-1]):
        return contents
    raise DisclosureError("expected a disclosure to be [salt, name, value] or [salt, value]")

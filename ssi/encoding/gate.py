"""The one gate that every untrusted JSON text goes through.

Source:  RFC 8259, with the restrictions of I-JSON (RFC 7493): unique members, Unicode without lone surrogates,
         integers within ±(2**53 - 1), finite floats. Size and depth bounds are ours.
Input:   bytes from outside, or text that was cut from them.
I/O:     none.
Errors:  InvalidInputError, and nothing else, whatever comes in.

The work is linear in the input: depth and members are read off the punctuation outside of strings, and only where
counting brackets, or writing the value again, does not already answer.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

MAX_JSON_BYTES: Final = 1 << 20
MAX_JSON_DEPTH: Final = 32
MAX_SAFE_INTEGER: Final = (1 << 53) - 1

_NOT_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_json(data: bytes | str, *, max_bytes: int = MAX_JSON_BYTES, max_depth: int = MAX_JSON_DEPTH) -> JsonValue:
    """Return the JSON value that ``data`` spells, or raise InvalidInputError.

    ``max_bytes`` bounds the UTF-8 length, ``max_depth`` the nesting of arrays and objects.
    """
    raw = _utf8(data, max_bytes)
    if raw.count(b"[") + raw.count(b"{") > max_depth:
        _check_depth(_outside_strings(raw), max_depth)
    try:
        value = _decode(raw)
        # Text that is byte for byte what we would write has no member twice: each name is written once.
        as_written = _encode(value) == raw
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected JSON text") from exc
    members = _count_members(value)
    if not as_written and members != _outside_strings(raw).count(b":"):
        raise InvalidInputError("expected JSON objects whose members have different names")
    return value


def parse_object(data: bytes | str, *, max_bytes: int = MAX_JSON_BYTES, max_depth: int = MAX_JSON_DEPTH) -> JsonObject:
    """Return the JSON object that ``data`` spells, or raise InvalidInputError; bounds as for ``parse_json``."""
    value = parse_json(data, max_bytes=max_bytes, max_depth=max_depth)
    if type(value) is not dict:
        raise InvalidInputError("expected a JSON object")
    return value


def _utf8(data: bytes | str, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise InvalidInputError(f"expected at most {max_bytes} bytes of JSON, got {len(data)}")
    if isinstance(data, bytes):
        return data
    try:
        raw = data.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InvalidInputError("expected JSON text without lone surrogates") from exc
    if len(raw) > max_bytes:
        raise InvalidInputError(f"expected at most {max_bytes} bytes of JSON, got {len(raw)}")
    return raw


def _outside_strings(raw: bytes) -> bytes:
    """Return what stands outside quoted strings, as far as ``raw`` is JSON: the decoder refuses the rest itself."""
    if b"\\" in raw:
        # Pairs first: a run of backslashes escapes the quote behind it only if its length is odd.
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(raw.split(b'"')[::2])


def _check_depth(punctuation: bytes, max_depth: int) -> None:
    brackets = punctuation.translate(None, _NOT_BRACKET)
    if len(brackets) <= 2 * max_depth:
        return
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > max_depth:
            raise InvalidInputError(f"expected JSON nested at most {max_depth} deep")


def _count_members(value: JsonValue) -> int:
    """Count the members of all objects in ``value``, and refuse numbers out of range on the way."""
    kind = type(value)
    if kind is dict:
        members, items = len(value), value.values()
    elif kind is list:
        members, items = 0, value
    else:
        members, items = 0, (value,)
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            members += _count_members(item)
        elif kind is int and not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
            raise InvalidInputError("expected integers within ±(2**53 - 1)")
    return members

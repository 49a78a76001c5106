"""The one gate that every untrusted JSON text goes through.

Source:  RFC 8259, with the restrictions of I-JSON (RFC 7493): unique members, Unicode without lone surrogates,
         integers within ±(2**53 - 1), finite floats. Size and depth bounds are ours.
Input:   bytes from outside, or text that was cut from them.
I/O:     none.
Errors:  InvalidInputError, and nothing else, whatever comes in.

The work is linear in the input: one walk over the decoded value, whose own depth the decoder bounds, and a look at the
punctuation outside of strings where writing the value again does not already show that no member is there twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

MAX_JSON_BYTES: Final = 1 << 20
MAX_JSON_DEPTH: Final = 32
MAX_SAFE_INTEGER: Final = (1 << 53) - 1

_FEW_BRACKETS: Final = 256
"""Text with no more than these is nested less deep than any decoder minds."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_SCALARS: Final = frozenset((str, bool, float, type(None)))

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_json(data: bytes | str, *, max_bytes: int = MAX_JSON_BYTES, max_depth: int = MAX_JSON_DEPTH) -> JsonValue:
    """Return the JSON value that ``data`` spells, or raise InvalidInputError.

    ``max_bytes`` bounds the UTF-8 length, ``max_depth`` the nesting of arrays and objects.
    """
    raw = _utf8(data, max_bytes)
    _refuse_deep(raw, max_depth)
    try:
        value = _decode(raw)
        # Text that is byte for byte what we would write has no member twice: each name is written once.
        as_written = _encode(value) == raw
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError) as exc:
        raise InvalidInputError("expected JSON text") from exc
    members = _count_members((value,), max_depth)
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


def _refuse_deep(raw: bytes, levels: int) -> None:
    """Refuse what would be nested far deeper than ``levels`` before any decoder follows it.

    Decoders count on the interpreter's recursion limit, and that is anybody's to raise: a library in the same process
    that does so would let strangers overflow the stack. Each pass takes the innermost brackets away.
    """
    if raw.count(b"[") + raw.count(b"{") <= _FEW_BRACKETS:
        return
    brackets = _outside_strings(raw).translate(None, _NO_BRACKETS)
    for _ in range(levels):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not shorter:
            return
        if len(shorter) == len(brackets):
            raise InvalidInputError("expected JSON text")
        brackets = shorter
    raise InvalidInputError("expected JSON nested less deep")


def _outside_strings(raw: bytes) -> bytes:
    """Return what stands outside quoted strings, as far as ``raw`` is JSON: the decoder refuses the rest itself."""
    if b"\\" in raw:
        # Pairs first: a run of backslashes escapes the quote behind it only if its length is odd.
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(raw.split(b'"')[::2])


def _count_members(items: Iterable[JsonValue], levels: int) -> int:
    """Count the members of all objects among ``items`` and in them.

    On the way, refuse what is nested in more than ``levels`` arrays and objects, and integers out of range.
    """
    members = 0
    for item in items:
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is int:
            if not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
                raise InvalidInputError("expected integers within ±(2**53 - 1)")
            continue
        if not levels:
            raise InvalidInputError("expected JSON nested less deep")
        if kind is dict:
            members += len(item) + _count_members(item.values(), levels - 1)
        else:
            members += _count_members(item, levels - 1)
    return members

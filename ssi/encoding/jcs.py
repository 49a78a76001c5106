"""JSON Canonicalization Scheme.

Source:  RFC 8785: number form of ECMAScript (3.2.2.3), string escapes (3.2.2.2), members sorted by UTF-16 code units
         (3.2.3).
Input:   a value from the parse gate, or one made of the same types.
I/O:     none.
Errors:  CanonicalizationError if the value has no canonical form.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

import msgspec

from ssi.encoding.gate import MAX_SAFE_INTEGER
from ssi.errors import CanonicalizationError
from ssi.types import JsonValue

_encode_plain = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_MAX_DEPTH: Final = 64


def jcs(value: JsonValue) -> bytes:
    """Return the canonical UTF-8 bytes of ``value``.

    Raises CanonicalizationError for what RFC 8785 gives no form: NaN and infinities, integers beyond ±(2**53 - 1), lone
    surrogates, member names that are no strings, other types, and values nested deeper than any that the gate lets in.
    """
    try:
        if _has_fast_form(value, _MAX_DEPTH):
            return _encode_sorted(value)
        return _canonical(value).encode("utf-8")
    except (UnicodeEncodeError, msgspec.MsgspecError) as exc:
        raise CanonicalizationError("expected strings without lone surrogates") from exc


def _has_fast_form(value: JsonValue, depth: int) -> bool:
    """Tell whether a plain sorted encoding is already canonical: no floats, and every member name is ASCII.

    Names beyond ASCII may sort differently by UTF-16 code unit than by code point or byte.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if depth == 0:
        raise CanonicalizationError(f"expected a value nested at most {_MAX_DEPTH} deep")
    if kind is dict:
        fast = True
        for name, item in value.items():
            if type(name) is not str:
                raise CanonicalizationError("expected member names that are strings")
            fast = (name.isascii() and (type(item) is str or _has_fast_form(item, depth - 1))) and fast
        return fast
    if kind is list or kind is tuple:
        fast = True
        for item in value:
            fast = (type(item) is str or _has_fast_form(item, depth - 1)) and fast
        return fast
    if kind is int:
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise CanonicalizationError("expected integers within ±(2**53 - 1)")
        return True
    if kind is float:
        if not isfinite(value):
            raise CanonicalizationError("expected finite numbers")
        return False
    raise CanonicalizationError(f"expected a JSON value, got {kind.__name__}")


def _canonical(value: JsonValue) -> str:
    if type(value) is float:
        return ecmascript_number(value)
    if type(value) is dict:
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_plain(name)}:{_canonical(item)}" for name, item in members) + "}"
    if type(value) is list or type(value) is tuple:
        return "[" + ",".join(map(_canonical, value)) + "]"
    return _plain(value)


def _plain(value: JsonValue) -> str:
    return _encode_plain(value).decode("utf-8")


def ecmascript_number(value: float) -> str:
    """Return a finite double as ECMAScript's Number::toString does (RFC 8785, 3.2.2.3).

    Python's ``repr`` finds the same shortest digits; only the placing of point and exponent differs.
    """
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or "0")
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = f"e{point - 1:+d}"
    return sign + digits[0] + ("." + digits[1:] if count > 1 else "") + power

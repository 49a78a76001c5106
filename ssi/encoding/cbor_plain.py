"""Read short CBOR items of few kinds without a library: what the proof values of selective disclosure are made of.

Source:  RFC 8949, section 3.
Input:   bytes from outside; exactly one data item, nothing behind it.
Shapes:  unsigned integers, ``bytes``, ``str``, lists, and maps of unsigned integers as ``dict``. Everything has a
         length that is known; heads need not be the shortest ones.
I/O:     none.
Errors:  InvalidInputError, and nothing else, whatever comes in.

``ssi.encoding.cbor`` reads all of CBOR and needs the extra ``cose`` for it. Proofs by keys that everybody has should
need no extra, and what they hold is small: there are no tags, no floats, no negative numbers and no indefinite lengths,
and so little to get wrong.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ssi.errors import InvalidInputError

PlainValue: TypeAlias = Any
"""What one data item stands for; see Shapes."""

_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_UNSIGNED, _BYTES, _TEXT, _LIST, _MAP = 0, 2, 3, 4, 5


def decode_plain(data: bytes, *, max_bytes: int, max_depth: int = 3) -> PlainValue:
    """Return the one item that ``data`` holds. ``max_depth`` bounds the nesting of lists and maps.

    Raises InvalidInputError for anything else, and for a map key that occurs twice.
    """
    if len(data) > max_bytes:
        raise InvalidInputError(f"expected at most {max_bytes} bytes of CBOR, got {len(data)}")
    value, end = _item(data, 0, max_depth)
    if end != len(data):
        raise InvalidInputError("expected one CBOR item and nothing behind it")
    return value


def _item(data: bytes, start: int, depth: int) -> tuple[PlainValue, int]:
    """Return the item at ``start`` and where it ends."""
    kind, argument, place = _head(data, start)
    if kind == _UNSIGNED:
        return argument, place
    if kind in (_BYTES, _TEXT):
        end = place + argument
        if end > len(data):
            raise InvalidInputError("expected a CBOR string that ends")
        return (data[place:end] if kind == _BYTES else _text(data[place:end])), end
    # Each item takes a byte at least, so that no count is believed before its items could be there.
    if kind not in (_LIST, _MAP) or not depth or argument > len(data) - place:
        raise InvalidInputError("expected CBOR of numbers, strings, lists and maps, not nested deep")
    if kind == _LIST:
        items: list[PlainValue] = []
        for _ in range(argument):
            value, place = _item(data, place, depth - 1)
            items.append(value)
        return items, place
    members: dict[int, PlainValue] = {}
    for _ in range(argument):
        kind, name, place = _head(data, place)
        if kind != _UNSIGNED or name in members:
            raise InvalidInputError("expected a CBOR map of numbers, each once")
        members[name], place = _item(data, place, depth - 1)
    return members, place


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """Return the major type, the argument, and where the head ends (3)."""
    initial = data[start : start + 1]
    if not initial:
        raise InvalidInputError("expected a CBOR item that ends")
    kind, argument, place = initial[0] >> 5, initial[0] & 31, start + 1
    if argument < 24:
        return kind, argument, place
    width = _WIDTHS.get(argument)
    if width is None or place + width > len(data):
        raise InvalidInputError("expected CBOR items of a known length")
    return kind, int.from_bytes(data[place : place + width], "big"), place + width


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("expected CBOR text in UTF-8") from exc

"""The one gate that every untrusted CBOR item goes through, and the deterministic encoding.

Source:  RFC 8949, sections 3 (encoding), 4.2.1 (core deterministic encoding), 5.3.1 and 5.6 (valid items, map keys).
Input:   bytes from outside; exactly one data item, nothing behind it.
Shapes:  integers, floats, ``bytes``, ``str``, lists, maps as ``dict`` with integer, text or byte string keys, True,
         False, None, and ``Tag`` for the tags that the caller names. Tags are never interpreted here: what a date, a
         bignum or a shared reference would do to a program is decided by whoever asked for that tag.
I/O:     none. Decoding needs ``cbor2`` (the extra ``cose``), which is imported with the first item.
Errors:  InvalidInputError, and nothing else, whatever comes in; UnavailableError if ``cbor2`` is not installed.

What was signed or hashed is the received bytes: a decoded value is never encoded again to verify. A byte string comes
out as it was received, and ``received_item`` gives the bytes of an embedded item (tag 24) with its own head.

``cbor2`` bounds neither the memory that many small items take (80 MiB for 1 MiB of empty lists) nor the time that map
keys of equal hash take (0.3 s for 48 KiB, for the hash of a pair of integers is no secret). So what is long enough to
hurt is first walked over here, item by item, without building anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from functools import lru_cache
from struct import pack, unpack
from typing import Any, Final, TypeAlias

import msgspec

from ssi.encoding.cbor_structure import check_structure
from ssi.errors import InvalidInputError, UnavailableError

CborValue: TypeAlias = Any
"""What one data item stands for; see Shapes."""

MAX_CBOR_BYTES: Final = 1 << 20
MAX_CBOR_DEPTH: Final = 32
MAX_CBOR_ITEMS: Final = 1 << 16
"""Most data items, those in containers counted."""

TAG_ENCODED_ITEM: Final = 24
"""A byte string that holds an encoded item (3.4.5.1)."""

_SHORT: Final = 8192
"""What is no longer is decoded without a walk: no content of that size takes more than about 10 ms."""
_INTERPRETED_TAGS: Final = frozenset(
    {0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799}
)
"""Tags that ``cbor2`` would turn into objects. Whatever else a later version adds is refused by its type."""
_END: Final = os.urandom(16)
_SCALARS: Final = frozenset((int, float, bytes, str, bool, type(None)))
_KEYS: Final = frozenset((int, bytes, str))
_LENGTHS: Final = ((1, 24), (2, 25), (4, 26), (8, 27))


class Tag(msgspec.Struct, frozen=True, gc=False):
    """A tagged item; ``number`` says what ``value`` means (3.4)."""

    number: int
    value: CborValue


def decode_cbor(
    data: bytes,
    *,
    max_bytes: int = MAX_CBOR_BYTES,
    max_depth: int = MAX_CBOR_DEPTH,
    max_items: int = MAX_CBOR_ITEMS,
    tags: Collection[int] = (),
    deterministic: bool = False,
) -> CborValue:
    """Return the one data item that ``data`` holds, or raise InvalidInputError.

    ``max_depth`` bounds the nesting of arrays, maps and tags, ``max_items`` the number of items; ``tags`` are the tag
    numbers that may occur. With ``deterministic``, only the core deterministic encoding (4.2.1) is accepted: shortest
    heads and floats, keys in order, no indefinite lengths. Never accepted are a map key that occurs twice or is no
    integer, text or byte string, and simple values other than true, false and null.
    """
    if len(data) > max_bytes:
        raise InvalidInputError(f"expected at most {max_bytes} bytes of CBOR, got {len(data)}")
    if len(data) > min(_SHORT, max_items):
        check_structure(data, max_items=max_items)
    loads, decoders, refuse, refusals = _decoder(frozenset(tags))
    try:
        # As the first of two items, the second being one that nobody can foresee: what stands behind is seen this way.
        value, end = loads(
            b"\x82%b\x50%b" % (data, _END),
            max_depth=max_depth + 1,
            allow_duplicate_keys=False,
            semantic_decoders=decoders,
            tag_hook=refuse,
        )
    except refusals as exc:
        raise InvalidInputError("expected one well-formed CBOR item of the tags that are known here") from exc
    if end != _END:
        raise InvalidInputError("expected one CBOR item and nothing behind it")
    _check((value,))
    if deterministic and encode_cbor(value) != data:
        raise InvalidInputError("expected CBOR in its deterministic encoding")
    return value


def encode_cbor(value: CborValue) -> bytes:
    """Return the core deterministic encoding of ``value`` (4.2.1): one value has exactly one encoding.

    Raises InvalidInputError for what is none of the Shapes above, and for integers beyond 64 bits.
    """
    if type(value) is bytes:
        return _head(0x40, len(value)) + value
    parts: list[bytes] = []
    try:
        _write(value, parts.append, MAX_CBOR_DEPTH * 2)
    except UnicodeEncodeError as exc:
        raise InvalidInputError("expected text without lone surrogates") from exc
    return b"".join(parts)


def received_item(data: bytes, item: CborValue) -> bytes:
    """Return the bytes by which ``data``, that ``item`` was decoded from, holds this tag 24: tag, head and content.

    Heads need not be the shortest ones: the ones that were received are returned, for a digest is over these. Raises
    InvalidInputError if ``item`` is no tag 24 of a byte string, or one of indefinite length.
    """
    if not isinstance(item, Tag) or item.number != TAG_ENCODED_ITEM or type(item.value) is not bytes:
        raise InvalidInputError("expected an embedded CBOR item (tag 24 of a byte string)")
    content = item.value
    for tag in _heads(0xC0, TAG_ENCODED_ITEM):
        for head in _heads(0x40, len(content)):
            found = tag + head + content
            if found in data:
                return found
    raise InvalidInputError("expected an embedded CBOR item of definite length")


def _heads(major: int, argument: int) -> list[bytes]:
    """Every head of this major type and argument, the shortest first (3.1)."""
    heads = [bytes((major | argument,))] if argument < 24 else []
    return heads + [
        bytes((major | info,)) + argument.to_bytes(width, "big")
        for width, info in _LENGTHS
        if argument < 1 << (8 * width)
    ]


def _check(items: Collection[CborValue]) -> None:
    """Refuse what is none of the Shapes; the depth is known to be bounded, by what the decoder counted."""
    for item in items:
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is dict:
            for key in item:
                if type(key) not in _KEYS:
                    raise InvalidInputError("expected CBOR map keys that are integers, text or byte strings")
            _check(item.values())
        elif kind is list:
            _check(item)
        elif kind is Tag:
            _check((item.value,))
        else:
            raise InvalidInputError("expected CBOR without simple values other than true, false and null")


def _write(value: CborValue, write: Callable[[bytes], object], levels: int) -> None:
    kind = type(value)
    if kind is int:
        write(_head(0x00, value) if value >= 0 else _head(0x20, -1 - value))
    elif kind is bytes:
        write(_head(0x40, len(value)))
        write(value)
    elif kind is str:
        text = value.encode("utf-8")
        write(_head(0x60, len(text)))
        write(text)
    elif value is None or kind is bool:
        write(b"\xf6" if value is None else b"\xf5" if value else b"\xf4")
    elif kind is float:
        write(_float(value))
    elif not levels:
        raise InvalidInputError("expected CBOR nested less deep")
    elif kind is list or kind is tuple:
        write(_head(0x80, len(value)))
        for item in value:
            _write(item, write, levels - 1)
    elif kind is dict:
        _write_map(value, write, levels)
    elif kind is Tag:
        write(_head(0xC0, value.number))
        _write(value.value, write, levels - 1)
    else:
        raise InvalidInputError(f"expected a value with a CBOR form, got {kind.__name__}")


def _write_map(value: dict[Any, CborValue], write: Callable[[bytes], object], levels: int) -> None:
    """Keys in the bytewise order of their encodings (4.2.1), which is not the order of RFC 7049."""
    keys = []
    for key in value:
        if type(key) not in _KEYS:
            raise InvalidInputError("expected CBOR map keys that are integers, text or byte strings")
        parts: list[bytes] = []
        _write(key, parts.append, 0)
        keys.append((b"".join(parts), key))
    write(_head(0xA0, len(keys)))
    for encoded, key in sorted(keys):
        write(encoded)
        _write(value[key], write, levels - 1)


def _head(major: int, argument: int) -> bytes:
    if 0 <= argument < 24:
        return bytes((major | argument,))
    for width, info in _LENGTHS:
        if 0 <= argument < 1 << (8 * width):
            return bytes((major | info,)) + argument.to_bytes(width, "big")
    raise InvalidInputError("expected CBOR integers of at most 64 bits")


def _float(value: float) -> bytes:
    if value != value:
        return b"\xf9\x7e\x00"
    for head, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            short = pack(form, value)
        except OverflowError:
            continue
        if unpack(form, short)[0] == value:
            return head + short
    return b"\xfb" + pack(">d", value)


@lru_cache(maxsize=32)
def _decoder(tags: frozenset[int]) -> tuple[Any, dict[int, Any], Any, tuple[type[Exception], ...]]:
    """Return what decodes, how each tag is read, what is called for an unknown tag, and which errors may come."""
    try:
        import cbor2
    except ImportError as exc:
        raise UnavailableError("CBOR needs the package cbor2: install countersigned[cose]") from exc

    def refuse(*_: object) -> None:
        raise InvalidInputError("a tag that is not expected here")

    decoders: dict[int, Any] = dict.fromkeys(_INTERPRETED_TAGS - tags, refuse)
    decoders.update({number: _as_tag(number) for number in tags})
    refusals = (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError)
    return cbor2.loads, decoders, refuse, refusals


def _as_tag(number: int) -> Callable[[CborValue, bool], Tag]:
    def read(value: CborValue, _: bool) -> Tag:
        return Tag(number, value)

    return read

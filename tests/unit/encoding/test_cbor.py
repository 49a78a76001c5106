"""The CBOR gate: one item in, or InvalidInputError; and the deterministic encoding."""

from __future__ import annotations

import contextlib
import math
import struct
import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ssi.encoding import cbor
from ssi.encoding.cbor import Tag, decode_cbor, encode_cbor, received_item
from ssi.errors import InvalidInputError, UnavailableError

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=40)
    | st.text(max_size=20)
)
_KEYS = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=12) | st.binary(max_size=12)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(_KEYS, inner, max_size=5)
        | st.builds(Tag, st.sampled_from([18, 24, 1004, 0, 2, 28]), inner)
    ),
    max_leaves=20,
)
TAGS = (18, 24, 1004, 0, 2, 28)


@given(VALUES)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    encoded = encode_cbor(value)
    assert decode_cbor(encoded, tags=TAGS, deterministic=True) == value
    with pytest.raises(InvalidInputError):
        decode_cbor(encoded + b"\x00", tags=TAGS)
    with pytest.raises(InvalidInputError):
        decode_cbor(encoded[:-1], tags=TAGS)


@given(st.binary(max_size=300))
@example(b"\x51")
@example(b"\x82")
@example(b"\x9f")
@example(b"\x5f")
def test_any_bytes_are_an_item_or_refused(data: bytes) -> None:
    for rules in ({}, {"tags": TAGS}, {"deterministic": True}, {"max_items": 4}):
        with contextlib.suppress(InvalidInputError):
            decode_cbor(data, **rules)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("0000", "two items"),
        ("1c", "reserved head"),
        ("ff", "a break alone"),
        ("a201020103", "a key twice"),
        ("a2010218010 3".replace(" ", ""), "a key twice, once in a longer head"),
        ("bf01020103ff", "a key twice in a map of indefinite length"),
        ("a1f501", "a key that is no integer or string"),
        ("a1f93c0001", "a float as key"),
        ("a1810102", "an array as key"),
        ("a1a1010202", "a map as key"),
        ("a1c10102", "a tag as key"),
        ("c100", "a tag that was not asked for"),
        ("c249010000000000000000", "a bignum"),
        ("c4821b7fffffffffffffff01", "a decimal fraction"),
        ("d81c81d81d00", "a shared reference to itself"),
        ("d901008263616161d81900", "a string reference"),
        ("d82360", "a regular expression"),
        ("d82460", "a MIME message"),
        ("d9d9f700", "a self-described item"),
        ("d9270f00", "a tag nobody knows"),
        ("f7", "undefined"),
        ("f0", "an unassigned simple value"),
        ("f8ff", "a simple value of two bytes"),
        ("62c328", "text that is no UTF-8"),
        ("63eda080", "a surrogate"),
        ("5b7fffffffffffffff00", "a length beyond the input"),
        ("9b7fffffffffffffff00", "as many items as there is no room for"),
        ("ba7fffffff0000", "as many members"),
        ("5f6161ff", "a text chunk in a byte string"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInputError):
        decode_cbor(bytes.fromhex(text))


@pytest.mark.parametrize(
    "text",
    [
        "1800",
        "190001",
        "5801ff",
        "9f01ff",
        "5f4101ff",
        "a2616101 00 02".replace(" ", ""),
        "fa3f800000",
        "fb7ff8" + 12 * "0",
        "f97e01",
    ],
)
def test_valid_and_not_deterministic(text: str) -> None:
    data = bytes.fromhex(text)
    decode_cbor(data)
    with pytest.raises(InvalidInputError, match="deterministic"):
        decode_cbor(data, deterministic=True)


def test_keys_are_in_the_order_of_rfc_8949_and_not_of_rfc_7049() -> None:
    """The example of section 4.2.1, without the keys that are not accepted here."""
    value = {"aa": 1, -1: 2, 100: 3, "z": 4, 10: 5}
    assert list(decode_cbor(encode_cbor(value))) == [10, 100, -1, "z", "aa"]


def test_depth() -> None:
    assert decode_cbor(b"\x81" * 32 + b"\x00", max_depth=32)
    for data in (
        b"\x81" * 33 + b"\x00",
        b"\xa1\x00" * 33 + b"\x00",
        b"\x9f" * 40,
        b"\x81" * 100_000,
        b"\xd2" * 100_000,
    ):
        with pytest.raises(InvalidInputError):
            decode_cbor(data, max_depth=32, tags=(18,))
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(InvalidInputError, match="deep"):
        encode_cbor(nested)


def test_size() -> None:
    with pytest.raises(InvalidInputError, match="at most 4 bytes"):
        decode_cbor(b"\x44aaaa", max_bytes=4)
    assert len(decode_cbor(b"\x5a\x00\x0f\x00\x00" + bytes(0xF0000))) == 0xF0000


@pytest.mark.parametrize("item", [b"\x80", b"\xa0", b"\x00", b"\x60", b"\xc1", b"\x9f\xff"])
def test_many_small_items_take_no_memory(item: bytes) -> None:
    room = (1 << 20) - 5
    data = b"\x9a" + struct.pack(">I", room // len(item)) + item * (room // len(item))
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="items"):
        decode_cbor(data, tags=(1,))
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def colliding_pairs(count: int) -> list[tuple[int, int]]:
    """Pairs of integers whose tuples hash alike: the mixing of the two lanes is a bijection of the second."""
    first, second, start, mask = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64 - 1

    def rotate(number: int, bits: int) -> int:
        return ((number << bits) | (number >> (64 - bits))) & mask

    target = rotate(12345 * pow(first, -1, 2**64) & mask, 33)
    found: list[tuple[int, int]] = []
    lane = 0
    while len(found) < count:
        lane += 1
        state = rotate((start + lane * second) & mask, 31) * first & mask
        other = (target - state) * pow(second, -1, 2**64) & mask
        if other < 2**61 - 1:
            found.append((lane, other))
    return found


def test_keys_of_equal_hash_are_refused_before_a_map_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = colliding_pairs(3000)
    if sys.implementation.name == "cpython" and sys.maxsize > 2**32:
        assert len({hash(pair) for pair in pairs}) == 1
    keys = [b"\x82\x1a" + struct.pack(">I", a) + b"\x1b" + struct.pack(">Q", b) + b"\x00" for a, b in pairs]
    data = b"\xb9" + struct.pack(">H", len(keys)) + b"".join(keys)
    monkeypatch.delattr(cbor, "_decoder")
    with pytest.raises(InvalidInputError, match="keys"):
        decode_cbor(data)
    for opening in (b"\xbf", b"\x81\xbf", b"\x82\x00\xba" + struct.pack(">I", len(keys))):
        with pytest.raises(InvalidInputError, match="keys"):
            decode_cbor(opening + b"".join(keys) + b"\xff")


@given(VALUES)
def test_the_walk_lets_pass_what_the_decoder_accepts(value: Any) -> None:
    padded = [value, bytes(cbor._SHORT)]
    assert decode_cbor(encode_cbor(padded), tags=TAGS) == padded


def test_the_walk_counts_items() -> None:
    for data, items in ((b"\x83\x01\x02\x03", 4), (b"\xbf\x01\x9f\x02\xff\xff", 4), (b"\xd2\x84\x40\xa0\x40\x40", 6)):
        assert decode_cbor(data, max_items=items, tags=(18,)) is not None
        with pytest.raises(InvalidInputError, match="items"):
            decode_cbor(data, max_items=items - 1, tags=(18,))


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**64) - 1, object(), {1.5: 0}, {(1,): 0}, {True: 0}, "\ud800", {1, 2}, Tag(-1, 0), 1j, bytearray(b"x")],
)
def test_what_has_no_encoding(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        encode_cbor(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 1e300, 5.960464477539063e-8, 65504.0, 65505.0])
def test_floats_are_as_short_as_they_can_be(value: float) -> None:
    encoded = encode_cbor(value)
    assert repr(decode_cbor(encoded, deterministic=True)) == repr(value)


def test_an_embedded_item_keeps_its_received_bytes() -> None:
    inner = encode_cbor({1: 2})
    for head in (b"\xd8\x18\x43", b"\xd8\x18\x58\x03", b"\xd9\x00\x18\x59\x00\x03", b"\xd8\x18\x5b\0\0\0\0\0\0\0\x03"):
        data = b"\x82\x01" + head + inner
        _, item = decode_cbor(data, tags=(24,))
        assert item == Tag(24, inner)
        assert received_item(data, item) == head + inner
    data = b"\x82\x01\xd8\x18\x5f\x43" + inner + b"\xff"
    _, item = decode_cbor(data, tags=(24,))
    with pytest.raises(InvalidInputError, match="definite"):
        received_item(data, item)
    for other in (Tag(18, inner), Tag(24, 1), inner):
        with pytest.raises(InvalidInputError, match="tag 24"):
            received_item(data, other)


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cbor2", None)
    cbor._decoder.cache_clear()
    with pytest.raises(UnavailableError, match=r"countersigned\[cose\]"):
        decode_cbor(b"\x00")
    cbor._decoder.cache_clear()

"""Short CBOR items: what is read is what the deterministic encoding wrote, and everything else is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.encoding.cbor import decode_cbor, encode_cbor
from ssi.encoding.cbor_plain import decode_plain
from ssi.errors import InvalidInputError

LIMIT = 1 << 16
scalars = st.integers(0, 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=30)
values: st.SearchStrategy[Any] = scalars | st.lists(
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.integers(0, 70_000), scalars, max_size=4), max_size=30
)


@settings(deadline=None)
@given(values)
def test_what_was_written_comes_back(value: Any) -> None:
    data = encode_cbor(value)
    assert decode_plain(data, max_bytes=LIMIT) == value
    for cut in {0, 1, len(data) // 2, len(data) - 1} - {len(data)}:
        with pytest.raises(InvalidInputError):
            decode_plain(data[:cut], max_bytes=LIMIT)
    with pytest.raises(InvalidInputError):
        decode_plain(data + b"\x00", max_bytes=LIMIT)
    with pytest.raises(InvalidInputError):
        decode_plain(data, max_bytes=len(data) - 1)


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_as_the_library_reads_them_or_refused(data: bytes) -> None:
    try:
        value = decode_plain(data, max_bytes=LIMIT)
    except InvalidInputError:
        return
    assert decode_cbor(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x20",  # a negative integer
        b"\xf6",  # null
        b"\xf5",  # true
        b"\xf9\x00\x00",  # a float
        b"\xc0\x60",  # a tag
        b"\x5f\x41\x00\xff",  # indefinite lengths
        b"\x9f\xff",
        b"\xbf\xff",
        b"\xff",
        b"\x1c",  # reserved
        b"\x18",
        b"\x1b\x00",
        b"\x62\xc3\x28",  # no UTF-8
        b"\xa2\x00\x00\x00\x00",  # a key twice
        b"\xa2\x00\x00\x18\x00\x00",  # the same, written in another way
        b"\xa1\x60\x00",  # a key that is text
        b"\xa1\x80\x00",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",  # more items than there are bytes
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\x81\x81\x81\x00",  # nested too deep
        b"\x81" * 10_000,
    ],
)
def test_what_is_not_plain_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_plain(data, max_bytes=LIMIT)


def test_heads_may_be_longer_than_they_need() -> None:
    assert decode_plain(b"\x98\x01\x58\x01\x07", max_bytes=LIMIT) == [b"\x07"]

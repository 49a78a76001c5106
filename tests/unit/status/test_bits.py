from __future__ import annotations

import pytest

from ssi.errors import InvalidInputError, StatusError
from ssi.status.bits import read_left, read_right, write_left, write_right


def test_the_two_orders_are_opposite() -> None:
    assert [read_left(b"\x80", i) for i in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert [read_right(b"\x80", i) for i in range(8)] == [0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11, 16])
def test_left_most_first_entries_may_cross_bytes(size: int) -> None:
    count = 60
    values = [(i * 40_503) % (1 << size) for i in range(count)]
    data = bytearray((count * size + 7) // 8)
    for i, value in enumerate(values):
        write_left(data, i, value, size)
    assert [read_left(data, i, size) for i in range(count)] == values
    # An independent reading: the whole list as one long row of binary digits.
    row = "".join(f"{byte:08b}" for byte in data)
    assert [int(row[i * size : (i + 1) * size], 2) for i in range(count)] == values


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_right_most_first_entries(size: int) -> None:
    values = [(i * 40_503) % (1 << size) for i in range(32)]
    data = bytearray(32 * size // 8)
    for i, value in enumerate(values):
        write_right(data, i, value, size)
    assert [read_right(data, i, size) for i in range(32)] == values
    row = "".join(f"{byte:08b}"[::-1] for byte in data)
    assert [int(row[i * size : (i + 1) * size][::-1], 2) for i in range(32)] == values


@pytest.mark.parametrize("index", [-1, 16, 17, 1 << 40])
def test_no_entry_is_an_error_and_the_index_is_not_repeated(index: int) -> None:
    for read in (read_left, read_right):
        with pytest.raises(StatusError) as caught:
            read(b"\x00\x00", index)
        assert str(abs(index)) not in str(caught.value).replace("below 16", "")
    for write in (write_left, write_right):
        with pytest.raises(StatusError):
            write(bytearray(2), index, 1)


def test_an_entry_that_only_begins_inside_is_no_entry() -> None:
    assert read_left(b"\xff\xff", 4, 3) == 7
    with pytest.raises(StatusError):
        read_left(b"\xff\xff", 5, 3)


@pytest.mark.parametrize("value", [-1, 4])
def test_values_must_fit(value: int) -> None:
    for write in (write_left, write_right):
        with pytest.raises(InvalidInputError):
            write(bytearray(2), 0, value, 2)

"""Read and write small unsigned integers in packed bytes, in the two orders that the list formats use.

Source:  W3C Bitstring Status List v1.0, section 3.4 (index 0 is the left-most bit);
         draft-ietf-oauth-status-list-20, section 4.1 (blocks are packed from the least significant bit).
Shapes:  ``index`` counts entries of ``size`` bits from 0. Left-most first: any size, an entry may cross bytes.
         Least significant first: 1, 2, 4 or 8 bits, so that an entry never crosses bytes.
I/O:     none.
Errors:  InvalidInputError (size or value out of range), StatusError (no entry at the index).
"""

from __future__ import annotations

from typing import Final

from ssi.errors import InvalidInputError, StatusError

TOKEN_SIZES: Final = frozenset({1, 2, 4, 8})
MAX_ENTRY_BITS: Final = 16
"""A ``statusSize`` of n needs 2**n messages in every credential; more than 16 bits cannot be used in earnest."""


def read_left(data: bytes | bytearray, index: int, size: int = 1) -> int:
    """Return entry ``index`` of ``size`` bits, the left-most bit of byte 0 first.

    Raises StatusError if the entry does not lie wholly inside ``data``.
    """
    first_bit = index * size
    end = first_bit + size
    if index < 0 or end > len(data) << 3:
        raise out_of_range(index, (len(data) << 3) // size)
    if size == 1:
        return data[index >> 3] >> (7 - (index & 7)) & 1
    window = data[first_bit >> 3 : (end + 7) >> 3]
    return int.from_bytes(window, "big") >> (-end & 7) & ((1 << size) - 1)


def read_right(data: bytes | bytearray, index: int, size: int = 1) -> int:
    """Return entry ``index`` of 1, 2, 4 or 8 bits, the least significant bits of byte 0 first.

    Raises StatusError if there is no such entry.
    """
    bit = index * size
    if index < 0 or bit >> 3 >= len(data):
        raise out_of_range(index, (len(data) << 3) // size)
    return data[bit >> 3] >> (bit & 7) & ((1 << size) - 1)


def write_left(data: bytearray, index: int, value: int, size: int = 1) -> None:
    """Set entry ``index`` of ``size`` bits, the left-most bit of byte 0 first.

    Raises StatusError if the entry lies outside ``data``, InvalidInputError if ``value`` has more than ``size`` bits.
    """
    _check_value(value, size)
    first_bit = index * size
    end = first_bit + size
    if index < 0 or end > len(data) << 3:
        raise out_of_range(index, (len(data) << 3) // size)
    start, stop, shift = first_bit >> 3, (end + 7) >> 3, -end & 7
    window = int.from_bytes(data[start:stop], "big") & ~(((1 << size) - 1) << shift) | value << shift
    data[start:stop] = window.to_bytes(stop - start, "big")


def write_right(data: bytearray, index: int, value: int, size: int = 1) -> None:
    """Set entry ``index`` of 1, 2, 4 or 8 bits, the least significant bits of byte 0 first.

    Raises StatusError if there is no such entry, InvalidInputError if ``value`` has more than ``size`` bits.
    """
    _check_value(value, size)
    bit = index * size
    if index < 0 or bit >> 3 >= len(data):
        raise out_of_range(index, (len(data) << 3) // size)
    shift = bit & 7
    data[bit >> 3] = data[bit >> 3] & ~(((1 << size) - 1) << shift) | value << shift


def out_of_range(index: int, entries: int) -> StatusError:
    """Return the error for an index that the list has no entry for; the index itself is not repeated.

    An index together with its list's address is a name for one credential, so it stays out of messages.
    """
    side = "below 0" if index < 0 else "past the end"
    return StatusError(f"expected an index below {entries}, got one {side}: nothing is known of this credential")


def _check_value(value: int, size: int) -> None:
    if not 0 <= value < 1 << size:
        raise InvalidInputError(f"expected a status of at most {size} bits")

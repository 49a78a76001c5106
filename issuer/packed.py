"""Unpack the entries of a status list, one byte for each.

Source:  draft-ietf-oauth-status-list-20, section 4.1 (from the right of each byte); W3C Bitstring Status List v1.0,
         section 3.4 (from the left).
Shapes:  entries of 1, 2, 4 or 8 bits.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from ssi.errors import InvalidInputError


def values(data: bytes, size: int, *, right: bool) -> bytes:
    """Return one byte for each entry of ``size`` bits. Raises InvalidInputError for a size that does not divide 8."""
    if size not in (1, 2, 4, 8):
        raise InvalidInputError("expected a published list of 1, 2, 4 or 8 bits per entry")
    shifts = range(0, 8, size) if right else range(8 - size, -1, -size)
    mask = (1 << size) - 1
    table = [bytes(byte >> shift & mask for shift in shifts) for byte in range(256)]
    return b"".join([table[byte] for byte in data])

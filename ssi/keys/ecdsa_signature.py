"""ECDSA signatures between R‖S, as JOSE and Data Integrity carry them, and the DER that ``cryptography`` takes.

Source:  RFC 7518 section 3.4 (R‖S), RFC 3279 section 2.2.3 (Ecdsa-Sig-Value), X.690 (DER).
Shapes:  R and S are big-endian, each as long as a coordinate, at most 66 bytes: the length of an INTEGER takes one
         byte, that of the SEQUENCE two where both are long (P-521).
I/O:     none.
Errors:  none: the caller has checked the range of R and S, and the DER comes from ``cryptography``.

By hand, because these few lines take a third of the time of the conversion through integers.
"""

from __future__ import annotations


def der_signature(r: bytes, s: bytes) -> bytes:
    """Return the DER of a SEQUENCE of two positive INTEGERs."""
    integers = _integer(r) + _integer(s)
    if len(integers) > 0x7F:
        return b"\x30\x81%c%b" % (len(integers), integers)
    return b"\x30%c%b" % (len(integers), integers)


def raw_signature(der: bytes, coordinate_length: int) -> bytes:
    """Return R‖S of a DER signature."""
    start_of_r = 4 if der[1] < 0x80 else 5
    end_of_r = start_of_r + der[start_of_r - 1]
    start_of_s = end_of_r + 2
    numbers = der[start_of_r:end_of_r], der[start_of_s:]
    return b"".join([number.lstrip(b"\0").rjust(coordinate_length, b"\0") for number in numbers])


def _integer(number: bytes) -> bytes:
    """No needless zero in front, and one where the top bit would be read as a sign."""
    number = number.lstrip(b"\0")
    if number[0] & 0x80:
        return b"\x02%c\0%b" % (len(number) + 1, number)
    return b"\x02%c%b" % (len(number), number)

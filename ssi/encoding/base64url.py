"""Strict base64url without padding, and the base64 of data: URLs.

Source:  RFC 4648 sections 4 and 5, RFC 7515 appendix C, RFC 2397; canonical last bits as RFC 4648 section 3.5 asks.
Shapes:  text over ``A-Z a-z 0-9 - _``, no padding, no white space.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.errors import InvalidInputError

# Whatever base64url does not have becomes "!", which base64 does not have either; so do quote and backslash, so that
# the text stays one JSON string without escapes: msgspec reads base64 from JSON, twice as fast as binascii.
_TO_STANDARD: Final = bytes.maketrans(b'-_+/="\\', b"+/!!!!!")
_decode: Final = msgspec.json.Decoder(bytes).decode
_SWAP: Final = bytes.maketrans(b"-_+/", b"+/-_")
_decode_list: Final = msgspec.json.Decoder(list[bytes]).decode
_encode_list: Final = msgspec.json.Encoder().encode
_PADDING: Final = (b"", b"", b"==", b"=")
_TEXT_PADDING: Final = ("", "", "==", "=")
_UNUSED_BITS: Final = {
    2: frozenset(b"AQgw"),
    3: frozenset(b"AEIMQUYcgkosw048"),
}


def b64url_encode(data: bytes) -> str:
    """Return ``data`` as base64url text without padding."""
    return _to_url_alphabet(b2a_base64(data, newline=False).rstrip(b"=")).decode("ascii")


def b64url_decode(text: str | bytes) -> bytes:
    """Return the bytes that ``text`` stands for.

    One byte string has exactly one accepted text: padding, white space, the standard alphabet's ``+`` and ``/`` and
    non-zero unused bits are refused. Raises InvalidInputError.
    """
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
        tail = len(raw) & 3
        if tail == 1 or (tail and raw[-1] not in _UNUSED_BITS[tail]):
            raise InvalidInputError("expected base64url text with a whole number of bytes and unused bits of zero")
        return _decode(b'"%b%b"' % (raw.translate(_TO_STANDARD), _PADDING[tail]))
    except (msgspec.MsgspecError, UnicodeEncodeError) as exc:
        raise InvalidInputError("expected base64url text without padding") from exc


def b64_encode(data: bytes) -> str:
    """Return ``data`` as base64 text of the standard alphabet, padded (RFC 4648, section 4)."""
    return b2a_base64(data, newline=False).decode("ascii")


def b64_decode(text: str) -> bytes:
    """Return the bytes that base64 text stands for, as in a data: URL: of either alphabet, padded or not.

    White space, mixed alphabets, wrong padding and non-zero unused bits are refused. Raises InvalidInputError.
    """
    letters = text.rstrip("=")
    padding = len(text) - len(letters)
    if padding and (len(text) & 3 or padding > 2):
        raise InvalidInputError("expected base64 text with its padding, or without any")
    if "+" in letters or "/" in letters:
        if "-" in letters or "_" in letters:
            raise InvalidInputError("expected base64 text of one alphabet")
        letters = letters.replace("+", "-").replace("/", "_")
    return b64url_decode(letters)


def b64url_encode_many(values: Sequence[bytes]) -> list[str]:
    """Return the text of each of ``values``, as ``b64url_encode`` would one by one, in a fraction of its time."""
    if not values:
        return []
    # msgspec writes bytes as base64 within JSON, here ``["…","…"]``; neither quote nor comma is in the alphabet.
    letters = _encode_list(values)[2:-2].replace(b"=", b"")
    return _to_url_alphabet(letters).decode("ascii").split('","')


def b64url_decode_many(texts: Sequence[str]) -> list[bytes]:
    """Return the bytes of each text, as ``b64url_decode`` would one by one, in a fraction of its time.

    Raises InvalidInputError if one of them is refused. That each has the one accepted text is seen by writing the bytes
    back, that none brought padding of its own by a search, and that none was two by their number.
    """
    try:
        padded = '","'.join([text + _TEXT_PADDING[len(text) & 3] for text in texts])
        standard = f'["{padded}"]'.encode("ascii").translate(_SWAP) if texts else b"[]"
        decoded = _decode_list(standard)
    except (msgspec.MsgspecError, UnicodeError) as exc:
        raise InvalidInputError("expected base64url text without padding") from exc
    if len(decoded) != len(texts) or _encode_list(decoded) != standard or "=" in "".join(texts):
        raise InvalidInputError("expected base64url text without padding and with unused bits of zero")
    return decoded


def _to_url_alphabet(letters: bytes) -> bytes:
    return letters.replace(b"+", b"-").replace(b"/", b"_")

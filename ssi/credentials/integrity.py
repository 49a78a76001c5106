"""Digests of related resources: ``digestSRI`` and ``digestMultibase``.

Source:  W3C Verifiable Credentials Data Model v2.0, section 5.3; W3C Subresource Integrity, 3.5 (metadata syntax);
         Controlled Identifiers 1.0, 2.4 and 2.5 (multibase, multihash). SD-JWT VC section 7 uses the same SRI text.
Shapes:  ``sha256-…``, ``sha384-…``, ``sha512-…`` in base64, several separated by spaces; multibase ``u`` or ``z`` over
         a multihash, or over a bare SHA-256 digest as W3C's own test suite has it.
I/O:     none: the caller has the bytes.
Errors:  InvalidInputError (malformed), VerificationError (another digest).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import Error as BinasciiError
from hmac import compare_digest
from typing import Final

from ssi.encoding.multibase import multibase_decode
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonValue

_SRI: Final = re.compile(r"sha(256|384|512)-([A-Za-z0-9+/_\-]{43,86}={0,2})(?:\?[\x21-\x7e]*)?")
_URL_TO_STANDARD: Final = str.maketrans("-_", "+/")
_MULTIHASH: Final = {b"\x12\x20": "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}


def parse_sri(value: JsonValue, where: str = "digestSRI") -> tuple[str, frozenset[bytes]]:
    """Return the strongest algorithm in ``value`` and its digests (SRI 3.3.4). Raises InvalidInputError."""
    items = value.split() if type(value) is str and len(value) <= 4096 else ()
    found: dict[str, set[bytes]] = {}
    for item in items:
        match = _SRI.fullmatch(item)
        if match is None:
            raise InvalidInputError(f"expected {where} to be Subresource Integrity metadata")
        text = match[2].rstrip("=").translate(_URL_TO_STANDARD)
        try:
            digest = b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (BinasciiError, ValueError) as exc:
            raise InvalidInputError(f"expected {where} to hold base64") from exc
        if len(digest) != int(match[1]) // 8:
            raise InvalidInputError(f"expected {where} to hold a whole digest")
        found.setdefault(f"sha{match[1]}", set()).add(digest)
    if not found:
        raise InvalidInputError(f"expected {where} to be Subresource Integrity metadata")
    algorithm = max(found)
    return algorithm, frozenset(found[algorithm])


def parse_digest_multibase(value: JsonValue, where: str = "digestMultibase") -> tuple[str, bytes]:
    """Return algorithm and digest of a multibase value. Raises InvalidInputError."""
    if type(value) is not str or not 40 <= len(value) <= 128:
        raise InvalidInputError(f"expected {where} to be a multibase digest")
    data = multibase_decode(value)
    algorithm = _MULTIHASH.get(data[:2])
    if algorithm is not None and len(data) == data[1] + 2:
        return algorithm, data[2:]
    if len(data) == 32:
        return "sha256", data
    raise InvalidInputError(f"expected {where} to be a SHA-256, SHA-384 or SHA-512 multihash")


def check_sri(data: bytes, sri: JsonValue, where: str = "digestSRI") -> None:
    """Raise VerificationError unless ``data`` has one of the digests in ``sri``; InvalidInputError if malformed."""
    algorithm, digests = parse_sri(sri, where)
    _check(data, algorithm, digests, where)


def check_digest_multibase(data: bytes, digest: JsonValue, where: str = "digestMultibase") -> None:
    """Raise VerificationError unless ``data`` has this ``digest``; InvalidInputError if malformed."""
    algorithm, expected = parse_digest_multibase(digest, where)
    _check(data, algorithm, (expected,), where)


def _check(data: bytes, algorithm: str, digests: frozenset[bytes] | tuple[bytes, ...], where: str) -> None:
    actual = hashlib.new(algorithm, data).digest()
    if not any(compare_digest(actual, digest) for digest in digests):
        raise VerificationError(f"{where}: the resource has another {algorithm} digest")

"""The hashes that hold a did:webvh log together: SCID, entry hash, pre-rotation key hash.

Source:  did:webvh 1.0, "SCID Generation and Verification", "Entry Hash Generation and Verification" and "Pre-Rotation
         Key Hash Generation and Verification".
Shapes:  every hash is base58btc, without multibase prefix, of a SHA2-256 multihash: 46 characters that start with Qm.
         Entries are JSON objects without their ``proof``.
I/O:     none.
Errors:  InvalidInputError (no such hash), CanonicalizationError.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58_decode, base58_encode
from ssi.encoding.multicodec import SHA2_256_MULTIHASH
from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

SCID_PLACEHOLDER: Final = "{SCID}"

_HASH_SHAPE: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{46}")


def multihash(data: bytes) -> str:
    """Return base58btc(multihash(data, SHA2-256))."""
    return base58_encode(SHA2_256_MULTIHASH + sha256(data).digest())


def check_multihash(text: object, what: str) -> str:
    """Return ``text`` if it is the base58btc of a SHA2-256 multihash, the only one that did:webvh 1.0 permits.

    Raises InvalidInputError, which names ``what`` was expected.
    """
    if isinstance(text, str) and _HASH_SHAPE.fullmatch(text):
        data = base58_decode(text)
        if len(data) == 34 and data.startswith(SHA2_256_MULTIHASH):
            return text
    raise InvalidInputError(f"expected {what} to be the base58btc of a SHA2-256 multihash")


def scid_of(preliminary: JsonObject) -> str:
    """Return the SCID of a preliminary first entry, which holds the placeholder wherever the SCID will stand."""
    return multihash(jcs(preliminary))


def preliminary_entry(entry: JsonObject, scid: str) -> JsonObject:
    """Return the preliminary form of a published first entry ("Verify SCID", steps 4 to 6).

    Raises InvalidInputError if the entry holds the placeholder itself: it would have been replaced on creation, and two
    different entries would have one SCID.
    """
    if contains(entry, SCID_PLACEHOLDER):
        raise InvalidInputError(f"expected a first entry without the literal {SCID_PLACEHOLDER}")
    return {**substitute(entry, scid, SCID_PLACEHOLDER), "versionId": SCID_PLACEHOLDER}


def entry_hash(entry: JsonObject, predecessor: str) -> str:
    """Return the hash of an entry ("Generate Entry Hash").

    ``predecessor`` is the versionId of the entry before it, or the SCID for the first.
    """
    return multihash(jcs({**entry, "versionId": predecessor}))


def key_hash(multikey: str) -> str:
    """Return the hash of a Multikey for ``nextKeyHashes``; what is hashed is its text."""
    return multihash(multikey.encode("ascii"))


def substitute(value: JsonValue, old: str, new: str) -> JsonValue:
    """Return ``value`` with ``old`` replaced by ``new`` in every string and member name.

    This equals a replacement in the JSON text as long as neither holds a character that JSON escapes. Raises
    InvalidInputError if two member names become one.
    """
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [substitute(item, old, new) for item in value]
    if isinstance(value, dict):
        replaced = {name.replace(old, new): substitute(item, old, new) for name, item in value.items()}
        if len(replaced) != len(value):
            raise InvalidInputError("expected member names that stay different when the SCID is replaced")
        return replaced
    return value


def contains(value: JsonValue, text: str) -> bool:
    """Tell whether ``text`` stands in any string or member name of ``value``."""
    if isinstance(value, str):
        return text in value
    if isinstance(value, list):
        return any(contains(item, text) for item in value)
    if isinstance(value, dict):
        return any(text in name or contains(item, text) for name, item in value.items())
    return False

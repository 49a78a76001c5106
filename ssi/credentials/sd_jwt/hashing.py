"""Digests of disclosures and presentations.

Source:  RFC 9901 sections 4.1.1 (hash function claim), 4.2.3 (hashing disclosures), 4.3.1 (sd_hash), 9.4 (choice).
Shapes:  the hash runs over the ASCII text as it is sent, never over decoded or re-serialised JSON; a digest is the
         base64url text of the hash's bytes.
I/O:     none.
Errors:  DisclosureError (an algorithm that is unknown or too short).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from ssi.encoding.base64url import b64url_encode, b64url_encode_many
from ssi.errors import DisclosureError
from ssi.types import JsonObject

DEFAULT_HASH: Final = "sha-256"

# The IANA registry also names truncated digests such as sha-256-64; section 9.4 calls them unfit, so they are unknown.
_HASHES: Final[dict[str, Callable[..., Any]]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
_SIZES: Final[dict[str, int]] = {name: new().digest_size for name, new in _HASHES.items()}


def check_hash_name(name: object) -> str:
    """Return ``name`` if it is the IANA name of a hash that this library trusts; raises DisclosureError."""
    if type(name) is not str or name not in _HASHES:
        raise DisclosureError(f"expected _sd_alg to be one of {', '.join(_HASHES)}")
    return name


def hash_name_of(issuer_claims: JsonObject) -> str:
    """Return the hash named by the top-level ``_sd_alg``, or the default (4.1.1); raises DisclosureError."""
    return check_hash_name(issuer_claims.get("_sd_alg", DEFAULT_HASH))


def digest_of(text: bytes, hash_name: str) -> str:
    """Return the base64url digest of ``text``, the ASCII bytes of a disclosure or of an SD-JWT up to its last "~"."""
    digest: bytes = _HASHES[hash_name](text).digest()
    return b64url_encode(digest)


def digests_of(texts: Sequence[str], hash_name: str) -> list[str]:
    """Return the digest of each text, which is ASCII, as ``digest_of`` does one by one."""
    new = _HASHES[hash_name]
    return b64url_encode_many([new(text.encode("ascii")).digest() for text in texts])


def digest_bytes(hash_name: str) -> int:
    """Return how many bytes a digest has, so that decoys look like digests."""
    return _SIZES[hash_name]

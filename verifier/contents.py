"""What an archive of ours lists of itself: every other member with its hash, each present, none besides.

Input:   members of an archive that anybody may have made, and the hashes that its manifest lists.
Shapes:  a hash is unpadded base64url of SHA-256.
I/O:     none.
Errors:  VerificationError (a member is missing, not listed, or not what was listed).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

from ssi.encoding.base64url import b64url_encode
from ssi.errors import VerificationError


def digest(data: bytes) -> str:
    """Return the hash of a member."""
    return b64url_encode(sha256(data).digest())


def digests(members: Mapping[str, bytes]) -> dict[str, str]:
    """Return the hashes of ``members``."""
    return {name: digest(members[name]) for name in sorted(members)}


def check_contents(members: Mapping[str, bytes], listed: Mapping[str, str], *, besides: Collection[str]) -> None:
    """Raise unless the members are those ``listed``, and at most those named ``besides``."""
    for name in listed:
        if name not in members:
            raise VerificationError(f"{name} is listed and missing")
        if digest(members[name]) != listed[name]:
            raise VerificationError(f"{name} is not what was listed")
    for name in members:
        if name not in listed and name not in besides:
            raise VerificationError(f"{name} is not listed")

"""Who signs transactions: a port that a key store or a security module can stand behind, and keys from a file.

Source:  SEC 1 (ECDSA over secp256k1); EIP-2 (only the lower half of s); Web3 Secret Storage version 3 (key files).
Input:   the 32-byte digest of a transaction; a key file and its passphrase.
Shapes:  a signature is r || s, 64 bytes; the recovery bit is found out from the address, so that a module that does not
         give it will do.
I/O:     reads the key file.
Errors:  InvalidInputError (no key in the file), UnavailableError (the signer does not answer, or signs with another
         key), KeyNotFoundError (no such file). Messages never hold the key, its file's content or the passphrase.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from ssi.errors import InvalidInputError, KeyNotFoundError, UnavailableError
from ssi.net.evm.recovery import ORDER, recovery_bit
from ssi.net.evm.values import keccak

MAX_KEY_FILE_BYTES: Final = 1 << 16


class EvmSigner(Protocol):
    """An account: its address, and signatures over digests that the caller made."""

    @property
    def address(self) -> bytes:
        """The 20 bytes of the account's address."""

    async def sign_digest(self, digest: bytes) -> bytes:
        """Return r || s over a 32-byte digest, which is signed as it is. Raises UnavailableError."""


class LocalSigner:
    """A key in this process. It signs with ``cryptography``, whose time does not depend on the key."""

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        number = int.from_bytes(secret, "big")
        if len(secret) != 32 or not 0 < number < ORDER:
            raise InvalidInputError("a key of an account is 32 bytes, and no multiple of the curve's order")
        self._key: Final = ec.derive_private_key(number, ec.SECP256K1())
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._address: Final = keccak(point[1:])[-20:]

    @property
    def address(self) -> bytes:
        """The 20 bytes of the account's address."""
        return self._address

    async def sign_digest(self, digest: bytes) -> bytes:
        """Return r || s over ``digest``."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        # Prehashed needs to know the length of the digest, and takes it from a function of the same length.
        r, s = decode_dss_signature(self._key.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def load_key_file(path: str | Path, *, passphrase: bytes | Callable[[], bytes] | None = None) -> LocalSigner:
    """Read the key of an account: Web3 Secret Storage under a passphrase, or 64 hexadecimal digits.

    Digits are believed only in a file that nobody but its owner may read. A ``passphrase`` that is a function is called
    only if the file needs one.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError as exc:
        raise KeyNotFoundError(f"there is no key file {place.name}") from exc
    except OSError as exc:
        raise UnavailableError(f"the key file {place.name} cannot be read: {exc.strerror}") from exc
    digits = re.fullmatch(rb"(?:0x)?([0-9a-fA-F]{64})\s*", content)
    if digits:
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise InvalidInputError(f"the key file {place.name} may be read by others than its owner: chmod 600")
        return LocalSigner(bytes.fromhex(digits[1].decode()))
    return LocalSigner(_decrypted(place.name, content, passphrase))


def _eth_account() -> Any:
    """Return ``eth_account.Account``.

    What it imports raises the recursion limit of the whole process, on which decoders of other people's input count:
    it is put back.
    """
    import sys

    limit = sys.getrecursionlimit()
    try:
        from eth_account import Account
    finally:
        sys.setrecursionlimit(limit)
    return Account


def _decrypted(name: str, content: bytes, passphrase: bytes | Callable[[], bytes] | None) -> bytes:
    from ssi.encoding.gate import parse_object

    document: Any = parse_object(content, max_bytes=MAX_KEY_FILE_BYTES)
    if passphrase is None:
        raise InvalidInputError(f"the key file {name} is encrypted: a passphrase is needed")
    account = _eth_account()
    phrase = passphrase if isinstance(passphrase, bytes) else passphrase()
    try:
        return bytes(account.decrypt(document, phrase.decode()))
    except Exception as exc:  # The package raises what its many parts raise.
        raise InvalidInputError(f"the key file {name} does not open with this passphrase") from exc


async def recoverable(signer: EvmSigner, digest: bytes) -> tuple[int, int, int]:
    """Sign ``digest``; return the recovery bit, r and s in its lower half. Raises UnavailableError."""
    signature = await signer.sign_digest(digest)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    s = min(s, ORDER - s)
    return recovery_bit(digest, r, s, signer.address), r, s

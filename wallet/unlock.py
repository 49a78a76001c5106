"""What opens a wallet: its one data key, wrapped under a passphrase or by hardware.

The data key is drawn once and never leaves the process in the clear. Each wrapping of it is a row of the store, so a
wallet can be opened in several ways, and a way can be changed without touching a record.

Source:  RFC 9106 (Argon2id), NIST SP 800-38D (AES-GCM).
Shapes:  a data key and a wrapping key are 32 bytes. A box of ``PassphraseWrap`` is version (1 byte), memory in KiB (4,
         big-endian), passes (2), lanes (1), salt (16), nonce (12) and ciphertext (48); one of ``SecretKeyWrap`` is
         version, nonce, ciphertext. Everything before the ciphertext, the name of the way and that of the wallet are
         associated data.
I/O:     none here; a wrap over hardware awaits its device.
Errors:  InvalidInputError (empty passphrase, settings out of bounds), VerificationError (the wallet does not open: the
         passphrase or key is wrong, or the row was altered; which of these is not said).
"""

from __future__ import annotations

import struct
import unicodedata
from secrets import token_bytes
from typing import Final, Protocol

from ssi.errors import InvalidInputError, VerificationError

DATA_KEY_BYTES: Final = 32
ARGON2_MEMORY_KIB: Final = 65_536
ARGON2_ITERATIONS: Final = 3
ARGON2_LANES: Final = 1
MAX_MEMORY_KIB: Final = 1 << 20
MAX_ITERATIONS: Final = 64
MAX_LANES: Final = 16

_VERSION: Final = 1
_SETTINGS: Final = struct.Struct(">BIHB")
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SEALED_BYTES: Final = DATA_KEY_BYTES + 16
_REFUSAL: Final = "the wallet does not open: wrong passphrase or key, or an altered store"


class DataKeyWrap(Protocol):
    """One way to open wallets: wraps and unwraps data keys, if need be inside hardware.

    An HSM that serves many citizens wraps one data key for each; ``wallet`` is to be bound into the box, so that the
    box of one citizen does not open another's wallet.
    """

    @property
    def name(self) -> str:
        """The name of the row that this way keeps; a wallet has at most one of each name."""
        ...

    async def wrap(self, data_key: bytes, *, wallet: str) -> bytes:
        """Return the box of a data key. Raises UnavailableError."""
        ...

    async def unwrap(self, box: bytes, *, wallet: str) -> bytes:
        """Return the data key in a box. Raises VerificationError if it does not open, UnavailableError."""
        ...


class PassphraseWrap:
    """A passphrase, stretched by Argon2id with at least 64 MiB."""

    def __init__(
        self,
        passphrase: str | bytes,
        *,
        name: str = "passphrase",
        memory_kib: int = ARGON2_MEMORY_KIB,
        iterations: int = ARGON2_ITERATIONS,
        lanes: int = ARGON2_LANES,
    ) -> None:
        """Keep what new boxes are made with; a box is opened with the settings that it names, within bounds.

        Text is normalised (NFC), so that it is the same from every keyboard. Raises InvalidInputError.
        """
        if isinstance(passphrase, str):
            try:
                passphrase = unicodedata.normalize("NFC", passphrase).encode("utf-8")
            except UnicodeEncodeError as exc:
                raise InvalidInputError("expected a passphrase of Unicode text") from exc
        if not passphrase:
            raise InvalidInputError("expected a passphrase for the wallet")
        if not _within_bounds(memory_kib, iterations, lanes):
            raise InvalidInputError(f"expected Argon2id settings of {ARGON2_MEMORY_KIB} KiB or more, within bounds")
        self.name: Final = name
        self._passphrase = passphrase
        self._settings = (memory_kib, iterations, lanes)

    async def wrap(self, data_key: bytes, *, wallet: str) -> bytes:
        """As ``DataKeyWrap.wrap``; takes some 0.1 s on a thread of its own."""
        header = _SETTINGS.pack(_VERSION, *self._settings) + token_bytes(_SALT_BYTES)
        key = await self._derive(header)
        return _seal(key, data_key, header=header, name=self.name, wallet=wallet)

    async def unwrap(self, box: bytes, *, wallet: str) -> bytes:
        """As ``DataKeyWrap.unwrap``. An altered row cannot ask for endless work."""
        header_bytes = _SETTINGS.size + _SALT_BYTES
        if len(box) != header_bytes + _NONCE_BYTES + _SEALED_BYTES:
            raise VerificationError(_REFUSAL)
        version, *settings = _SETTINGS.unpack_from(box)
        if version != _VERSION or not _within_bounds(*settings):
            raise VerificationError(_REFUSAL)
        key = await self._derive(box[:header_bytes])
        return _open(key, box, header_bytes=header_bytes, name=self.name, wallet=wallet)

    async def _derive(self, header: bytes) -> bytes:
        import asyncio

        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        _, memory_kib, iterations, lanes = _SETTINGS.unpack_from(header)
        kdf = Argon2id(
            salt=header[_SETTINGS.size :],
            length=32,
            iterations=iterations,
            lanes=lanes,
            memory_cost=memory_kib,
        )
        return await asyncio.to_thread(kdf.derive, self._passphrase)


class SecretKeyWrap:
    """A key of 32 random bytes that is kept elsewhere: in the device's key store, or by the service that hosts."""

    def __init__(self, key: bytes, *, name: str = "secret-key") -> None:
        """Keep the key. Raises InvalidInputError unless it has 32 bytes."""
        if len(key) != 32:
            raise InvalidInputError("expected a wrapping key of 32 bytes")
        self.name: Final = name
        self._key = key

    async def wrap(self, data_key: bytes, *, wallet: str) -> bytes:
        """As ``DataKeyWrap.wrap``."""
        return _seal(self._key, data_key, header=bytes([_VERSION]), name=self.name, wallet=wallet)

    async def unwrap(self, box: bytes, *, wallet: str) -> bytes:
        """As ``DataKeyWrap.unwrap``."""
        if len(box) != 1 + _NONCE_BYTES + _SEALED_BYTES or box[0] != _VERSION:
            raise VerificationError(_REFUSAL)
        return _open(self._key, box, header_bytes=1, name=self.name, wallet=wallet)


def _within_bounds(memory_kib: int, iterations: int, lanes: int) -> bool:
    return (
        ARGON2_MEMORY_KIB <= memory_kib <= MAX_MEMORY_KIB
        and 1 <= iterations <= MAX_ITERATIONS
        and 1 <= lanes <= MAX_LANES
    )


def _seal(key: bytes, data_key: bytes, *, header: bytes, name: str, wallet: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    prefix = header + token_bytes(_NONCE_BYTES)
    return prefix + AESGCM(key).encrypt(prefix[-_NONCE_BYTES:], data_key, _associated(prefix, name, wallet))


def _open(key: bytes, box: bytes, *, header_bytes: int, name: str, wallet: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    end = header_bytes + _NONCE_BYTES
    try:
        return AESGCM(key).decrypt(box[header_bytes:end], box[end:], _associated(box[:end], name, wallet))
    except InvalidTag as exc:
        raise VerificationError(_REFUSAL) from exc


def _associated(prefix: bytes, name: str, wallet: str) -> bytes:
    """Bind a box to its settings, its way and its wallet; the lengths keep the parts apart."""
    parts = (b"countersigned wallet data key", prefix, name.encode(), wallet.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

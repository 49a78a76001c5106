"""A key store in one encrypted file.

Shapes:  JSON ``{"v": 1, "kdf": {…}, "nonce": b64url, "box": b64url}``. The box is AES-256-GCM over the JSON of all
         keys, with everything else in the file as associated data; its key is Argon2id (RFC 9106) of the passphrase.
I/O:     the whole file is replaced for every change (temporary file, fsync, rename, fsync of the folder), under a lock
         file, and read again when another process changed it.
Errors:  InvalidInputError (not such a file), VerificationError (wrong passphrase or altered file),
         UnavailableError (the disk).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ssi.durable import replace_file
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.keys.backends.memory import MemoryKms, StoredKey
from ssi.keys.curves import Curve
from ssi.keys.kms import KeyInfo, KeyPurpose, Kms
from ssi.keys.private import PrivateKey
from ssi.keys.public import PublicKey
from ssi.types import JsonObject

ARGON2_MEMORY_KIB: Final = 65_536
ARGON2_ITERATIONS: Final = 3
ARGON2_LANES: Final = 1
_MAX_MEMORY_KIB: Final = 1 << 20
_MAX_ITERATIONS: Final = 64
_MAX_FILE_BYTES: Final = 16 << 20


class FileKms(MemoryKms):
    """The memory store, made durable; safe under several processes."""

    def __init__(self, path: Path, kdf: JsonObject, box_key: bytes) -> None:
        """Use ``FileKms.open``."""
        super().__init__()
        self._path = path
        self._kdf = kdf
        self._box_key = box_key
        self._seen: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str], passphrase: str | bytes) -> FileKms:
        """Open the store at ``path``, or make an empty one there.

        The key derivation takes some 0.1 s and 64 MiB. Raises VerificationError for a wrong passphrase or an altered
        file, InvalidInputError for a file of another shape or an empty passphrase.
        """
        secret = passphrase.encode("utf-8") if isinstance(passphrase, str) else passphrase
        if not secret:
            raise InvalidInputError("expected a passphrase for the key store")
        location = Path(path)
        if location.exists():
            kdf = _parse_kdf(_read(location).get("kdf"))
            store = cls(location, kdf, _derive(secret, kdf))
            store._reload()
            return store
        kdf = {
            "name": "argon2id",
            "memory_kib": ARGON2_MEMORY_KIB,
            "iterations": ARGON2_ITERATIONS,
            "lanes": ARGON2_LANES,
            "salt": b64url_encode(token_bytes(16)),
        }
        store = cls(location, kdf, _derive(secret, kdf))
        with store._locked():
            if location.exists():
                raise UnavailableError("another process made this key store just now; open it again")
            store._write({})
        return store

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """As ``Kms.generate``."""
        with self._locked():
            return await super().generate(label, curve=curve, purpose=purpose, exportable=exportable)

    async def add(self, label: str, private: PrivateKey, *, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """As ``MemoryKms.add``."""
        with self._locked():
            return await super().add(label, private, purpose=purpose, exportable=exportable)

    async def relabel(self, label: str, new_label: str, *, purpose: KeyPurpose) -> None:
        """As ``Kms.relabel``."""
        with self._locked():
            await super().relabel(label, new_label, purpose=purpose)

    async def delete(self, label: str) -> None:
        """As ``Kms.delete``."""
        with self._locked():
            await super().delete(label)

    async def labels(self, purpose: KeyPurpose | None = None) -> Sequence[str]:
        """As ``Kms.labels``."""
        self._reload_if_changed()
        return await super().labels(purpose)

    def _get(self, label: str) -> StoredKey:
        self._reload_if_changed()
        return super()._get(label)

    def _replace(self, keys: dict[str, StoredKey]) -> None:
        self._write(keys)
        super()._replace(keys)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock file, with the newest content read: what is decided under it stays true."""
        try:
            descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise UnavailableError("the key store's folder cannot be written") from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._reload_if_changed()
            yield
        finally:
            os.close(descriptor)

    def _reload_if_changed(self) -> None:
        if self._seen is not None and self._stamp() != self._seen:
            self._reload()

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError as exc:
            raise UnavailableError("the key store's file cannot be read") from exc
        return status.st_mtime_ns, status.st_ino

    def _reload(self) -> None:
        stamp = self._stamp()
        document = _read(self._path)
        if document.get("kdf") != self._kdf:
            raise VerificationError("the key store's file was replaced by one with another passphrase setting")
        nonce, box = document.get("nonce"), document.get("box")
        if not isinstance(nonce, str) or not isinstance(box, str):
            raise InvalidInputError("expected a key store file with nonce and box")
        try:
            plain = AESGCM(self._box_key).decrypt(b64url_decode(nonce), b64url_decode(box), _associated(self._kdf))
        except (InvalidTag, ValueError) as exc:
            raise VerificationError("the passphrase is wrong, or the key store's file was altered") from exc
        records = msgspec.json.decode(plain, type=list[_Record])
        self._keys = {record.label: record.key() for record in records}
        self._seen = stamp

    def _write(self, keys: dict[str, StoredKey]) -> None:
        plain = msgspec.json.encode([_Record.of(key) for key in keys.values()])
        nonce = token_bytes(12)
        box = AESGCM(self._box_key).encrypt(nonce, plain, _associated(self._kdf))
        document = {"v": 1, "kdf": self._kdf, "nonce": b64url_encode(nonce), "box": b64url_encode(box)}
        replace_file(self._path, msgspec.json.encode(document), what="the key store's file")
        self._seen = self._stamp()


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    purpose: KeyPurpose
    curve: Curve
    exportable: bool
    secret: str

    @classmethod
    def of(cls, key: StoredKey) -> _Record:
        info = key.info
        return cls(info.label, info.purpose, info.curve, info.exportable, b64url_encode(key.private.to_raw()))

    def key(self) -> StoredKey:
        private = PrivateKey.from_raw(self.curve, b64url_decode(self.secret))
        return StoredKey(KeyInfo(self.label, self.purpose, self.curve, self.exportable), private)


def open_url(url: str, *, passphrase: str | bytes | None = None) -> Kms:
    """Open ``file:PATH``."""
    if passphrase is None:
        raise InvalidInputError("expected a passphrase for the key store")
    return FileKms.open(url.partition(":")[2], passphrase)


def _read(path: Path) -> JsonObject:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UnavailableError("the key store's file cannot be read") from exc
    document = parse_object(data, max_bytes=_MAX_FILE_BYTES)
    if document.get("v") != 1 or document.keys() != {"v", "kdf", "nonce", "box"}:
        raise InvalidInputError("expected a key store file of version 1")
    return document


def _parse_kdf(kdf: object) -> JsonObject:
    """Check the key derivation that a file asks for, so that an altered file cannot ask for endless work."""
    if not isinstance(kdf, dict) or kdf.keys() != {"name", "memory_kib", "iterations", "lanes", "salt"}:
        raise InvalidInputError("expected a key store file with an argon2id setting")
    memory, iterations, lanes = kdf["memory_kib"], kdf["iterations"], kdf["lanes"]
    if (
        kdf["name"] != "argon2id"
        or not (type(memory) is int and ARGON2_MEMORY_KIB <= memory <= _MAX_MEMORY_KIB)
        or not (type(iterations) is int and 1 <= iterations <= _MAX_ITERATIONS)
        or not (type(lanes) is int and 1 <= lanes <= 16)
        or not (isinstance(kdf["salt"], str) and len(b64url_decode(kdf["salt"])) == 16)
    ):
        raise InvalidInputError("expected an argon2id setting within this version's bounds")
    return kdf


def _derive(secret: bytes, kdf: JsonObject) -> bytes:
    return Argon2id(
        salt=b64url_decode(kdf["salt"]),
        length=32,
        iterations=kdf["iterations"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    ).derive(secret)


def _associated(kdf: JsonObject) -> bytes:
    return b"countersigned key store\x00" + jcs({"v": 1, "kdf": kdf})

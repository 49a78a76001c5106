"""The files of a backup: sealed files, and a sealed manifest that accounts for all of them.

Input:   what is to be kept; or a folder that anybody may have made or changed.
Shapes:  ``manifest.sealed``, sealed with the passphrase (``ssi.keys.sealed``), holds a key that was drawn for this
         backup; ``file-000001.sealed`` … are sealed in chunks under it (``ssi.keys.sealed_stream``), each for its own
         name. The manifest is written last: a folder without one is no backup. Hashes are SHA-256 in hexadecimal.
I/O:     one folder, which only its owner may read. Of kept files, a few megabytes at a time are in memory.
Errors:  InvalidInputError (no backup), VerificationError (wrong passphrase, altered, exchanged or missing files),
         ConflictError (the folder holds a backup already), UnavailableError.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, Final

import msgspec

import ssi
from ssi.cli.files import make_folder, read_input, write_output
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError, VerificationError
from ssi.keys.sealed import seal, unseal
from ssi.keys.sealed_stream import KEY_BYTES, Streamed, new_key, seal_stream, unseal_stream

FORMAT: Final = "countersigned-backup/2"
MANIFEST: Final = "manifest.sealed"
MAX_MANIFEST_BYTES: Final = 16 << 20
_NAME: Final = re.compile(r"file-[0-9]{6}\.sealed")


class KeptFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the project."""

    path: str
    """From the project file's folder, with ``/``."""
    kind: str
    """``plain``, ``store``, ``ledger`` or ``keys``."""
    size: int
    sha256: str
    sealed: str
    """Name of the sealed file in the backup."""
    version: int | None = None
    """Of the database's schema."""
    rows: dict[str, int] = {}
    """How many rows each table of a database has."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds."""

    format: str
    key: str
    """Of the sealed files, in base64url: whoever reads the manifest may read them."""
    library: str
    """Version of the library that made it."""
    created: int
    project: str
    """Path of the project file."""
    files: tuple[KeptFile, ...]
    left_out: tuple[str, ...]
    """What the project names and the backup does not hold, each with the reason."""
    head: str | None = None
    """The ledger's signed note."""


class BackupWriter:
    """One backup in the making."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        """Make the folder. Raises ConflictError if it holds a backup."""
        if (folder / MANIFEST).exists():
            raise ConflictError("the folder holds a backup already: give each one a folder of its own")
        make_folder(folder)
        self._folder, self._passphrase = folder, passphrase
        self._key = new_key()
        self._files: list[KeptFile] = []

    def add(
        self, path: str, kind: str, source: IO[bytes], *, version: int | None = None, rows: dict[str, int] | None = None
    ) -> None:
        """Seal one file, which is open for reading."""
        name = f"file-{len(self._files) + 1:06}.sealed"
        target = self._folder / name
        try:
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                done = seal_stream(source, file, key=self._key, context=name.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise UnavailableError(f"{path} cannot be kept in {name}") from exc
        self._files.append(
            KeptFile(
                path=path, kind=kind, size=done.size, sha256=done.sha256, sealed=name, version=version, rows=rows or {}
            )
        )

    def finish(self, *, created: int, project: str, left_out: tuple[str, ...], head: bytes | None) -> Manifest:
        """Write the manifest: from now on the folder is a backup."""
        manifest = Manifest(
            format=FORMAT,
            key=b64url_encode(self._key),
            library=ssi.__version__,
            created=created,
            project=project,
            files=tuple(self._files),
            left_out=left_out,
            head=None if head is None else head.decode("utf-8"),
        )
        write_output(self._folder / MANIFEST, seal(msgspec.json.encode(manifest), self._passphrase), private=True)
        return manifest


def read_manifest(folder: Path, passphrase: bytes) -> Manifest:
    """Return what the backup in ``folder`` holds. Raises as the module says."""
    try:
        sealed = read_input(str(folder / MANIFEST), max_bytes=MAX_MANIFEST_BYTES)
    except NotFoundError as exc:
        raise InvalidInputError("expected a folder with a finished backup: it has no manifest") from exc
    members = parse_object(unseal(sealed, passphrase), max_bytes=MAX_MANIFEST_BYTES)
    if members.get("format") != FORMAT:
        raise InvalidInputError(f"expected a backup of the format {FORMAT}")
    try:
        manifest = msgspec.convert(members, Manifest)
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"the manifest of the backup is damaged: {exc}") from exc
    paths = [kept.path for kept in manifest.files]
    if len(set(paths)) != len(paths) or manifest.project not in paths:
        raise InvalidInputError("the manifest of the backup is damaged: expected each file once, and the project file")
    for path in paths:
        check_path(path)
    return manifest


def read_file(folder: Path, manifest: Manifest, kept: KeptFile, target: IO[bytes]) -> None:
    """Write one file of the backup to ``target``, exactly as it was kept; until this returns it is not to be used."""
    key = b64url_decode(manifest.key)
    if not _NAME.fullmatch(kept.sealed) or len(key) != KEY_BYTES:
        raise InvalidInputError("the manifest of the backup is damaged: expected plain names of files, and a key")
    try:
        source = (folder / kept.sealed).open("rb")
    except FileNotFoundError as exc:
        raise VerificationError(f"{kept.sealed} of the backup, with {kept.path}, is missing") from exc
    except OSError as exc:
        raise UnavailableError(f"{kept.sealed} of the backup cannot be read") from exc
    try:
        with source:
            done = unseal_stream(source, target, key=key, context=kept.sealed.encode())
    except (InvalidInputError, VerificationError) as exc:
        raise VerificationError(
            f"{kept.sealed} of the backup, with {kept.path}, was altered or is of another backup"
        ) from exc
    except OSError as exc:
        raise UnavailableError(f"{kept.path} cannot be restored") from exc
    if done != Streamed(kept.size, kept.sha256):
        raise VerificationError(f"{kept.path} in the backup is not what was kept")


def check_path(path: str) -> None:
    """Raise InvalidInputError unless ``path`` stays below the folder that it starts from."""
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise InvalidInputError("expected the files of a backup to lie below one folder")

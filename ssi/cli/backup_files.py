"""The files of a backup: sealed parts, and a sealed manifest that accounts for all of them.

Input:   what is to be kept; or a folder that anybody may have made or changed.
Shapes:  ``manifest.sealed`` and ``part-000001.sealed`` …, each sealed with the passphrase (``ssi.keys.sealed``). The
         manifest is written last: a folder without one is no backup. Hashes are SHA-256 in hexadecimal.
I/O:     one folder, which only its owner may read. A file is held in memory as a whole.
Errors:  InvalidInputError (no backup), VerificationError (wrong passphrase, altered, exchanged or missing parts),
         ConflictError (the folder holds a backup already), UnavailableError.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

import ssi
from ssi.cli.files import make_folder, read_input, write_output
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, VerificationError
from ssi.keys.sealed import SealingKey

FORMAT: Final = "countersigned-backup/1"
MANIFEST: Final = "manifest.sealed"
PART_BYTES: Final = 1 << 28
"""AES-GCM seals less than 2**31 bytes at once."""
MAX_MANIFEST_BYTES: Final = 16 << 20
_NAME: Final = re.compile(r"part-[0-9]{6}\.sealed")
_OVERHEAD: Final = 2048


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed piece of a file."""

    name: str
    sha256: str
    """Of the sealed bytes: a part of another backup, sealed with the same passphrase, is told from this one."""


class KeptFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the project."""

    path: str
    """From the project file's folder, with ``/``."""
    kind: str
    """``plain``, ``store``, ``ledger`` or ``keys``."""
    size: int
    sha256: str
    parts: tuple[Part, ...]
    version: int | None = None
    """Of the database's schema."""
    rows: dict[str, int] = {}
    """How many rows each table of a database has."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds."""

    format: str
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
        self._folder, self._key = folder, SealingKey(passphrase)
        self._files: list[KeptFile] = []
        self._parts = 0

    def add(self, path: str, kind: str, data: bytes, *, version: int | None = None, rows: dict[str, int]) -> None:
        """Seal one file."""
        parts = []
        for start in range(0, max(len(data), 1), PART_BYTES):
            self._parts += 1
            name, sealed = f"part-{self._parts:06}.sealed", self._key.seal(data[start : start + PART_BYTES])
            write_output(self._folder / name, sealed, private=True)
            parts.append(Part(name=name, sha256=sha256(sealed).hexdigest()))
        kept = KeptFile(
            path=path,
            kind=kind,
            size=len(data),
            sha256=sha256(data).hexdigest(),
            parts=tuple(parts),
            version=version,
            rows=rows,
        )
        self._files.append(kept)

    def finish(self, *, created: int, project: str, left_out: tuple[str, ...], head: bytes | None) -> Manifest:
        """Write the manifest: from now on the folder is a backup."""
        manifest = Manifest(
            format=FORMAT,
            library=ssi.__version__,
            created=created,
            project=project,
            files=tuple(self._files),
            left_out=left_out,
            head=None if head is None else head.decode("utf-8"),
        )
        write_output(self._folder / MANIFEST, self._key.seal(msgspec.json.encode(manifest)), private=True)
        return manifest


def read_manifest(folder: Path, key: SealingKey) -> Manifest:
    """Return what the backup in ``folder`` holds. Raises as the module says."""
    try:
        sealed = read_input(str(folder / MANIFEST), max_bytes=MAX_MANIFEST_BYTES)
    except NotFoundError as exc:
        raise InvalidInputError("expected a folder with a finished backup: it has no manifest") from exc
    members = parse_object(key.unseal(sealed), max_bytes=MAX_MANIFEST_BYTES)
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


def read_file(folder: Path, kept: KeptFile, key: SealingKey) -> bytes:
    """Return the bytes of one file of the backup, exactly as they were kept."""
    pieces = []
    for part in kept.parts:
        if not _NAME.fullmatch(part.name):
            raise InvalidInputError("the manifest of the backup is damaged: expected plain names of parts")
        try:
            sealed = read_input(str(folder / part.name), max_bytes=PART_BYTES + _OVERHEAD)
        except NotFoundError as exc:
            raise VerificationError(f"{part.name} of the backup, with {kept.path}, is missing") from exc
        if sha256(sealed).hexdigest() != part.sha256:
            raise VerificationError(f"{part.name} of the backup, with {kept.path}, was altered or is of another backup")
        pieces.append(key.unseal(sealed))
    data = b"".join(pieces)
    if len(data) != kept.size or sha256(data).hexdigest() != kept.sha256:
        raise VerificationError(f"{kept.path} in the backup is not what was kept")
    return data


def check_path(path: str) -> None:
    """Raise InvalidInputError unless ``path`` stays below the folder that it starts from."""
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise InvalidInputError("expected the files of a backup to lie below one folder")

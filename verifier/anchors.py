"""What whoever rechecks evidence believes beforehand, whatever the evidence says.

Input:   a folder: ``anchors.toml`` with ``roots`` and ``keys`` as in a policy's ``[registry]``; ``timestamp/*.pem``,
         certificates of time stamping authorities' roots; ``ledger/entries.jsonl``, the whole ledger, if it is at hand.
Shapes:  each part is optional; what is missing is not looked at, and the result says so.
I/O:     reads the folder.
Errors:  InvalidInputError, NotFoundError.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from ssi.errors import InvalidInputError, NotFoundError
from ssi.files import Files, FolderFiles

from .offline_ledger import ENTRIES

ANCHORS: Final = "anchors.toml"
MAX_ANCHOR_BYTES: Final = 1 << 20


class LedgerAnchors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ledger that is believed in: its root accreditors, and the keys of its checkpoints."""

    roots: tuple[str, ...]
    keys: tuple[str, ...]


class Anchors(msgspec.Struct, frozen=True, kw_only=True):
    """The anchors; make them by hand, or with ``load``."""

    registry: LedgerAnchors | None = None
    timestamp_roots: tuple[bytes, ...] = ()
    """Certificates in PEM."""
    ledger: Files | None = None
    """Files with the whole ledger, which shows what an excerpt left out."""

    @classmethod
    def load(cls, path: str | Path) -> Anchors:
        """Read a folder of anchors."""
        folder = Path(path)
        if not folder.is_dir():
            raise NotFoundError("expected a folder of anchors")
        files = FolderFiles(folder)
        registry = _registry(files.read(ANCHORS, max_bytes=MAX_ANCHOR_BYTES)) if files.has(ANCHORS) else None
        pem = tuple(files.read(name, max_bytes=MAX_ANCHOR_BYTES) for name in files.names("timestamp", ".pem"))
        ledger = files if files.has(ENTRIES) else None
        if registry is None and not pem:
            raise InvalidInputError(f"expected {ANCHORS} or certificates in a folder of anchors")
        return cls(registry=registry, timestamp_roots=pem, ledger=ledger)


def _registry(data: bytes) -> LedgerAnchors:
    try:
        members: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
        return msgspec.convert(members, LedgerAnchors)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise InvalidInputError(f"{ANCHORS}: expected roots and keys: {exc}") from exc

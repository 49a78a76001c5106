"""The rehearsal of a restore: beside the original, into a folder that is removed again, compared piece by piece.

Input:   a backup that was made from the project at hand.
Shapes:  a problem means that the backup does not hold; a difference, that the original has changed since.
I/O:     restores into a temporary folder beside the project file; audits the restored ledger as ``ssi ledger audit``.
Errors:  those of ``backup_files``; what is wrong with what was restored is a problem, not an error.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from ssi.cli.backup_files import KeptFile, Manifest, read_manifest
from ssi.cli.backup_sources import LEDGER, STORE
from ssi.cli.files import read_input
from ssi.cli.restore import check_heads, staging, unpack
from ssi.cli.session import Session, is_there
from ssi.database import snapshot
from ssi.errors import SsiError, VerificationError
from ssi.keys.sealed import SealingKey

MAX_PLAIN_BYTES = 1 << 28


class Rehearsal(msgspec.Struct, frozen=True):
    """What a rehearsal found."""

    manifest: Manifest
    problems: list[str]
    differences: list[str]
    audit: str | None


async def rehearse(session: Session, folder: Path, key: SealingKey) -> Rehearsal:
    """Restore, compare, remove."""
    manifest = read_manifest(folder, key)
    problems: list[str] = []
    differences: list[str] = []
    audit: str | None = None
    staged = staging(session.project.folder, ".rehearsal-")
    try:
        unpack(folder, manifest, key, staged)
        for kept in manifest.files:
            try:
                differences += _compare(kept, staged / kept.path, session.project.folder / kept.path)
                if kept.kind == LEDGER:
                    audit = await _audit(session, manifest, staged / kept.path)
            except SsiError as exc:
                problems.append(f"{kept.path}: {exc}")
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Rehearsal(manifest, problems, differences, audit)


def _compare(kept: KeptFile, restored: Path, original: Path) -> list[str]:
    """Return in what the original has changed. Raises if what was restored is not what was kept."""
    if kept.kind not in (STORE, LEDGER):
        if not original.is_file():
            return [f"{kept.path}: the original is gone"]
        same = read_input(str(restored), max_bytes=MAX_PLAIN_BYTES) == read_input(
            str(original), max_bytes=MAX_PLAIN_BYTES
        )
        return [] if same else [f"{kept.path}: the original has other bytes"]
    copy = snapshot(restored)
    if copy.rows != kept.rows or copy.version != kept.version:
        raise VerificationError("the restored database has other tables, or numbers of rows, than were kept")
    if not original.is_file():
        return [f"{kept.path}: the original is gone"]
    now = snapshot(original)
    changed = [
        f"{kept.path}: table {name} has {now.rows.get(name, 0)} rows, {copy.rows.get(name, 0)} in the backup"
        for name in sorted(now.rows.keys() | copy.rows.keys())
        if now.rows.get(name) != copy.rows.get(name)
    ]
    if not changed and now.data != copy.data:
        changed = [f"{kept.path}: the same numbers of rows, other content"]
    return changed


async def _audit(session: Session, manifest: Manifest, database: Path) -> str:
    """Audit the restored log, and hold the original's head against it. Return what was seen."""
    from ssi.ledger import merkle
    from ssi.ledger.backends.sqlite import SqliteLedger
    from ssi.registry import audit

    if manifest.head is not None:
        await check_heads(database, [("the backup's own head", manifest.head.encode())])
    ledger = SqliteLedger(database, adopt_head=True)
    try:
        size = await ledger.size()
        report = await audit(ledger, roots=session.roots(), keys=session.note_keys())
        if report.broken:
            first = report.broken[0]
            raise VerificationError(f"the audit of the restored log finds entry {first.index}: {first.reason}")
        if session.has_ledger and is_there(session.ledger_url()):
            original = session.ledger()
            shared = min(size, await original.size())
            if await merkle.root(ledger, shared) != await merkle.root(original, shared):
                raise VerificationError(f"the restored log and the original differ within their first {shared} entries")
    finally:
        await ledger.close()
    return f"{size} entries hold, and are the original's"

"""The rehearsal of a restore: beside the original, into a folder that is removed again, compared piece by piece.

Input:   a backup that was made from the project at hand.
Shapes:  a problem means that the backup does not hold; a difference, that the original has changed since.
I/O:     restores into a temporary folder beside the project file; audits the restored ledger as ``ssi ledger audit``.
Errors:  those of ``backup_files``; what is wrong with what was restored is a problem, not an error.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ssi.cli.backup_files import KeptFile, Manifest, read_manifest
from ssi.cli.backup_sources import LEDGER, STORE
from ssi.cli.files import read_input
from ssi.cli.restore import check_heads, unpack
from ssi.cli.session import Session, is_there
from ssi.cli.workplace import workplace
from ssi.database import Snapshot, snapshot
from ssi.errors import SsiError, UnavailableError, VerificationError

MAX_PLAIN_BYTES = 1 << 28
REHEARSED = ".rehearsal-"


class Rehearsal(msgspec.Struct, frozen=True):
    """What a rehearsal found."""

    manifest: Manifest
    problems: list[str]
    differences: list[str]
    audit: str | None


async def rehearse(session: Session, folder: Path, passphrase: bytes) -> Rehearsal:
    """Restore, compare, remove."""
    manifest = read_manifest(folder, passphrase)
    problems: list[str] = []
    differences: list[str] = []
    audit: str | None = None
    with workplace(session.project.folder, REHEARSED) as beside:
        staged = beside / "restored"
        unpack(folder, manifest, staged)
        for kept in manifest.files:
            try:
                differences += _compare(kept, staged / kept.path, session.project.folder / kept.path, beside)
                if kept.kind == LEDGER:
                    audit = await _audit(session, manifest, staged / kept.path)
            except SsiError as exc:
                problems.append(f"{kept.path}: {exc}")
    return Rehearsal(manifest, problems, differences, audit)


class _Copied(msgspec.Struct, frozen=True):
    said: Snapshot
    sha256: str


def _copied(database: Path, copy: Path) -> _Copied:
    """Return what a copy of a database is of, and its hash; the copy is removed again."""
    from hashlib import file_digest

    said = snapshot(database, copy)
    try:
        with copy.open("rb") as file:
            return _Copied(said, file_digest(file, "sha256").hexdigest())
    except OSError as exc:
        raise UnavailableError("the copy of a database cannot be read") from exc
    finally:
        copy.unlink(missing_ok=True)


def _compare(kept: KeptFile, restored: Path, original: Path, beside: Path) -> list[str]:
    """Return in what the original has changed. Raises if what was restored is not what was kept."""
    if kept.kind not in (STORE, LEDGER):
        if not original.is_file():
            return [f"{kept.path}: the original is gone"]
        same = read_input(str(restored), max_bytes=MAX_PLAIN_BYTES) == read_input(
            str(original), max_bytes=MAX_PLAIN_BYTES
        )
        return [] if same else [f"{kept.path}: the original has other bytes"]
    copy = _copied(restored, beside / "restored.db")
    if copy.said.rows != kept.rows or copy.said.version != kept.version:
        raise VerificationError("the restored database has other tables, or numbers of rows, than were kept")
    if not original.is_file():
        return [f"{kept.path}: the original is gone"]
    now = _copied(original, beside / "original.db")
    changed = [
        f"{kept.path}: table {name} has {now.said.rows.get(name, 0)} rows, {copy.said.rows.get(name, 0)} in the backup"
        for name in sorted(now.said.rows.keys() | copy.said.rows.keys())
        if now.said.rows.get(name) != copy.said.rows.get(name)
    ]
    if not changed and now.sha256 != copy.sha256:
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

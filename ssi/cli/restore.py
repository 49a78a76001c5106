"""``ssi restore``: a backup back into a folder, whole or not at all, and never an older log over a newer head."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ssi.cli.backup import backup_passphrase, described
from ssi.cli.backup_files import Manifest, read_file, read_manifest
from ssi.cli.backup_sources import LEDGER
from ssi.cli.command import action, passphrase_options
from ssi.cli.files import make_folder, read_input
from ssi.cli.output import Answer, facts
from ssi.cli.project import Project
from ssi.cli.restore_begun import Begun
from ssi.cli.session import Session
from ssi.cli.workplace import workplace
from ssi.durable import sync_directory
from ssi.errors import ConflictError, InclusionProofError, UnavailableError, VerificationError

STAGED = ".restore-"


@click.command()
@click.argument("folder")
@click.option("--to", "target", metavar="DIR", required=True, help="Where the project file and all else goes.")
@click.option("--checkpoint", "note", metavar="NOTE", help="A kept checkpoint: a backup from before it is refused.")
@passphrase_options
@action
async def command(session: Session, folder: str, target: str, note: str | None) -> Answer:
    """Restore the backup in FOLDER to DIR, where none of its files may be yet.

    A restore that was interrupted is finished by running it again: until then there is no project file in DIR.
    Only the ledger's head file may be there (or where the project file says): a backup older than it is refused, for
    what was signed since is in the hands of readers.
    """
    from ssi.ledger.note import MAX_NOTE_BYTES

    passphrase, place = backup_passphrase(session), _absolute(target)
    kept = None if note is None else read_input(note, max_bytes=MAX_NOTE_BYTES)
    manifest = read_manifest(Path(folder), passphrase)
    make_folder(place)
    with workplace(place, STAGED) as staged:
        begun = Begun.read(place, manifest)
        moved = [file for file in manifest.files if begun.has_moved(file.path)]
        there = [file.path for file in manifest.files if file not in moved and (place / file.path).exists()]
        if there:
            raise ConflictError(f"nothing is restored over {there[0]}, which is there already")
        unpack(Path(folder), manifest, staged)
        await _check_ledger(manifest, staged, place, kept)
        _move(manifest, staged, begun)
    said = {"folder": str(target), **described(manifest)}
    return Answer(document=said, tables=[facts("restored", {k: v for k, v in said.items() if k != "files"})])


def _absolute(target: str) -> Path:
    return Path(target).absolute()


def unpack(folder: Path, manifest: Manifest, staged: Path) -> None:
    """Write every file of the backup, verified, below ``staged``."""
    for kept in manifest.files:
        target = staged / kept.path
        make_folder(target.parent)
        try:
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                read_file(folder, manifest, kept, file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise UnavailableError(f"{kept.path} cannot be restored") from exc


async def _check_ledger(manifest: Manifest, staged: Path, place: Path, kept: bytes | None) -> None:
    """Hold the restored log against every signed head that is known. Raises InclusionProofError."""
    from ssi.ledger.backends.head import HeadFile
    from ssi.ledger.backends.sqlite import database_and_head

    ledgers = [file.path for file in manifest.files if file.kind == LEDGER]
    if not ledgers:
        return
    project = Project.load(str(staged / manifest.project))
    database, head_path = database_and_head(project.url(project.ledger.url or ""))
    if head_path.is_relative_to(staged):
        head_path = place / head_path.relative_to(staged)
    notes = [] if manifest.head is None else [("the backup's own head", manifest.head.encode())]
    found = HeadFile(head_path).read()
    if found is not None:
        notes.append((f"the head file {head_path.name}", found[0]))
    if kept is not None:
        _verify(project, kept)
        notes.append(("the kept checkpoint", kept))
    await check_heads(database, notes)


def _verify(project: Project, note: bytes) -> None:
    from ssi.ledger.checkpoint import verify_note
    from ssi.ledger.note import parse_vkey

    keys = [parse_vkey(text) for text in project.ledger.checkpoint_keys]
    if not keys:
        raise VerificationError("the project in the backup names no key that the kept checkpoint could be signed with")
    verify_note(note, keys=keys)


async def check_heads(database: Path, notes: list[tuple[str, bytes]]) -> None:
    """Raise InclusionProofError unless the log in ``database`` reaches each of the notes and has its root."""
    from ssi.ledger import merkle
    from ssi.ledger.backends.sqlite import SqliteLedger
    from ssi.ledger.checkpoint import parse_checkpoint, parse_note

    ledger = SqliteLedger(database, head=database.with_name(database.name + ".checked"), adopt_head=True)
    try:
        size = await ledger.size()
        for what, note in notes:
            head = parse_checkpoint(parse_note(note).unverified_text)
            if head.size > size:
                raise InclusionProofError(
                    f"the backup is older than the signed head: it has {size} entries, {what} was signed over"
                    f" {head.size}; restore it to an empty folder, and bring the log forward by"
                    " ssi ledger recover --checkpoint"
                )
            if await merkle.root(ledger, head.size) != head.root:
                raise InclusionProofError(f"the backup holds another log than {what} of size {head.size}")
    finally:
        await ledger.close()


def _move(manifest: Manifest, staged: Path, begun: Begun) -> None:
    """Move the files to their places; the project file last, so that half a restore is no project."""
    from ssi.ledger.backends.head import HeadFile
    from ssi.ledger.backends.sqlite import database_and_head

    place = begun.place
    left = [kept.path for kept in manifest.files if not begun.has_moved(kept.path)]
    begun.note(staged, left)
    try:
        for path in sorted(left, key=lambda path: path == manifest.project):
            target = place / path
            if path == manifest.project and manifest.head is not None:
                project = Project.load(str(staged / path))
                if project.ledger.url:
                    head_path = database_and_head(project.url(project.ledger.url))[1]
                    inside = head_path.is_relative_to(staged)
                    head = HeadFile(place / head_path.relative_to(staged) if inside else head_path)
                    if head.read() is None:
                        head.write(manifest.head.encode())
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged / path).rename(target)
            sync_directory(target.parent)
    except OSError as exc:
        raise UnavailableError("a restored file cannot be moved to its place; run it again") from exc
    begun.end()

"""``ssi backup``: everything of a project, sealed in a folder while the project is in use; and the rehearsal of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import click

from ssi.cli.backup_files import BackupWriter, Manifest
from ssi.cli.backup_sources import LEDGER, STORE, Source, sources
from ssi.cli.command import action, passphrase_options
from ssi.cli.exits import OK, REFUSED
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, facts
from ssi.cli.passphrase import read_passphrase
from ssi.cli.session import Session
from ssi.cli.workplace import workplace
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, UnavailableError
from ssi.types import JsonObject

MAX_PLAIN_BYTES = 1 << 28
COPIES = ".backup-"


@click.command()
@click.argument("folder")
@click.option("--rehearse", is_flag=True, help="Restore the backup in FOLDER beside the project, compare, remove it.")
@passphrase_options
@action
async def command(session: Session, folder: str, rehearse: bool) -> Answer:
    """Keep the project file's ledger, stores, keys and plain files in FOLDER, sealed with a passphrase of its own.

    Passphrase files are not kept: without the passphrases of keys and wallet a backup of them opens nothing. With
    --rehearse nothing is kept: what FOLDER holds is restored to a temporary folder and held against the project.
    """
    if not session.project.path.exists():
        raise InvalidInputError("a backup is of a project: name its file by --project")
    if rehearse:
        return await _rehearse(session, Path(folder))
    return await _make(session, Path(folder))


async def _make(session: Session, folder: Path) -> Answer:
    import asyncio

    found, left_out = sources(session.project)
    writer = BackupWriter(folder, backup_passphrase(session, confirm=True))
    head: bytes | None = None
    with workplace(session.project.folder, COPIES) as beside:
        for source in found:
            if source.kind == LEDGER:
                # Before the copy: the copy then has at least the entries of this head.
                head = await session.ledger().checkpoint()
            await asyncio.to_thread(_keep, writer, source, beside)
    manifest = writer.finish(created=session.now(), project=session.project.path.name, left_out=left_out, head=head)
    return Answer(document=described(manifest), tables=[_table(manifest), *_left_out(manifest)])


def _keep(writer: BackupWriter, source: Source, beside: Path) -> None:
    """Keep one file; a database is copied first, to where no passphrase protects it any less than the original."""
    from ssi.database import snapshot

    if source.kind not in (STORE, LEDGER):
        data = read_input(str(source.file), max_bytes=MAX_PLAIN_BYTES)
        writer.add(source.path, source.kind, BytesIO(data))
        return
    copy = beside / "copy.db"
    said = snapshot(source.file, copy)
    try:
        with copy.open("rb") as file:
            writer.add(source.path, source.kind, file, version=said.version, rows=said.rows)
    except OSError as exc:
        raise UnavailableError("the copy of a database cannot be read") from exc
    finally:
        copy.unlink(missing_ok=True)


async def _rehearse(session: Session, folder: Path) -> Answer:
    from ssi.cli.rehearsal import rehearse

    result = await rehearse(session, folder, backup_passphrase(session))
    document: JsonObject = {
        **described(result.manifest),
        "problems": result.problems,
        "differences": result.differences,
    }
    tables = [
        facts("the backup does not hold" if result.problems else "the backup holds", {"audit": result.audit}),
        Table("problems", [[text] for text in result.problems], ("what",)),
        Table("changed since the backup", [[text] for text in result.differences], ("what",)),
    ]
    return Answer(
        document=document,
        tables=[tables[0], *(table for table in tables[1:] if table.rows)],
        exit_code=REFUSED if result.problems else OK,
        outcome="refused" if result.problems else "ok",
    )


def backup_passphrase(session: Session, *, confirm: bool = False) -> bytes:
    """Return the passphrase of the backup, which is told by options only."""
    given = session.options
    return read_passphrase("the backup", file=given.passphrase_file, env=given.passphrase_env, confirm=confirm)


def described(manifest: Manifest) -> JsonObject:
    """Return what a backup holds, without its parts."""
    return {
        "created": format_seconds(manifest.created),
        "library": manifest.library,
        "ledger": _head(manifest),
        "files": [{"path": kept.path, "kind": kept.kind, "size": kept.size} for kept in manifest.files],
        "left out": list(manifest.left_out),
    }


def _head(manifest: Manifest) -> JsonObject | None:
    from ssi.ledger.checkpoint import parse_checkpoint, parse_note

    if manifest.head is None:
        return None
    head = parse_checkpoint(parse_note(manifest.head.encode()).unverified_text)
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def _table(manifest: Manifest) -> Table:
    rows = [[kept.path, kept.kind, kept.size] for kept in manifest.files]
    return Table(f"{len(rows)} files kept", rows, ("path", "kind", "size"))


def _left_out(manifest: Manifest) -> list[Table]:
    return [Table("left out", [[text] for text in manifest.left_out], ("what",))] if manifest.left_out else []

"""``ssi ledger recover``: bring a restored database forward to the head that was signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.files import read_input
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError, NotFoundError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger.excerpt import Line

ENTRIES: Final = "ledger/entries.jsonl"
_SQLITE: Final = b"SQLite format 3\0"


@click.command()
@click.option("--from", "source", metavar="PATH", required=True, help="Where the entries are that the backup lacks.")
@click.option("--checkpoint", "note", metavar="NOTE", help="A kept checkpoint, if the head file is lost or older.")
@ledger_options
@action
async def command(session: Session, source: str, note: str | None) -> Answer:
    """Bring a ledger that was restored from a backup forward to its last signed head.

    PATH is an offline folder as `ssi ledger export` writes it, its entries.jsonl, a bundle, or another copy of the
    database. The entries count if, with the restored ones, they give the signed root; nothing is changed otherwise. A
    signed entry is never given up: without it the log does not go on.
    """
    import asyncio

    from ssi.ledger.backends.recovery import recover
    from ssi.ledger.note import MAX_NOTE_BYTES

    if session.ledger_url().startswith("evm+"):
        raise InvalidInputError("a mirror is filled from its chain; what it lacks then comes by ssi ledger supply")
    kept = None if note is None else read_input(note, max_bytes=MAX_NOTE_BYTES)
    lines = _lines(Path(source))
    done = await asyncio.to_thread(recover, session.ledger_url(), lines, keys=session.note_keys(), kept=kept)
    said: JsonObject = {
        "origin": done.origin,
        "restored": done.restored_size,
        "size": done.size,
        "root": done.root.hex(),
        "erased again": list(done.erased),
    }
    return Answer(document=said, tables=[facts("at the signed head again", said)])


def _lines(source: Path) -> Iterator[Line]:
    """Return the lines of the log that lie at ``source``, whichever of the four kinds it is."""
    from ssi.encoding.archive import MAX_ARCHIVE_BYTES, parse_archive
    from ssi.files import Files, FolderFiles, MemberFiles
    from ssi.ledger.backends.recovery import copied_lines
    from ssi.ledger.excerpt import MAX_LINE_BYTES, parse_line

    files: Files
    name = ENTRIES
    if source.is_dir():
        files = FolderFiles(source)
    else:
        start = _start(source)
        if start == _SQLITE:
            return copied_lines(source)
        if start.startswith(b"PK"):
            files = MemberFiles(parse_archive(read_input(str(source), max_bytes=MAX_ARCHIVE_BYTES)))
        else:
            files, name = FolderFiles(source.absolute().parent), source.name
    return (parse_line(line) for line in files.lines(name, max_bytes=MAX_LINE_BYTES))


def _start(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(len(_SQLITE))
    except OSError as exc:
        raise NotFoundError(f"{source.name} cannot be read") from exc

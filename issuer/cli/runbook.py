"""``ssi runbook``: replace a credential key and issue again what it signed, in steps.

Input:   the table ``issuer`` of the project file, and the folder of a run.
I/O:     that folder, the issuer's store, the key store, the ledger.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssi.cli.command import action, key_options
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.types import JsonObject

from .settings import open_issuer

if TYPE_CHECKING:
    from ..issuer import Issuer
    from ..runbook import Progress, Runbook

Function = TypeVar("Function", bound=Callable[..., Any])


@click.group()
def runbook() -> None:
    """Replace a credential key and issue again what it signed: in steps that may be stopped and taken up again.

    A run keeps its state in a folder: the plan, a journal, the new credentials. It keeps no claims.
    """


def run_options(function: Function) -> Function:
    """Add the options of whatever carries a run on."""
    for option in (
        click.option("--claims", "claims_file", metavar="FILE", help='Lines {"reference": …, "claims": {…}}.'),
        click.option("--limit", type=click.IntRange(0), help="Stop after this many cases."),
    ):
        function = option(function)
    return function


@runbook.command("rotate-key")
@click.argument("folder")
@click.option("--key", metavar="LABEL", help="The key to replace (default: the one that signs credentials now).")
@run_options
@key_options
@action
async def rotate_key(session: Session, folder: str, key: str | None, **more: Any) -> Answer:
    """Replace the credential key, sign the lists again, and issue again what the old key signed."""
    return await _start(session, folder, "rotate-key", key, **more)


@runbook.command("compromised-key")
@click.argument("folder")
@click.option("--key", metavar="LABEL", help="The stolen key (default: the one that signs credentials now).")
@run_options
@key_options
@action
async def compromised_key(session: Session, folder: str, key: str | None, **more: Any) -> Answer:
    """As rotate-key for a key in other hands: list all that it signed, and declare it compromised on the ledger."""
    return await _start(session, folder, "compromised-key", key, **more)


@runbook.command()
@click.argument("folder")
@run_options
@key_options
@action
async def resume(session: Session, folder: str, **more: Any) -> Answer:
    """Go on with the run in FOLDER, after a pause or a crash."""
    from ..runbook import Runbook

    return await _run(session, Runbook.open(Path(folder)), await open_issuer(session), **more)


@runbook.command()
@click.argument("folder")
@action
async def pause(session: Session, folder: str) -> Answer:
    """Have the run in FOLDER stop after the case that it is at."""
    from ..runbook import Runbook

    found = Runbook.open(Path(folder))
    found.pause()
    return _progress("paused", found.progress)


@runbook.command()
@click.argument("folder")
@action
async def show(session: Session, folder: str) -> Answer:
    """Say how far the run in FOLDER is."""
    from ..runbook import Runbook

    return _progress("run", Runbook.open(Path(folder)).progress)


async def _start(session: Session, folder: str, kind: Any, key: str | None, **more: Any) -> Answer:
    from ..runbook import Runbook

    issuer = await open_issuer(session)
    return await _run(
        session, await Runbook.start(Path(folder), issuer, kind=kind, now=session.now(), key=key), issuer, **more
    )


async def _run(
    session: Session, book: Runbook, issuer: Issuer, *, claims_file: str | None, limit: int | None
) -> Answer:
    from ..runbook import read_claims

    claims = None if claims_file is None else read_claims(Path(claims_file))
    progress = book.progress
    with session.output.progress("reissued", progress.total or 0) as advance:
        progress = await book.run(issuer, claims=claims, limit=limit, advance=advance)
    return _progress("done" if progress.step == "done" else "stopped: resume it", progress)


def _progress(title: str, progress: Progress) -> Answer:
    """Say how far a run is; a case that was left out is a finding, for a person to look at."""
    from msgspec.structs import asdict

    document: JsonObject = asdict(progress)
    left_out = [[number, reason] for number, reason in progress.left_out.items()]
    tables = [facts(title, {**document, "left_out": len(left_out)})]
    if left_out:
        tables.append(Table("left out", left_out, ("row", "reason")))
    return Answer(document=document, tables=tables)

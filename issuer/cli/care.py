"""``ssi issuer``: look after an agency's store, and hand out proofs of issuance.

Input:   the table ``issuer`` of the project file.
I/O:     the issuer's store, the ledger; ``recover`` also the web, unless the lists come from a folder.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from pathlib import Path

import click

from ssi.cli.command import action, key_options
from ssi.cli.exits import COULD_NOT_CHECK, OK, OUTCOMES, REFUSED
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.ports import StatusListSource
from ssi.types import JsonObject

from .settings import open_issuer, open_with_store

MAX_CREDENTIAL_BYTES = 4 << 20


@click.group()
def issuer() -> None:
    """Look after an agency's store: after a restore, and for proofs of issuance."""


@issuer.command()
@key_options
@action
async def check(session: Session) -> Answer:
    """Say whether the store is the newest; exit 1 if what was issued since is not in it."""
    from ..continuity import Continuity

    opened = await open_with_store(session)
    found = opened.issuer
    registry = await session.registry() if session.has_ledger else None
    await Continuity(found.did, store=opened.store, registry=registry, status_base=found.status_base).require()
    return Answer(document={"newest": True}, tables=[facts("the store is the newest that is known", {})])


@issuer.command()
@click.option("--lists", metavar="DIR", help="The lists as they were published last (default: fetch them).")
@click.option("--give-up", "give_up", metavar="URI", multiple=True, help="Go on without this list; may be repeated.")
@click.option("--reason", required=True, help="Why; stays in the issuer's store.")
@click.option("--by", default="", help="Who decided; stays in the issuer's store.")
@key_options
@action
async def recover(session: Session, lists: str | None, give_up: tuple[str, ...], reason: str, by: str) -> Answer:
    """Go on from an older copy of the store that was restored.

    No list that it knows takes new credentials any more: which of their indexes were given out since is not known. New
    credentials refer to fresh lists, and all states that are published are taken over.
    """
    from ..recovery import recover as go_on

    opened = await open_with_store(session)
    done = await go_on(
        opened.issuer,
        store=opened.store,
        registry=await session.registry() if session.has_ledger else None,
        lists=published_lists(session, lists),
        now=session.now(),
        reason=reason,
        by=by,
        give_up=give_up,
    )
    anchored = await opened.issuer.publish()
    document: JsonObject = {
        "closed": list(done.closed),
        "found": list(done.found),
        "given up": list(done.lost),
        "states taken over": done.changed,
        "anchored": anchored,
    }
    return Answer(document=document, tables=[facts("the store goes on", document)])


@issuer.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing anywhere.")
@key_options
@action
async def reconcile(session: Session, dry_run: bool) -> Answer:
    """Bring to the ledger what waits in the issuer's outbox, after a crash, a time-out or a ledger that took it back.

    The same bytes are submitted again, so nothing is written twice. Exit 1 if the registry refuses something or the
    ledger does not hold together, 3 if something still waits.
    """
    done = await (await open_issuer(session)).reconcile(dry_run=dry_run)
    rows: list[JsonObject] = [
        {
            "intent": str(each.kind),
            "about": each.subject,
            "number": each.number,
            "state": str(each.state),
            "what": each.did,
            "entry": each.index,
        }
        for each in done.outcomes
    ]
    code = OK
    if done.refused():
        code = REFUSED
    elif (not dry_run and not done.settled) or done.problem:
        code = COULD_NOT_CHECK
    columns = ("intent", "about", "number", "state", "what", "entry")
    title = "nothing is open" if not rows else "what would be done" if dry_run else "what was done"
    lines = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    tables: list[Table] = [Table(title, lines, columns)] if rows else [facts(title, {})]
    document: JsonObject = {"intents": rows, "dry run": dry_run, "settled": done.settled}
    if done.problem:
        document["problem"] = done.problem
        tables.append(facts("the ledger", {"problem": done.problem}))
    return Answer(document=document, tables=tables, exit_code=code, outcome=OUTCOMES[code])


@issuer.command()
@click.argument("file")
@click.option("--out", metavar="FILE", help="Write the proof to a file, for the holder.")
@key_options
@action
async def proof(session: Session, file: str, out: str | None) -> Answer:
    """Give the proof that the credential in FILE was issued when it was; for its holder to keep beside it.

    Exit 2 as long as no batch with it is anchored: that is done by `ssi publish`, once in every period.
    """
    credential = read_input(file, max_bytes=MAX_CREDENTIAL_BYTES).decode("ascii", "replace").strip()
    book = (await open_issuer(session)).book
    if book is None:
        raise InvalidInputError("this issuer keeps no issuance book: the project file has no table issuer.issuance")
    made = await book.proof(credential)
    if out:
        write_output(out, made, private=True)
    return Answer(
        document={"proof": made.decode("ascii")},
        raw=None if out else made.decode("ascii"),
        tables=[facts("proof of issuance", {"bytes": len(made)})],
    )


def published_lists(session: Session, folder: str | None) -> StatusListSource:
    """Return where lists come from: a folder, or their addresses."""
    if folder is not None:
        from ssi.status.folder import ListFolder

        return ListFolder(Path(folder))
    from ssi.status.source import FetchedLists

    return FetchedLists(session.fetch())

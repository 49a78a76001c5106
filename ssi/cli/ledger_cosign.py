"""``ssi ledger cosign``: have the newest checkpoint cosigned by the ledger's witnesses.

Source:  C2SP tlog-witness, from the log's side.
I/O:     the ledger, and a request or two to each witness.
Errors:  see ``ssi.cli.exits``. Ends with 1 if fewer witnesses cosigned than are required.
"""

from __future__ import annotations

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.exits import OK, REFUSED
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.ledger.cosign import WitnessAddress
from ssi.types import JsonObject


@click.command()
@click.option(
    "--witness",
    "named",
    nargs=2,
    metavar="URL VKEY",
    multiple=True,
    help="A witness; may be repeated (default: those of the project file).",
)
@click.option("--required", type=click.IntRange(0), help="How many have to cosign (default: as the project file says).")
@ledger_options
@action
async def command(session: Session, named: tuple[tuple[str, str], ...], required: int | None) -> Answer:
    """Ask every witness to cosign the newest checkpoint, and keep the checkpoint with their signatures."""
    from ssi.encoding.timestamps import format_seconds
    from ssi.ledger.cosign import cosign_head
    from ssi.ledger.quorum import Quorum, verify_head

    witnesses = _witnesses(session, named)
    keys = session.note_keys()
    if not keys:
        raise InvalidInputError("the key of the log has to be known: name it by --vkey, or in the project file")
    wanted = session.project.ledger.required_witnesses if required is None else required
    quorum = Quorum(tuple(witness.key for witness in witnesses), min(wanted, len(witnesses)))
    collected = await cosign_head(session.ledger(), witnesses, post=session.door().post)
    head = verify_head(collected.note, keys=keys, quorum=Quorum(quorum.witnesses))
    enough = head.witnessed.count >= wanted
    rows: list[JsonObject] = [
        {"witness": each.witness, "time": None if each.time is None else format_seconds(each.time), "why": each.reason}
        for each in collected.asked
    ]
    seen: JsonObject = {
        "origin": head.origin,
        "size": head.size,
        "witnesses": f"{head.witnessed.count} of {head.witnessed.of}",
        "required": wanted,
    }
    document: JsonObject = {**seen, "asked": rows}
    if not enough:
        document.update(check="witnesses", reason=f"{head.witnessed}, {wanted} required")
    columns = ("witness", "time", "why")
    return Answer(
        document=document,
        tables=[
            facts("cosigned" if enough else "not cosigned by enough witnesses", seen),
            Table("witnesses", [[row[name] or "" for name in columns] for row in rows], columns),
        ],
        exit_code=OK if enough else REFUSED,
        outcome="ok" if enough else "refused",
    )


def _witnesses(session: Session, named: tuple[tuple[str, str], ...]) -> list[WitnessAddress]:
    from ssi.ledger.note import parse_vkey

    configured = [(each.url, each.key) for each in session.project.ledger.witnesses if each.url is not None]
    found = [WitnessAddress(url.rstrip("/"), parse_vkey(vkey)) for url, vkey in named or configured]
    if not found:
        raise InvalidInputError("no witness: name one by --witness URL VKEY, or in the project file")
    return found

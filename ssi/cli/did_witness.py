"""``ssi did witness``: gather the approvals of a DID's witnesses into its did-witness.json.

Source:  did:webvh 1.0, "The Witness Proofs File".
I/O:     the files of an organisation: its log, the log with the line that waits, and the approvals; witnesses' servers.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

import click

from ssi.cli.approvals import ASK_HELP, Approval, ask, gather
from ssi.cli.command import action
from ssi.cli.files import read_input
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1)
@click.option("--ask", "urls", metavar="URL", multiple=True, help=f"{ASK_HELP} Default: those of the project file.")
@action
async def command(session: Session, name: str, files: tuple[str, ...], urls: tuple[str, ...]) -> Answer:
    """Add the approvals in FILES (each a did-witness.json) to those of organisation NAME, or ask its witnesses.

    Once enough witnesses have approved the line that waits, the log with it takes the place of the one that is served.
    On a ledger, approvals are put by `ssi ledger witness`.
    """
    from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES

    brought = [Approval(file, read_input(file, max_bytes=MAX_WITNESS_FILE_BYTES)) for file in files]
    document = gather(session, name, brought)
    servers = urls or (() if files else session.project.organisation(name).witnesses)
    if not files and not servers:
        raise InvalidInputError("no approvals: name files, or servers of witnesses by --ask or in the project file")
    if servers and not document["approved"]:
        document = gather(session, name, await ask(session, name, servers), skip=True)
    return Answer(document=document, tables=[facts("approved" if document["approved"] else "waiting", document)])

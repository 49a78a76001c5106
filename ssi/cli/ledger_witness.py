"""``ssi ledger witness``: put the approvals of a DID's witnesses on the ledger, where its line waits for them."""

from __future__ import annotations

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.types import JsonObject


@click.command()
@click.argument("file")
@ledger_options
@key_options
@action
async def command(session: Session, file: str) -> Answer:
    """Put the proofs of FILE, a did-witness.json, on the ledger; their lines stand there already.

    A line counts, and its keys are in force, once enough of its witnesses have approved. May be repeated.
    """
    from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
    from ssi.registry import witness_entries

    entries = list(witness_entries(read_input(file, max_bytes=MAX_WITNESS_FILE_BYTES)))
    registry = await session.registry()
    submitted = [(await registry.submit(entry)).index for entry in entries]
    document: JsonObject = {"entries": submitted}
    return Answer(document=document, tables=[facts("approved", document)])

"""``ssi ledger end``: end an accreditation, a commitment, or another ending."""

from __future__ import annotations

from typing import cast, get_args

import click

from ssi.cli.command import TIME, StatementCommand, action, key_options, ledger_options
from ssi.cli.organisations import did_of
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import EntryNotFoundError
from ssi.registry.types import EndingReason
from ssi.types import JsonObject

REASONS = tuple(reason for reason in get_args(EndingReason) if reason != "compromised")


@click.command(cls=StatementCommand)
@click.argument("entry")
@click.option("--by", required=True, metavar="NAME", help="Who ends it, an organisation of the project.")
@click.option("--reason", required=True, type=click.Choice(REASONS))
@click.option("--effective", type=TIME, help="From when on (default: now).")
@click.option("--successor", metavar="NAME", help="Who comes after, with the reason succeeded: a name or a DID.")
@ledger_options
@key_options
@action
async def command(
    session: Session, entry: str, by: str, reason: str, effective: int | None, successor: str | None
) -> Answer:
    """End ENTRY, a statement on the ledger by its index (see `ssi ledger show`) or id.

    Its signer may end it, the signer's accreditor, a root, or an appeal body. To end an ending brings back what it
    ended. A key is declared compromised by `ssi ledger compromised`.
    """
    identifier, now = await entry_id(session, entry), session.now()
    organisation = await session.organisation(by)
    submitted = await organisation.end(
        identifier,
        reason=cast("EndingReason", reason),
        registry=await session.registry(),
        now=now,
        effective=effective,
        successor=None if successor is None else did_of(session, successor),
    )
    document: JsonObject = {
        "ends": identifier,
        "reason": reason,
        "effective": format_seconds(now if effective is None else effective),
        "id": submitted.id,
        "entry": submitted.index,
    }
    return Answer(document=document, tables=[facts("ended", document)])


async def entry_id(session: Session, text: str) -> str:
    """Return the id of a ledger entry that is given by index or id. Raises EntryNotFoundError.

    Whether it was accepted is for the guard to say.
    """
    from ssi.registry import parse_entry

    if not (text.isascii() and text.isdecimal()):
        found = (await session.registry()).view().entry(text)
        if found is None:
            raise EntryNotFoundError("the ledger has no such entry")
        return found.id
    index, ledger = int(text), session.ledger()
    entry = (await ledger.read(index, index + 1))[0] if index < await ledger.size() else None
    if not isinstance(entry, bytes):
        raise EntryNotFoundError(f"the ledger has no entry {index}, or no longer its body")
    return parse_entry(entry).id

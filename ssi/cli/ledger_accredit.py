"""``ssi ledger accredit``: entitle an organisation to a role, as a root or under an accreditation of one's own."""

from __future__ import annotations

from typing import cast, get_args

import click

from ssi.cli.command import TIME, action, key_options, ledger_options
from ssi.cli.ledger_end import entry_id
from ssi.cli.organisations import did_of
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.registry.organisation import entitlement
from ssi.registry.types import Role
from ssi.types import JsonObject


@click.command()
@click.argument("subject")
@click.option("--role", required=True, type=click.Choice(get_args(Role)), help="What it may be.")
@click.option("--by", required=True, metavar="NAME", help="Who accredits it, an organisation of the project.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only for this credential type; may be repeated.")
@click.option(
    "--under", metavar="ENTRY", help="The accreditation of --by (index or id; default: the newest that allows it)."
)
@click.option("--answerable-to", "answerable", metavar="NAME", multiple=True, help="Who supervises it (default: --by).")
@click.option("--until", type=TIME, help="When it ends (default: in three years).")
@ledger_options
@key_options
@action
async def command(
    session: Session,
    subject: str,
    role: str,
    by: str,
    types: tuple[str, ...],
    under: str | None,
    answerable: tuple[str, ...],
    until: int | None,
) -> Answer:
    """Accredit SUBJECT, a name of the project or a DID.

    A root needs no accreditation itself. Others give what they were accredited for: as an accreditor, and within its
    types.
    """
    given, now = cast("Role", role), session.now()
    did, registry, accreditor = did_of(session, subject), await session.registry(), await session.organisation(by)
    if under is not None:
        parent: str | None = await entry_id(session, under)
    else:
        parent = entitlement(registry.view(), accreditor.did, given, types=types, at=now)
    submitted = await accreditor.accredit(
        did,
        role=given,
        registry=registry,
        now=now,
        types=types,
        by=parent,
        answerable_to=[did_of(session, each) for each in answerable],
        valid_until=until,
    )
    document: JsonObject = {
        "subject": did,
        "role": role,
        "types": list(types),
        "by": accreditor.did,
        **({} if parent is None else {"under": parent}),
        "id": submitted.id,
        "entry": submitted.index,
    }
    return Answer(document=document, tables=[facts("accredited", document)])

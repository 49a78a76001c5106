"""``ssi ledger withhold``: erase the body of an entry under an order that is recorded on the log."""

from __future__ import annotations

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.types import JsonObject

MAX_ORDER_BYTES = 16 << 20


@click.command()
@click.argument("index", type=click.IntRange(0))
@click.option("--order", metavar="FILE", required=True, help="The decision, in any format; its hash is recorded.")
@click.option("--by", required=True, metavar="NAME", help="Who orders it: a root, a supervisor or an appeal body.")
@click.option("--anyway", is_flag=True, help="Also if entries that rest on it lose their effect.")
@ledger_options
@key_options
@action
async def command(session: Session, index: int, order: str, by: str, anyway: bool) -> Answer:
    """Erase the body of entry INDEX for good; its hash stays, so that every other proof holds.

    The order is put on the log first, and the entry then names it. Copies that others have made are theirs to erase.
    The newest commitment to a list cannot be withheld: publish the list anew before.
    """
    from ssi.registry.withholding import withhold

    done = await withhold(
        index,
        order=read_input(order, max_bytes=MAX_ORDER_BYTES),
        organisation=await session.organisation(by),
        registry=await session.registry(),
        now=session.now(),
        anyway=anyway,
    )
    document: JsonObject = {
        "entry": done.index,
        "leaf hash": done.leaf_hash.hex(),
        "order": done.order,
        "ordered at": done.ordered_at,
    }
    return Answer(document=document, tables=[facts("withheld", document)])

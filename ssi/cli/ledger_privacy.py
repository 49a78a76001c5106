"""``ssi ledger privacy-check``: search the ledger for the people of a register.

Input:   a register as CSV with a header line, as a JSON list of objects, or as one JSON object per line.
Shapes:  what is printed names entry, row (from 1) and column, never a value.
"""

from __future__ import annotations

from typing import Final

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.exits import OK, REFUSED
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

MAX_KEYS: Final = 1_000


@click.command(name="privacy-check")
@click.option("--people", required=True, metavar="FILE", help="The register: CSV with a header, JSON, or JSON lines.")
@click.option("--field", "fields", metavar="NAME", multiple=True, help="Search these columns only; may be repeated.")
@click.option(
    "--ignore", metavar="NAME", multiple=True, help="Leave out a column that people share with organisations."
)
@click.option("--known-keys", metavar="FILE", help="Keys or salts that somebody may know, one in each line.")
@ledger_options
@action
async def command(
    session: Session, people: str, fields: tuple[str, ...], ignore: tuple[str, ...], known_keys: str | None
) -> Answer:
    """Search every entry for the values of a register, their plain hashes and their hashes under known keys.

    Exit 0: nothing was found. Exit 1: something was, by entry, row and column.
    """
    from ssi.ledger import stream
    from ssi.registry import privacy_check
    from ssi.registry.register import MAX_REGISTER_BYTES, parse_register

    rows = parse_register(read_input(people, max_bytes=MAX_REGISTER_BYTES))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    unknown = {*fields, *ignore}.difference(columns)
    if unknown:
        raise InvalidInputError(f"the register has no column {', '.join(sorted(unknown))}")
    searched = [name for name in fields or columns if name not in ignore]
    keys = [] if known_keys is None else _keys(read_input(known_keys))
    ledger = session.ledger()
    size = await ledger.size()
    entries = []
    with session.output.progress("reading", size) as advance:
        async for _, entry in stream(ledger):
            entries.append(entry)
            advance(1)
    found = privacy_check(entries, rows, keys=keys, fields=searched)
    findings = [{"entry": each.entry, "row": each.person + 1, "field": each.field, "form": each.form} for each in found]
    seen: JsonObject = {"entries": size, "people": len(rows), "columns": ", ".join(searched)}
    document: JsonObject = {"entries": size, "people": len(rows), "columns": searched, "findings": findings}
    tables = [facts("people found on the ledger" if findings else "nobody found on the ledger", seen)]
    if findings:
        names = ("entry", "row", "field", "form")
        tables.append(Table("findings", [[row[name] for name in names] for row in findings], names))
        document.update(check="privacy", reason=f"{len(findings)} places where a person's datum stands")
    return Answer(
        document=document,
        tables=tables,
        exit_code=REFUSED if findings else OK,
        outcome="refused" if findings else "ok",
    )


def _keys(data: bytes) -> list[bytes]:
    keys = [line.rstrip(b"\r") for line in data.split(b"\n") if line.strip()]
    if len(keys) > MAX_KEYS:
        raise InvalidInputError(f"expected at most {MAX_KEYS} keys")
    return keys

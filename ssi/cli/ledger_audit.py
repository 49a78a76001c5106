"""``ssi ledger audit``: replay the whole log and name the first entry that does not hold."""

from __future__ import annotations

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.exits import OK, REFUSED
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.cli.watched import WatchedLedger
from ssi.types import JsonObject


@click.command()
@click.option(
    "--checkpoint", "note", metavar="NOTE", help="A checkpoint that was kept: tells a log that was rewritten."
)
@click.option("--anchored-in", "anchored", metavar="URL", help="Also hold it against its anchors in another ledger.")
@click.option("--anchor-root", "anchor_roots", metavar="DID", multiple=True, help="A root accreditor of that one.")
@click.option(
    "--anchor-vkey", "anchor_vkeys", metavar="VKEY", multiple=True, help="A key that may sign its checkpoints."
)
@ledger_options
@action
async def command(
    session: Session,
    note: str | None,
    anchored: str | None,
    anchor_roots: tuple[str, ...],
    anchor_vkeys: tuple[str, ...],
) -> Answer:
    """Check every entry: bytes, hashes, signatures, rules and DID histories; exit 1 names the first broken entry.

    With --checkpoint the log is also held against a signed note from before, so that a log rewritten with all its
    hashes is told from the one that was signed then. With --anchored-in the same is asked of every checkpoint that
    another ledger has of this one: one anchor at least has to be there, and all of them have to hold.
    """
    from ssi.ledger.note import MAX_NOTE_BYTES
    from ssi.registry import audit

    ledger, keys = session.ledger(), session.note_keys()
    kept = None if note is None else read_input(note, max_bytes=MAX_NOTE_BYTES)
    with session.output.progress("auditing", 2 * await ledger.size()) as advance:
        report = await audit(WatchedLedger(ledger, advance), roots=session.roots(), keys=keys, checkpoint=kept)
    broken = [{"entry": each.index, "kind": each.kind, "reason": each.reason} for each in report.broken]
    elsewhere: JsonObject = {}
    if anchored is not None:
        from ssi.cli.ledger_anchor import anchored_in

        anchors, elsewhere = await anchored_in(session, anchored, anchor_roots, anchor_vkeys)
        broken += [{"entry": None, "kind": "anchor", "reason": reason} for _, reason in anchors.broken]
        if not anchors.ok and not anchors.broken:
            broken.append({"entry": None, "kind": "anchor", "reason": "no anchor of this log stands there"})
    holds = not broken
    seen: JsonObject = {
        "size": report.size,
        "root": report.root.hex(),
        "entries": report.counts,
        "checkpoint": _head(report.checkpoint.size if report.checkpoint else None, bool(keys)),
        "state roots": dict(report.state_roots.summary()),
        "compared with": None if report.compared is None else f"a kept checkpoint of size {report.compared.size}",
    }
    tables = [facts("the log holds" if holds else "the log does not hold", seen)]
    document: JsonObject = {**seen, "broken": broken}
    if anchored is not None:
        tables.append(facts("anchored elsewhere", elsewhere))
        document["anchored"] = elsewhere
    if broken:
        tables.append(
            Table(
                "broken",
                [[_place(row["entry"]), row["kind"], row["reason"]] for row in broken],
                ("entry", "kind", "reason"),
            )
        )
        document.update(check=broken[0]["kind"], reason=broken[0]["reason"], entry=broken[0]["entry"])
    return Answer(
        document=document,
        tables=tables,
        exit_code=OK if holds else REFUSED,
        outcome="ok" if holds else "refused",
    )


def _head(size: int | None, keys: bool) -> str:
    if size is not None:
        return f"signed at size {size}"
    return "none that a known key signed" if keys else "not checked: no key"


def _place(index: object) -> str:
    return "log" if index is None else str(index)

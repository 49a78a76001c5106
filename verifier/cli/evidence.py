"""``ssi evidence``: look at a kept verification again, and have it time-stamped.

I/O:     the file, and the folder of anchors; no network: a time stamp is asked for by whoever sends the request.
Errors:  see ``ssi.cli.exits``. 0: the same result; 1: another, with the check that differs, or altered evidence;
         2: no evidence; 3: something to look at is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssi.cli.command import action, passphrase_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, checks, facts
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.types import JsonObject

from .verify import evidence_passphrase

if TYPE_CHECKING:
    from ..evidence import Evidence


@click.group()
def evidence() -> None:
    """Look at a kept verification again, in years and without a network. The file holds claims: treat it so."""


@evidence.command()
@click.argument("file")
@click.option("--anchors", metavar="DIR", help="What you believe: roots and keys, time stamp roots, the whole ledger.")
@click.option("--policy", "policy_file", metavar="FILE", help="Verify under this policy instead of the recorded one.")
@passphrase_options
@action
async def recheck(session: Session, file: str, anchors: str | None, policy_file: str | None) -> Answer:
    """Verify FILE again as of then, and compare.

    Without anchors or a policy of your own, the ledger is believed under what the file itself says.
    """
    from ..policy import Policy

    opened = _open(session, file)
    policy = None if policy_file is None else Policy.load(policy_file)
    found = await opened.recheck(anchors=anchors, policy=policy)
    report = found.report.to_json()
    kept = found.keep_until
    past = kept is not None and kept <= session.now()
    seen: JsonObject = {
        "recorded": found.outcome,
        "at": format_seconds(found.at),
        "stamped": None if found.stamped_at is None else format_seconds(found.stamped_at),
        "ledger": found.ledger,
        "anchors": found.anchors,
        "keep until": None if kept is None else f"{format_seconds(kept)}{', which is past: erase it' if past else ''}",
    }
    notes: JsonObject = {f"note {number}": note for number, note in enumerate(found.notes, 1)}
    return Answer(
        document=found.to_json() | {"recorded": found.outcome, "outcome": "same"},
        tables=[facts("the same result", {**seen, **notes}), checks(report)],
        outcome="same",
    )


@evidence.command("timestamp-request")
@click.argument("file")
@click.argument("request")
@passphrase_options
@action
async def timestamp_request(session: Session, file: str, request: str) -> Answer:
    """Write an RFC 3161 request for FILE to REQUEST, to be sent to an authority (application/timestamp-query)."""
    built = _open(session, file).timestamp_request()
    write_output(request, built)
    seen: JsonObject = {"request": request, "bytes": len(built)}
    return Answer(document=seen, tables=[facts("written", seen)])


@evidence.command()
@click.argument("file")
@click.argument("response")
@passphrase_options
@action
async def stamp(session: Session, file: str, response: str) -> Answer:
    """Put the authority's RESPONSE (or a bare TimeStampToken) into FILE. It is verified by `recheck --anchors`."""
    from ssi.keys.sealed import is_sealed

    sealed = is_sealed(read_input(file, max_bytes=_max_bytes()))
    passphrase = evidence_passphrase(session) if sealed else None
    stamped = _open(session, file).with_timestamp(read_input(response))
    stamped.save(file, passphrase=passphrase)
    seen: JsonObject = {"file": file, "sealed": sealed}
    return Answer(document=seen, tables=[facts("stamped", seen)])


def _max_bytes() -> int:
    from ..evidence import MAX_EVIDENCE_BYTES

    return MAX_EVIDENCE_BYTES


def _open(session: Session, file: str) -> Evidence:
    from ssi.keys.sealed import is_sealed

    from ..evidence import Evidence

    data = read_input(file, max_bytes=_max_bytes())
    return Evidence.parse(data, passphrase=evidence_passphrase(session) if is_sealed(data) else None)

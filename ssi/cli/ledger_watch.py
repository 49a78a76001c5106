"""``ssi ledger watch``: replay a log and alarm, once or for as long as it runs.

Source:  ``ssi.registry.monitor``.
I/O:     the ledger; heads that others were shown, from files and from witnesses; fork proofs into a folder.
Errors:  see ``ssi.cli.exits``: 0 nothing is wrong, 1 there were alarms, 3 the ledger did not answer.

With ``--every`` each round is one line on standard output, a JSON object with ``--json``, and the program ends at
SIGINT, SIGTERM or after ``--rounds``, with 1 if there was an alarm in any of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.exits import COULD_NOT_CHECK, OK, REFUSED
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, facts, plain
from ssi.cli.rounds import keep_looking
from ssi.cli.session import Session
from ssi.durable import replace_file
from ssi.errors import InvalidInputError, SsiError, UnavailableError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger.note import NoteKey
    from ssi.registry import RegistryFollower
    from ssi.registry.anchoring import AnchorWatch
    from ssi.registry.monitor import Monitor, Round


@click.command()
@click.option("--every", metavar="SECONDS", type=click.IntRange(1), help="Go on, with a look every so many seconds.")
@click.option("--rounds", metavar="N", type=click.IntRange(1), help="With --every: end after so many looks.")
@click.option("--freeze", metavar="SECONDS", type=click.IntRange(1), help="Alarm if the newest checkpoint is older.")
@click.option(
    "--state-root-freeze", metavar="SECONDS", type=click.IntRange(1), help="Alarm if the state root is older."
)
@click.option("--anchored-in", metavar="URL", help="Hold it against its anchors in another ledger, too.")
@click.option("--anchor-root", "anchor_roots", metavar="DID", multiple=True, help="A root accreditor of that one.")
@click.option("--anchor-vkey", "anchor_vkeys", metavar="VKEY", multiple=True, help="A key of its checkpoints.")
@click.option("--anchor-freeze", metavar="SECONDS", type=click.IntRange(1), help="Alarm if the anchor there is older.")
@click.option("--people", metavar="FILE", help="Search new entries for the people of this register.")
@click.option("--field", "fields", metavar="NAME", multiple=True, help="Search these columns only; may be repeated.")
@click.option("--shown", metavar="NOTE", multiple=True, help="A checkpoint that somebody else was shown (file or URL).")
@click.option("--state", metavar="FILE", help="Keep the last checkpoint here (default: the project's pin).")
@click.option("--evidence", metavar="DIR", help="Write the proof of each fork into this folder.")
@ledger_options
@action
async def command(
    session: Session,
    every: int | None,
    rounds: int | None,
    shown: tuple[str, ...],
    evidence: str | None,
    **given: Any,
) -> Answer:
    """Alarm on a fork, a rollback, a freeze, wrong state roots, entries that break the guard's rules, personal data.

    The log is also held against what its witnesses cosigned (those with a url in the project file), what --shown names,
    and what another ledger has of it: readers who were shown two histories find it out here. Every state root is
    recomputed. Ages count from what the newest head, state root or anchor says of its time.
    """
    monitor = _monitor(session, given)
    session.closing(monitor.close)
    folder = None if evidence is None else Path(evidence)
    if every is None:
        return _answer(await _round(session, monitor, shown, folder), folder)
    # Every line was printed when its round was over; nothing is left to answer.
    raise click.exceptions.Exit(await _forever(session, monitor, shown, folder, every=every, rounds=rounds))


def _monitor(session: Session, given: Mapping[str, Any]) -> Monitor:
    from ssi.ledger.quorum import FilePin
    from ssi.registry.monitor import Monitor
    from ssi.registry.register import MAX_REGISTER_BYTES, parse_register

    keys = session.note_keys()
    if not keys:
        raise InvalidInputError("the key of the log has to be known: name it by --vkey, or in the project file")
    if given["anchor_freeze"] and not given["anchored_in"]:
        raise InvalidInputError("the age of an anchor is asked of another ledger: name it by --anchored-in")
    people, state = given["people"], given["state"]
    rows = [] if people is None else parse_register(read_input(people, max_bytes=MAX_REGISTER_BYTES))
    return Monitor(
        session.ledger(),
        roots=session.roots(),
        keys=keys,
        quorum=session.quorum(),
        pin=session.pin() if state is None else FilePin(Path(state)),
        freeze_seconds=given["freeze"],
        state_root_seconds=given["state_root_freeze"],
        anchor_seconds=given["anchor_freeze"],
        anchors=_anchors(session, given, keys),
        people=rows,
        fields=given["fields"] or None,
    )


def _anchors(session: Session, given: Mapping[str, Any], keys: Sequence[NoteKey]) -> AnchorWatch | None:
    from ssi.cli.ledger_anchor import other_ledger
    from ssi.registry.anchoring import AnchorWatch

    if given["anchored_in"] is None:
        return None

    def follow() -> RegistryFollower:
        return other_ledger(session, given["anchored_in"], given["anchor_roots"], given["anchor_vkeys"])

    try:
        return AnchorWatch(follow(), keys=keys)
    except UnavailableError as exc:
        click.echo(f"not compared with anchors yet: {plain(str(exc))}", err=True)
        return AnchorWatch(follow, keys=keys)  # opened by the first look at which it is there


async def _round(session: Session, monitor: Monitor, shown: tuple[str, ...], evidence: Path | None) -> Round:
    heads = [await _head(session, name) for name in [*shown, *_witnesses(session, monitor)]]
    found = await monitor.look(now=session.now(), shown=[head for head in heads if head is not None])
    if evidence is not None:
        for alarm in found.alarms:
            _keep(evidence, alarm.proof)
    return found


def _keep(folder: Path, proof: bytes) -> None:
    if proof:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise UnavailableError("the folder for fork proofs cannot be made") from exc
        replace_file(folder / _proof_name(proof), proof)


def _proof_name(proof: bytes) -> str:
    return f"fork-{sha256(proof).hexdigest()[:16]}.json"


def _witnesses(session: Session, monitor: Monitor) -> list[str]:
    """Return where witnesses serve the head of this log that they cosigned."""
    from ssi.ledger.witness import origin_hash

    origins = dict.fromkeys(key.name for key in monitor.keys)
    urls = [witness.url for witness in session.project.ledger.witnesses if witness.url is not None]
    return [f"{url.rstrip('/')}/{origin_hash(origin)}/checkpoint" for url in urls for origin in origins]


async def _head(session: Session, name: str) -> bytes | None:
    """Return a head that others were shown; None if a server does not give it now, which is no alarm."""
    from ssi.ledger.note import MAX_NOTE_BYTES

    if not name.startswith("https://"):
        return read_input(name, max_bytes=MAX_NOTE_BYTES)
    try:
        return (await session.fetch()(name, accept="text/plain", max_bytes=MAX_NOTE_BYTES)).body
    except SsiError as exc:
        click.echo(f"not compared with {plain(name)}: {plain(str(exc))}", err=True)
        return None


def _document(found: Round, evidence: Path | None) -> JsonObject:
    from ssi.encoding.timestamps import format_seconds

    alarms: list[JsonObject] = []
    for alarm in found.alarms:
        row: JsonObject = {"kind": alarm.kind, "reason": alarm.reason, "entry": alarm.entry}
        if alarm.proof:
            row["proof"] = str(evidence / _proof_name(alarm.proof)) if evidence else json.loads(alarm.proof)
        alarms.append(row)
    time = found.head_time
    return {
        "at": format_seconds(found.at),
        "size": found.size,
        "time": None if time is None else format_seconds(time),
        "alarms": alarms,
        "more": found.left_out,
        "state roots": {"held": found.state_roots, "uncheckable": found.uncheckable},
    }


def _answer(found: Round, evidence: Path | None) -> Answer:
    document = _document(found, evidence)
    code = REFUSED if found.alarms else OK
    if found.alarms:
        document.update(check=found.alarms[0].kind, reason=found.alarms[0].reason)
    said: JsonObject = {name: document[name] for name in ("at", "size", "time", "state roots")}
    tables = [facts("alarms" if found.alarms else "nothing is wrong", said)]
    if found.alarms:
        rows = [[alarm.kind, "" if alarm.entry is None else alarm.entry, alarm.reason] for alarm in found.alarms]
        tables.append(Table("alarms", rows, ("kind", "entry", "reason")))
    return Answer(document=document, tables=tables, exit_code=code, outcome="ok" if code == OK else "refused")


async def _forever(
    session: Session, monitor: Monitor, shown: tuple[str, ...], evidence: Path | None, *, every: int, rounds: int | None
) -> int:
    async def look() -> int:
        try:
            found = await _round(session, monitor, shown, evidence)
        except UnavailableError as exc:
            _tell(session, {"outcome": "could not check", "reason": str(exc)})
            return COULD_NOT_CHECK
        _tell(session, {"outcome": "refused" if found.alarms else "ok", **_document(found, evidence)})
        return REFUSED if found.alarms else OK

    return await keep_looking(look, every=every, rounds=rounds)


def _tell(session: Session, document: JsonObject) -> None:
    """Print one round as one line."""
    if session.output.as_json:
        click.echo(json.dumps(document))
        return
    alarms = document.get("alarms", [])
    said = [f"{alarm['kind']}: {alarm['reason']}" for alarm in alarms] or [document.get("reason", "nothing is wrong")]
    click.echo(f"{document.get('at', '')} size {document.get('size', '?')}: {plain('; '.join(said))}")

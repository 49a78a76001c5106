"""``ssi ledger``: found a ledger, enrol organisations, and hold what it says against its proofs.

Source:  RFC 6962 (proofs), C2SP tlog-checkpoint (notes); the registry's rules as ``ssi.registry`` cites them.
I/O:     the ledger; the key store where something is signed.
Errors:  see ``ssi.cli.exits``. ``audit`` and ``privacy-check`` end with 1 if they find something.
"""

from __future__ import annotations

import json

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject


@click.group(
    cls=CommandTree,
    place="ledger",
    modules={
        "audit": "ssi.cli.ledger_audit",
        "privacy-check": "ssi.cli.ledger_privacy",
        "deploy-contract": "ssi.cli.ledger_contract:deploy_contract",
        "contract": "ssi.cli.ledger_contract:contract",
        "set-writer": "ssi.cli.ledger_contract:set_writer",
        "set-owner": "ssi.cli.ledger_contract:set_owner",
        "found": "ssi.cli.ledger_found",
        "enrol": "ssi.cli.ledger_enrol",
        "accredit": "ssi.cli.ledger_accredit",
        "end": "ssi.cli.ledger_end",
        "compromised": "ssi.cli.ledger_compromised",
        "witness": "ssi.cli.ledger_witness",
        "state-root": "ssi.cli.ledger_answer:state_root",
        "answer": "ssi.cli.ledger_answer:answer",
        "check-answer": "ssi.cli.ledger_answer:check_answer",
        "serve-answers": "ssi.cli.ledger_answer:serve_answers",
        "recover": "ssi.cli.ledger_recover",
        "anchor": "ssi.cli.ledger_anchor",
        "withhold": "ssi.cli.ledger_withhold",
        "tiles": "ssi.cli.ledger_tiles",
        "serve": "ssi.cli.ledger_serve",
        "cosign": "ssi.cli.ledger_cosign",
        "verify-fork": "ssi.cli.ledger_fork",
        "watch": "ssi.cli.ledger_watch",
        "supply": "ssi.cli.ledger_supply",
    },
)
def command() -> None:
    """Look after the ledger: audit, proofs, checkpoints, the search for people."""


@command.command()
@click.option("--sign", is_flag=True, help="Sign the head anew first, at the time of now (needs the checkpoint key).")
@click.option("--out", metavar="FILE", help="Write the note to a file.")
@ledger_options
@key_options
@action
async def checkpoint(session: Session, sign: bool, out: str | None) -> Answer:
    """Show the newest checkpoint: the signed note to keep, and to audit against later."""
    if sign:
        note = await (await session.registry()).sign_checkpoint()
    else:
        stored = await session.ledger().checkpoint()
        if stored is None:
            raise InvalidInputError("the ledger has no checkpoint yet")
        note = stored
    if out:
        write_output(out, note)
    said = _read_note(note, session)
    document = {**said, "note": note.decode()}
    return Answer(document=document, tables=[facts("checkpoint", said)], raw=None if out else note.decode())


def _read_note(note: bytes, session: Session) -> JsonObject:
    """Return what a note says, and whether a key that is known here signed it."""
    from ssi.encoding.timestamps import format_seconds
    from ssi.ledger.checkpoint import parse_checkpoint, parse_note, verify_note

    keys = session.note_keys()
    if not keys:
        said = parse_checkpoint(parse_note(note).unverified_text)
        return {"origin": said.origin, "size": said.size, "root": said.root.hex(), "signature": "not checked: no key"}
    verified = verify_note(note, keys=keys)
    time = verified.cosigned_at
    return {
        "origin": verified.origin,
        "size": verified.size,
        "root": verified.root.hex(),
        "time": None if time is None else format_seconds(time),
        "signature": "holds",
    }


@command.command()
@click.argument("index", type=click.IntRange(0), required=False)
@click.option("--since", metavar="NOTE", help="Prove that the log only grew since this checkpoint.")
@click.option("--check", "receipt", metavar="RECEIPT", help="Check a receipt instead of making one.")
@click.option("--entry", metavar="FILE", help="With --check: the entry's bytes (default: as the ledger has it).")
@click.option("--out", metavar="FILE", help="Write the proof to a file.")
@ledger_options
@action
async def proof(
    session: Session, index: int | None, since: str | None, receipt: str | None, entry: str | None, out: str | None
) -> Answer:
    """Prove that entry INDEX is in the log, or that the log only grew, or check such a proof."""
    if sum(given is not None for given in (index, since, receipt)) != 1:
        raise InvalidInputError("give an index, or --since a checkpoint, or --check a receipt")
    if receipt is not None:
        return await _check_receipt(session, receipt, entry)
    made = await _inclusion(session, index) if index is not None else await _consistency(session, since or "")
    if out:
        write_output(out, made)
    document: JsonObject = {"proof": json.loads(made)}
    title = f"entry {index}" if index is not None else "consistency"
    return Answer(
        document=document,
        raw=None if out else made.decode(),
        tables=[facts(title, {"size": document["proof"]["size"], "hashes": len(document["proof"]["path"])})],
    )


async def _inclusion(session: Session, index: int) -> bytes:
    from ssi.ledger.receipt import build_receipt, make_receipt

    ledger = session.ledger()
    note = await ledger.checkpoint()
    if note is None:
        raise InvalidInputError("the ledger has no checkpoint yet")
    return build_receipt(await make_receipt(ledger, index, note))


async def _consistency(session: Session, since: str) -> bytes:
    """Make the proof and check it before it is handed out: an old note that does not fit is the finding."""
    from ssi.encoding.base64url import b64url_encode
    from ssi.ledger import merkle
    from ssi.ledger.checkpoint import parse_checkpoint, parse_note, verify_note
    from ssi.ledger.note import MAX_NOTE_BYTES

    ledger, keys = session.ledger(), session.note_keys()
    new = await ledger.checkpoint()
    if new is None:
        raise InvalidInputError("the ledger has no checkpoint yet")
    notes = [read_input(since, max_bytes=MAX_NOTE_BYTES), new]
    before, after = (
        verify_note(note, keys=keys) if keys else parse_checkpoint(parse_note(note).unverified_text) for note in notes
    )
    if before.origin != after.origin or before.size > after.size:
        raise InvalidInputError("expected an earlier checkpoint of this log")
    path = await merkle.consistency_proof(ledger, before.size, after.size)
    merkle.verify_consistency(before.size, after.size, path, before.root, after.root)
    document = {
        "format": "log-consistency/1",
        "old_size": before.size,
        "size": after.size,
        "path": [b64url_encode(value) for value in path],
        "checkpoint": new.decode(),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


async def _check_receipt(session: Session, receipt: str, entry: str | None) -> Answer:
    from ssi.ledger.receipt import parse_receipt, verify_receipt

    keys = session.note_keys()
    if not keys:
        raise InvalidInputError("a receipt is checked under the key of the log: name it by --vkey")
    parsed = parse_receipt(read_input(receipt))
    if entry is None:
        body = (await session.ledger().read(parsed.entry_index, parsed.entry_index + 1))[0]
    else:
        body = read_input(entry)
    verified = verify_receipt(parsed, body, keys=keys)
    document: JsonObject = {
        "entry": parsed.entry_index,
        "size": verified.size,
        "origin": verified.origin,
        "root": verified.root.hex(),
    }
    return Answer(document=document, tables=[facts("the entry is in the log", document)])


@command.command()
@click.argument("start", type=click.IntRange(0), default=0)
@click.option("--count", type=click.IntRange(1, 10_000), default=50, show_default=True)
@ledger_options
@action
async def show(session: Session, start: int, count: int) -> Answer:
    """List entries from START on: their type, who signed them, and what about."""
    ledger = session.ledger()
    size = await ledger.size()
    rows = []
    for index, entry in enumerate(await ledger.read(start, min(start + count, size)) if start < size else [], start):
        rows.append({"entry": index, **_described(entry)})
    columns = ("entry", "type", "by", "about")
    table = Table(f"{size} entries", [[row.get(name, "") for name in columns] for row in rows], columns)
    return Answer(document={"size": size, "entries": rows}, tables=[table])


def _described(entry: object) -> JsonObject:
    from ssi.errors import SsiError
    from ssi.registry import DidWitnessProofs, parse_entry
    from ssi.registry.did_line import DidLogEntry
    from ssi.registry.types import StateRoot

    if not isinstance(entry, bytes):
        return {"type": "withheld", "about": getattr(entry, "order", "")}
    try:
        parsed = parse_entry(entry)
    except SsiError as exc:
        return {"type": "no statement", "about": str(exc)}
    if isinstance(parsed, DidLogEntry):
        return {"type": "DidLogEntry", "by": parsed.did, "about": f"version {parsed.number}"}
    if isinstance(parsed, DidWitnessProofs):
        by = " ".join(proof.verification_method.partition("#")[0] for proof in parsed.proofs)
        return {"type": "DidWitnessProofs", "by": by, "about": f"version {parsed.version_id.partition('-')[0]}"}
    body = parsed.body
    about = getattr(body, "subject", None) or getattr(body, "uri", None) or getattr(body, "reason", "")
    if isinstance(body, StateRoot):
        about = f"{body.size} entries"
    return {"type": type(body).__name__, "by": body.iss, "about": about}

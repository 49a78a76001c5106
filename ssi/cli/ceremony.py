"""``ssi ceremony``: root keys are used by several people together, on a machine that no network reaches.

Input:   files that people carry. Everybody who takes part has a charter and a key store of their own.
I/O:     files, key stores, and for ``prepare`` and ``finish`` the project and its ledger. ``approve``, ``sign`` and
         ``verify`` open no connection.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import UNSET, UnsetType

from ssi.cli.ceremony_prepare import prepare
from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input, write_output
from ssi.cli.organisations import bring_forward, check_name, keep, kept, write_log
from ssi.cli.output import Answer, facts
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import ConflictError, InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ceremony import Charter, Paper, Request, VerifiedTranscript

MAX_PAPER_BYTES: Final = 6 << 20


@click.group(cls=CommandTree, place="ceremony")
def command() -> None:
    """Use root keys under dual control: prepare, approve, sign without a network, finish, verify."""


command.add_command(prepare)


@command.command()
@click.argument("name")
@key_options
@action
async def key(session: Session, name: str) -> Answer:
    """Make the ceremony key of NAME, who takes part: coordinator, machine, or an officer's name.

    What is printed goes into the charter. The key itself stays in the key store.
    """
    from ssi.ceremony import ceremony_did
    from ssi.keys import Curve, KeyPurpose

    label = f"ceremony/{check_name(name)}"
    kms = session.kms(create=True)
    made = await kms.generate(label, curve=Curve.ED25519, purpose=KeyPurpose.CEREMONY)
    did = ceremony_did(made)
    return Answer(document={"name": name, "key": did}, raw=did)


@command.command()
@click.argument("organisation")
@click.option("--coordinator", required=True, metavar="KEY", help="Who prepares and finishes.")
@click.option("--machine", required=True, metavar="KEY", help="The signing machine.")
@click.option("--officer", "officers", metavar="NAME=KEY", multiple=True, required=True, help="May be repeated.")
@click.option("--threshold", type=click.IntRange(1), required=True, help="How many officers must approve.")
@click.option("--out", required=True, metavar="FILE")
@action
async def charter(
    session: Session, organisation: str, coordinator: str, machine: str, officers: tuple[str, ...], threshold: int,
    out: str,
) -> Answer:  # fmt: skip
    """Write the charter of ORGANISATION: who takes part in its ceremonies, and how many officers must approve."""
    from ssi.ceremony import Charter, build_charter

    named: dict[str, str] = {}
    for officer in officers:
        name, _, did = officer.partition("=")
        if name in named:
            raise InvalidInputError(f"officer {name} is named twice")
        named[name] = did
    try:
        body = Charter(
            organisation=check_name(organisation),
            coordinator=coordinator,
            machine=machine,
            officers=named,
            threshold=threshold,
        )
    except ValueError as exc:
        raise InvalidInputError(str(exc)) from exc
    paper = build_charter(body)
    write_output(out, paper.data)
    document: JsonObject = {"charter": out, "digest": paper.digest, "approvals": f"{threshold} of {len(named)}"}
    return Answer(document=document, tables=[facts("charter", document)])


def charter_option(function: Any) -> Any:
    """Add the option that names the charter which this person or machine keeps."""
    return click.option("--charter", "charter_file", required=True, metavar="FILE", help="Your own copy.")(function)


@command.command()
@click.argument("request")
@charter_option
@action
async def show(session: Session, request: str, charter_file: str) -> Answer:
    """Say what REQUEST asks for, and its digest, to be read out to those who approve."""
    from ssi.ceremony import Request, check_request, read_paper

    paper = read_paper(_read(request), Request)
    check_request(paper, charter=read_charter(charter_file), now=session.now())
    return _request_answer("request", paper)


@command.command()
@click.argument("request")
@charter_option
@click.option("--as", "officer", required=True, metavar="NAME", help="The officer's name in the charter.")
@click.option("--digest", required=True, help="The request's digest, as it was read out to you.")
@click.option("--out", required=True, metavar="FILE")
@key_options
@action
async def approve(session: Session, request: str, charter_file: str, officer: str, digest: str, out: str) -> Answer:
    """Approve REQUEST, as an officer with a key store of one's own."""
    from ssi.ceremony import Request, read_paper
    from ssi.ceremony import approve as approve_request

    paper = read_paper(_read(request), Request)
    approval = await approve_request(
        paper,
        expected=digest,
        officer=officer,
        charter=read_charter(charter_file),
        kms=session.kms(),
        label=f"ceremony/{officer}",
        now=session.now(),
    )
    write_output(out, approval.data)
    return _request_answer(f"approved by {officer}", paper)


@command.command()
@click.argument("request")
@click.argument("approvals", nargs=-1)
@charter_option
@click.option("--memory", required=True, metavar="DIR", help="Where this machine keeps what it carried out.")
@click.option("--as", "machine", default="machine", show_default=True, metavar="NAME", help="The machine's key.")
@click.option("--out", required=True, metavar="FILE")
@key_options
@action
async def sign(
    session: Session, request: str, approvals: tuple[str, ...], charter_file: str, memory: str, machine: str, out: str
) -> Answer:
    """Carry out REQUEST with its APPROVALS, on the machine that has the root keys and no network."""
    from ssi.ceremony import Approval, Request, read_paper, sign_ceremony
    from ssi.cli.ceremony_memory import open_memory

    own, paper = read_charter(charter_file), read_paper(_read(request), Request)
    given = [read_paper(_read(each), Approval) for each in approvals]
    with open_memory(memory) as kept_here:
        transcript = await sign_ceremony(
            paper,
            given,
            charter=own,
            turn=kept_here.turn(own, now=session.now()),
            kms=session.kms(),
            label=f"ceremony/{machine}",
            now=session.now(),
        )
        kept_here.keep(transcript)
    write_output(out, transcript.data)
    return _request_answer("signed", paper, transcript=out)


@command.command()
@click.argument("signed")
@charter_option
@click.option("--as", "coordinator", default="coordinator", show_default=True, metavar="NAME")
@click.option("--log", "file", metavar="FILE", help="Where a new DID's log is written (default: NAME.did.jsonl).")
@click.option("--out", required=True, metavar="FILE", help="The finished transcript.")
@ledger_options
@key_options
@action
async def finish(
    session: Session, signed: str, charter_file: str, coordinator: str, file: str | None, out: str
) -> Answer:
    """Publish what was SIGNED, and complete the transcript. May be repeated."""
    from ssi.ceremony import finish_ceremony, read_transcript, verify_transcript

    own = read_charter(charter_file)
    found = verify_transcript(read_transcript(_read(signed)), charter=own, now=session.now(), finished=False)
    entry = await _publish(session, own.body.organisation, found, file)
    done = await finish_ceremony(
        found, kms=session.kms(), label=f"ceremony/{coordinator}", entry=entry, now=session.now()
    )
    write_output(out, done.data)
    return _proved("finished", found, entry=entry, transcript=out)


@command.command()
@click.argument("transcript")
@charter_option
@click.option("--after", metavar="FILE", help="The transcript of the ceremony before; asks that this one follows it.")
@action
async def verify(session: Session, transcript: str, charter_file: str, after: str | None) -> Answer:
    """Verify TRANSCRIPT, as somebody who was not there."""
    from ssi.ceremony import read_transcript, verify_transcript

    own, turn = read_charter(charter_file), None
    if after is not None:
        before = read_transcript(_read(after))
        turn = verify_transcript(before, charter=own, now=session.now()).turn
    found = verify_transcript(read_transcript(_read(transcript)), charter=own, now=session.now(), after=turn)
    done = found.transcript.completion
    entry = None if done is None or isinstance(done.body.entry, UnsetType) else done.body.entry
    return _proved("verified", found, entry=entry)


async def _publish(session: Session, name: str, found: VerifiedTranscript, file: str | None) -> int | None:
    """Put the new line where the organisation's log is; return its ledger index, if it has one."""
    if found.log is None:
        return None
    if name not in session.project.organisations:
        if found.log.head.number != 1:
            raise ConflictError(f"the project names no organisation {name}, whose log would go on")
        keep(session, name, found.log, file)
        return None
    settings = session.project.organisation(name)
    if found.log.did == settings.did and not session.project.file(settings.log).exists():
        write_log(session.project.file(settings.log), found.log)  # the first line, and it waits for its witnesses
        return None
    before = await kept(session, name)
    if before.log.log == found.log.log:
        return None if not before.anchored else await bring_forward(session, before, found.log)
    if before.log.log != b"".join(version.entry.line + b"\n" for version in found.log.versions[:-1]):
        raise ConflictError("out of order: the log has gone on differently since the request was prepared")
    return await bring_forward(session, before, found.log)


def read_charter(name: str) -> Paper[Charter]:
    """Return the charter in a file. Raises InvalidInputError, NotFoundError."""
    from ssi.ceremony import Charter, read_paper

    return read_paper(_read(name), Charter)


def _read(name: str) -> bytes:
    return read_input(name, max_bytes=MAX_PAPER_BYTES)


def _request_answer(title: str, paper: Paper[Request], **more: str) -> Answer:
    document = {**described(paper.body), "digest": paper.digest, **more}
    return Answer(document=document, tables=[facts(title, document)])


def described(request: Request) -> JsonObject:
    """Return what a request asks for, in words and values for people."""
    from ssi.ceremony import CheckpointKey, FirstLine
    from ssi.ceremony.rules import log_of

    said: JsonObject = {"ceremony": request.number, "expires": format_seconds(request.expires_at)}
    operation = request.operation
    if isinstance(operation, CheckpointKey):
        return {**said, "does": "certify a checkpoint key", "key": operation.vkey, "replaces": list(operation.replaces)}
    if isinstance(operation, FirstLine):
        said |= {"does": "make a DID", "domain": operation.domain}
        document: JsonObject | None = operation.document
    else:
        log = log_of(operation, now=request.at)
        said |= {"does": f"sign version {log.head.number + 1}", "did": log.did}
        document = operation.document or None
        if document == log.head.document:
            document = None
    if operation.witness is not UNSET:
        said["witnesses"] = operation.witness or "none"
    if document is not None:
        said["document"] = document  # whole: what is approved unseen is not approved
    return said


def _proved(title: str, found: VerifiedTranscript, *, entry: int | None, **more: str) -> Answer:
    charter = found.transcript.charter
    document: JsonObject = {
        "ceremony": found.request.number,
        "organisation": charter.body.organisation,
        "charter": charter.digest,
        "approved by": ", ".join(found.officers),
        "needed": f"{charter.body.threshold} of {len(charter.body.officers)}",
        "did": None if found.log is None else found.log.did,
        "versionId": None if found.version is None else found.version.entry.version_id,
        "checkpoint key": found.vkey,
        "entry": entry,
        **more,
    }
    document = {name: value for name, value in document.items() if value is not None}
    return Answer(document=document, tables=[facts(title, document)])

"""``ssi ledger found``: a new ledger with checkpoint key and root accreditor, and a project file that names them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from ssi.cli.command import founding_action, key_options
from ssi.cli.files import read_input
from ssi.cli.organisations import check_name, keep
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.errors import ConflictError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.keys import Kms
    from ssi.registry import Organisation


@click.command()
@click.option(
    "--origin", required=True, metavar="NAME", help="The log's name in its checkpoints, such as log.town.example."
)
@click.option("--name", required=True, help="The root accreditor's name in the project.")
@click.option("--domain", required=True, help="The root accreditor's domain.")
@click.option("--ledger", "url", metavar="URL", default="sqlite:ledger.db", show_default=True)
@key_options
@founding_action
async def command(session: Session, origin: str, name: str, domain: str, url: str) -> Answer:
    """Found a ledger: make its checkpoint key and its root accreditor, whose DID is the first entry.

    What is needed to use it is added to the project file. Interrupted, it goes on where it stopped.
    """
    check_name(name)
    said = session.project.ledger
    if said.origin is not None and (said.origin != origin or name not in session.project.organisations):
        raise ConflictError(f"{session.project.path.name} names a ledger already")
    kms = session.kms(create=True)
    await _write_project(session, kms, origin=origin, name=name, domain=domain, url=url)
    session.ledger(create=True)
    root = await root_organisation(session, kms, name)
    await root.publish(await session.registry())
    document: JsonObject = {
        "ledger": session.ledger_url(),
        "origin": origin,
        "root": root.did,
        "checkpoint_key": session.project.ledger.checkpoint_keys[0],
        "project": str(session.project.path),
    }
    return Answer(document=document, tables=[facts("founded", document)])


async def _write_project(session: Session, kms: Kms, *, origin: str, name: str, domain: str, url: str) -> None:
    """Make the keys, and name everything in the project file before anything is on the ledger."""
    from ssi.did.webvh import verify_log
    from ssi.keys import KeyPurpose
    from ssi.registry import Organisation

    if session.project.keys.store is None:
        session.project.append("keys", _key_members(session))
    if name not in session.project.organisations:
        purposes = (KeyPurpose.STATEMENT,)
        root = await Organisation.create(name, domain=domain, kms=kms, now=session.now(), purposes=purposes)
        keep(session, name, verify_log(root.log, did=root.did, now=session.now()), None)
        session.reload_project()
    if session.project.ledger.origin is None:
        members: JsonObject = {
            "url": url,
            "origin": origin,
            "roots": [session.project.organisation(name).did],
            "checkpoint_keys": [await _checkpoint_key(kms, origin)],
        }
        session.project.append("ledger", members)
    session.reload_project()


async def root_organisation(session: Session, kms: Kms, name: str) -> Organisation:
    """Return an organisation of the project by the log in its file."""
    from ssi.did.webvh import verify_log
    from ssi.registry import Organisation

    said = session.project.organisation(name)
    log = read_input(str(session.project.file(said.log)))
    return Organisation(name=name, kms=kms, log=verify_log(log, did=said.did, now=session.now()))


def _key_members(session: Session) -> JsonObject:
    """Return what was said of the key store on the command line, with paths as the project file has them."""
    given = session.options
    scheme, colon, path = (given.keys or "").partition(":")
    store = given.keys if colon and scheme != "file" else f"file:{_relative(session, path or scheme)}"
    file = None if given.passphrase_file is None else _relative(session, given.passphrase_file)
    members = {"store": store, "passphrase_file": file, "passphrase_env": given.passphrase_env}
    return {name: value for name, value in members.items() if value is not None}


def _relative(session: Session, path: str) -> str:
    return os.path.relpath(path, session.project.folder)


async def _checkpoint_key(kms: Kms, origin: str) -> str:
    """Return the vkey of the ledger's checkpoint key, made now unless an earlier attempt made it."""
    from ssi.keys import Curve, KeyPurpose
    from ssi.ledger.note import NoteKey

    label = f"{origin}/checkpoint"
    with contextlib.suppress(ConflictError):
        await kms.generate(label, curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    return NoteKey(origin, await kms.public_key(label)).vkey

"""The organisations whose keys are here: their logs on the ledger or in files, read and brought forward.

Shapes:  the ledger's log of a DID goes before the file's, which is a copy to be served as ``did.jsonl``. The approvals
         of its witnesses lie beside it: ``town.did-witness.json`` for ``town.did.jsonl``. A line that they have yet to
         approve is not served: the log with it lies in ``town.candidate.jsonl``, which is what they are shown.
I/O:     project file, log files, and the ledger if there is one.
Errors:  NotFoundError (the project does not name it), those of ``verify_log`` and of the registry.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ssi.cli.files import read_input, write_output
from ssi.cli.session import Session
from ssi.errors import ConflictError, DidNotFoundError, InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.did.webvh import WebvhLog


class Kept(msgspec.Struct, frozen=True):
    """An organisation of the project with its log as it is now."""

    name: str
    path: Path
    log: WebvhLog
    anchored: bool
    """Whether the log is on the ledger."""


def keep(session: Session, name: str, log: WebvhLog, file: str | None, *, witnesses: Sequence[str] = ()) -> Path:
    """Write the log of a new organisation and name it in the project file; return the path that it is served from.

    ``witnesses`` are the servers that approve its lines.
    """
    path = Path(file) if file else session.project.file(f"{name}.did.jsonl")
    write_log(path, log)
    members: JsonObject = {"did": log.did, "log": os.path.relpath(path.absolute(), session.project.folder)}
    if witnesses:
        members["witnesses"] = list(witnesses)
    session.project.append(f"organisations.{name}", members)
    return path


async def kept(session: Session, name: str) -> Kept:
    """Return an organisation of the project, by the ledger's log if it has one: without lines that wait there."""
    from ssi.did.webvh import verify_log

    settings = session.project.organisation(name)
    path = session.project.file(settings.log)
    anchored = await anchored_log(session, settings.did)
    if anchored is None and not path.exists() and candidate_path(path).exists():
        raise ConflictError(f"the first line of {name} waits for its witnesses: gather them by ssi did witness {name}")
    log = read_input(str(path)) if anchored is None else anchored
    proofs = read_proofs(path) if anchored is None else (await session.follower()).view().did_witness(settings.did)
    verified = verify_log(log, did=settings.did, now=session.now(), witness_proofs=proofs)
    return Kept(name, path, verified, anchored is not None)


def proofs_path(log: Path) -> Path:
    """Return where the approvals of a log lie that is in the file ``log``."""
    return log.with_name(f"{_stem(log)}did-witness.json")


def candidate_path(log: Path) -> Path:
    """Return where the log with a line lies that witnesses have yet to approve."""
    return log.with_name(f"{_stem(log)}candidate.jsonl")


def _stem(log: Path) -> str:
    return log.name.removesuffix(".jsonl").removesuffix("did")


def write_log(path: Path, log: WebvhLog) -> Path:
    """Write a log where it is served from, or beside it if its newest line needs approvals; return where that is."""
    target = candidate_path(path) if log.head.witness.ids else path
    write_output(target, log.log)
    return target


def read_proofs(log: Path) -> bytes | None:
    """Return the approvals that lie beside the file ``log``, or None if there are none."""
    from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES

    path = proofs_path(log)
    return read_input(str(path), max_bytes=MAX_WITNESS_FILE_BYTES) if path.is_file() else None


async def anchored_log(session: Session, did: str) -> bytes | None:
    """Return the ledger's log of ``did``, or None if there is no ledger or it has none."""
    if not session.has_ledger:
        return None
    try:
        return (await session.follower()).view().did_log(did)
    except DidNotFoundError:
        return None


async def bring_forward(session: Session, before: Kept, log: WebvhLog) -> int | None:
    """Publish the newest line of ``log`` where the ones before it are; return its ledger index, if it has one."""
    index = None
    if before.anchored:
        index = (await (await session.registry()).submit(log.head.entry.line)).index
    write_log(before.path, log)
    return index


def did_of(session: Session, text: str) -> str:
    """Return the DID of an organisation that is given by its name in the project, or as a DID."""
    from ssi.did.parse import parse_did

    known = session.project.organisations.get(text)
    return known.did if known else str(parse_did(text))


def check_name(name: str) -> str:
    """Return ``name`` if it can stand in key labels and in the project file. Raises InvalidInputError."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise InvalidInputError("expected a name of ASCII letters, digits, - and _")
    return name

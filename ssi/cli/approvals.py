"""Approvals of a DID's witnesses: asked for over the network or brought in files, gathered, and enough at some point.

Source:  did:webvh 1.0, "DID Witnesses", "The Witness Proofs File".
Input:   an organisation of the project whose newest line may wait; files, or servers (``ssi witness serve``).
Shapes:  the log with the line that waits lies beside the served one (``ssi.cli.organisations``).
I/O:     those files; POST to servers that the operator named.
Errors:  VerificationError (an approval of another log, or one that does not hold), InvalidInputError. A server that
         does not answer, or refuses, is said and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from ssi.cli.files import read_input, write_output
from ssi.cli.organisations import candidate_path, proofs_path, read_proofs
from ssi.cli.output import plain
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, SsiError, UnavailableError, VerificationError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.did.webvh import WebvhLog

ASK_HELP = "A witness's server to ask for its approval; may be repeated."
_MAX_ANSWER_BYTES = 1 << 16


class Approval(msgspec.Struct, frozen=True):
    """A did-witness.json with what somebody approved, and whose it is said to be."""

    source: str
    data: bytes


def gather(session: Session, name: str, approvals: Iterable[Approval], *, skip: bool = False) -> JsonObject:
    """Add approvals to those of organisation ``name``; serve the log with the line that waited once they are enough.

    Return what a command prints. With ``skip`` an approval that does not hold is said and left aside.
    """
    from ssi.did.webvh import verify_log
    from ssi.did.webvh.log import verify_lines

    settings, now = session.project.organisation(name), session.now()
    served = session.project.file(settings.log)
    candidate = candidate_path(served)
    data = read_input(str(candidate if candidate.exists() else served))
    log, merged = verify_lines(data, now=now), read_proofs(served)
    for approval in approvals:
        try:
            merged = _merged(approval, merged, log=log, name=name, now=now)
        except (InvalidInputError, VerificationError) as exc:
            if not skip:
                raise
            click.echo(f"not taken from {plain(approval.source)}: {plain(str(exc))}", err=True)
    if merged is not None:
        write_output(proofs_path(served), merged)  # first, as a resolver may come at any moment
    try:
        verify_log(data, did=settings.did, now=now, witness_proofs=merged)
        waits = None
    except VerificationError as exc:
        waits = str(exc)
    if waits is None and candidate.exists():
        write_output(served, data)
        candidate.unlink(missing_ok=True)
    return {
        "did": settings.did,
        "versionId": log.head.entry.version_id,
        "approved": waits is None,
        "proofs": str(proofs_path(served)),
        **({} if waits is None else {"waits": waits, "candidate": str(candidate)}),
    }


def _merged(approval: Approval, merged: bytes | None, *, log: WebvhLog, name: str, now: int) -> bytes | None:
    from ssi.did.webvh.witness import parse_witness_file
    from ssi.did.webvh.witnessing import merge_witness_proofs

    own = {version.entry.version_id for version in log.versions}
    for version_id, proofs in parse_witness_file(approval.data).items():
        if version_id not in own:
            raise VerificationError(f"{approval.source}: an approval of a version that is not in the log of {name}")
        merged = merge_witness_proofs(merged, version_id, [proof.raw for proof in proofs], log=log, now=now)
    return merged


async def ask(session: Session, name: str, urls: Sequence[str]) -> list[Approval]:
    """Ask witnesses' servers to approve the newest line of organisation ``name``; return those who did, all at once."""
    import asyncio

    served = session.project.file(session.project.organisation(name).log)
    candidate = candidate_path(served)
    log = read_input(str(candidate if candidate.exists() else served))
    answers = await asyncio.gather(*(_ask(session, url, log) for url in urls))
    return [answer for answer in answers if answer is not None]


async def _ask(session: Session, url: str, log: bytes) -> Approval | None:
    from ssi.did.webvh.witnessing import build_witness_file

    try:
        answer = await session.door().post(
            f"{url.rstrip('/')}/witness", log, content_type="application/jsonl", max_bytes=_MAX_ANSWER_BYTES
        )
        said = parse_object(answer.body)
        if answer.status != 200:
            raise UnavailableError(f"status {answer.status}: {said.get('error', 'no reason')}")
        version_id, proof = said.get("versionId"), said.get("proof")
        if not isinstance(version_id, str) or not isinstance(proof, dict):
            raise InvalidInputError("expected versionId and proof")
        return Approval(url, build_witness_file({version_id: [proof]}))
    except SsiError as exc:
        click.echo(f"no approval from {plain(url)}: {plain(str(exc))}", err=True)
        return None

"""``ssi ledger enrol``: accredit an organisation, as such and as issuer, and put its DID's log on the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input
from ssi.cli.organisations import candidate_path, read_proofs
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.registry.types import Role
from ssi.types import JsonObject


@click.command()
@click.argument("organisation")
@click.option(
    "--by", required=True, metavar="NAME", help="A root, or an accreditor below one; an organisation of the project."
)
@click.option(
    "--type", "types", metavar="TYPE", multiple=True, help="A credential type it may issue (vct or W3C type)."
)
@click.option(
    "--witness-proofs", "proofs_file", metavar="FILE", help="Its did-witness.json (default: the one beside its log)."
)
@ledger_options
@key_options
@action
async def command(
    session: Session, organisation: str, by: str, types: tuple[str, ...], proofs_file: str | None
) -> Answer:
    """Accredit ORGANISATION (a name of the project, or its did.jsonl) and put its DID on the ledger.

    With --type also as issuer of these credential types. Asked again, it accredits again. Of a DID that has witnesses
    the approvals go on the ledger, too; without enough of them nothing is written.
    """
    from ssi.did.webvh import verify_log
    from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES
    from ssi.registry import Organisation
    from ssi.registry.organisation import entitlement

    project = session.project
    known = project.organisations.get(organisation)
    path = project.file(known.log) if known else Path(organisation)
    waits = not path.exists() and candidate_path(path).exists()
    log = read_input(str(candidate_path(path) if waits else path))
    proofs = read_input(proofs_file, max_bytes=MAX_WITNESS_FILE_BYTES) if proofs_file else read_proofs(path)
    did = known.did if known else _did_of(log)
    subject = Organisation(
        name=organisation if known else Path(organisation).stem,
        kms=session.kms(),
        log=verify_log(log, did=did, now=session.now(), witness_proofs=proofs),
    )
    registry, accreditor = await session.registry(), await session.organisation(by)
    now = session.now()
    given: list[tuple[Role, tuple[str, ...]]] = [("organisation", ())]
    if types:
        given.append(("issuer", types))
    submitted = []
    for role, limits in given:
        under = entitlement(registry.view(), accreditor.did, role, types=limits, at=now)
        submitted.append(await accreditor.accredit(did, role=role, types=limits, by=under, registry=registry, now=now))
    submitted += await subject.publish(registry, witness_proofs=proofs)
    document: JsonObject = {"did": did, "types": list(types), "entries": [each.index for each in submitted]}
    return Answer(document=document, tables=[facts("enrolled", document)])


def _did_of(log: bytes) -> str:
    """Return the DID that the newest line of a log is for; the log itself is verified after."""
    lines = log.splitlines()
    state = parse_object(lines[-1]).get("state") if lines else None
    did = state.get("id") if isinstance(state, dict) else None
    if not isinstance(did, str):
        raise InvalidInputError("expected a did.jsonl whose newest line names a DID")
    return did

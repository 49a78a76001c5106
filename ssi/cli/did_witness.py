"""``ssi did witness``: gather the approvals of a DID's witnesses into its did-witness.json.

Source:  did:webvh 1.0, "The Witness Proofs File".
I/O:     the files of an organisation: its log, the log with the line that waits, and the approvals.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

import click

from ssi.cli.command import action
from ssi.cli.files import read_input, write_output
from ssi.cli.organisations import candidate_path, proofs_path, read_proofs
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.errors import VerificationError
from ssi.types import JsonObject


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True)
@action
async def command(session: Session, name: str, files: tuple[str, ...]) -> Answer:
    """Add the approvals in FILES (each a did-witness.json) to those of organisation NAME.

    Once enough witnesses have approved the line that waits, the log with it takes the place of the one that is served.
    On a ledger, approvals are put by `ssi ledger witness`.
    """
    from ssi.did.webvh import verify_log
    from ssi.did.webvh.log import verify_lines
    from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES, parse_witness_file
    from ssi.did.webvh.witnessing import merge_witness_proofs

    settings, now = session.project.organisation(name), session.now()
    served = session.project.file(settings.log)
    candidate = candidate_path(served)
    data = read_input(str(candidate if candidate.exists() else served))
    log, merged = verify_lines(data, now=now), read_proofs(served)
    own = {version.entry.version_id for version in log.versions}
    for file in files:
        for version_id, proofs in parse_witness_file(read_input(file, max_bytes=MAX_WITNESS_FILE_BYTES)).items():
            if version_id not in own:
                raise VerificationError(f"{file}: an approval of a version that is not in the log of {name}")
            merged = merge_witness_proofs(merged, version_id, [proof.raw for proof in proofs], log=log, now=now)
    if merged is not None:
        write_output(proofs_path(served), merged)  # first, as a resolver may come at any moment
    try:
        verify_log(data, did=settings.did, now=now, witness_proofs=merged)
        approved, waits = True, None
    except VerificationError as exc:
        approved, waits = False, str(exc)
    if approved and candidate.exists():
        write_output(served, data)
        candidate.unlink(missing_ok=True)
    document: JsonObject = {
        "did": settings.did,
        "versionId": log.head.entry.version_id,
        "approved": approved,
        "proofs": str(proofs_path(served)),
        **({} if waits is None else {"waits": waits}),
    }
    return Answer(document=document, tables=[facts("approved" if approved else "waiting", document)])

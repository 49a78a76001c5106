"""``ssi witness``: be a witness of other organisations' DIDs.

Source:  did:webvh 1.0, "DID Witnesses".
I/O:     the witness's key store and its copies of logs; ``serve`` listens.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from typing import Final

import click

from ssi.cli.command import action, key_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, announce, facts
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

LABEL: Final = "witness"


@click.group(cls=CommandTree, place="witness")
def command() -> None:
    """Approve versions of other organisations' DIDs, and never two of one number."""


@command.command()
@key_options
@action
async def key(session: Session) -> Answer:
    """Make the witness's key, and print the DID by which others name the witness."""
    from ssi.did.webvh.witnessing import witness_id
    from ssi.keys import Curve, KeyPurpose

    made = await session.kms(create=True).generate(LABEL, curve=Curve.ED25519, purpose=KeyPurpose.WITNESS)
    did = witness_id(made)
    return Answer(document={"witness": did}, raw=did)


@command.command()
@click.argument("log")
@click.option("--store", required=True, metavar="FILE", help="Where the copies of logs are kept (SQLite).")
@click.option("--did", metavar="DID", required=True, help="Whose log this is, as you know it from elsewhere.")
@click.option("--out", required=True, metavar="FILE", help="The approval: a did-witness.json with one proof.")
@key_options
@action
async def approve(session: Session, log: str, store: str, did: str, out: str) -> Answer:
    """Approve the newest version in LOG, a did.jsonl that somebody brought: for a witness without network.

    Asked again, it approves the same version again, and never another one of its number.
    """
    from ssi.did.backends.witness_sqlite import SqliteWitnessStore
    from ssi.did.webvh import parse_webvh_did
    from ssi.did.webvh.entry import MAX_LOG_BYTES
    from ssi.did.webvh.witness_desk import WitnessDesk
    from ssi.did.webvh.witnessing import build_witness_file

    data, kms, known = read_input(log, max_bytes=MAX_LOG_BYTES), session.kms(), parse_webvh_did(did)
    await kms.public_key(LABEL)
    copies = await SqliteWitnessStore.open(store)
    session.closing(copies.close)
    desk = WitnessDesk(store=copies, kms=kms, label=LABEL, allowed={known.scid})
    approval = await desk.approve(data, now=session.now())
    write_output(out, build_witness_file({approval["versionId"]: [approval["proof"]]}))
    document: JsonObject = {"did": did, "versionId": approval["versionId"], "approval": out}
    return Answer(document=document, tables=[facts("approved", document)])


@command.command()
@click.option("--store", required=True, metavar="FILE", help="Where the copies of logs are kept (SQLite).")
@click.option("--did", "dids", metavar="DID", multiple=True, help="A did:webvh to witness; may be repeated.")
@click.option("--anybody", is_flag=True, help="Witness every DID that names this witness.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8470, show_default=True, help="0: a free one.")
@click.option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key (PEM).")
@key_options
@action
async def serve(
    session: Session,
    store: str,
    dids: tuple[str, ...],
    anybody: bool,
    host: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
) -> Answer:
    """Serve approvals until interrupted. Without a certificate a proxy has to bring TLS: then listen on loopback."""
    from ssi.cli.witness_app import create_app
    from ssi.did.backends.witness_sqlite import SqliteWitnessStore
    from ssi.did.webvh import parse_webvh_did
    from ssi.did.webvh.witness_desk import WitnessDesk
    from ssi.http.serving import serve as serve_app
    from ssi.http.serving import tls_from_files

    if bool(dids) == anybody:
        raise InvalidInputError("say whom to witness: --did for each DID, or --anybody")
    tls = tls_from_files(tls_cert, tls_key)
    allowed = None if anybody else {parse_webvh_did(did).scid for did in dids}
    kms = session.kms()
    await kms.public_key(LABEL)
    copies = await SqliteWitnessStore.open(store)
    session.closing(copies.close)
    desk = WitnessDesk(store=copies, kms=kms, label=LABEL, allowed=allowed)
    app = create_app(desk, now=session.now)
    await serve_app(app, host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})

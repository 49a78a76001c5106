"""``ssi witness``: be a witness of other organisations' DIDs, and of ledgers.

Source:  did:webvh 1.0, "DID Witnesses"; C2SP tlog-witness.
I/O:     the witness's key store, its copies of logs and the heads that it cosigned; ``serve`` listens.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from ssi.cli.command import action, key_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, announce, facts
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from aiohttp import web

LABEL: Final = "witness"
COSIGNER: Final = "cosigner"
"""The key for ledgers is another one: a cosignature names neither its purpose nor its signer."""


@click.group(cls=CommandTree, place="witness")
def command() -> None:
    """Approve versions of other organisations' DIDs, and heads of ledgers; never two of one number or size."""


@command.command()
@click.option("--cosigner", metavar="NAME", help="Make the key for ledgers instead, under this name (host/path).")
@key_options
@action
async def key(session: Session, cosigner: str | None) -> Answer:
    """Make the witness's key, and print the DID by which others name the witness.

    With --cosigner it is the key that cosigns checkpoints of ledgers, and what is printed is its vkey.
    """
    from ssi.did.webvh.witnessing import witness_id
    from ssi.keys import Curve, KeyPurpose

    if cosigner is not None:
        from ssi.ledger.note import COSIGNATURE_V1, NoteKey, check_key_name

        check_key_name(cosigner)
        public = await session.kms(create=True).generate(COSIGNER, curve=Curve.ED25519, purpose=KeyPurpose.WITNESS)
        vkey = NoteKey(cosigner, public, COSIGNATURE_V1).vkey
        return Answer(document={"vkey": vkey}, raw=vkey)
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
@click.option("--log", "logs", metavar="VKEY", multiple=True, help="A ledger to witness, by its key; may be repeated.")
@click.option("--name", metavar="NAME", help="With --log: the name of the witness in its cosignatures (host/path).")
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
    logs: tuple[str, ...],
    name: str | None,
    host: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
) -> Answer:
    """Serve approvals until interrupted. Without a certificate a proxy has to bring TLS: then listen on loopback.

    With --log the same address answers C2SP tlog-witness (add-checkpoint, HASH/checkpoint); the heads that were
    cosigned are kept in STORE.heads.
    """
    from ssi.http.serving import serve as serve_app
    from ssi.http.serving import tls_from_files

    if (bool(dids) and anybody) or not (dids or anybody or logs):
        raise InvalidInputError("say whom to witness: --did for each DID or --anybody, and --log for each ledger")
    if bool(logs) != bool(name):
        raise InvalidInputError("a witness of ledgers has a name: --log and --name belong together")
    tls = tls_from_files(tls_cert, tls_key)
    app = await _application(session, store, dids=dids, anybody=anybody, logs=logs, name=name or "")
    await serve_app(app, host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})


async def _application(
    session: Session, store: str, *, dids: tuple[str, ...], anybody: bool, logs: tuple[str, ...], name: str
) -> web.Application:
    """Return one application for both kinds of witness, as far as they are asked for."""
    from aiohttp import web

    from ssi.cli.witness_app import add_routes
    from ssi.did.webvh.entry import MAX_LOG_BYTES
    from ssi.ledger.witness import MAX_REQUEST_BYTES

    app = web.Application(client_max_size=max(MAX_LOG_BYTES, MAX_REQUEST_BYTES))
    kms = session.kms()
    if dids or anybody:
        from ssi.did.backends.witness_sqlite import SqliteWitnessStore
        from ssi.did.webvh import parse_webvh_did
        from ssi.did.webvh.witness_desk import WitnessDesk

        allowed = None if anybody else {parse_webvh_did(did).scid for did in dids}
        await kms.public_key(LABEL)
        copies = await SqliteWitnessStore.open(store)
        session.closing(copies.close)
        add_routes(app, WitnessDesk(store=copies, kms=kms, label=LABEL, allowed=allowed), now=session.now)
    if logs:
        from ssi.http.log_witness import add_routes as add_log_routes
        from ssi.ledger.backends.heads_sqlite import SqliteHeadStore
        from ssi.ledger.note import parse_vkey
        from ssi.ledger.witness import LogWitness

        await kms.public_key(COSIGNER)
        heads = await SqliteHeadStore.open(f"{store}.heads")
        session.closing(heads.close)
        keys = [parse_vkey(text) for text in logs]
        witness = LogWitness(name=name, kms=kms, label=COSIGNER, store=heads, logs=keys)
        add_log_routes(app, witness, now=session.now)
    return app

"""``ssi did``: the DIDs of organisations, from the first line of their log to the last.

Source:  did:webvh 1.0; ETHR DID Method Specification (``resolve``); W3C DID Resolution v1 (what ``resolve`` prints).
I/O:     project file, key store, log files, ledger, and for ``resolve`` the web.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from ssi.cli.approvals import ASK_HELP, ask, gather
from ssi.cli.command import TIME, action, founding_action, key_options, ledger_options
from ssi.cli.exits import OUTCOMES, exit_code
from ssi.cli.files import read_input
from ssi.cli.organisations import bring_forward, check_name, keep, kept
from ssi.cli.output import Answer, announce, facts
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.cli.witness_options import witness_options, witness_rule
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, SsiError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.did.resolver import Resolver

PURPOSES = ("update", "credential", "list", "statement")


@click.group(cls=CommandTree, place="did", modules={"ethr": "ssi.cli.did_ethr", "witness": "ssi.cli.did_witness"})
def command() -> None:
    """Make, change and resolve DIDs."""


@command.command()
@click.argument("name")
@click.option("--domain", required=True, help="The domain that serves the DID's log.")
@click.option("--port", type=click.IntRange(1, 65_535), help="A port other than 443.")
@click.option("--path", "paths", multiple=True, help="A path segment below the domain; may be repeated.")
@click.option("--curve", type=click.Choice(["P-256", "P-384", "Ed25519"]), default="P-256", show_default=True)
@click.option("--log", "file", metavar="FILE", help="Where its log is written (default: NAME.did.jsonl).")
@witness_options
@click.option("--ask", "urls", metavar="URL", multiple=True, help=ASK_HELP)
@key_options
@founding_action
async def create(
    session: Session,
    name: str,
    domain: str,
    port: int | None,
    paths: tuple[str, ...],
    curve: str,
    file: str | None,
    ids: tuple[str, ...],
    threshold: int | None,
    urls: tuple[str, ...],
) -> Answer:
    """Make the did:webvh DID of organisation NAME, with keys for statements, credentials and status lists.

    Its log is written to a file and is on no ledger until `ssi ledger enrol` puts it there. With --witness its first
    line names who must approve it and every line after it: the servers named by --ask are asked at once. Until enough
    have approved, the log lies in NAME.candidate.jsonl, and `ssi did witness` gathers what is missing.
    """
    from ssi.did.webvh.log import verify_lines
    from ssi.keys import Curve
    from ssi.registry import Organisation

    rule = witness_rule(ids, threshold)
    if urls and not ids:
        raise InvalidInputError("nobody has to approve this DID: name its witnesses by --witness")
    if check_name(name) in session.project.organisations:
        raise ConflictError(f"the project has an organisation {name} already")
    made = await Organisation.create(
        name,
        domain=domain,
        port=port,
        path=paths,
        kms=session.kms(create=True),
        now=session.now(),
        curve=Curve(curve),
        witness=rule,
    )
    path = keep(session, name, verify_lines(made.log, now=session.now()), file, witnesses=urls)
    document: JsonObject = {"name": name, "did": made.did, "log": str(path)}
    if ids:
        session.reload_project()
        document |= gather(session, name, await ask(session, name, urls), skip=True)
    return Answer(document=document, tables=[facts(f"created {name}", document)])


@command.command()
@click.argument("name")
@click.option("--document", "file", metavar="FILE", help="The whole new DID document (JSON).")
@click.option(
    "--service", "services", metavar="FILE", multiple=True, help="A service (JSON) to add, or to replace by id."
)
@click.option("--remove-service", "removed", metavar="ID", multiple=True, help="The id of a service that leaves.")
@click.option(
    "--also-known-as", "aliases", metavar="URI", multiple=True, help="Another identifier of the organisation."
)
@click.option("--ttl", "ttl_seconds", type=click.IntRange(0), help="How many seconds resolvers may keep the document.")
@ledger_options
@key_options
@action
async def update(
    session: Session,
    name: str,
    file: str | None,
    services: tuple[str, ...],
    removed: tuple[str, ...],
    aliases: tuple[str, ...],
    ttl_seconds: int | None,
) -> Answer:
    """Change the DID document of organisation NAME."""
    from ssi.did.webvh import update_did

    if file is None and not (services or removed or aliases) and ttl_seconds is None:
        raise InvalidInputError("nothing to change: give a document, a service, an alias or a ttl")
    before = await kept(session, name)
    document = before.log.head.document if file is None else parse_object(read_input(file))
    document = _changed(document, [parse_object(read_input(each)) for each in services], removed, aliases)
    made = await update_did(
        before.log, kms=session.kms(), name=name, now=session.now(), document=document, ttl_seconds=ttl_seconds
    )
    index = await bring_forward(session, before, made.log)
    return _version(f"updated {name}", made.did, made.version.entry.version_id, index)


@command.command()
@click.argument("name")
@click.option("--purpose", type=click.Choice(PURPOSES), default="update", show_default=True, help="Which key.")
@ledger_options
@key_options
@action
async def rotate(session: Session, name: str, purpose: str) -> Answer:
    """Replace a key of organisation NAME: its DID's update key, or one that signs for it.

    After a new list key, `ssi publish` signs the status lists again. Of a DID with witnesses the new key is in force
    once they have approved.
    """
    from ssi.did.webvh import rotate_keys, update_did
    from ssi.keys import KeyPurpose

    before = await kept(session, name)
    if purpose == "update":
        made = await rotate_keys(before.log, kms=session.kms(), name=name, now=session.now())
        index = await bring_forward(session, before, made.log)
        return _version(f"rotated the update key of {name}", made.did, made.version.entry.version_id, index)
    if not before.anchored:
        raise ConflictError(f"{name} is not on the ledger yet: its keys are replaced once it is")
    organisation = await session.organisation(name)
    document = await organisation.document_with_new_key(KeyPurpose(purpose))
    made = await update_did(before.log, kms=session.kms(), name=name, now=session.now(), document=document)
    index = await bring_forward(session, before, made.log)
    kid = document["assertionMethod"][-1]
    return _version(f"rotated the {purpose} key of {name}", made.did, made.version.entry.version_id, index, kid=kid)


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_options
@key_options
@action
async def deactivate(session: Session, name: str, yes: bool) -> Answer:
    """Deactivate the DID of organisation NAME for good."""
    from ssi.did.webvh import deactivate_did

    before = await kept(session, name)
    if not yes:
        click.confirm(f"Deactivate {before.log.did} for good?", abort=True, err=True)
    made = await deactivate_did(before.log, kms=session.kms(), name=name, now=session.now())
    index = await bring_forward(session, before, made.log)
    return _version(f"deactivated {name}", made.did, made.version.entry.version_id, index)


@command.command()
@click.argument("did")
@click.option("--version-id", metavar="ID", help="The version to show.")
@click.option("--at", "version_time", type=TIME, help="The version in force at this time.")
@click.option("--no-network", is_flag=True, help="Ask the ledger only.")
@click.option(
    "--evm-node",
    "evm_nodes",
    metavar="URL",
    multiple=True,
    help="A node of the network of a did:ethr; of several, all have to say the same.",
)
@ledger_options
@action
async def resolve(
    session: Session,
    did: str,
    version_id: str | None,
    version_time: int | None,
    no_network: bool,
    evm_nodes: tuple[str, ...],
) -> Answer:
    """Show what DID, or a DID URL, names: from the ledger if it is there, else from the web, or from a chain.

    With --json this is the result that `GET /1.0/identifiers/DID` of `ssi did serve` answers, errors included.
    """
    if evm_nodes and no_network:
        raise InvalidInputError("expected --evm-node or --no-network, not both")
    resolver = await session.resolver(network=not no_network, did=_did_of(did), evm_nodes=evm_nodes)
    try:
        return await _resolved(did, resolver, version_id, version_time)
    except SsiError as exc:
        if not session.options.as_json:
            raise
        from ssi.protocols.did_resolution import build_error_result

        code = exit_code(exc)
        result = build_error_result(exc, dereferences=_is_url(did))
        return Answer(document=result, exit_code=code, outcome=OUTCOMES[code])


@command.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8443, show_default=True, help="The port; 0 picks one.")
@click.option("--tls-cert", metavar="FILE", help="The certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--tls-self-signed", is_flag=True, help="Make a certificate for this run, to try things out.")
@click.option("--no-network", is_flag=True, help="Ask the ledger only.")
@ledger_options
@action
async def serve(
    session: Session,
    host: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
    tls_self_signed: bool,
    no_network: bool,
) -> Answer:
    """Be a DID resolver over HTTP, until interrupted. Without a certificate a proxy has to bring TLS."""
    from ssi.http.did_resolution import create_app
    from ssi.http.serving import serve as serve_app
    from ssi.http.serving import tls_of

    tls = tls_of(tls_cert, tls_key, self_signed=tls_self_signed, host=host, now=session.now())
    app = create_app(await session.resolver(network=not no_network))
    await serve_app(app, host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})


async def _resolved(did: str, resolver: Resolver, version_id: str | None, version_time: int | None) -> Answer:
    import json

    from ssi.did.dereference import dereference
    from ssi.protocols.did_resolution import build_content, build_dereferencing_result, build_resolution_result

    if _is_url(did):
        if version_id is not None or version_time is not None:
            raise InvalidInputError("expected the version in the DID URL itself")
        found = await dereference(did, resolver=resolver)
        document, resolution, content = build_dereferencing_result(found), found.resolution, build_content(found)
        metadata = document["contentMetadata"]
    else:
        resolution = await resolver.resolve(did, version_id=version_id, version_time=version_time)
        document, content = build_resolution_result(resolution), resolution.document.raw
        metadata = document["didDocumentMetadata"]
    table = facts("metadata", {**metadata, "source": resolution.metadata.source})
    return Answer(document=document, raw=json.dumps(content, indent=2), tables=[table])


def _did_of(text: str) -> str:
    """Return the DID that a DID URL begins with."""
    return re.split("[/?#]", text, maxsplit=1)[0]


def _is_url(did: str) -> bool:
    return any(sign in did for sign in "/?#")


def _changed(
    document: JsonObject, services: list[JsonObject], removed: tuple[str, ...], aliases: tuple[str, ...]
) -> JsonObject:
    """Return ``document`` with services added, replaced by id and removed, and aliases added."""
    changed = dict(document)
    gone = {*removed, *(service.get("id") for service in services)}
    if services or removed:
        here = [service for service in changed.get("service", []) if service.get("id") not in gone]
        changed["service"] = [*here, *services]
        if not changed["service"]:
            del changed["service"]
    if aliases:
        known = changed.get("alsoKnownAs", [])
        changed["alsoKnownAs"] = [*known, *(alias for alias in aliases if alias not in known)]
    return changed


def _version(title: str, did: str, version_id: str, index: int | None, **more: str) -> Answer:
    document: JsonObject = {"did": did, "versionId": version_id, "entry": index, **more}
    return Answer(document=document, tables=[facts(title, document)])

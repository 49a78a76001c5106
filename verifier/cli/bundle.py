"""``ssi bundle``: make and look at offline bundles; ``ssi verify --offline`` uses them.

I/O:     ``make`` reads the ledger and, if asked to, fetches lists; ``show`` reads the file.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssi.cli.command import TIME, action, ledger_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

from .logs import log_options, name_and_file, taken_logs
from .verify import fetched_lists, lists_in

if TYPE_CHECKING:
    from ..bundle import Manifest


@click.group()
def bundle() -> None:
    """Take along what a verifier in the field needs for some issuers, with a date to use it by."""


@bundle.command()
@click.argument("out")
@click.option("--issuer", "issuers", metavar="DID", multiple=True, required=True, help="An issuer; may be repeated.")
@click.option("--lists", "folder", metavar="DIR", help="Their status lists from this folder (see `ssi publish --out`).")
@click.option("--fetch-lists", is_flag=True, help="Fetch the lists that these issuers have on the ledger.")
@click.option("--did-web", "documents", metavar="FILE", multiple=True, help="A did:web document to take along.")
@log_options
@click.option("--context", "contexts", metavar="URL=FILE", multiple=True, help="A JSON-LD context to take along.")
@click.option("--document", "resources", metavar="URL=FILE", multiple=True, help="A schema, or what else policies pin.")
@click.option(
    "--usable-until", "until", type=TIME, help="Not to be used from then on (default: in seven days at most)."
)
@click.option("--excerpt", is_flag=True, help="Of the ledger, only what concerns these issuers.")
@ledger_options
@action
async def make(
    session: Session,
    out: str,
    issuers: tuple[str, ...],
    folder: str | None,
    fetch_lists: bool,
    documents: tuple[str, ...],
    logs: tuple[str, ...],
    proofs: tuple[str, ...],
    fetched: tuple[str, ...],
    contexts: tuple[str, ...],
    resources: tuple[str, ...],
    until: int | None,
    excerpt: bool,
) -> Answer:
    """Write the bundle OUT for the given issuers.

    With --excerpt the bundle is small, and a policy must accept excerpts to use it: what was left out, such as a newer
    list, cannot be noticed.
    """
    from ..bundle import OfflineBundle, list_issuer, make_bundle

    registry = await session.follower() if session.has_ledger else None
    if registry is None and (fetch_lists or excerpt):
        raise InvalidInputError("--fetch-lists and --excerpt need a ledger")
    lists = [] if folder is None else [found for found in lists_in(folder) if list_issuer(found) in (None, *issuers)]
    if registry is not None and fetch_lists:
        lists += await fetched_lists(session, registry.view(), issuers)
    others = await taken_logs(session, logs, proofs, fetched)
    data = await make_bundle(
        issuers,
        now=session.now(),
        registry=registry,
        lists=lists,
        logs=others.logs,
        witness_proofs=others.witness_proofs,
        documents=[read_input(file) for file in documents],
        contexts={url: read_input(file) for url, file in map(name_and_file, contexts)},
        resources={url: read_input(file) for url, file in map(name_and_file, resources)},
        usable_until=until,
        excerpt=excerpt,
    )
    write_output(out, data)
    return _described("made", out, OfflineBundle.open(data, registry=None).manifest, len(data))


@bundle.command()
@click.argument("file")
@action
async def show(session: Session, file: str) -> Answer:
    """Say what FILE is, if it is whole. Nothing in it is believed by that."""
    from ..bundle import MAX_BUNDLE_BYTES, OfflineBundle

    data = read_input(file, max_bytes=MAX_BUNDLE_BYTES)
    return _described("bundle", file, OfflineBundle.open(data, registry=None).manifest, len(data))


def _described(title: str, name: str, manifest: Manifest, size: int) -> Answer:
    seen: JsonObject = {
        "file": name,
        "bytes": size,
        "made": format_seconds(manifest.made_at),
        "usable until": format_seconds(manifest.usable_until),
        "ledger": manifest.ledger,
        "lists": sum(name.startswith("lists/") and name.endswith(".jwt") for name in manifest.files),
        "issuers": list(manifest.issuers),
    }
    return Answer(document=seen, tables=[facts(title, seen)])

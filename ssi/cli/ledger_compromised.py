"""``ssi ledger compromised``: declare that a key of an organisation fell into other hands."""

from __future__ import annotations

import click

from ssi.cli.command import TIME, action, key_options, ledger_options
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.did.parse import parse_did_url
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, NotFoundError
from ssi.registry.view import RegistrySnapshot
from ssi.types import JsonObject


@click.command()
@click.argument("kid")
@click.option("--by", required=True, metavar="NAME", help="Who declares it, an organisation of the project.")
@click.option("--since", type=TIME, help="Since when (default: now).")
@ledger_options
@key_options
@action
async def command(session: Session, kid: str, by: str, since: int | None) -> Answer:
    """Declare the key KID (did:...#credential-1) compromised, on the ledger.

    Its organisation may do so with another key, and so may its accreditor or a root. From then on verifiers refuse what
    the key signed, whatever its date, except what a commitment on the ledger proves to be older. It is not undone by a
    new key: replace the key first (`ssi did rotate`, or the runbook, which does all of it).
    """
    owner = parse_did_url(kid)
    if not owner.fragment or kid != f"{owner.did}#{owner.fragment}":
        raise InvalidInputError("expected a key: a DID, # and its name in the DID document")
    organisation, registry, now = await session.organisation(by), await session.registry(), session.now()
    listed_by = _listing(registry.view(), owner.did, kid)
    submitted = await organisation.declare_compromised(
        kid, listed_by=listed_by, registry=registry, now=now, since=since
    )
    document: JsonObject = {
        "key": kid,
        "since": format_seconds(now if since is None else since),
        "listed by": listed_by,
        "id": submitted.id,
        "entry": submitted.index,
    }
    return Answer(document=document, tables=[facts("declared compromised", document)])


def _listing(view: RegistrySnapshot, did: str, kid: str) -> str:
    """Return the id of the newest log line that has the key in its document. Raises NotFoundError.

    A mistyped name would compromise a key that nobody has, and leave the stolen one in use.
    """
    for version in reversed(view.versions(did)):
        methods = version.version.document.get("verificationMethod", [])
        fragment = kid.removeprefix(did)
        if any(isinstance(method, dict) and method.get("id") in (kid, fragment) for method in methods):
            return version.id
    raise NotFoundError("no version of this DID on the ledger has such a key")

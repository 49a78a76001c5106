"""``ssi verify`` and ``ssi ledger export``: verification by a policy file, online or from a folder.

I/O:     with ``--offline`` the folder and nothing else; without, the ledger and the web, as the project says.
Errors:  see ``ssi.cli.exits``. A refusal prints the checks that were made, and never a claim value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssi.cli.command import TIME, action, ledger_options
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, checks, facts
from ssi.cli.session import Session
from ssi.errors import UnavailableError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from pathlib import Path

    from ssi.ports import PublishedList
    from ssi.registry import RegistryFollower

    from .policy import Policy
    from .verifier import RegistrySource, VerifiedPresentation, Verifier

MAX_PRESENTATION_BYTES = 4 << 20


@click.command()
@click.argument("file")
@click.option("--policy", "policy_file", required=True, metavar="FILE", help="What is accepted (TOML).")
@click.option("--nonce", metavar="TEXT", help="The nonce that was sent to the presenter.")
@click.option("--at", type=TIME, help="Verify as of this time (default: now).")
@click.option("--offline", metavar="DIR", help="Use this folder of logs, lists and checkpoints, and no network.")
@ledger_options
@action
async def verify(
    session: Session, file: str, policy_file: str, nonce: str | None, at: int | None, offline: str | None
) -> Answer:
    """Verify the presentation, or the bare credential, in FILE (- for standard input) under a policy.

    Exit 0: accepted. Exit 1: refused, with the check that failed. Exit 2: FILE is no presentation, or the policy no
    policy. Exit 3: a check could not be made.
    """
    from .policy import Policy

    policy = Policy.load(policy_file)
    presentation = read_input(file, max_bytes=MAX_PRESENTATION_BYTES)
    now = session.now() if at is None else at
    verifier = await (_online(session, policy, now) if offline is None else _offline(policy, now, offline))
    return _accepted(await verifier.verify_all(presentation, nonce=nonce))


async def _offline(policy: Policy, now: int, folder: str) -> Verifier:
    from .offline import OfflineFolder
    from .verifier import Verifier

    found = OfflineFolder.open(folder, registry=policy.registry)
    if found.snapshot is None and _asks_registry(policy):
        raise UnavailableError(
            "policy asks the registry, and the folder has no ledger that policy has roots and keys for"
        )
    return Verifier(
        policy,
        resolver=found.resolver(now=lambda: now),
        lists=found,
        registry=None if found.snapshot is None else found,
        now=lambda: now,
    )


async def _online(session: Session, policy: Policy, now: int) -> Verifier:
    from ssi.did.resolver import default_resolver
    from ssi.status.source import FetchedLists

    from .verifier import Verifier

    registry: RegistrySource | None = None
    if session.has_ledger:
        registry = await _registry(session, policy)
    fetch = session.fetch()
    # A log of today has versions of after the time asked about; that they are not of the future is seen from today.
    clock = max(now, session.now())
    return Verifier(
        policy,
        resolver=default_resolver(fetch=fetch, log_source=registry, now=lambda: clock),
        lists=FetchedLists(fetch),
        registry=registry,
        now=lambda: now,
    )


async def _registry(session: Session, policy: Policy) -> RegistryFollower:
    """Return the registry under the roots and keys of the policy, or of the project where policy has none."""
    if policy.registry is None:
        return await session.follower()
    from ssi.ledger.note import parse_vkey
    from ssi.registry import RegistryFollower

    keys = [parse_vkey(text) for text in policy.registry.keys]
    registry = RegistryFollower(session.ledger(), roots=policy.registry.roots, keys=keys)
    await registry.refresh()
    return registry


def _asks_registry(policy: Policy) -> bool:
    return policy.anchoring is not None or any(trust.accredited for trust in policy.trust)


def _accepted(found: tuple[VerifiedPresentation, ...]) -> Answer:
    report = found[0].report.to_json()
    credentials: list[JsonObject] = []
    tables: list[Table] = []
    for credential in found:
        holder = credential.holder
        said: JsonObject = {
            "type": credential.type,
            "issuer": credential.issuer,
            "holder": None if holder is None else holder.thumbprint(),
        }
        credentials.append({**said, "claims": credential.claims})
        tables += [facts("accepted", said), facts("claims", credential.claims)]
    return Answer(
        document={"credentials": credentials, "report": report},
        tables=[*tables, checks(report)],
        outcome="accepted",
    )


@click.command()
@click.argument("folder")
@click.option("--lists", "lists", metavar="DIR", help="Status lists from this folder (see `ssi publish --out`).")
@click.option("--fetch-lists", is_flag=True, help="Fetch every status list that the ledger has a commitment for.")
@click.option("--did-web", "documents", metavar="FILE", multiple=True, help="A did:web document to take along.")
@ledger_options
@action
async def export(
    session: Session, folder: str, lists: str | None, fetch_lists: bool, documents: tuple[str, ...]
) -> Answer:
    """Write FOLDER for `ssi verify --offline`: the ledger up to its newest checkpoint, DID logs and status lists."""
    from pathlib import Path

    from .offline import write_offline_folder

    registry = await session.follower()
    taken = [] if lists is None else _lists_of(Path(lists))
    if fetch_lists:
        taken += await _fetched(session, registry)
    web = [read_input(document) for document in documents]
    await write_offline_folder(folder, registry=registry, lists=taken, documents=web)
    view = registry.view()
    seen: JsonObject = {
        "folder": folder,
        "entries": view.size,
        "logs": len(list(view.dids())),
        "lists": len(taken),
        "documents": len(web),
    }
    return Answer(document=seen, tables=[facts("exported", seen)])


def _lists_of(path: Path) -> list[PublishedList]:
    from ssi.status.folder import ListFolder

    lists = ListFolder(path)
    return [lists.find(uri) for uri in lists.uris()]


async def _fetched(session: Session, registry: RegistryFollower) -> list[PublishedList]:
    from ssi.errors import SsiError
    from ssi.ledger import stream
    from ssi.registry import Statement, StatusCommitment, parse_entry
    from ssi.status.source import FetchedLists

    source, view = FetchedLists(session.fetch(), receipts=True), registry.view()
    uris: dict[str, None] = {}
    async for _, entry in stream(registry.ledger, 0, view.size):
        try:
            parsed = parse_entry(entry) if isinstance(entry, bytes) else None
        except SsiError:
            continue  # the fold has ignored it, too
        if isinstance(parsed, Statement) and isinstance(parsed.body, StatusCommitment):
            uris[parsed.body.uri] = None
    return [await source.status_list(uri) for uri in uris if view.newest_commitment(uri) is not None]

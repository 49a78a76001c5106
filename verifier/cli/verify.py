"""``ssi verify`` and ``ssi ledger export``: verification by a policy file, online or from a folder or a bundle.

I/O:     with ``--offline`` the folder or bundle and nothing else; without, the ledger and the web, as the project says.
Errors:  see ``ssi.cli.exits``. A refusal prints the checks that were made, and never a claim value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssi.cli.command import TIME, action, ledger_options, passphrase_options
from ssi.cli.files import read_input
from ssi.cli.output import Answer, Table, checks, facts
from ssi.cli.passphrase import read_passphrase
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

from .logs import log_options, taken_logs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssi.ports import PublishedList, RegistrySource
    from ssi.registry import RegistryFollower, RegistrySnapshot

    from ..evidence import Evidence
    from ..policy import Policy
    from ..verified import VerifiedPresentation
    from ..verifier import EvidenceKind, Verifier

MAX_PRESENTATION_BYTES = 4 << 20


@click.command()
@click.argument("file")
@click.option("--policy", "policy_file", required=True, metavar="FILE", help="What is accepted (TOML).")
@click.option("--nonce", metavar="TEXT", help="The nonce that was sent to the presenter.")
@click.option("--at", type=TIME, help="Verify as of this time (default: now).")
@click.option(
    "--offline", metavar="PATH", help="Use this folder, or bundle, of logs, lists and checkpoints, and no network."
)
@click.option("--keep-evidence", "keep", metavar="FILE", help="Keep the verification, also a refusal, as this file.")
@click.option("--keep-for", "duration", metavar="DURATION", help="Say in it how long it may be kept, such as P10Y.")
@click.option("--whole-ledger", is_flag=True, help="Keep the whole ledger in it, and not only what matters.")
@click.option("--seal", "sealed", is_flag=True, help="Seal it with a passphrase.")
@click.option(
    "--issuance-proof", "proofs", metavar="FILE", multiple=True, help="A proof of issuance that came along; repeatable."
)
@passphrase_options
@ledger_options
@action
async def verify(
    session: Session,
    file: str,
    policy_file: str,
    nonce: str | None,
    at: int | None,
    offline: str | None,
    keep: str | None,
    duration: str | None,
    whole_ledger: bool,
    sealed: bool,
    proofs: tuple[str, ...],
) -> Answer:
    """Verify the presentation, or the bare credential, in FILE (- for standard input) under a policy.

    Exit 0: accepted. Exit 1: refused, with the check that failed. Exit 2: FILE is no presentation, or the policy no
    policy. Exit 3: a check could not be made. Evidence holds the claims that were shown: it is personal data.
    """
    from ..policy import Policy
    from ..report import Refused

    policy = Policy.load(policy_file)
    presentation = read_input(file, max_bytes=MAX_PRESENTATION_BYTES)
    now = session.now() if at is None else at
    verifier = await (_online(session, policy, now) if offline is None else _offline(policy, now, offline))
    if keep is None:
        if duration or whole_ledger or sealed:
            raise InvalidInputError("--keep-for, --whole-ledger and --seal belong to --keep-evidence")
        given = [read_input(proof) for proof in proofs]
        return _accepted(await verifier.verify_all(presentation, nonce=nonce, issuance_proofs=given))
    if proofs:
        raise InvalidInputError("evidence does not hold issuance proofs: keep one or give the other")
    passphrase = evidence_passphrase(session, confirm=True) if sealed else None
    kind: EvidenceKind = "whole" if whole_ledger else "excerpt"
    try:
        found = await verifier.verify_all(presentation, nonce=nonce, keep_evidence=kind)
    except Refused as exc:
        if exc.kept is not None:
            _keep(exc.kept, keep, duration, passphrase)
        raise
    if found[0].kept is not None:
        _keep(found[0].kept, keep, duration, passphrase)
    return _accepted(found)


def evidence_passphrase(session: Session, *, confirm: bool = False) -> bytes:
    """Return the passphrase of an evidence file, by the options or from a person."""
    options = session.options
    return read_passphrase("the evidence", file=options.passphrase_file, env=options.passphrase_env, confirm=confirm)


def _keep(evidence: Evidence, path: str, duration: str | None, passphrase: bytes | None) -> None:
    (evidence if duration is None else evidence.keep(duration)).save(path, passphrase=passphrase)


async def _offline(policy: Policy, now: int, path: str) -> Verifier:
    from ..bundle import open_offline

    return open_offline(path, registry=policy.registry).verifier(policy, now=lambda: now)


async def _online(session: Session, policy: Policy, now: int) -> Verifier:
    from ssi.cli.networks import registries
    from ssi.did.resolver import default_resolver
    from ssi.status.source import FetchedLists

    from ..verifier import Verifier

    registry: RegistrySource | None = None
    if session.has_ledger:
        registry = await _registry(session, policy)
    fetch = session.fetch()
    # A log of today has versions of after the time asked about; that they are not of the future is seen from today.
    clock = max(now, session.now())
    return Verifier(
        policy,
        resolver=default_resolver(fetch=fetch, log_source=registry, now=lambda: clock, ethr=registries(session)),
        lists=FetchedLists(fetch, receipts=_takes_receipts(policy) and registry is None),
        registry=registry,
        fetch=fetch,
        now=lambda: now,
    )


def _takes_receipts(policy: Policy) -> bool:
    return policy.anchoring is not None and policy.anchoring.receipt_suffices


async def _registry(session: Session, policy: Policy) -> RegistryFollower:
    """Return the registry under the roots and keys of the policy, or of the project where policy has none."""
    if policy.registry is None:
        return await session.follower()
    from ssi.ledger.note import parse_vkey
    from ssi.registry import RegistryFollower

    keys = [parse_vkey(text) for text in policy.registry.keys]
    registry = RegistryFollower(
        session.ledger(keys=keys),
        roots=policy.registry.roots,
        keys=keys,
        quorum=policy.registry.quorum(),
        pin=session.pin() if keys else None,
    )
    await registry.refresh()
    return registry


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
@log_options
@ledger_options
@action
async def export(
    session: Session,
    folder: str,
    lists: str | None,
    fetch_lists: bool,
    documents: tuple[str, ...],
    logs: tuple[str, ...],
    proofs: tuple[str, ...],
    fetched: tuple[str, ...],
) -> Answer:
    """Write FOLDER for `ssi verify --offline`: the ledger up to its newest checkpoint, DID logs and status lists."""
    from ..offline import write_offline_folder

    registry = await session.follower()
    taken = [] if lists is None else lists_in(lists)
    if fetch_lists:
        view = registry.view()
        taken += await fetched_lists(session, view, view.dids())
    web = [read_input(document) for document in documents]
    others = await taken_logs(session, logs, proofs, fetched)
    await write_offline_folder(
        folder,
        registry=registry,
        lists=taken,
        documents=web,
        logs=others.logs,
        witness_proofs=others.witness_proofs,
        now=session.now(),
    )
    view = registry.view()
    seen: JsonObject = {
        "folder": folder,
        "entries": view.size,
        "logs": len({*view.dids(), *others.logs}),
        "lists": len(taken),
        "documents": len(web),
    }
    return Answer(document=seen, tables=[facts("exported", seen)])


def lists_in(path: str) -> list[PublishedList]:
    """Return the status lists in a folder."""
    from pathlib import Path

    from ssi.status.folder import ListFolder

    lists = ListFolder(Path(path))
    return [lists.find(uri) for uri in lists.uris()]


async def fetched_lists(session: Session, view: RegistrySnapshot, issuers: Iterable[str]) -> list[PublishedList]:
    """Fetch every status list that these issuers have on the ledger, with receipts."""
    from ssi.status.source import FetchedLists

    from ..bundle import anchored_lists

    source = FetchedLists(session.fetch(), receipts=True)
    return [await source.status_list(uri) for uri in anchored_lists(view, issuers)]

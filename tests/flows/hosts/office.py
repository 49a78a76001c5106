"""A registry office on files that several processes share: founded once, opened by each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from issuer import CredentialType, Issuer
from ssi.did.resolver import default_resolver
from ssi.keys import Kms, open_kms
from ssi.ledger import Ledger, open_ledger
from ssi.registry import Organisation, Registry, found_registry
from ssi.registry.founding import open_registry, system_clock
from ssi.status import AnchoringPolicy
from verifier import Policy, Trust, Verifier

Opened = TypeVar("Opened", Issuer, Ledger)
ORIGIN = "log.example"
AUDIENCE = "https://benefits.example"
RESIDENCE = CredentialType(
    name="residence",
    vct="https://town.example/credentials/residence",
    types=("ResidenceCertificate",),
    contexts=("https://www.w3.org/ns/credentials/examples/v2",),
    schema={"type": "object", "properties": {"given_name": {"type": "string"}}, "required": ["given_name"]},
    validity_days=365,
)


_opened: list[Issuer | Ledger] = []
"""What this process has open: an office goes on for as long as its process, a test does not."""


async def close_offices() -> None:
    """Close whatever was opened in this process."""
    while _opened:
        await _opened.pop().close()


def opened(item: Opened) -> Opened:
    """Remember ``item`` for ``close_offices``."""
    _opened.append(item)
    return item


def keys(folder: Path) -> Kms:
    """Open the office's key store."""
    return open_kms(f"file:{folder}/keys.json", passphrase="the office's passphrase")


async def found_office(folder: Path) -> None:
    """Found registry and office in ``folder``."""
    kms = keys(folder)
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
    registry, ministry = await found_registry(ledger, origin=ORIGIN, root_domain="ministry.example", kms=kms)
    office = await Issuer.create(
        "town",
        domain="town.example",
        accreditor=ministry,
        registry=registry,
        kms=kms,
        catalogue=[RESIDENCE],
        store=f"sqlite:///{folder}/issuer.db",
    )
    (folder / "office.json").write_text(json.dumps({"did": office.did, "root": ministry.did}))
    await office.close()
    await ledger.close()


async def open_office_registry(folder: Path, kms: Kms) -> Registry:
    """Open the registry in ``folder``."""
    roots = [json.loads((folder / "office.json").read_text())["root"]]
    ledger = opened(open_ledger(f"sqlite:///{folder}/ledger.db"))
    return await open_registry(ledger, origin=ORIGIN, roots=roots, kms=kms)


async def open_office(folder: Path) -> Issuer:
    """Open the office in ``folder``: what a web worker or a job worker does when it starts."""
    kms = keys(folder)
    registry = await open_office_registry(folder, kms)
    did = json.loads((folder / "office.json").read_text())["did"]
    town = await Organisation.open("town", did, kms=kms, registry=registry, now=system_clock())
    return opened(
        await Issuer.open(
            town,
            store=f"sqlite:///{folder}/issuer.db",
            registry=registry,
            catalogue=[RESIDENCE],
            status_base="https://town.example/status",
        )
    )


async def open_verifier(folder: Path) -> Verifier:
    """Open a verifier that asks for everything but a holder."""
    registry = await open_office_registry(folder, keys(folder))
    policy = Policy(
        audience=AUDIENCE,
        holder_binding="not-required",
        status="required",
        max_list_age_seconds=86_400,
        trust=(Trust(type=RESIDENCE.vct, accredited=True),),
        anchoring=AnchoringPolicy(max_staleness_seconds=86_400, max_unanchored_seconds=0),
    )
    return Verifier(
        policy,
        resolver=default_resolver(log_source=registry),
        lists=await open_office(folder),
        registry=registry,
    )

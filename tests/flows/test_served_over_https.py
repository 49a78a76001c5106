"""An agency serves its lists and its DID log over https; a verifier elsewhere needs nothing else."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from issuer import CredentialType, Issuer
from issuer.http.app import create_app
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import default_resolver
from ssi.errors import NotFoundError
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.ledger.receipt import parse_receipt, verify_receipt
from ssi.net import HttpDoor
from ssi.registry import Organisation, found_registry
from ssi.status import AnchoringPolicy
from ssi.status.source import FetchedLists
from tests.unit.net.tls_server import make_authority, server_context
from verifier import Policy, Refused, Trust, Verifier
from verifier import Registry as LedgerPolicy

NOW = 1_790_000_000
HOST = "town.example"
PERMIT = CredentialType(
    name="permit",
    vct="https://town.example/credentials/permit",
    types=("Permit",),
    schema={"type": "object", "properties": {"zone": {"type": "string"}}},
    validity_days=30,
)


class Served:
    """An issuer behind TLS on a loopback port, under the name ``town.example``."""

    def __init__(self, folder: Path) -> None:
        self.authority = make_authority(folder, names=[HOST])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    async def __aenter__(self) -> Served:
        kms = MemoryKms()
        self.registry, ministry = await found_registry(
            open_ledger("memory:"),
            origin="log.example",
            root_name="ministry",
            root_domain="ministry.example",
            kms=kms,
            now=lambda: NOW,
        )
        agency = await Organisation.create("town", domain=HOST, port=self.port, kms=kms, now=NOW)
        await ministry.enrol_issuer(agency, types=[PERMIT.vct], registry=self.registry, now=NOW)
        self.store = await SqliteIssuerStore.open(":memory:")
        self.issuer = Issuer(
            agency,
            store=self.store,
            registry=self.registry,
            catalogue=[PERMIT],
            status_base=f"https://{HOST}:{self.port}/status",
            now=lambda: NOW,
        )
        self.runner = web.AppRunner(create_app(self.issuer), access_log=None)
        await self.runner.setup()
        await web.SockSite(self.runner, self.socket, ssl_context=server_context(self.authority)).start()
        self.door = HttpDoor(ca_file=self.authority.ca_file, look_up=self._look_up, loopback=[(HOST, self.port)])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()
        await self.store.close()

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path) as running:
        yield running


async def test_verified_with_nothing_but_https(served: Served) -> None:
    issued = await served.issuer.issue("permit", {"zone": "A"}, reference="case-1")
    policy = Policy(
        audience="https://parking.example",
        holder_binding="not-required",
        status="required",
        max_list_age_seconds=3600,
        trust=(Trust(type=PERMIT.vct, issuers=(served.issuer.did,)),),
    )

    def verifier(policy: Policy = policy) -> Verifier:
        return Verifier(
            policy,
            resolver=default_resolver(fetch=served.door, now=lambda: NOW),
            lists=FetchedLists(served.door, receipts=policy.anchoring is not None),
            now=lambda: NOW,
        )

    assert (await verifier().verify(issued.credential)).claims == {"zone": "A"}
    anchored = replace(
        policy,
        anchoring=AnchoringPolicy(max_staleness_seconds=60, max_unanchored_seconds=0, receipt_suffices=True),
        registry=LedgerPolicy(roots=(), keys=((await served.registry.note_key()).vkey,)),
    )
    found = await verifier(anchored).verify(issued.credential)
    assert "anchored; freshness by exp and ttl only" in found.report.checks[-1].detail
    await served.issuer.revoke(reference="case-1")
    with pytest.raises(Refused, match="revoked"):
        await verifier().verify(issued.credential)


async def test_the_did_resolves_to_one_document_from_ledger_and_web(served: Served) -> None:
    await served.issuer.rotate_key()
    did = served.issuer.did
    web_only = await DidWebvh(fetch=served.door, now=lambda: NOW + 10).resolve(did)
    ledger_only = await DidWebvh(log_source=served.registry, now=lambda: NOW + 10).resolve(did)
    assert web_only.document == ledger_only.document
    assert web_only.metadata.version_id == ledger_only.metadata.version_id
    assert (web_only.metadata.version_id or "").startswith("2-")
    assert (web_only.metadata.source, ledger_only.metadata.source) == ("https", "ledger")


async def test_the_receipt_beside_a_list_proves_its_commitment(served: Served) -> None:
    await served.issuer.issue("permit", {"zone": "A"}, reference="case-1")
    (published,) = await served.issuer.status_lists()
    fetched = await FetchedLists(served.door, receipts=True).status_list(published.uri)
    assert fetched.body == published.body
    assert fetched.media_type == "application/statuslist+jwt"
    assert fetched.receipt is not None
    commitment = served.registry.view().newest_commitment(published.uri)
    assert commitment is not None
    receipt = parse_receipt(fetched.receipt)
    assert receipt.entry_index == commitment.entry
    (entry,) = await served.registry.ledger.read(commitment.entry, commitment.entry + 1)
    checkpoint = verify_receipt(receipt, entry, keys=[await served.registry.note_key()])
    assert checkpoint.size > commitment.entry


async def test_other_paths_are_not_found(served: Served) -> None:
    base = f"https://{HOST}:{served.port}"
    for path in ("/", "/status/", "/status/9", "/status/1.receipt.receipt", "/status/..%2f1", "/status/1?x=1"):
        with pytest.raises(NotFoundError):
            await served.door(base + path)

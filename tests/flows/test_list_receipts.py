"""A verifier without the registry takes lists by the receipts beside them, if its policy says that they suffice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ssi.did.resolver import default_resolver
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import KeyPurpose
from ssi.ledger.note import NoteKey
from ssi.ledger.receipt import build_receipt, parse_receipt
from ssi.ports import PublishedList
from ssi.registry.list_receipt import parse_list_receipt
from ssi.status import AnchoringPolicy
from ssi.testing import TestFederation
from tests.flows.embedded_town import TYPE, Town, changed_leaves
from verifier import CouldNotCheck, Policy, Refused, Registry, Trust, VerifiedPresentation, Verifier
from verifier.anchors import Anchors, LedgerAnchors
from verifier.evidence import Evidence

STRICT = AnchoringPolicy(max_staleness_seconds=60, max_unanchored_seconds=0, receipt_suffices=True)


class Office:
    """A town, and a verifier that has its DIDs and lists and not its registry."""

    async def open(self, format: Any = "ldp_vc") -> Office:
        self.town = await Town().open()
        self.credential = (
            await self.town.issuer.issue("residence", {"given_name": "Aino"}, reference="a", format=format)
        ).credential
        self.key: NoteKey = await self.town.registry.note_key()
        self.beside: Mapping[str, bytes | None] = {}
        self.served: Mapping[str, PublishedList] = {}
        await self.publish()
        return self

    async def publish(self) -> None:
        self.served = {each.uri: each for each in await self.town.issuer.status_lists()}
        self.beside = {uri: each.receipt for uri, each in self.served.items()}

    async def status_list(self, uri: str) -> PublishedList:
        found = self.served[uri]
        return PublishedList(uri, found.body, found.media_type, self.beside.get(uri))

    def verifier(self, **changes: Any) -> Verifier:
        members: dict[str, Any] = {
            "audience": "https://benefits.example",
            "holder_binding": "not-required",
            "status": "required",
            "max_list_age_seconds": 86_400,
            "trust": tuple(Trust(type=name, issuers=(self.town.issuer.did,)) for name in (*TYPE.types, TYPE.vct)),
            "anchoring": STRICT,
            "registry": Registry(roots=(), keys=(self.key.vkey,)),
            "contexts": TYPE.contexts,
        }
        return Verifier(
            Policy(**{**members, **changes}),
            resolver=default_resolver(log_source=self.town.registry, now=self.town.clock),
            lists=self,
            now=self.town.clock,
        )

    async def verify(self, **options: Any) -> VerifiedPresentation:
        return await self.verifier().verify(self.credential, **options)


@pytest.mark.parametrize("format", ["ldp_vc", "vc+jwt", "dc+sd-jwt"])
async def test_a_list_with_its_receipt_is_believed(format: str) -> None:
    office = await Office().open(format)
    found = await office.verify()
    details = [check.detail for check in found.report.checks if check.name == "status"]
    assert len(details) == (1 if format == "dc+sd-jwt" else 2)
    assert all("anchored; freshness by exp and ttl only" in detail for detail in details)
    await office.town.issuer.revoke(reference="a")
    await office.publish()
    with pytest.raises(Refused, match="revoked"):
        await office.verify()


async def test_receipts_may_come_with_the_presentation() -> None:
    office = await Office().open()
    receipts = {uri: data for uri, data in office.beside.items() if data is not None}
    office.beside = {}
    with pytest.raises(CouldNotCheck, match="receipt"):
        await office.verify()
    await office.verify(receipts=receipts)
    one, two = receipts
    with pytest.raises(Refused, match="got one of another"):
        await office.verify(receipts={one: receipts[two], two: receipts[one]})
    office.town.clock.advance(10)
    await office.town.issuer.publish(everything=True)
    await office.publish()
    office.beside = {}
    with pytest.raises(Refused, match="got one of another"):
        await office.verify(receipts=receipts)


async def test_every_change_of_a_receipt_is_refused() -> None:
    office = await Office().open()
    given = dict(office.beside)
    for uri, data in given.items():
        document = json.loads(data or b"")
        assert document["entry"]
        for forged in changed_leaves(document):
            office.beside = {**given, uri: json.dumps(forged).encode()}
            with pytest.raises((Refused, CouldNotCheck), match="status"):
                await office.verify()
    office.beside = given
    await office.verify()


async def test_a_receipt_is_believed_under_the_ledgers_keys_alone() -> None:
    office = await Office().open()
    other = await (await TestFederation.found(origin="log.elsewhere")).registry.note_key()
    office.key = other
    with pytest.raises(Refused) as refused:
        await office.verify()
    assert refused.value.check == "status"
    for changes in ({"registry": None}, {"registry": Registry(roots=(), keys=())}):
        with pytest.raises(InvalidInputError, match="keys of the ledger"):
            office.verifier(**changes)
    without = AnchoringPolicy(max_staleness_seconds=60, max_unanchored_seconds=0)
    with pytest.raises(InvalidInputError, match="registry"):
        office.verifier(anchoring=without)
    await office.verifier(anchoring=None).verify(office.credential)


async def test_a_receipt_without_its_entry_is_none() -> None:
    office = await Office().open()
    for data in office.beside.values():
        receipt = parse_receipt(data or b"")
        assert parse_list_receipt(data or b"").issuer == office.town.issuer.did
        bare = build_receipt(type(receipt)(receipt.entry_index, receipt.size, receipt.path, receipt.checkpoint))
        with pytest.raises(InvalidInputError, match="entry"):
            parse_list_receipt(bare)
    agency = office.town.issuer.organisation
    strange = build_receipt((await office.town.registry.submit(agency.log.splitlines()[0])).receipt)
    for entry in (agency.log.splitlines()[0], b"x", b""):
        with pytest.raises(InvalidInputError):
            parse_list_receipt(json.dumps({**json.loads(strange), "entry": entry.decode()}).encode())


async def test_a_statement_key_that_was_replaced_since_counts_for_what_it_signed() -> None:
    office = await Office().open()
    office.town.clock.advance(10)
    await office.town.issuer.rotate_key(KeyPurpose.STATEMENT)
    await office.verify()


@pytest.mark.parametrize("beside", [True, False])
async def test_evidence_has_the_receipts_and_anchors_go_before_its_keys(beside: bool) -> None:
    office = await Office().open()
    receipts = {uri: data for uri, data in office.beside.items() if data is not None}
    if not beside:
        office.beside = {}
    verifier = Verifier(
        office.verifier().policy,
        lists=office,
        fetch=office_web(office),
        now=office.town.clock,
    )
    found = await verifier.verify(office.credential, receipts=receipts, keep_evidence=True)
    kept = Evidence.parse(found.evidence().to_bytes())
    assert any(name.endswith(".receipt.json") for name in kept.members)
    assert (await kept.recheck()).anchors == "recorded"
    own = Anchors(registry=LedgerAnchors((), (office.key.vkey,)))
    checked = await kept.recheck(anchors=own)
    assert (checked.outcome, checked.ledger, checked.anchors) == ("accepted", "none", "given")
    other = await (await TestFederation.found(origin="log.elsewhere")).registry.note_key()
    with pytest.raises(VerificationError, match="status"):
        await kept.recheck(anchors=Anchors(registry=LedgerAnchors((), (other.vkey,))))


def office_web(office: Office) -> Any:
    """Return the web on which the agency serves its DID log."""
    from ssi.did.webvh import did_to_url
    from ssi.testing.sources import MemoryFetch

    agency = office.town.issuer.organisation
    return MemoryFetch({did_to_url(agency.did): agency.log})

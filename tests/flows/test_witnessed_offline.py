"""DIDs with witnesses resolve to one result from ledger, web, bundle and folder; evidence of them lasts ten years."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolution, default_resolver
from ssi.encoding.archive import parse_archive
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.testing import TestFormat, TestWorld
from ssi.testing.sources import MemoryFetch, MemoryLists
from ssi.testing.world import CLAIMS
from tests.flows.evidence_world import again
from tests.flows.offices import policy
from tests.flows.witnessed_office import HOST, Web, WebOffice, Witnessed, issuer
from verifier import Policy, Registry, Trust, Verifier
from verifier.bundle import MANIFEST, OfflineBundle, make_bundle
from verifier.evidence import Evidence
from verifier.offline import OfflineFolder, write_offline_folder

FORMATS: tuple[TestFormat, ...] = ("dc+sd-jwt", "vc+jwt")


@pytest.fixture
async def world() -> TestWorld:
    return await TestWorld.open()


@pytest.fixture
async def office(world: TestWorld) -> Witnessed:
    return await Witnessed.make(now=world.clock())


def same(found: Resolution) -> tuple[object, ...]:
    """Return what a resolution says but for where it comes from."""
    said = found.metadata
    return (
        found.document.raw, said.version_id, said.version_time, said.created, said.updated, said.deactivated,
        said.next_version_id, said.next_update,
    )  # fmt: skip


async def every_version(method: DidWebvh, office: Witnessed) -> list[tuple[object, ...]]:
    """Return all that can be asked of a log: the newest, and each version by id, by number and by time."""
    found = [same(await method.resolve(office.did))]
    for version in office.log.versions:
        found.append(same(await method.resolve(office.did, version_id=version.entry.version_id)))
        found.append(same(await method.resolve_number(office.did, version.number)))
        found.append(same(await method.resolve(office.did, version_time=version.entry.time_seconds)))
    return found


async def test_ledger_web_bundle_and_folder_say_the_same(world: TestWorld, office: Witnessed, tmp_path: Path) -> None:
    proofs, registry, clock = await office.proofs(), world.federation.registry, world.clock
    pages = {f"https://{HOST}/.well-known/did.jsonl": office.log.log}
    pages[f"https://{HOST}/.well-known/did-witness.json"] = proofs
    from_web = await every_version(DidWebvh(fetch=MemoryFetch(pages), now=clock), office)

    logs = {"logs": {office.did: office.log.log}, "witness_proofs": {office.did: proofs}}
    alone = await make_bundle([office.did], now=clock(), **logs)  # type: ignore[arg-type]
    bundle = OfflineBundle.open(alone, registry=None)
    assert await every_version(DidWebvh(log_source=bundle, now=clock), office) == from_web
    assert await every_version(DidWebvh(fetch=bundle._fetch, now=clock), office) == from_web
    await write_offline_folder(tmp_path / "web", registry=registry, now=clock(), **logs)  # type: ignore[arg-type]
    folder = OfflineFolder.open(tmp_path / "web", registry=None)
    assert await every_version(DidWebvh(log_source=folder, now=clock), office) == from_web

    ministry = world.federation.ministry
    await ministry.accredit(office.did, role="organisation", registry=registry, now=clock())
    await office.organisation.publish(registry, witness_proofs=proofs)
    assert await every_version(DidWebvh(log_source=registry, now=clock), office) == from_web
    await write_offline_folder(tmp_path / "ledger", registry=registry)
    anchored = Registry(roots=(ministry.did,), keys=((await registry.note_key()).vkey,))
    for known in (anchored, None):  # by the ledger in it, and by the files alone
        folder = OfflineFolder.open(tmp_path / "ledger", registry=known)
        assert await every_version(DidWebvh(log_source=folder, now=clock), office) == from_web
        data = await make_bundle([office.did], now=clock(), registry=registry)
        bundle = OfflineBundle.open(data, registry=known)
        assert await every_version(DidWebvh(log_source=bundle, now=clock), office) == from_web


async def test_nothing_is_taken_along_without_its_approvals(
    world: TestWorld, office: Witnessed, tmp_path: Path
) -> None:
    log, registry = office.log.log, world.federation.registry
    wrong = {
        "none": {},
        "of an older version": {office.did: await office.proofs(2)},
        "too few": {office.did: await office.proofs(3, 0)},
    }
    for proofs in wrong.values():
        with pytest.raises(VerificationError, match="witnesses approved, 2 must"):
            await make_bundle([office.did], now=world.clock(), logs={office.did: log}, witness_proofs=proofs)
        with pytest.raises(VerificationError, match="witnesses approved, 2 must"):
            await write_offline_folder(
                tmp_path / "out", registry=registry, logs={office.did: log}, witness_proofs=proofs, now=world.clock()
            )
    with pytest.raises(InvalidInputError, match="come with the log"):
        await make_bundle(
            [world.town.did], now=world.clock(), registry=registry, witness_proofs={office.did: await office.proofs()}
        )


async def test_a_forger_changes_the_proofs_of_a_bundle(world: TestWorld, office: Witnessed) -> None:
    good = await make_bundle(
        [office.did],
        now=world.clock(),
        logs={office.did: office.log.log},
        witness_proofs={office.did: await office.proofs()},
    )
    name = next(found for found in parse_archive(good) if found.endswith(".did-witness.json"))

    async def resolved(change: bytes | None) -> object:
        bundle = OfflineBundle.open(again(good, MANIFEST, {name: change}), registry=None)
        return (await DidWebvh(log_source=bundle, now=world.clock).resolve(office.did)).metadata.version_id

    with pytest.raises(UnavailableError, match="no witness proofs"):
        await resolved(None)
    for change in (await office.proofs(2), await office.proofs(3, 2), b"[]"):
        with pytest.raises(VerificationError, match="witnesses approved, 2 must"):
            await resolved(change)
    with pytest.raises(InvalidInputError):
        await resolved(b"{")
    altered = bytearray(await office.proofs())
    altered[altered.index(b"proofValue") + 30] ^= 1
    with pytest.raises(VerificationError):
        await resolved(bytes(altered))


def web_policy(world: TestWorld, did: str) -> Policy:
    trust = tuple(Trust(type=name, issuers=(did,)) for name in world.type.names)
    return policy(world, trust=trust)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with Web(tmp_path) as running:
        yield running


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", ["web", "webvh"])
async def test_evidence_over_https_lasts_ten_years(
    world: TestWorld, web: Web, format: TestFormat, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = MemoryLists()
    if method == "web":
        plain = WebOffice(web.port)
        web.pages["/.well-known/did.json"] = await plain.document()
        harbour = issuer(plain, clock=world.clock, lists=lists)
    else:
        office = await Witnessed.make(now=world.clock(), port=web.port)
        web.pages["/.well-known/did.jsonl"] = office.log.log
        web.pages["/.well-known/did-witness.json"] = await office.proofs()
        harbour = issuer(office.organisation, clock=world.clock, lists=lists)
    await harbour.publish()
    verifier = Verifier(
        web_policy(world, harbour.did),
        resolver=default_resolver(fetch=web.door, now=world.clock),
        lists=lists,
        fetch=web.door,
        now=world.clock,
    )
    result = await verifier.verify(await world.shown(format, by=harbour), nonce=world.nonce, keep_evidence=True)
    assert result.claims == CLAIMS
    path = tmp_path / "case.evidence"
    result.evidence(keep="P10Y").save(path)

    asked = list(web.asked)
    web.pages.clear()
    later = time.time() + 10 * 365 * 86_400
    monkeypatch.setattr("time.time", lambda: later)
    found = await Evidence.load(path).recheck()
    assert (found.outcome, found.ledger) == ("accepted", "none")
    assert [check.name for check in found.report.checks] == [check.name for check in result.report.checks]
    assert web.asked == asked, "a recheck asks nobody"
    if method == "webvh":
        members = parse_archive(path.read_bytes())
        proofs = next(name for name, body in members.items() if b"proofPurpose" in body and body.startswith(b"[{"))
        forged = Evidence.parse(again(path.read_bytes(), "evidence.json", {proofs: b"[]"}))
        with pytest.raises(VerificationError):
            await forged.recheck()

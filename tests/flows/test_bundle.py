"""Offline bundles: made for some issuers, used in the field, refused when they are altered, mixed or too old."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.archive import build_archive, parse_archive
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import (
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    SsiError,
    UnavailableError,
)
from ssi.status.lists import CredentialState
from ssi.status.verify import parse_status_list
from ssi.testing import TestFormat, TestWorld
from ssi.testing.issuer import FORMATS
from ssi.testing.world import CLAIMS
from tests.flows.evidence_world import again, world_with_others
from tests.flows.offices import STRICT, policy
from verifier import CouldNotCheck, Refused, Registry, VerifiedPresentation
from verifier.bundle import MANIFEST, OfflineBundle, anchored_lists, make_bundle, open_offline

DAY = 86_400


@pytest.fixture
async def world() -> TestWorld:
    return await world_with_others()


async def made(world: TestWorld, **options: Any) -> bytes:
    view = world.registry.view()
    lists = [world.lists.lists[uri] for uri in anchored_lists(view, [world.town.did])]
    members = {
        "now": world.clock(),
        "registry": world.registry,
        "lists": lists,
        "usable_until": world.clock() + 3 * DAY,
    }
    return await make_bundle([world.town.did], **{**members, **options})


async def registry_of(world: TestWorld, **options: Any) -> Registry:
    key = await world.federation.registry.note_key()
    return Registry(roots=(world.federation.ministry.did,), keys=(key.vkey,), **options)


async def verified(
    world: TestWorld, data: bytes | OfflineBundle, text: str, *, excerpts: bool = False, **changes: Any
) -> VerifiedPresentation:
    registry = await registry_of(world, accept_excerpts=excerpts)
    bundle = data if isinstance(data, OfflineBundle) else OfflineBundle.open(data, registry=registry)
    office = bundle.verifier(policy(world, **{"anchoring": STRICT, **changes}), now=world.clock)
    return await office.verify(text, nonce=world.nonce)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("excerpt", [False, True])
async def test_the_bundle_serves(world: TestWorld, format: TestFormat, excerpt: bool, tmp_path: Path) -> None:
    data = await made(world, excerpt=excerpt, contexts={"https://town.example/context": b"{}"})
    text = await world.shown(format)
    result = await verified(world, data, text, excerpts=excerpt)
    assert CLAIMS.items() <= result.claims.items()
    source = next(check.source for check in result.report.checks if check.name == "issuer")
    assert source.endswith("as far as an excerpt shows") == excerpt
    (tmp_path / "field.zip").write_bytes(data)
    opened = open_offline(tmp_path / "field.zip", registry=await registry_of(world, accept_excerpts=True))
    assert isinstance(opened, OfflineBundle)
    assert opened.contexts() == {"https://town.example/context": b"{}"}
    assert opened.manifest.ledger == ("excerpt" if excerpt else "whole")


async def test_an_excerpt_is_small_and_counts_only_where_policy_says_so(world: TestWorld) -> None:
    whole, part = await made(world), await made(world, excerpt=True)
    sizes = [len(parse_archive(data)["ledger/entries.jsonl"]) for data in (whole, part)]
    assert sizes[1] < sizes[0] / 2
    with pytest.raises(UnavailableError, match="excerpt"):
        OfflineBundle.open(part, registry=await registry_of(world))


async def test_an_excerpt_says_of_its_issuers_what_the_whole_ledger_says(world: TestWorld) -> None:
    world.town.set_state("dc+sd-jwt", 1, CredentialState.REVOKED)
    await world.town.publish()
    world.clock.advance(1)
    registry = await registry_of(world, accept_excerpts=True)
    part = OfflineBundle.open(await made(world, excerpt=True), registry=registry).snapshot
    whole = world.federation.registry.view()
    assert part is not None
    assert part.left_out > 0
    for name in world.type.names:
        found, expected = (view.may_issue(world.town.did, name, at=world.clock()) for view in (part, whole))
        assert found == expected is not None
    for uri in anchored_lists(whole, [world.town.did]):
        assert part.newest_commitment(uri) == whole.newest_commitment(uri) is not None
    assert part.did_log(world.town.did) == whole.did_log(world.town.did)


async def test_past_its_date_it_is_not_used(world: TestWorld) -> None:
    data, text = await made(world), await world.shown("dc+sd-jwt")
    world.clock.advance(-2 * 3_600)
    with pytest.raises(CouldNotCheck, match="made at") as early:
        await verified(world, data, text)
    assert early.value.check == "bundle"
    for later in (3 * DAY + 2 * 3_600, 3_650 * DAY):
        world.clock.advance(later)
        with pytest.raises(CouldNotCheck, match="usable until") as late:
            await verified(world, data, text)
        assert late.value.check == "bundle"


async def test_a_verifier_that_is_kept_notices_the_date(world: TestWorld) -> None:
    bundle = OfflineBundle.open(await made(world, usable_until=world.clock() + 100), registry=await registry_of(world))
    office = bundle.verifier(policy(world, anchoring=STRICT), now=world.clock)
    text = await world.shown("vc+jwt")
    await office.verify(text, nonce=world.nonce)
    world.clock.advance(100)
    with pytest.raises(CouldNotCheck, match="usable until"):
        await office.verify(text, nonce=world.nonce)


async def test_a_later_date_does_not_stretch_policy(world: TestWorld) -> None:
    """Whoever carries the bundle can write another date into it: times that matter are signed."""
    data, text = await made(world), await world.shown("dc+sd-jwt")
    manifest = parse_object(parse_archive(data)[MANIFEST])
    stretched = {**manifest, "usable_until": manifest["made_at"] + 300 * DAY}
    forged = again(data, MANIFEST, {MANIFEST: jcs(stretched)})
    world.clock.advance(10 * DAY)
    with pytest.raises(Refused) as refused:
        await verified(world, forged, text, holder_binding="not-required")
    assert refused.value.check == "status"
    for dates in ({"usable_until": manifest["made_at"]}, {"usable_until": manifest["made_at"] + 400 * DAY}):
        with pytest.raises(InvalidInputError):
            OfflineBundle.open(again(data, MANIFEST, {MANIFEST: jcs({**manifest, **dates})}), registry=None)


async def test_by_default_it_ends_with_its_first_list(world: TestWorld) -> None:
    bundle = OfflineBundle.open(await made(world, usable_until=None), registry=None)
    lists = [bundle.lists.find(uri) for uri in bundle.lists.uris()]
    ends = [parse_status_list(found.body).unverified_claims().get("exp") for found in lists]
    assert bundle.manifest.usable_until <= min([end for end in ends if end] + [world.clock() + 7 * DAY])


async def test_every_byte_counts(world: TestWorld) -> None:
    data = await made(world, excerpt=True)
    for position in range(0, len(data), 5):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(SsiError):
            OfflineBundle.open(bytes(changed), registry=None)


async def test_members_changed_by_a_forger_are_refused_or_make_no_difference(world: TestWorld) -> None:
    data, text = await made(world), await world.shown("dc+sd-jwt")
    for name, body in parse_archive(data).items():
        if name == MANIFEST:
            continue
        for position in range(0, len(body), max(len(body) // 12, 1)):
            changed = bytearray(body)
            changed[position] ^= 4
            try:
                found = await verified(world, again(data, MANIFEST, {name: bytes(changed)}), text)
            except SsiError:
                continue
            assert found.claims == CLAIMS


async def test_members_missing_swapped_and_from_elsewhere(world: TestWorld) -> None:
    data, text = await made(world), await world.shown("dc+sd-jwt")
    members = parse_archive(data)
    for name in members:
        if name != MANIFEST:
            with pytest.raises(SsiError, match="missing"):
                OfflineBundle.open(build_archive({key: members[key] for key in members if key != name}), registry=None)
    with pytest.raises(SsiError, match="not listed"):
        OfflineBundle.open(build_archive({**members, "lists/more.jwt": b"x"}), registry=None)
    lists = sorted(name for name in members if name.startswith("lists/") and name.endswith(".jwt"))
    swapped: dict[str, bytes | None] = dict(zip(lists, [members[name] for name in lists[1:] + lists[:1]], strict=True))
    with pytest.raises((Refused, CouldNotCheck, InvalidInputError)):
        await verified(world, again(data, MANIFEST, swapped), text)
    outcomes = []
    for gone in lists:
        try:
            outcomes.append((await verified(world, again(data, MANIFEST, {gone: None}), text)).claims)
        except CouldNotCheck as exc:
            outcomes.append({"check": exc.check})
    assert outcomes.count({"check": "status"}) == 1  # the list that the credential is in
    assert outcomes.count(CLAIMS) == len(lists) - 1


async def test_a_checkpoint_of_another_log(world: TestWorld) -> None:
    other = await world_with_others()
    data, theirs = await made(world), parse_archive(await made(other))
    own = next(name for name in parse_archive(data) if name.startswith("checkpoints/"))
    foreign = next(body for name, body in theirs.items() if name.startswith("checkpoints/"))
    with pytest.raises(InvalidSignatureError):
        OfflineBundle.open(again(data, MANIFEST, {own: foreign}), registry=await registry_of(world))
    with pytest.raises(InvalidSignatureError):
        OfflineBundle.open(data, registry=await registry_of(other))
    with pytest.raises(InclusionProofError):
        OfflineBundle.open(
            again(data, MANIFEST, {"ledger/entries.jsonl": theirs["ledger/entries.jsonl"]}),
            registry=await registry_of(world),
        )


async def test_an_old_list_does_not_pass_with_the_newest_ledger(world: TestWorld) -> None:
    text = await world.shown("dc+sd-jwt")
    old = {name: body for name, body in parse_archive(await made(world)).items() if name.startswith("lists/")}
    world.clock.advance(60)
    world.town.set_state("dc+sd-jwt", 1, CredentialState.REVOKED)
    await world.town.publish()
    data = await made(world)
    gone: dict[str, bytes | None] = {name: None for name in parse_archive(data) if name.startswith("lists/")}
    with pytest.raises(Refused) as refused:
        await verified(world, again(data, MANIFEST, {**gone, **old}), text)
    assert refused.value.check == "status"


async def test_what_cannot_be_taken_along(world: TestWorld) -> None:
    stranger = await world.issuer("stranger", accredited=False)
    with pytest.raises(NotFoundError, match="no log"):
        await make_bundle([stranger.did], now=world.clock(), registry=world.registry)
    with pytest.raises(InvalidInputError):
        await make_bundle([], now=world.clock())
    for until in (world.clock(), world.clock() + 367 * DAY):
        with pytest.raises(InvalidInputError, match="year"):
            await made(world, usable_until=until)
    alone = await make_bundle(["did:web:town.example"], now=world.clock(), documents=[b'{"id":"did:web:town.example"}'])
    assert OfflineBundle.open(alone, registry=await registry_of(world)).manifest.ledger == "none"


async def test_a_policy_that_asks_the_registry_needs_one(world: TestWorld) -> None:
    data = await made(world, registry=None, logs={world.town.did: world.registry.view().did_log(world.town.did)})
    with pytest.raises(UnavailableError, match="registry"):
        await verified(world, data, await world.shown("vc+jwt"))

"""Evidence: a verification kept in one file and looked at again, by another person, ten years on, without a network."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from ssi.did.resolver import default_resolver, system_clock
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError, VerificationError
from ssi.files import MemberFiles
from ssi.keys.sealed import seal, unseal
from ssi.ledger.excerpt import build_line, whole_lines
from ssi.status.lists import CredentialState
from ssi.testing import TestFormat, TestWorld
from ssi.testing.issuer import FORMATS
from ssi.testing.sources import MemoryFetch
from ssi.testing.world import CLAIMS
from tests.flows.evidence_world import again, anchors_of, kept, world_with_others
from tests.flows.offices import STRICT, policy, verifier
from verifier import CouldNotCheck, Refused, Registry, Trust, Verifier
from verifier.anchors import Anchors
from verifier.bundle import OfflineBundle, make_bundle
from verifier.evidence import MANIFEST, Evidence, keep_until
from verifier.offline import OfflineFolder, write_offline_folder
from verifier.recheck import EvidenceDiffers

ENTRIES = "world/ledger/entries.jsonl"


@pytest.fixture
async def world() -> TestWorld:
    return await world_with_others()


@pytest.mark.parametrize("format", FORMATS)
async def test_kept_and_rechecked_ten_years_on(
    world: TestWorld, format: TestFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await kept(world, format)
    assert CLAIMS.items() <= result.claims.items()
    path = tmp_path / "case-17.evidence"
    result.evidence(keep="P10Y").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    for index in range(1, 4):
        world.town.set_state(format, index, CredentialState.REVOKED)
    await world.town.publish()
    later = system_clock() + 10 * 365 * 86_400
    monkeypatch.setattr("time.time", lambda: float(later))
    found = await Evidence.load(path).recheck(anchors=await anchors_of(world))
    assert (found.outcome, found.ledger, found.anchors, found.stamped_at) == ("accepted", "excerpt", "given", None)
    assert found.keep_until == keep_until(found.made_at, "P10Y")
    assert [(check.name, check.outcome) for check in found.report.checks] == [
        (check.name, check.outcome) for check in result.report.checks
    ]
    assert any("excerpt" in note for note in found.notes)


async def test_of_the_ledger_only_what_matters_is_kept(world: TestWorld) -> None:
    part, whole = [(await kept(world, keep_evidence=kind)).evidence() for kind in ("excerpt", "whole")]
    anchors = await anchors_of(world)
    assert (await whole.recheck(anchors=anchors)).ledger == "whole"
    assert len(part.members[ENTRIES]) < len(whole.members[ENTRIES]) / 2
    size = await world.federation.ledger.size()
    lines = [build_line(line) async for line in whole_lines(world.federation.ledger, size)]
    ledger = MemberFiles({"ledger/entries.jsonl": b"".join(lines)})
    assert (await part.recheck(anchors=replace(anchors, ledger=ledger))).ledger == "whole"


async def test_a_left_out_entry_is_found_with_the_whole_ledger(world: TestWorld) -> None:
    """Whoever keeps evidence of a moment before a newer list was anchored cannot pass it off under a later head."""
    early = (await kept(world, keep_evidence="whole")).evidence()
    world.clock.advance(60)
    world.town.set_state("dc+sd-jwt", 1, CredentialState.REVOKED)
    await world.town.publish()
    late = (await kept(world)).evidence()
    stale = {name: body for name, body in early.members.items() if name.startswith("world/lists/")}
    gone: dict[str, bytes | None] = {name: None for name in late.members if name.startswith("world/lists/")}
    mixed = Evidence.parse(again(late.to_bytes(), MANIFEST, {**gone, **stale}))
    with pytest.raises(EvidenceDiffers, match="status"):
        await mixed.recheck(anchors=await anchors_of(world))


async def test_refusals_are_kept_too(world: TestWorld) -> None:
    credential = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key, index=9)
    world.town.set_state("dc+sd-jwt", 9, CredentialState.REVOKED)
    await world.town.publish()
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    with pytest.raises(Refused, match="revoked") as refused:
        await verifier(world, anchoring=STRICT).verify(text, nonce=world.nonce, keep_evidence=True)
    assert refused.value.kept is not None
    found = await refused.value.kept.recheck(anchors=await anchors_of(world))
    assert found.outcome == "refused"


async def test_could_not_check_leaves_no_evidence(world: TestWorld) -> None:
    text = await world.shown("dc+sd-jwt")
    world.lists.down = True
    with pytest.raises(CouldNotCheck):
        await verifier(world).verify(text, nonce=world.nonce, keep_evidence=True)
    plain = await TestWorld.open()
    result = await verifier(plain).verify(await plain.shown("vc+jwt"), nonce=plain.nonce)
    with pytest.raises(InvalidInputError, match="keep_evidence"):
        result.evidence()


@pytest.mark.parametrize(
    ("member", "change", "check"),
    [
        ("result.json", lambda found: {**found, "credentials": []}, "claims"),
        ("result.json", lambda found: {**found, "outcome": "refused"}, "outcome"),
        ("result.json", lambda found: {**found, "report": {**found["report"], "checks": []}}, "format"),
        ("result.json", lambda found: {**found, "report": {**found["report"], "at": 7}}, "time"),
        ("request.json", lambda found: {**found, "nonce": "another"}, "holder"),
        ("request.json", lambda found: {**found, "at": found["at"] + 86_400 * 800}, "validity"),
        ("policy.json", lambda found: {**found, "audience": "https://elsewhere.example"}, "holder"),
        ("policy.json", lambda found: {**found, "trust": found["trust"][1:]}, "issuer"),
    ],
)
async def test_what_differs_is_named(world: TestWorld, member: str, change: object, check: str) -> None:
    evidence = (await kept(world)).evidence()
    body = jcs(change(parse_object(evidence.members[member])))  # type: ignore[operator]
    changed = Evidence.parse(again(evidence.to_bytes(), MANIFEST, {member: body}))
    with pytest.raises(EvidenceDiffers) as differs:
        await changed.recheck(anchors=await anchors_of(world))
    assert differs.value.check == check
    assert CLAIMS["given_name"] not in str(differs.value)


async def test_another_ledger_is_refused(world: TestWorld) -> None:
    evidence = (await kept(world)).evidence()
    other = await world_with_others()
    theirs = (await kept(other)).evidence()
    with pytest.raises(InvalidSignatureError):
        await evidence.recheck(anchors=await anchors_of(other))
    notes = {name: body for name, body in theirs.members.items() if "/checkpoints/" in name}
    own = [name for name in evidence.members if "/checkpoints/" in name]
    swapped = again(evidence.to_bytes(), MANIFEST, {own[0]: next(iter(notes.values()))})
    with pytest.raises(VerificationError):
        await Evidence.parse(swapped).recheck(anchors=await anchors_of(world))
    # A forger who brings a whole world of his own satisfies his own anchors, and nobody else's.
    assert (await theirs.recheck()).anchors == "recorded"


@pytest.mark.parametrize(
    "prefix", ["world/lists/", "world/ledger/", "world/checkpoints/", "anchors.json", "policy.json"]
)
async def test_missing_members(world: TestWorld, prefix: str) -> None:
    evidence = (await kept(world)).evidence()
    for name in [name for name in evidence.members if name.startswith(prefix)]:
        members = {found: body for found, body in evidence.members.items() if found != name}
        with pytest.raises(VerificationError, match="missing"):
            Evidence.parse(Evidence(members, evidence.manifest).to_bytes())
        try:
            left = Evidence.parse(again(evidence.to_bytes(), MANIFEST, {name: None}))
            found = await left.recheck()
        except SsiError:
            continue
        assert name.endswith(("index.json", ".receipt.json")), name  # lists name themselves as well
        assert found.outcome == "accepted"
    more = {**evidence.members, "world/more.txt": b"more"}
    with pytest.raises(VerificationError, match="not listed"):
        Evidence.parse(Evidence(more, evidence.manifest).to_bytes())


async def test_members_are_what_the_manifest_lists(world: TestWorld) -> None:
    """Without hashes that fit, a time stamp over the manifest would say nothing of the rest."""
    evidence = (await kept(world)).evidence()
    for name in evidence.members:
        if name != MANIFEST:
            changed = Evidence({**evidence.members, name: evidence.members[name] + b" "}, evidence.manifest)
            with pytest.raises(VerificationError, match="not what was listed"):
                Evidence.parse(changed.to_bytes())


async def test_every_byte_counts(world: TestWorld) -> None:
    result = await kept(world, "vc+jwt")
    data = result.evidence().to_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises((InvalidInputError, VerificationError)):
            Evidence.parse(bytes(changed))


async def test_every_member_changed_by_a_forger_is_refused_or_the_same(world: TestWorld) -> None:
    """Hashes and checksums that fit protect nothing: signatures have to."""
    evidence = (await kept(world)).evidence()
    anchors, data = await anchors_of(world), evidence.to_bytes()
    same = await evidence.recheck(anchors=anchors)
    for name, body in evidence.members.items():
        if name == MANIFEST:
            continue
        for position in range(0, len(body), max(len(body) // 12, 1)):
            changed = bytearray(body)
            changed[position] ^= 4
            try:
                found = await Evidence.parse(again(data, MANIFEST, {name: bytes(changed)})).recheck(anchors=anchors)
            except SsiError:
                continue
            assert (found.outcome, found.at, found.report) == (same.outcome, same.at, same.report), (name, position)


async def test_another_policy_may_be_stricter(world: TestWorld) -> None:
    evidence = (await kept(world)).evidence()
    anchors = await anchors_of(world)
    by_name = tuple(Trust(type=name, issuers=(world.town.did,)) for name in world.type.names)
    assert (await evidence.recheck(anchors=anchors, policy=policy(world))).outcome == "accepted"
    with pytest.raises(EvidenceDiffers):
        await evidence.recheck(anchors=anchors, policy=policy(world, trust=by_name, status="not-checked"))


async def test_logs_from_the_web_are_kept_as_they_were(world: TestWorld) -> None:
    log = await world.federation.registry.did_log(world.town.did)
    host = world.town.did.rpartition(":")[2]
    fetch = MemoryFetch({f"https://{host}/.well-known/did.jsonl": log})
    office = Verifier(
        policy(world, trust=tuple(Trust(type=name, issuers=(world.town.did,)) for name in world.type.names)),
        resolver=default_resolver(fetch=fetch, now=world.clock),
        lists=world.lists,
        fetch=fetch,
        now=world.clock,
    )
    result = await office.verify(await world.shown("dc+sd-jwt"), nonce=world.nonce, keep_evidence=True)
    fetch.down = True
    found = await result.evidence().recheck()
    assert (found.ledger, found.anchors) == ("none", "none")
    assert any("from the web" in note for note in found.notes)


async def test_sealed(world: TestWorld, tmp_path: Path) -> None:
    evidence = (await kept(world)).evidence()
    path = tmp_path / "sealed.evidence"
    evidence.save(path, passphrase="open sesame")
    assert b"presentation.txt" not in path.read_bytes()
    assert Evidence.load(path, passphrase="open sesame").members == evidence.members
    with pytest.raises(InvalidInputError, match="passphrase"):
        Evidence.load(path)
    with pytest.raises(VerificationError):
        Evidence.load(path, passphrase="open barley")


def test_seals_hold() -> None:
    data = seal(b"twelve bytes", "secret")
    assert unseal(data, b"secret") == b"twelve bytes"
    end = data.index(b"\n", 25)
    for position in (*range(24, end, 9), *range(end, len(data), 5)):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises((InvalidInputError, VerificationError)):
            unseal(bytes(changed), "secret")
    for huge in (b'"memory_kib":65536', b'"iterations":3'):
        with pytest.raises(InvalidInputError):
            unseal(data.replace(huge, huge.partition(b":")[0] + b":99999999"), "secret")


@pytest.mark.parametrize("duration", ["", "P", "10Y", "P1Y6M", "P-1Y", "P9999Y", "PT1M", "P1W"])
def test_other_durations_are_refused(duration: str) -> None:
    with pytest.raises(InvalidInputError):
        keep_until(1_790_000_000, duration)


def test_durations_follow_the_calendar() -> None:
    leap_day = 1_835_438_400  # 29 February 2028
    assert keep_until(leap_day, "P1Y") == leap_day + 365 * 86_400
    assert keep_until(leap_day, "P1M") == leap_day + 29 * 86_400
    assert keep_until(leap_day, "PT12H") == leap_day + 43_200


async def test_anchors_from_a_folder(world: TestWorld, tmp_path: Path) -> None:
    evidence, anchors = (await kept(world)).evidence(), await anchors_of(world)
    assert anchors.registry is not None
    (tmp_path / "anchors.toml").write_text(
        f"roots = {list(anchors.registry.roots)}\nkeys = {list(anchors.registry.keys)}\n"
    )
    assert (await evidence.recheck(anchors=tmp_path)).anchors == "given"
    (tmp_path / "anchors.toml").write_text("roots = 3\n")
    with pytest.raises(InvalidInputError):
        Anchors.load(tmp_path)


async def test_evidence_over_an_offline_folder_without_a_ledger(world: TestWorld, tmp_path: Path) -> None:
    await write_offline_folder(tmp_path, registry=world.federation.registry, lists=list(world.lists.lists.values()))
    rules = policy(world, trust=tuple(Trust(type=name, issuers=(world.town.did,)) for name in world.type.names))
    office = OfflineFolder.open(tmp_path, registry=None).verifier(rules, now=world.clock)
    result = await office.verify(await world.shown("vc+jwt"), nonce=world.nonce, keep_evidence=True)
    assert (await result.evidence().recheck()).ledger == "none"


async def test_evidence_over_a_bundle_keeps_the_ledger_that_came_along(world: TestWorld) -> None:
    anchors = await anchors_of(world)
    assert anchors.registry is not None
    believed = Registry(roots=anchors.registry.roots, keys=anchors.registry.keys, accept_excerpts=True)
    lists = [found for uri, found in world.lists.lists.items() if uri.startswith("https://town.example/")]
    data = await make_bundle([world.town.did], now=world.clock(), registry=world.registry, lists=lists, excerpt=True)
    office = OfflineBundle.open(data, registry=believed).verifier(policy(world, anchoring=STRICT), now=world.clock)
    text = await world.shown("dc+sd-jwt")
    result = await office.verify(text, nonce=world.nonce, keep_evidence="whole")
    assert (await result.evidence().recheck(anchors=anchors)).ledger == "excerpt"


async def test_a_verifier_without_its_way_to_fetch_keeps_no_evidence(world: TestWorld) -> None:
    office = Verifier(
        policy(world),
        resolver=default_resolver(fetch=MemoryFetch(), log_source=world.registry, now=world.clock),
        lists=world.lists,
        registry=world.registry,
        now=world.clock,
    )
    text = await world.shown("dc+sd-jwt")
    await office.verify(text, nonce=world.nonce)
    with pytest.raises(InvalidInputError, match="fetch"):
        await office.verify(text, nonce=world.nonce, keep_evidence=True)


async def test_a_presentation_of_nothing_leaves_no_evidence(world: TestWorld) -> None:
    with pytest.raises(InvalidInputError):
        await verifier(world).verify("nothing", nonce=world.nonce, keep_evidence=True)

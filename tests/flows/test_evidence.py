"""Evidence: a verification kept in one file and looked at again, by another person, ten years on, without a network."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from ssi.did.resolver import system_clock
from ssi.status.lists import CredentialState
from ssi.testing import TestFormat, TestWorld
from ssi.testing.world import CLAIMS
from tests.flows.offices import STRICT, verifier
from verifier import VerifiedPresentation
from verifier.anchors import Anchors, Registry
from verifier.evidence import Evidence

FORMATS: tuple[TestFormat, ...] = ("dc+sd-jwt", "vc+jwt")


async def kept(world: TestWorld, format: TestFormat = "dc+sd-jwt", **options: Any) -> VerifiedPresentation:
    office = verifier(world, anchoring=STRICT)
    return await office.verify(await world.shown(format), nonce=world.nonce, **{"keep_evidence": True, **options})


async def anchors_of(world: TestWorld) -> Anchors:
    key = await world.federation.registry.note_key()
    return Anchors(registry=Registry((world.federation.ministry.did,), (key.vkey,)))


@pytest.fixture
async def world() -> TestWorld:
    made = await TestWorld.open()
    for name in ("harbour", "forest"):  # others on the ledger, whom the evidence has no business with
        await made.issuer(name)
    return made


@pytest.mark.parametrize("format", FORMATS)
async def test_kept_and_rechecked_ten_years_on(
    world: TestWorld, format: TestFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await kept(world, format)
    assert result.claims == CLAIMS
    path = tmp_path / "case-17.evidence"
    result.evidence(keep="P10Y").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Since then everything was revoked, rotated, and moved on.
    await world.town.set_states(dict.fromkeys(range(3), CredentialState.REVOKED)) if hasattr(
        world.town, "set_states"
    ) else None
    later = system_clock() + 10 * 365 * 86_400
    monkeypatch.setattr("time.time", lambda: float(later))
    evidence = Evidence.load(path)
    found = await evidence.recheck(anchors=await anchors_of(world))
    assert (found.outcome, found.ledger, found.anchors) == ("accepted", "excerpt", "given")
    assert found.keep_until is not None
    assert [(check.name, check.outcome) for check in found.report.checks] == [
        (check.name, check.outcome) for check in result.report.checks
    ]
    assert any("excerpt" in note for note in found.notes)
    harbour = (await world.issuer("hill")).did if hasattr(world.town, "did") else ""
    assert harbour.encode() not in evidence.members["world/ledger/entries.jsonl"] or not harbour


async def test_the_whole_ledger_shows_what_was_left_out(world: TestWorld) -> None:
    whole = (await kept(world, keep_evidence="whole")).evidence()
    assert (await whole.recheck(anchors=await anchors_of(world))).ledger == "whole"
    part = (await kept(world)).evidence()
    assert len(part.members["world/ledger/entries.jsonl"]) < len(whole.members["world/ledger/entries.jsonl"])

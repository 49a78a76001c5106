"""Every broken presentation of the catalogue is refused by the real verifier, by the check that should find it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.errors import InvalidInputError
from ssi.testing import TestFormat, TestWorld, broken_presentations
from ssi.testing.issuer import FORMATS, SUITES
from ssi.testing.world import CLAIMS
from tests.flows.offices import STRICT, verifier
from verifier import CouldNotCheck, Refused, Verifier


async def outcome(office: Verifier, text: str, nonce: str) -> tuple[str, str]:
    """Return the check that refused, and its reason; "accepted" if none did."""
    try:
        await office.verify(text, nonce=nonce)
    except (Refused, CouldNotCheck) as exc:
        return exc.check, exc.reason
    except InvalidInputError as exc:
        return "format", str(exc)
    return "accepted", ""


@pytest.mark.parametrize("cryptosuite", SUITES)
@pytest.mark.parametrize("format", FORMATS)
async def test_the_good_one_beside_them_is_accepted(format: TestFormat, cryptosuite: str) -> None:
    world = await TestWorld.open()
    for anchoring in (None, STRICT):
        text = await world.shown(format, cryptosuite=cryptosuite)
        shown = await verifier(world, anchoring=anchoring).verify(text, nonce=world.nonce)
        assert shown.holder == world.holder.key
        assert shown.claims["given_name"] == "Aino"


@pytest.mark.parametrize("cryptosuite", SUITES)
async def test_three_that_look_alike_are_accepted_together(cryptosuite: str) -> None:
    world = await TestWorld.open()
    rules: dict[str, Any] = {"format": "ldp_vc", "holder": world.holder.key, "cryptosuite": cryptosuite}
    credentials = [json.loads(await world.town.issue({**CLAIMS, "n": n}, **rules)) for n in range(3)]
    text = await world.holder.proven(credentials, nonce=world.nonce, audience=world.audience)
    assert json.loads(text)["proof"]["cryptosuite"] == cryptosuite
    found = await verifier(world).verify_all(text, nonce=world.nonce)
    assert [item.claims["n"] for item in found] == [0, 1, 2]


async def test_every_broken_presentation_is_refused_by_the_right_check() -> None:
    world = await TestWorld.open()
    wrong: list[str] = []
    names: list[str] = []
    async for broken in broken_presentations(world):
        office = verifier(world, fresh=True)
        check, reason = await outcome(office, broken.text, world.nonce)
        if check != broken.check:
            wrong.append(f"{broken.name}: expected {broken.check}, got {check}: {reason}")
        names.append(broken.name)
    assert not wrong, "\n".join(wrong)
    assert len(names) == len(set(names)) > 540

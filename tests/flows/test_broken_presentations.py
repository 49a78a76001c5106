"""Every broken presentation of the catalogue is refused by the real verifier, by the check that should find it."""

from __future__ import annotations

import time

import pytest

from ssi.errors import InvalidInputError
from ssi.testing import TestFormat, TestWorld, broken_presentations
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


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_the_good_one_beside_them_is_accepted(format: TestFormat) -> None:
    world = await TestWorld.open()
    for anchoring in (None, STRICT):
        shown = await verifier(world, anchoring=anchoring).verify(await world.shown(format), nonce=world.nonce)
        assert shown.holder == world.holder.key
        assert shown.claims["given_name"] == "Aino"


async def test_every_broken_presentation_is_refused_by_the_right_check() -> None:
    world = await TestWorld.open()
    wrong: list[str] = []
    names: list[str] = []
    async for broken in broken_presentations(world):
        office = verifier(world, fresh=True)
        begin = time.perf_counter()
        check, reason = await outcome(office, broken.text, world.nonce)
        if check != broken.check:
            wrong.append(f"{broken.name}: expected {broken.check}, got {check}: {reason}")
        if time.perf_counter() - begin > 2:
            wrong.append(f"{broken.name}: took {time.perf_counter() - begin:.1f} s")
        names.append(broken.name)
    assert not wrong, "\n".join(wrong)
    assert len(names) == len(set(names)) > 150

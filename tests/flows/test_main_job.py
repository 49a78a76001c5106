"""Issue, hold, present, verify, revoke, refuse: the three roles in one process, on one ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ssi.did.methods.key import did_key
from ssi.errors import ConflictError
from tests.flows.town import CLAIMS, Town
from verifier import Refused


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    opened = await Town().open()
    yield opened
    await opened.store.close()


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt", "ldp_vc"])
async def test_main_job(town: Town, format: Any) -> None:
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-17", format=format, holder=town.holder)
    verifier = town.verifier()
    shown = await verifier.verify(await town.show(issued.credential, format, "n-1"), nonce="n-1")
    expected = {"address": {"locality": "Kerava"}} if format == "dc+sd-jwt" else CLAIMS
    if format == "ldp_vc":
        expected = {"id": did_key(town.holder), **CLAIMS}
    assert shown.claims == expected
    assert shown.holder == town.holder
    assert [check.outcome for check in shown.report.checks if check.name != "schema"].count("passed") >= 6
    town.clock.advance(10)
    change = await town.issuer.suspend(reference="case-17", reason="under review", by="registry office")
    assert change.references == ("case-17",)
    assert change.anchored
    town.clock.advance(400)
    with pytest.raises(Refused) as suspended:
        await verifier.verify(await town.show(issued.credential, format, "n-2"), nonce="n-2")
    assert suspended.value.check == "status"
    await town.issuer.unsuspend(reference="case-17")
    town.clock.advance(400)
    await verifier.verify(await town.show(issued.credential, format, "n-3"), nonce="n-3")
    await town.issuer.revoke(reference="case-17", reason="moved away")
    town.clock.advance(400)
    with pytest.raises(Refused, match="revoked"):
        await verifier.verify(await town.show(issued.credential, format, "n-4"), nonce="n-4")
    with pytest.raises(ConflictError):
        await town.issuer.unsuspend(reference="case-17")

"""The takeover example: credentials and lists of openvc-core go on verifying at every step."""

from __future__ import annotations

import pytest

from tests import needs

pytestmark = pytest.mark.interop
needs.module("openvc")

EXPECTED = {
    "before": "Aino, Eino",
    "an export that forgot a revocation": "refused: 1 entries differ from the published lists, the first at",
    "the export": "accepted",
    "a revocation here": "refused: the system that issued this credential still serves its status list",
    "during the shadow run": "Aino, Eino",
    "differences": "90210: 1, ours 0",
    "the switch": "refused: 1 entries differ",
    "undone": "3",
    "a new export": "accepted",
    "after the new export": "Aino",
    "the switch, with both the same": "accepted",
    "after the switch": "Aino",
    "undoing it now": "refused: an adopted status list was published here",
    "after a credential is issued here": "Aino, Toivo",
    "after a credential of the old system is revoked here": "Toivo",
    "carried over": "case-1 REVOKED, case-4 VALID",
}


async def test_what_both_verifiers_accept_at_each_step() -> None:
    from examples import takeover

    told = await takeover.main()
    assert list(told) == list(EXPECTED)
    for step, outcome in EXPECTED.items():
        assert told[step].startswith(outcome), step

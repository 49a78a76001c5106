"""The agency and the office of these tests, each on stores of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.testing import TestFederation, TestHolder
from ssi.testing.faulty_ledger import ForgetfulLedger
from tests.unit.issuer.agency import Agency, kind
from tests.unit.issuer.office import Office


@pytest.fixture
async def agency(tmp_path: Path) -> AsyncIterator[Agency]:
    federation = await TestFederation.found()
    organisation = await federation.enrol("town", types=[kind().vct, *kind().types])
    made = Agency(
        federation, organisation, await TestHolder.create(clock=federation.clock), str(tmp_path / "issuer.db")
    )
    yield made
    for store in made.stores:
        await store.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    federation = await TestFederation.found()
    town = await federation.enrol("town", types=[kind().vct, *kind().types])
    made = Office(federation, ForgetfulLedger(federation.ledger, faults=[], seed=1), tmp_path)
    made.did = town.did
    yield made
    await made.close()

"""The store fails between any two SQL statements of an act: asked again, the act is done once (threats, row 27)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from issuer import Issuer
from issuer.store import Selection
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.errors import UnavailableError
from ssi.status.lists import CredentialState
from ssi.testing import TestFederation, TestHolder
from tests.unit.issuer.agency import CLAIMS, Agency, collect, kind


class Failing:
    """A connection whose statement number ``at`` fails, before it is run or after, as if the disk had gone."""

    def __init__(self, connection: Any, at: int, *, after: bool) -> None:
        self._connection, self._at, self._after = connection, at, after
        self.count = 0

    def execute(self, *arguments: Any) -> Any:
        if arguments[0] == "ROLLBACK":
            return self._connection.execute(*arguments)
        self.count += 1
        if self.count == self._at and not self._after:
            raise sqlite3.OperationalError("disk I/O error")
        result = self._connection.execute(*arguments)
        if self.count == self._at:
            raise sqlite3.OperationalError("disk I/O error")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


Act = Callable[[Issuer, TestHolder], Awaitable[object]]


async def issue(issuer: Issuer, holder: TestHolder) -> object:
    return await issuer.issue("residence", CLAIMS, reference="new", holder=holder.key)


async def revoke(issuer: Issuer, holder: TestHolder) -> object:
    return await issuer.revoke(reference="old")


async def reissue(issuer: Issuer, holder: TestHolder) -> object:
    return await collect(issuer.reissue(reference="old", claims=lambda _: CLAIMS))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("act", [issue, revoke, reissue])
async def test_a_fault_at_any_statement(tmp_path: Path, act: Act, after: bool) -> None:
    federation = await TestFederation.found()
    organisation = await federation.enrol("town", types=[kind().vct, *kind().types])
    holder = await TestHolder.create(clock=federation.clock)
    at, faults = 0, 0
    while True:
        at += 1
        agency = Agency(federation, organisation, holder, str(tmp_path / f"{act.__name__}-{at}.db"))
        # One ledger serves all rounds: each has lists of its own.
        agency.status_base = f"https://town.example/{act.__name__}-{after}-{at}"
        issuer = await agency.issuer()
        await issuer.issue("residence", CLAIMS, reference="old", holder=holder.key)
        database = agency.stores[0]._database
        whole = database._connection
        failing = Failing(whole, at, after=after)
        database._connection = failing  # type: ignore[assignment]
        federation.clock.advance(2)
        try:
            await act(issuer, holder)
        except UnavailableError:
            faults += 1
        database._connection = whole
        if failing.count < at:
            await agency.stores[0].close()
            break
        federation.clock.advance(2)
        if act is not reissue or await issuer.state("old") is CredentialState.VALID:
            await act(issuer, holder)
        assert await issuer.publish()
        await assert_once(agency.stores[0], act)
        await agency.stores[0].close()
    assert faults >= at // 2 > 3


async def assert_once(store: SqliteIssuerStore, act: Act) -> None:
    (old,) = await store.select(Selection(reference="old"))
    assert (old.state is CredentialState.REVOKED) is (act is revoke)
    rows = await store.select(Selection(type="residence"))
    assert len(rows) == (2 if act is issue else 1)
    taken, claimed, distinct = await store._database.read(
        lambda connection: connection.execute(
            "SELECT (SELECT total(taken) FROM families), count(idx), count(DISTINCT idx) FROM credentials"
        ).fetchone()
    )
    assert taken == claimed == distinct

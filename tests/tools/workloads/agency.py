"""What the workloads of an agency share: an issuer on a SQLite store and a SQLite ledger, opened and audited.

The keys and the first entries of the ledger are made once, in the parent; a child that finds an empty directory, or a
half-filled one, puts them there itself. Nothing in here repairs anything.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from issuer import CredentialType, Issuer
from issuer.issuer import IssuedCredential
from issuer.publishing import StatusSettings
from issuer.store import Issued, Selection
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.errors import SsiError, UnavailableError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.ledger import open_ledger
from ssi.registry import Organisation, audit, open_registry
from ssi.status.bits import read_right
from ssi.status.lists import CredentialState
from ssi.status.verify import parse_status_list, verify_status_list
from ssi.testing import TestFederation
from ssi.testing.clock import EPOCH
from ssi.testing.forge import decode_jws
from tests.tools.workloads import Acknowledge

ORIGIN = "crash.example"
TYPE = CredentialType(
    name="residence",
    vct="https://town.example/residence",
    types=("ResidenceCertificate",),
    schema={"type": "object", "properties": {"n": {"type": "integer"}}},
    validity_days=365,
)
TASKS = 4
StateOf = Callable[[Issued], CredentialState]


class OpenAgency:
    """The issuer with what is under it, open."""

    def __init__(self, issuer: Issuer, store: SqliteIssuerStore) -> None:
        self.issuer = issuer
        self.store = store


class Agency(ABC):
    """A workload's base: ``open`` it in a child or in the parent, ``problems`` after a round."""

    longest_run_seconds = 0.4

    def __init__(self) -> None:
        self._federation, self._town, self._entries = asyncio.run(_found())
        self._started = time.time()
        self._known: dict[str, str] = {}
        self.holder = PrivateKey.generate(Curve.P256).public_key

    def now(self) -> int:
        return EPOCH + int(time.time() - self._started)

    @asynccontextmanager
    async def open(self, directory: Path) -> AsyncIterator[OpenAgency]:
        """Open everything from whatever state it is in."""
        ledger = open_ledger(f"sqlite://{directory}/log.db")
        try:
            await ledger.append(self._entries)  # those that are there keep their place
            roots = [self._federation.ministry.did]
            registry = await open_registry(ledger, origin=ORIGIN, roots=roots, kms=self._federation.kms, now=self.now)
            store = await SqliteIssuerStore.open(directory / "issuer.db")
            try:
                issuer = Issuer(
                    self._town,
                    store=store,
                    registry=registry,
                    catalogue=[TYPE],
                    status_base="https://town.example/status",
                    now=self.now,
                    status=StatusSettings(entries=131_072),
                )
                yield OpenAgency(issuer, store)
            finally:
                await store.close()
        finally:
            await ledger.close()

    async def issue(self, agency: OpenAgency, reference: str) -> IssuedCredential:
        """Issue under ``reference``, asking again for as long as the outcome is unknown."""
        while True:
            try:
                return await agency.issuer.issue("residence", {"n": 1}, reference=reference, holder=self.holder)
            except UnavailableError:
                continue

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        rng = random.Random(seed)
        async with self.open(directory) as agency:
            tasks = [self.work(agency, f"{seed}/{task}", rng, acknowledge) for task in range(TASKS)]
            await asyncio.gather(*tasks)

    @abstractmethod
    async def work(self, agency: OpenAgency, name: str, rng: random.Random, acknowledge: Acknowledge) -> None:
        """Do one thing after another, and acknowledge each, until the process is killed."""

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        try:
            async with self.open(directory) as agency:
                problems = await self.problems(agency, acknowledged)
                if thorough:
                    problems += await self._audit(directory, agency)
                return problems
        except SsiError as exc:
            return [f"the agency does not open or resume: {type(exc).__name__}: {exc}"]

    @abstractmethod
    async def problems(self, agency: OpenAgency, acknowledged: Sequence[str]) -> list[str]:
        """Return what was acknowledged and is not there."""

    def place_problems(self, reference: str, place: str) -> list[str]:
        """Remember which index a reference got; no other reference may ever have it, nor it another one."""
        before = self._known.setdefault(reference, place)
        return [] if before == place else [f"{reference} had {before} and has {place}"]

    async def _audit(self, directory: Path, agency: OpenAgency) -> list[str]:
        """Everything at rest: lists published and anchored without help, indexes used once, ledger and files whole."""
        problems: list[str] = []
        if not await agency.issuer.publish():
            problems.append("lists could not be anchored")
        rows = await agency.store.select(Selection(type="residence"), limit=-1)
        places = [(row.family, row.index) for row in rows]
        if len(set(places)) != len(places) or len(set(self._known.values())) != len(self._known):
            problems.append("an index is used twice")
        for family, states in await self.lists(agency):
            for row in rows:
                if row.family == family and states(row) is not row.state:
                    problems.append(f"{row.reference} is {row.state.name}, its list says {states(row).name}")
        ledger = open_ledger(f"sqlite://{directory}/log.db")
        report = await audit(ledger, roots=[self._federation.ministry.did])
        await ledger.close()
        problems += [f"the audit fails: {found}" for found in report.broken]
        connection = sqlite3.connect(directory / "issuer.db")
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
        (taken,) = connection.execute("SELECT total(taken) FROM families").fetchone()
        (claimed,) = connection.execute("SELECT count(idx) FROM credentials").fetchone()
        connection.close()
        if state != "ok" or taken != claimed:
            problems.append(f"the store is damaged: {state}, {taken} taken, {claimed} claimed")
        return problems

    async def lists(self, agency: OpenAgency) -> list[tuple[int, StateOf]]:
        """Return, by family, what the published list says of a row."""
        key = await self._town.key(KeyPurpose.LIST)
        found: list[tuple[int, StateOf]] = []
        for stored in await agency.store.lists():
            verified = verify_status_list(
                parse_status_list(stored.body),
                key.public_key,
                expected_uri=stored.uri,
                issuer=self._town.did,
                now=stored.issued_at,
            )

            def states(row: Issued, data: bytes = verified.data) -> CredentialState:
                return CredentialState(read_right(data, row.index or 0, 2))

            found.append((stored.family, states))
        return found


async def _found() -> tuple[TestFederation, Organisation, list[bytes]]:
    federation = await TestFederation.found(origin=ORIGIN)
    town = await federation.enrol("town", types=[TYPE.vct, *TYPE.types])
    ledger = federation.ledger
    entries = await ledger.read(0, await ledger.size())
    return federation, town, [entry for entry in entries if isinstance(entry, bytes)]


def place(issued: IssuedCredential) -> str:
    """Return list and index of a credential, as they stand in it."""
    entry = decode_jws(issued.credential.partition("~")[0])[1]["status"]["status_list"]
    return f"{entry['uri']}#{entry['idx']}"

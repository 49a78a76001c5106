"""An older store that was restored: it gives no index a second time, and revokes nothing back to life."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issuer import Issuer, recovery
from issuer.issuer import IssuedCredential
from issuer.recovery import Recovered, recover
from issuer.stores import open_issuer_store
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.errors import NotFoundError, RestoredStoreError, SsiError, UnavailableError, VerificationError
from ssi.ports import PublishedList
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState, StatusArray
from ssi.testing import TestFederation, TestHolder
from tests.unit.issuer.agency import CLAIMS, SMALL, Agency, Away, kind, signed

VALID, REVOKED, SUSPENDED = CredentialState


class Town:
    """An agency whose lists stand on the web, whatever becomes of its store."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.path = Path(agency.path)
        self.web: dict[str, PublishedList] = {}
        self.places: list[tuple[str, int]] = []
        self.count = 0

    async def open(self) -> None:
        self.store = await SqliteIssuerStore.open(self.path)
        self.issuer = await self.agency.issuer(store=self.store)

    async def close(self) -> None:
        await self.store.close()

    async def serve(self) -> None:
        self.web |= {each.uri: each for each in await self.issuer.status_lists()}

    async def status_list(self, uri: str) -> PublishedList:
        if uri not in self.web:
            raise NotFoundError("there is nothing at this address")
        return self.web[uri]

    async def issue(self, format: Any = "dc+sd-jwt") -> IssuedCredential:
        self.agency.clock.advance(1)
        made = await self.issuer.issue(
            "residence", CLAIMS, reference=f"case-{self.count}", format=format, holder=self.agency.holder.key
        )
        self.count += 1
        self.places.append(place(made))
        await self.serve()
        return made

    async def back_up(self, name: str = "backup.db") -> None:
        shutil.copyfile(self.path, self.path.with_name(name))

    async def restore(self, name: str = "backup.db", *, head: bool = True) -> None:
        await self.close()
        shutil.copyfile(self.path.with_name(name), self.path)
        if not head:
            self.path.with_name(f"{self.path.name}.head").unlink()
        await self.open()

    async def recover(self, **changes: Any) -> Recovered:
        return await recover(
            self.issuer,
            store=self.store,
            registry=self.agency.federation.registry,
            lists=self,
            now=self.agency.clock(),
            reason="the disk was lost",
            by="operations",
            **changes,
        )


def place(made: IssuedCredential) -> tuple[str, int]:
    """Return address and index of what was handed out, as the credential itself says them."""
    claims = signed(made)[1]
    if "status" in claims:
        entry = claims["status"]["status_list"]
        return entry["uri"], int(entry["idx"])
    entry = claims["credentialStatus"][0]
    return entry["statusListCredential"], int(entry["statusListIndex"])


@pytest.fixture
async def town(agency: Agency) -> Any:
    made = Town(agency)
    await made.open()
    yield made
    await made.close()


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_nothing_is_issued_from_an_older_store_before_it_is_recovered(town: Town, format: Any) -> None:
    first = await town.issue(format)
    await town.back_up()
    since = [await town.issue(format) for _ in range(10)]
    await town.issuer.revoke(reference=since[0].reference)
    await town.issuer.suspend(reference=first.reference)
    await town.serve()
    await town.restore()
    for act in (
        lambda: town.issue(format),
        lambda: town.issuer.revoke(reference=first.reference),
        lambda: town.issuer.publish(everything=True),
    ):
        with pytest.raises(RestoredStoreError, match=r"older than its head file .* `ssi issuer recover`"):
            await act()
    assert await town.issuer.state(first.reference) is VALID
    town.count += 100
    done = await town.recover()
    assert done.changed == 2
    assert await town.issuer.publish()
    assert await town.issuer.state(first.reference) is SUSPENDED
    for _ in range(10):
        await town.issue(format)
    assert Counter(town.places).most_common(1)[0][1] == 1
    old = next(family for family in await town.store.families() if place(first)[0].startswith(family.uri))
    states = dict((await town.store.states(old.id))[1])
    assert states[place(since[0])[1]] is REVOKED, "what was revoked of the unknown stays so"
    assert states[place(first)[1]] is SUSPENDED
    fresh = {uri for uri, _ in town.places[-10:]}
    assert len(fresh) == 1
    assert not fresh & {uri for uri, _ in town.places[:-10]}


async def test_a_store_of_before_which_nothing_was_done_since_goes_on(town: Town) -> None:
    await town.issue()
    await town.back_up()
    town.agency.clock.advance(SMALL.lifetime_seconds)
    await town.issuer.publish()
    town.agency.clock.advance(10)
    await town.issuer.publish(everything=True)
    await town.restore()
    town.agency.clock.advance(10)
    assert await town.issuer.publish(everything=True), "epochs go on after those of the ledger"
    await town.issue()
    assert len(set(town.places)) == 2


async def test_a_head_file_that_is_lost_is_no_proof(town: Town) -> None:
    await town.issue()
    await town.back_up()
    await town.restore(head=False)
    with pytest.raises(RestoredStoreError, match="is missing: put it back"):
        await town.issue()
    await town.recover()
    await town.issue()
    assert len(set(town.places)) == 2


async def test_the_store_of_another_database_is_refused(town: Town) -> None:
    await town.issue()
    await town.close()
    town.path.unlink()
    await town.open()
    with pytest.raises(RestoredStoreError, match="another one than its head file"):
        await town.issue()
    town.count = 100
    await town.recover()
    await town.issue()
    assert len({uri for uri, _ in town.places}) == 2, "a new store does not know what its first addresses were used for"


async def test_a_database_that_is_exchanged_while_it_is_open_is_refused(town: Town) -> None:
    await town.issue()
    await town.store._database.write(lambda connection: connection.execute("UPDATE mark SET acts = acts - 1"))
    with pytest.raises(RestoredStoreError, match="while it was open"):
        await town.issue()


async def test_a_damaged_head_file_is_said_so(town: Town) -> None:
    await town.issue()
    await town.close()
    head = town.path.with_name(f"{town.path.name}.head")
    kept = head.read_bytes()
    head.write_bytes(kept[:-3])
    with pytest.raises(UnavailableError, match="damaged"):
        await SqliteIssuerStore.open(town.path)
    head.write_bytes(kept)
    await town.open()


async def test_a_store_without_head_file_is_held_against_the_ledger(town: Town) -> None:
    """In memory, or behind a plug-in: nothing but the ledger remembers."""
    await town.issue()
    forgetful = await open_issuer_store("memory:")
    issuer: Issuer = await town.agency.issuer(store=forgetful)
    with pytest.raises(RestoredStoreError, match="older than the ledger, which has later lists at https://town"):
        await issuer.issue("residence", CLAIMS, reference="new", holder=town.agency.holder.key)
    town.issuer, town.store, kept = issuer, forgetful, town.store  # type: ignore[assignment]
    done = await town.recover()
    assert done.found == (town.places[0][0],)
    town.count = 100
    await town.issue()
    await kept.close()
    assert len({uri for uri, _ in town.places}) == 2


async def test_lists_that_are_not_the_newest_or_not_there_are_refused(town: Town) -> None:
    first = await town.issue()
    old = dict(town.web)
    await town.back_up()
    town.agency.clock.advance(2)
    await town.issuer.revoke(reference=first.reference)
    await town.serve()
    newest = dict(town.web)
    await town.restore()
    uri = place(first)[0]
    town.web = old
    with pytest.raises(VerificationError, match="not the newest"):
        await town.recover()
    body = newest[uri].body
    town.web = {uri: PublishedList(uri, body[:-4] + b"AAAA", newest[uri].media_type, None)}
    with pytest.raises(SsiError):
        await town.recover()
    town.web = {}
    with pytest.raises(NotFoundError, match="is not to be had"):
        await town.recover()
    with pytest.raises(RestoredStoreError):
        await town.issue()
    town.web = newest
    assert (await town.recover()).changed == 1
    assert await town.issuer.state(first.reference) is REVOKED
    assert [act.act for act in await town.issuer.acts(first.reference)] == ["recover"]


async def test_a_list_that_is_lost_can_be_given_up(town: Town) -> None:
    first = await town.issue()
    await town.back_up()
    await town.issue()
    await town.restore()
    town.web, town.count = {}, 100
    done = await town.recover(give_up=[place(first)[0]])
    assert done.lost == (place(first)[0],)
    await town.issue()
    assert await town.issuer.publish()
    assert len(set(town.places)) == 3


async def test_an_act_is_not_acknowledged_before_its_count_is_outside(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two leaves a head file that is behind, and a credential that nobody has."""
    from issuer.stores import head

    await town.issue()

    def away(path: Path, data: bytes) -> None:
        raise UnavailableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(head, "replace_file", away)
        with pytest.raises(UnavailableError):
            await town.issue()
    await town.close()
    await town.open()
    await town.issue()
    await town.issue()
    assert len(set(town.places)) == len(town.places)


async def test_with_the_ledger_away_the_head_file_is_enough(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.issue()
    await town.back_up()
    with Away(town.agency, monkeypatch):
        await town.issuer.revoke(reference="case-0")
    await town.restore()
    with pytest.raises(RestoredStoreError):
        await town.issuer.revoke(reference="case-0")


STEPS = st.lists(st.sampled_from(["issue", "issue jwt", "revoke", "back up", "restore", "lose head"]), max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_whatever_is_restored_no_index_is_given_twice(tmp_path_factory: Any, steps: list[str]) -> None:
    """The law over all credentials that were ever handed out, and over the newest lists for the revoked ones."""
    federation = await TestFederation.found()
    organisation = await federation.enrol("town", types=[kind().vct, *kind().types])
    holder = await TestHolder.create(clock=federation.clock)
    path = tmp_path_factory.mktemp("town") / "issuer.db"
    town = Town(Agency(federation, organisation, holder, str(path)))
    await town.open()
    await town.back_up()
    handed: dict[str, tuple[str, int]] = {}
    revoked: set[tuple[str, int]] = set()
    for step in steps:
        if step.startswith("issue"):
            try:
                made = await town.issue("vc+jwt" if step == "issue jwt" else "dc+sd-jwt")
            except RestoredStoreError:
                await town.recover()
                made = await town.issue("vc+jwt" if step == "issue jwt" else "dc+sd-jwt")
            handed[made.reference] = place(made)
        elif step == "revoke" and handed:
            reference = next(iter(handed))
            federation.clock.advance(2)
            try:
                await town.issuer.revoke(reference=reference)
                revoked.add(handed[reference])
            except (RestoredStoreError, NotFoundError):
                pass
            await town.serve()
        elif step == "back up":
            await town.back_up()
        elif step == "restore":
            await town.restore()
        elif step == "lose head" and path.with_name("issuer.db.head").exists():
            await town.restore(head=False)
    try:
        await town.issuer.publish()
    except RestoredStoreError:
        await town.recover()
        federation.clock.advance(2)
        await town.issuer.publish()
    assert len(town.places) == len(set(town.places))
    told = set()
    for family in await town.store.families():
        _, states = await town.store.states(family.id)
        array = StatusArray(family.entries, states)
        told |= {(uri, index) for uri, index in revoked if uri.startswith(family.uri) and array[index] is REVOKED}
    assert told == revoked
    await town.close()


@pytest.mark.parametrize(
    "published",
    [
        SimpleNamespace(uri="https://town.example/1", format=StatusFormat.TOKEN, purposes=()),
        SimpleNamespace(uri="https://town.example/1", format=StatusFormat.BITSTRING, purposes=("message",)),
    ],
)
def test_a_state_that_the_library_never_gives_is_refused(published: Any) -> None:
    with pytest.raises(VerificationError, match="none of ours"):
        recovery._state(published, 3)

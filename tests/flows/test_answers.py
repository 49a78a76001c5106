"""A verifier without log, fold and snapshot: a few answers, each one file, are its registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ssi.did.resolver import default_resolver
from ssi.registry import AnswerDesk, AnswersSource, StateKeeper
from ssi.registry.backends.state_map_sqlite import SqliteStateMap
from ssi.status.lists import CredentialState
from ssi.testing import TestWorld
from tests.flows.offices import STRICT, policy
from verifier import CouldNotCheck, Refused, Verifier

HOUR = 3_600


class Phone:
    """A relying party that asks for single answers, and the operator whom it asks."""

    @classmethod
    async def start(cls) -> Phone:
        made = cls()
        made.world = await TestWorld.open()
        made.map = await SqliteStateMap.open(":memory:")
        federation = made.world.federation
        made.keeper = StateKeeper(federation.registry, federation.ministry, made.map, epoch_seconds=HOUR)
        made.desk = AnswerDesk(federation.ledger, made.map)
        made.source = AnswersSource(log_keys=[await federation.registry.note_key()], roots=[federation.ministry.did])
        await made.keeper.log(now=made.world.clock())
        return made

    world: TestWorld
    map: SqliteStateMap
    keeper: StateKeeper
    desk: AnswerDesk
    source: AnswersSource

    async def ask(self, *, leaving_out: str = "") -> None:
        """Ask about the town, its accreditations and its lists."""
        town = self.world.town.did
        asked = [("did", town), ("accredited", town), *(("list", uri) for uri in self.world.lists.lists)]
        for kind, name in asked:
            if kind != leaving_out:
                self.source.take(await self.desk.answer(kind, name), expected=(kind, name))

    async def epoch(self) -> None:
        """Let an hour pass and log its state root."""
        self.world.clock.advance(HOUR)
        await self.keeper.log(now=self.world.clock())

    async def verify(self, text: str, **changes: Any) -> str:
        verifier = Verifier(
            policy(self.world, **{"anchoring": STRICT, **changes}),
            resolver=default_resolver(log_source=self.source, now=self.world.clock),
            lists=self.world.lists,
            registry=self.source,
            now=self.world.clock,
        )
        return (await verifier.verify(text, nonce=self.world.nonce)).issuer


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    made = await Phone.start()
    yield made
    await made.map.close()


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_a_few_answers_are_enough(phone: Phone, format: Any) -> None:
    await phone.ask()
    assert await phone.verify(await phone.world.shown(format)) == phone.world.town.did


@pytest.mark.parametrize("kind", ["did", "accredited", "list"])
async def test_what_was_not_asked_could_not_be_checked(phone: Phone, kind: str) -> None:
    await phone.ask(leaving_out=kind)
    with pytest.raises(CouldNotCheck):
        await phone.verify(await phone.world.shown("dc+sd-jwt"))


async def test_answers_grow_old(phone: Phone) -> None:
    await phone.ask()
    phone.world.clock.advance(STRICT.max_staleness_seconds + 1)
    await phone.world.registry.sign_checkpoint()
    await phone.world.town.publish()
    with pytest.raises(CouldNotCheck):
        await phone.verify(await phone.world.shown("dc+sd-jwt"))
    # A newer checkpoint over the same state root does not make them younger.
    await phone.ask()
    with pytest.raises(CouldNotCheck):
        await phone.verify(await phone.world.shown("dc+sd-jwt"))
    await phone.epoch()
    await phone.ask()
    assert await phone.verify(await phone.world.shown("dc+sd-jwt")) == phone.world.town.did


async def test_a_revocation_shows_from_the_next_state_root_on(phone: Phone) -> None:
    await phone.ask()
    world = phone.world
    assert await phone.verify(await world.shown("dc+sd-jwt")) == world.town.did
    for index in range(20):  # those of the credentials below among them
        world.town.set_state("dc+sd-jwt", index, CredentialState.REVOKED)
    await phone.epoch()
    await world.town.publish()
    await phone.epoch()
    # The list that is served now is newer than what the old answers know as the newest: it has to be anchored.
    with pytest.raises(Refused, match="anchored"):
        await phone.verify(await world.shown("dc+sd-jwt"))
    await phone.ask()
    with pytest.raises(Refused, match="revoked"):
        await phone.verify(await world.shown("dc+sd-jwt"))


async def test_an_accreditation_that_ended_is_seen(phone: Phone) -> None:
    world = phone.world
    text = await world.shown("dc+sd-jwt")
    for given in world.registry.view().accreditations(world.town.did):
        if given.body.role == "issuer":
            await world.federation.ministry.end(given.id, reason="revoked", registry=world.registry, now=world.clock())
    await phone.epoch()
    await phone.ask()
    with pytest.raises(Refused) as refused:
        await phone.verify(text)
    assert refused.value.check == "issuer"

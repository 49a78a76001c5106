"""A credential verifies exactly in the time and under the policy in which it should, however keys were rotated.

Source: decision 15 of the design. The model below says when; the verifier has to agree at every moment asked about.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.resolver import Resolver
from ssi.errors import DidNotFoundError, SsiError
from ssi.keys import KeyPurpose
from ssi.testing import TestFormat, TestWorld
from ssi.testing.forge import changed, decode_jws, join_sd_jwt, sign_anything, split_sd_jwt
from ssi.testing.world import CLAIMS
from tests.flows.offices import verifier

DAY = 86_400


class Signed(NamedTuple):
    """A credential: which key signed it (0 is the first), when it says so, and when that was."""

    text: str
    key: int
    dated: int


class Timeline:
    """What happened, and what the model makes of it."""

    def __init__(self, world: TestWorld) -> None:
        self.world = world
        self.since = [world.clock()]
        """When each key came into force; the last one is the current."""
        self.ended: int | None = None
        self.compromised: set[int] = set()
        self.signed: list[Signed] = []

    def expected(self, signed: Signed, *, now: int, until: int | None) -> bool:
        """Return whether ``signed`` is to be believed at ``now`` by a policy with ``accept_superseded_keys_until``."""
        if self.ended is not None or signed.key in self.compromised or signed.dated > now + 60:
            return False
        current = len(self.since) - 1
        if signed.key == current:
            return True
        # Times are whole seconds: in the one in which a key was replaced, the old one may have signed first.
        in_force = self.since[signed.key] <= signed.dated <= self.since[signed.key + 1]
        return until is not None and now < until and in_force

    async def sign(self, format: TestFormat, backdated: int) -> None:
        dated = max(self.world.clock() - backdated, self.since[0])  # not before it was accredited
        text = await self.world.town.issue(
            CLAIMS, format=format, holder=self.world.holder.key, references=(), changes={"iat": dated}
        )
        self.signed.append(Signed(text, len(self.since) - 1, dated))

    async def sign_with_old_key(self, format: TestFormat, number: int, dated: int) -> None:
        """A leaked retired key dates a credential to whenever its thief likes."""
        organisation = self.world.town.organisation
        good = await self.world.town.issue(CLAIMS, format=format, holder=self.world.holder.key, references=())
        jws, disclosures, _ = split_sd_jwt(good) if "~" in good else (good, [], "")
        header, claims = decode_jws(jws)
        made = await sign_anything(
            changed(header, {"kid": f"{organisation.did}#credential-{number + 1}"}),
            changed(claims, {"iat": dated}),
            kms=organisation.kms,
            label=f"{organisation.name}/credential/{number + 1}",
        )
        self.signed.append(Signed(join_sd_jwt(made, disclosures) if "~" in good else made, number, dated))

    async def rotate(self) -> None:
        now = self.world.clock.advance(1)
        await self.world.town.organisation.rotate(
            KeyPurpose.CREDENTIAL, registry=self.world.federation.registry, now=now
        )
        self.since.append(now)

    async def compromise(self, number: int) -> None:
        organisation, registry = self.world.town.organisation, self.world.federation.registry
        kid = f"{organisation.did}#credential-{number + 1}"
        lines = await organisation.publish(registry)
        await organisation.declare_compromised(
            kid, listed_by=lines[number].id, registry=registry, now=self.world.clock()
        )
        self.compromised.add(number)


_EVENT = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 3 * DAY)),
    st.tuples(st.just("sign"), st.integers(0, 5)),
    st.tuples(st.just("steal"), st.integers(0, 5 * DAY)),
    st.tuples(st.just("rotate"), st.just(0)),
    st.tuples(st.just("compromise"), st.integers(0, 3)),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(_EVENT, min_size=3, max_size=12),
    st.sampled_from(["dc+sd-jwt", "vc+jwt"]),
    st.sampled_from([None, -DAY, 0, 1, DAY]),
    st.booleans(),
)
def test_credentials_follow_the_keys(
    events: list[tuple[str, int]], format: TestFormat, until_after: int | None, deactivate: bool
) -> None:
    asyncio.run(_run(events, format, until_after, deactivate))


async def _run(events: list[tuple[str, int]], format: TestFormat, until_after: int | None, deactivate: bool) -> None:
    world = await TestWorld.open()
    timeline = Timeline(world)
    await timeline.sign(format, 0)
    for event, number in events:
        if event == "wait":
            world.clock.advance(number)
        elif event == "sign":
            await timeline.sign(format, number)
        elif event == "steal" and len(timeline.since) > 1:
            await timeline.sign_with_old_key(format, 0, max(world.clock() - number, timeline.since[0]))
        elif event == "rotate":
            await timeline.rotate()
        elif event == "compromise" and number < len(timeline.since):
            await timeline.compromise(number)
    if deactivate:
        timeline.ended = world.clock.advance(1)
        await world.town.organisation.deactivate(registry=world.federation.registry, now=timeline.ended)
    now = world.clock()
    until = None if until_after is None else now + until_after
    office = verifier(world, fresh=True, status="when-present", accept_superseded_keys_until=until)
    for signed in timeline.signed:
        text = await world.holder.show(signed.text, nonce=world.nonce, audience=world.audience)
        try:
            await office.verify(text, nonce=world.nonce)
            believed, why = True, ""
        except SsiError as exc:
            believed, why = False, str(exc)
        seen = (signed[1:], timeline.since, now, until, why)
        assert believed is timeline.expected(signed, now=now, until=until), seen


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 500), min_size=1, max_size=5), st.lists(st.integers(-50, 2600), min_size=5, max_size=40))
def test_a_resolver_that_remembers_answers_as_one_that_does_not(gaps: list[int], times: list[int]) -> None:
    async def run() -> None:
        world = await TestWorld.open()
        start, did = world.clock(), world.town.did
        for gap in gaps:
            world.clock.advance(gap)
            await world.town.organisation.rotate(
                KeyPurpose.CREDENTIAL, registry=world.federation.registry, now=world.clock()
            )
        world.clock.advance(10)
        remembers = world.federation.resolver()
        await remembers.resolve(did)
        for time in times:
            found = [await version(remembers, did, start + time) for _ in range(2)]
            assert found == [await version(world.federation.resolver(), did, start + time)] * 2

    asyncio.run(run())


async def version(resolver: Resolver, did: str, at: int) -> str | None:
    """Return the version in force at ``at``, None if there was none."""
    try:
        return (await resolver.resolve(did, version_time=at)).metadata.version_id
    except DidNotFoundError:
        return None

"""A ready world: a federation, a town that issues, a citizen who holds, and what a verifier is put together from.

    world = await TestWorld.open()
    verifier = Verifier(
        Policy(audience=world.audience, trust=…, contexts=world.type.contexts, …),
        resolver=world.resolver, lists=world.lists, registry=world.registry, now=world.clock,
    )
    credential = await world.town.issue({"given_name": "Aino"}, format="dc+sd-jwt", holder=world.holder.key)
    shown = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)

I/O:     none. Nothing depends on the time of day; keys and signatures are drawn anew in each world.
"""

from __future__ import annotations

from typing import ClassVar, Final

from ssi.ports import RegistryView
from ssi.registry import Registry
from ssi.testing.clock import TestClock
from ssi.testing.federation import TestFederation
from ssi.testing.holder import TestHolder
from ssi.testing.issuer import SUITES, TestFormat, TestIssuer, TestType
from ssi.testing.sources import MemoryLists
from ssi.types import JsonObject

CLAIMS: Final[JsonObject] = {"given_name": "Aino", "address": {"locality": "Kerava", "country": "FI"}}


class TestWorld:
    """Make one with ``open``."""

    __test__: ClassVar[bool] = False

    audience: Final = "https://benefits.example"
    nonce: Final = "n-0S6_WzA2Mj"

    def __init__(self, federation: TestFederation, holder: TestHolder, town: TestIssuer, lists: MemoryLists) -> None:
        self.federation = federation
        self.clock: TestClock = federation.clock
        self.holder = holder
        self.town = town
        self.lists = lists
        self.type = town.type
        self.resolver = federation.resolver()

    @classmethod
    async def open(cls, *, clock: TestClock | None = None) -> TestWorld:
        """Return a new world whose town has published its lists."""
        federation, lists = await TestFederation.found(clock=clock), MemoryLists()
        kind = TestType()
        town = TestIssuer(
            await federation.enrol("town", types=kind.names),
            clock=federation.clock,
            lists=lists,
            registry=federation.registry,
            type=kind,
        )
        await town.publish()
        return cls(federation, await TestHolder.create(clock=federation.clock), town, lists)

    @property
    def registry(self) -> Registry:
        """The registry, as a verifier takes it."""
        return self.federation.registry

    def view(self) -> RegistryView:
        """Return the registry's answers now."""
        return self.federation.view()

    async def issuer(self, name: str, *, accredited: bool = True) -> TestIssuer:
        """Return another issuer of the same type, with lists published; unaccredited ones are not on the ledger."""
        federation = self.federation
        if accredited:
            made = await federation.enrol(name, types=self.type.names)
        else:
            made = await federation.organisation(name)
        registry = federation.registry if accredited else None
        issuer = TestIssuer(made, clock=self.clock, lists=self.lists, registry=registry, type=self.type)
        await issuer.publish()
        return issuer

    async def shown(
        self,
        format: TestFormat,
        *,
        claims: JsonObject | None = None,
        by: TestIssuer | None = None,
        cryptosuite: str = SUITES[0],
    ) -> str:
        """Return a good presentation of a new credential: what a verifier accepts."""
        credential = await (by or self.town).issue(
            CLAIMS if claims is None else claims, format=format, holder=self.holder.key, cryptosuite=cryptosuite
        )
        return await self.holder.show(credential, nonce=self.nonce, audience=self.audience)

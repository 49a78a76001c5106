"""A ledger in memory with a ministry as its root, and the organisations that it accredits.

    federation = await TestFederation.found()
    town = await federation.enrol("town", types=["https://town.example/credentials/residence"])

Shapes:  the organisation ``name`` has a did:webvh DID of the domain ``name.example``; times come from ``clock``.
I/O:     none: ledger and keys are in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ssi.did.resolver import Resolver, default_resolver
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ports import RegistryView
from ssi.registry import Organisation, Registry, found_registry
from ssi.testing.clock import TestClock


class TestFederation:
    """Make one with ``found``."""

    __test__: ClassVar[bool] = False

    def __init__(
        self, clock: TestClock, kms: MemoryKms, ledger: MemoryLedger, registry: Registry, ministry: Organisation
    ) -> None:
        self.clock = clock
        self.kms = kms
        self.ledger = ledger
        self.registry = registry
        self.ministry = ministry

    @classmethod
    async def found(cls, *, clock: TestClock | None = None, origin: str = "log.example") -> TestFederation:
        """Found the registry ``origin`` with the root accreditor ``ministry.example``."""
        clock, kms, ledger = clock or TestClock(), MemoryKms(), MemoryLedger()
        registry, ministry = await found_registry(
            ledger, origin=origin, root_name="ministry", root_domain="ministry.example", kms=kms, now=clock
        )
        return cls(clock, kms, ledger, registry, ministry)

    async def organisation(self, name: str) -> Organisation:
        """Make an organisation that nobody has accredited and whose log is not on the ledger."""
        return await Organisation.create(name, domain=f"{name}.example", kms=self.kms, now=self.clock())

    async def enrol(self, name: str, *, types: Sequence[str]) -> Organisation:
        """Make an organisation and accredit it as issuer of ``types``."""
        made = await self.organisation(name)
        await self.ministry.enrol_issuer(made, types=types, registry=self.registry, now=self.clock())
        return made

    def view(self) -> RegistryView:
        """Return the registry's answers now."""
        return self.registry.view()

    def resolver(self) -> Resolver:
        """Return a resolver for the DIDs of this ledger, did:key and did:jwk, with a cache of its own."""
        return default_resolver(log_source=self.registry, now=self.clock)

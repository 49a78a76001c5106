"""The town of the flows: issuer, holder and verifier around a federation of ``ssi.testing``."""

from __future__ import annotations

from typing import Any

from ssi.status import AnchoringPolicy
from ssi.testing import TestWorld
from verifier import Policy, Trust, Verifier


def policy(world: TestWorld, **changes: Any) -> Policy:
    """Return a strict policy for the world's type, by accreditation."""
    members: dict[str, Any] = {
        "audience": world.audience,
        "holder_binding": "required",
        "status": "required",
        "max_list_age_seconds": 86_400,
        "trust": tuple(Trust(type=name, accredited=True) for name in world.type.names),
        "anchoring": None,
        "contexts": world.type.contexts,
    }
    return Policy(**{**members, **changes})


def verifier(world: TestWorld, *, fresh: bool = False, **changes: Any) -> Verifier:
    """Return a verifier of the world; ``fresh`` gives it a resolver whose cache is empty."""
    return Verifier(
        policy(world, **changes),
        resolver=world.federation.resolver() if fresh else world.resolver,
        lists=world.lists,
        registry=world.registry,
        now=world.clock,
    )


STRICT = AnchoringPolicy(max_staleness_seconds=86_400, max_unanchored_seconds=0)

"""What the guard says of an entry after others, for tests."""

from __future__ import annotations

from typing import Any

from ssi.errors import GuardError
from ssi.registry.fold import RegistryState
from ssi.registry.guard import check_entry
from ssi.registry.statement import parse_envelope
from tests.unit.registry.world import NOW, World

PERSON = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


def folded(*entries: bytes, world: World) -> RegistryState:
    state = RegistryState([world.root.did])
    for entry in (*world.entries, *entries):
        assert state.apply(entry) is None
    return state


def code_of(entry: bytes, *before: bytes, world: World, now: int | None = NOW) -> str:
    """Return the code that the guard refuses ``entry`` with; "" if it is admitted."""
    state = folded(*before, world=world)
    try:
        check_entry(entry, state.at(), now=now)
    except GuardError as exc:
        return exc.code
    return ""


def parse_payload(entry: bytes, **changes: Any) -> dict[str, Any]:
    return {**parse_envelope(entry).payload, **changes}

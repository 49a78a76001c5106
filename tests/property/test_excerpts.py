"""The excerpt of a registry says of its organisations what the whole ledger says."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.errors import DidNotFoundError
from ssi.registry.excerpt import relevant_entries
from ssi.registry.fold import RegistryState
from ssi.registry.view import RegistrySnapshot
from tests.property.test_registry import orders, pool, world
from tests.unit.registry.world import NOW

URIS = ("https://later.example/1", world().URI)


def said_of(view: RegistrySnapshot, dids: list[str], uris: tuple[str, ...]) -> dict[str, Any]:
    """Everything that a verifier asks a registry about these organisations and lists."""

    def log(did: str) -> bytes | None:
        try:
            return view.did_log(did)
        except DidNotFoundError:
            return None

    times = (NOW - 1, NOW, NOW + 1, NOW + 86_400)
    return {
        "logs": {did: log(did) for did in dids},
        "issue": {(did, at): view.may_issue(did, world().TYPE, at=at) for did in dids for at in times},
        "compromised": {(did, at): view.compromised_since(f"{did}#key-1", at=at) for did in dids for at in times},
        "lists": {uri: view.newest_commitment(uri) for uri in uris},
    }


@settings(max_examples=150, deadline=None)
@given(orders, st.sets(st.integers(0, 3)), st.sets(st.sampled_from(URIS)), st.data())
def test_an_excerpt_answers_as_the_whole_ledger_does(
    order: list[int], picks: set[int], uris: set[str], data: st.DataObject
) -> None:
    entries = [pool()[pick] for pick in order]
    whole = RegistryState([world().root.did])
    for entry in entries:
        whole.apply(entry)
    size = data.draw(st.integers(0, len(entries)))
    view = whole.at(size)
    known = sorted(view.dids())
    dids = [known[pick] for pick in picks if pick < len(known)]
    kept = relevant_entries(view, dids, uris)
    part = RegistryState([world().root.did])
    for index, entry in enumerate(entries[:size]):
        if index in kept:
            assert part.apply(entry) is None, index  # whatever the guard looked at then is there, too
        else:
            part.pass_over(1)
    assert part.size == size
    own = tuple(uri for did in dids for uri in view.lists_of(did))
    asked = tuple({*uris, *own})
    assert said_of(part.at(), dids, asked) == said_of(view, dids, asked)


def test_an_excerpt_leaves_strangers_out() -> None:
    whole = RegistryState([world().root.did])
    for entry in pool():
        whole.apply(entry)
    view = whole.at()
    assert len(relevant_entries(view, [])) < len(relevant_entries(view, list(view.dids()))) <= view.size

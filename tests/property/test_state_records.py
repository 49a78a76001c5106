"""Laws of the map's records: moved on by any steps they are what they are at once, and say what the fold says."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.ledger.port import Withheld
from ssi.registry.answer_facts import Facts, dependents, entries_of, histories_of
from ssi.registry.fold import RegistryState
from ssi.registry.guard import parse_entry
from ssi.registry.state_records import Thing, changes, things_of
from ssi.registry.view import RegistrySnapshot
from tests.property.test_registry import POOL, orders, pool, witnessed_pool, world
from tests.unit.registry.world import NOW

steps = st.lists(st.integers(1, 12), min_size=40, max_size=40)


def folded(entries: Sequence[bytes]) -> RegistryState:
    state = RegistryState([world().root.did])
    for entry in entries:
        state.apply(entry)
    return state


def records(view: RegistrySnapshot, since: int = 0) -> dict[Thing, bytes]:
    return {thing: value for part in changes(view, since, step=5) for thing, value in part.items()}


def check(entries: Sequence[bytes], widths: Sequence[int]) -> None:
    state, kept, size = folded(entries), dict[Thing, bytes](), 0
    for width in widths:
        stop = min(size + width, len(entries))
        kept |= records(state.at(stop), size)
        size = stop
        assert kept == records(state.at(size))
        if size == len(entries):
            break
    view = state.at()
    assert {thing for entry in view.entries_since(0) for thing in things_of(entry, view)} == kept.keys()
    facts: Facts = {}
    for thing, value in kept.items():
        record = json.loads(value)
        resting = {index: parse_entry(entries[index]) for index in record["entries"]}
        facts[thing] = entries_of(thing, record, resting)
        for needed in dependents(thing, resting):
            facts.setdefault(needed, ())
    # Over these histories the same code gives the same answers as over those of the fold.
    seen = RegistrySnapshot(histories_of(facts), view.roots, view.size)
    for kind, name in kept:
        if kind == "did":
            assert seen.did_log(name) == view.did_log(name)
            assert seen.did_witness(name) == view.did_witness(name)
        elif kind == "list":
            assert seen.newest_commitment(name) == view.newest_commitment(name)
        elif kind == "accredited":
            for at in (NOW - 1, NOW, NOW + 1, NOW + 366 * 86_400):
                assert seen.may_issue(name, world().TYPE, at=at) == view.may_issue(name, world().TYPE, at=at)
        elif kind == "compromised":
            assert seen.compromised_since(name, at=NOW) == view.compromised_since(name, at=NOW)


@settings(max_examples=40, deadline=None)
@given(orders, steps)
def test_statements_and_lines(order: list[int], widths: list[int]) -> None:
    check([pool()[pick] for pick in order], widths)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(3, POOL)), steps)
def test_lines_that_wait_for_witnesses(order: list[int], widths: list[int]) -> None:
    _, entries = witnessed_pool()
    check([entries[pick] for pick in [0, 1, 2, *order]], widths)


def test_a_withheld_entry_is_in_no_record() -> None:
    state = folded(world().entries)
    state.apply(Withheld(b"h" * 32, "court 1"))
    assert all(4 not in json.loads(value)["entries"] for value in records(state.at()).values())

"""No byte of an answer is free: each one that is changed, left out or doubled makes it refused."""

from __future__ import annotations

import asyncio
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, VerificationError
from ssi.ledger.note import NoteKey
from ssi.registry.answer import build_answer, parse_answer, verify_answer
from ssi.registry.state_records import Thing
from tests.unit.registry.answering import Operated
from tests.unit.registry.world import World


@cache
def answers() -> tuple[dict[bytes, Thing], list[NoteKey], list[str]]:
    async def make() -> tuple[dict[bytes, Thing], list[NoteKey], list[str]]:
        world = World()
        town = await Operated.start(world)
        for epoch in range(3):
            await town.registry.submit(world.agency.commit(world.URI, epoch))
        await town.epoch()
        asked = [("list", world.URI), ("list", "https://none.example/1"), ("did", world.agency.did)]
        asked.append(("accredited", world.agency.did))
        made = {await town.desk.answer(*thing): thing for thing in asked}
        await town.close()
        return made, town.keys, town.roots

    return asyncio.run(make())


def refused(data: bytes, expected: Thing | None = None) -> None:
    """An answer about something else may well hold: whoever asked knows about what."""
    _, keys, roots = answers()
    with pytest.raises((VerificationError, InvalidInputError)):
        verify_answer(data, log_keys=keys, roots=roots, expected=expected)


def under_other_signatures(data: bytes) -> bool:
    """Whether ``data`` is a made answer but for the signature lines below the head: those of strangers say nothing."""
    found = json.loads(data)
    head = found["checkpoint"].split("\n\n")[0]
    for made in answers()[0]:
        answer = json.loads(made)
        same_head = head == answer["checkpoint"].split("\n\n")[0]
        if same_head and jcs({**answer, "checkpoint": found["checkpoint"]}) == data:
            return True
    return False


def test_as_they_are_they_hold() -> None:
    made, keys, roots = answers()
    for data, thing in made.items():
        verify_answer(data, log_keys=keys, roots=roots, expected=thing)
        assert build_answer(parse_answer(data)) == data


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from(list(answers()[0])))
    place = data.draw(st.integers(0, len(original) - 1))
    changed = bytearray(original)
    changed[place] ^= data.draw(st.integers(1, 255))
    refused(bytes(changed), answers()[0][original])


@pytest.mark.slow
def test_every_byte_changed_is_refused() -> None:
    for original, thing in list(answers()[0].items())[:2]:
        for place in range(len(original)):
            for mask in (1, 2, 0x20):
                changed = bytearray(original)
                changed[place] ^= mask
                refused(bytes(changed), thing)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_is_cut_or_spliced_is_refused(data: st.DataObject) -> None:
    one, other = (data.draw(st.sampled_from(list(answers()[0]))) for _ in range(2))
    cut = data.draw(st.integers(0, len(one) - 1))
    refused(one[:cut])
    spliced = one[:cut] + other[data.draw(st.integers(0, len(other))) :]
    _, keys, roots = answers()
    try:
        verify_answer(spliced, log_keys=keys, roots=roots)
    except (VerificationError, InvalidInputError):
        return
    assert under_other_signatures(spliced)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_items_and_entries_of_one_answer_do_not_serve_another(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from(list(answers()[0])))
    one, other = json.loads(original), json.loads(data.draw(st.sampled_from(list(answers()[0]))))
    place = data.draw(st.integers(0, len(one["items"]) - 1))
    source = data.draw(st.sampled_from(other["items"]))
    field = data.draw(st.sampled_from(["proof", "name", "kind", "record"]))
    item = one["items"][place]
    changed = {name: value for name, value in item.items() if name != field}
    if field in source:
        changed[field] = source[field]
    if changed != item:
        one["items"][place] = changed
        refused(jcs(one), answers()[0][original])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.sampled_from([b"{}", b"[]", b'{"format":"registry-answer/1"}', b"null"]))
def test_any_bytes_are_refused_with_our_errors(data: bytes) -> None:
    refused(data)

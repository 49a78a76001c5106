"""Evidence that a stranger wrote: whatever its members say, a result or one of our errors comes out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import CanonicalizationError, SsiError
from ssi.testing import TestWorld
from tests.flows.evidence_world import again, kept
from verifier.bundle import OfflineBundle
from verifier.evidence import MANIFEST, Evidence

MEMBERS = ("request.json", "result.json", "policy.json", "anchors.json", "world/lists/index.json")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@cache
def evidence() -> Evidence:
    async def make() -> Evidence:
        return (await kept(await TestWorld.open())).evidence()

    return asyncio.run(make())


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside a JSON value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += leaves(inner, (*path, key))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return ``value`` with another one at ``path``."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MEMBERS), st.data(), VALUES)
def test_any_member_may_say_anything(name: str, data: st.DataObject, new: Any) -> None:
    said = parse_object(evidence().members[name])
    path = data.draw(st.sampled_from(leaves(said)))
    try:
        body = jcs(put(said, path, new))
    except CanonicalizationError:
        return
    try:
        found = asyncio.run(Evidence.parse(again(evidence().to_bytes(), MANIFEST, {name: body})).recheck())
    except SsiError:
        return
    assert found.outcome == "accepted"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**20), st.integers(0, 2**20))
def test_any_bytes_are_refused(noise: bytes, start: int, length: int) -> None:
    whole = evidence().to_bytes()
    start %= len(whole)
    spliced = whole[:start] + noise + whole[start + length % 300 :]
    for data in (noise, whole[:start], spliced):
        with suppress(SsiError):
            assert Evidence.parse(data).members == evidence().members
        try:
            OfflineBundle.open(data, registry=None)
        except SsiError:
            continue
        raise AssertionError("evidence is no bundle")

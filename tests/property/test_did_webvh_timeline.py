"""At every moment exactly the keys in force then are given out, however often they were rotated."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.webvh import resolve_log
from ssi.encoding.timestamps import format_seconds
from ssi.errors import DidNotFoundError
from ssi.types import JsonObject
from tests.unit.did.webvh.author import NOW, START, Author, key, multikey

A = key(1)
AGENCY_KEYS = {f"key-{number}": key(100 + number).public_key for number in range(4)}


def _publish(entry: JsonObject, fragments: frozenset[str]) -> None:
    did = entry["state"]["id"]
    entry["state"]["verificationMethod"] = [
        {
            "id": f"{did}#{fragment}",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": AGENCY_KEYS[fragment].to_multikey(),
        }
        for fragment in sorted(fragments)
    ]
    entry["state"]["assertionMethod"] = [f"{did}#{fragment}" for fragment in sorted(fragments)]


_FRAGMENTS = st.frozensets(st.sampled_from(sorted(AGENCY_KEYS)), max_size=3)
_TIMELINE = st.lists(st.tuples(st.integers(1, 5000), _FRAGMENTS), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(_FRAGMENTS, _TIMELINE, st.integers(-10, 30_000))
def test_keys_follow_the_timeline(
    first: frozenset[str], later: list[tuple[int, frozenset[str]]], asked_after: int
) -> None:
    author = Author().first(A, change=lambda entry: _publish(entry, first))
    in_force = {START: first}
    time = START
    for gap, fragments in later:
        time += gap
        in_force[time] = fragments

        def change(entry: JsonObject, at: int = time, published: frozenset[str] = fragments) -> None:
            entry["versionTime"] = format_seconds(at)
            _publish(entry, published)

        author.next(A, change=change)
    begun = [start for start in in_force if start <= START + asked_after]
    try:
        resolution = resolve_log(author.log, did=author.did, now=NOW, version_time=START + asked_after)
    except DidNotFoundError:
        assert not begun
        return
    expected = {f"{author.did}#{fragment}": AGENCY_KEYS[fragment] for fragment in in_force[max(begun)]}
    assert resolution.document.keys("assertionMethod") == expected
    newest = resolve_log(author.log, did=author.did, now=NOW)
    assert set(newest.document.keys("assertionMethod")) == {f"{author.did}#{name}" for name in in_force[time]}
    # The keys that authorise entries are no keys of the document.
    assert multikey(A) not in {found.to_multikey() for found in newest.document.keys("assertionMethod").values()}

"""No altered log is believed with another meaning: every byte, every leaf, every order of lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.webvh import verify_log
from ssi.errors import InvalidInputError, VerificationError
from tests.unit.did.webvh.author import NOW, Author, did_key, key, multikey, next_hash

A, B, C, W = key(1), key(2), key(3), key(11)


def _author() -> Author:
    author = Author().first(
        A,
        nextKeyHashes=[next_hash(B)],
        portable=True,
        ttl=60,
        watchers=["https://watcher.example/"],
        witness={"threshold": 1, "witnesses": [{"id": did_key(W)}]},
    )
    author.next(B, updateKeys=[multikey(B)], nextKeyHashes=[next_hash(C)])
    return author.next(C, updateKeys=[multikey(C)], nextKeyHashes=[], witness={})


AUTHOR = _author()
LOG = AUTHOR.log
LINES = LOG.splitlines(keepends=True)
PROOFS = AUTHOR.witnessed((3, W))
DID = AUTHOR.did
VERIFIED = verify_log(LOG, did=DID, now=NOW, witness_proofs=PROOFS)


def meaning(log: bytes) -> Any:
    """What a log says, or None if it is refused with an error of ours."""
    try:
        verified = verify_log(log, did=DID, now=NOW, witness_proofs=PROOFS)
    except (InvalidInputError, VerificationError):
        return None
    return [(v.entry.unsigned, v.parameters, v.did) for v in verified.versions]


MEANING = meaning(LOG)
PREFIXES = [MEANING[:count] for count in range(1, 4)]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(LOG) - 1), st.integers(0, 255))
def test_an_altered_byte_changes_nothing_or_is_refused(at: int, byte: int) -> None:
    assert meaning(LOG[:at] + bytes([byte]) + LOG[at + 1 :]) in (None, MEANING)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(LOG) - 1), st.integers(0, len(LOG)), st.binary(max_size=3))
def test_a_cut_or_an_insertion_changes_nothing_or_is_refused(start: int, stop: int, put: bytes) -> None:
    said = meaning(LOG[:start] + put + LOG[max(start, stop) :])
    # A log cut after a whole line is a shorter log: only a ledger, a witness or a watcher can tell.
    assert said is None or said in PREFIXES


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=5))
def test_lines_in_another_order_are_refused(lines: list[bytes]) -> None:
    said = meaning(b"".join(lines))
    assert said is None or lines == LINES[: len(lines)]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for name, item in value.items() for leaf in _leaves(item, (*path, name))]
    if isinstance(value, list) and value:
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


_LEAVES = [(number, path) for number, entry in enumerate(AUTHOR.entries) for path in _leaves(entry)]
_VALUES: list[Any] = [None, True, 0, 1, "", "x", [], {}, ["x"], multikey(A), did_key(W), next_hash(A), DID]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_LEAVES), st.sampled_from(_VALUES))
def test_an_altered_leaf_is_refused(leaf: tuple[int, tuple[Any, ...]], value: Any) -> None:
    number, path = leaf
    entries = json.loads(json.dumps(AUTHOR.entries))
    holder = entries[number]
    for step in path[:-1]:
        holder = holder[step]
    before = holder[path[-1]]
    holder[path[-1]] = value
    said = meaning(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
    assert said is None or (before == value and type(before) is type(value))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_member_more_or_less_is_refused(number: int) -> None:
    for edit in ("state", "parameters", "proof"):
        for add in (True, False):
            entries = json.loads(json.dumps(AUTHOR.entries))
            holder = entries[number][edit]
            holder = holder[0] if edit == "proof" else holder
            if add:
                holder["added"] = 1
            else:
                holder.popitem()
            assert meaning(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_an_error_of_ours(data: bytes) -> None:
    assert meaning(data) is None
    assert meaning(LINES[0] + data) in (None, *PREFIXES)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_witness_file_is_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises((InvalidInputError, VerificationError)):
        verify_log(LOG, did=DID, now=NOW, witness_proofs=data)

"""Logs that were forked, cut back, put in another order or replayed, each refused with words of its own."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.methods.webvh import DidWebvh
from ssi.did.webvh import verify_log
from ssi.did.webvh.history import Relation, SeenHeads, check_continues, compare_logs
from ssi.did.webvh.log import WebvhLog
from ssi.errors import DidNotFoundError, InvalidInputError, VerificationError
from ssi.ports import Fetched
from tests.unit.did.webvh.author import NOW, Author, key
from tests.unit.did.webvh.test_method import URL, Logs, Web

A = key(1)


def grown(versions: int, *, fork_at: int | None = None) -> Author:
    """A log of that many versions; from ``fork_at`` on another one, by the same key."""
    author = Author().first(A)
    for number in range(2, versions + 1):
        author.next(A, ttl=number + (1000 if fork_at is not None and number >= fork_at else 0))
    return author


def read(author: Author) -> WebvhLog:
    return verify_log(author.log, did=author.did, now=NOW)


def method(author: Author, **options: object) -> DidWebvh:
    return DidWebvh(fetch=Web({URL: author.log}), now=lambda: NOW, **options)  # type: ignore[arg-type]


@given(st.integers(1, 4), st.integers(1, 4), st.none() | st.integers(2, 5))
def test_logs_compare(ours: int, theirs: int, fork_at: int | None) -> None:
    log, other = read(grown(ours)), read(grown(theirs, fork_at=fork_at))
    found = compare_logs(log, other)
    both = min(ours, theirs)
    if fork_at is not None and fork_at <= both:
        assert (found.relation, found.common) == (Relation.FORKED, fork_at - 1)
    elif ours == theirs:
        assert (found.relation, found.common) == (Relation.SAME, both)
    else:
        assert found.relation is (Relation.AHEAD if ours > theirs else Relation.BEHIND)
        assert found.common == both
    # A head of one is held by the other if, and only if, the other is the same up to there.
    held = found.relation in (Relation.SAME, Relation.AHEAD)
    if held:
        check_continues(log, other.head.entry.version_id)
    else:
        with pytest.raises(VerificationError):
            check_continues(log, other.head.entry.version_id)


def test_logs_of_other_dids_do_not_compare() -> None:
    with pytest.raises(VerificationError, match="same SCID"):
        compare_logs(read(grown(1)), read(Author().first(A, ttl=5)))


async def test_a_log_that_was_cut_back_is_refused() -> None:
    long, short = grown(3), grown(2)
    web = Web({URL: long.log})
    asked = DidWebvh(fetch=web, now=lambda: NOW)
    await asked.resolve(long.did)
    web.pages[URL] = short.log
    with pytest.raises(VerificationError, match="ends at version 2, and version 3 was seen before"):
        await asked.resolve(long.did)
    for historic in ({"version_time": NOW}, {"version_id": short.entries[0]["versionId"]}):
        with pytest.raises(VerificationError, match="ends at version 2"):
            await asked.resolve(long.did, **historic)
    with pytest.raises(VerificationError, match="ends at version 2"):
        await asked.resolve_number(long.did, 1)
    web.pages[URL] = grown(4).log
    assert (await asked.resolve(long.did)).metadata.version_number == 4


async def test_a_log_that_was_rewritten_is_refused() -> None:
    web = Web({URL: grown(3).log})
    asked = DidWebvh(fetch=web, now=lambda: NOW)
    await asked.resolve(grown(3).did)
    for forked in (grown(3, fork_at=3), grown(5, fork_at=2)):
        web.pages[URL] = forked.log
        with pytest.raises(VerificationError, match="not the one seen before: its version 3 is another"):
            await asked.resolve(forked.did)


async def test_a_slow_answer_is_not_refused_for_a_newer_one_that_overtook_it() -> None:
    gates = {2: asyncio.Event(), 3: asyncio.Event()}
    order = iter(gates)

    async def fetch(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        versions = next(order)
        await gates[versions].wait()
        return Fetched(url, 200, accept, grown(versions).log)

    kept: dict[str, str] = {}
    asked = DidWebvh(fetch=fetch, now=lambda: NOW, heads=kept)
    slow, fast = (asyncio.create_task(asked.resolve(grown(1).did)) for _ in range(2))
    await asyncio.sleep(0)
    gates[3].set()
    assert (await fast).metadata.version_number == 3
    gates[2].set()
    assert (await slow).metadata.version_number == 2
    assert kept == {grown(3).scid: grown(3).entries[2]["versionId"]}


async def test_what_was_seen_outlives_the_process_if_the_host_keeps_it() -> None:
    kept: dict[str, str] = {}
    await method(grown(3), heads=kept).resolve(grown(3).did)
    assert kept == {grown(3).scid: grown(3).entries[2]["versionId"]}
    with pytest.raises(VerificationError, match="version 3 was seen before"):
        await method(grown(2), heads=kept).resolve(grown(2).did)
    # Ledger and web tell one story.
    on_ledger = DidWebvh(log_source=Logs({grown(2).did: grown(2).log}), now=lambda: NOW, heads=kept)
    with pytest.raises(VerificationError, match="version 3 was seen before"):
        await on_ledger.resolve(grown(2).did)


async def test_a_log_that_fails_leaves_no_trace() -> None:
    forged = grown(3)
    forged.entries[2]["parameters"]["ttl"] = 9
    kept: dict[str, str] = {}
    with pytest.raises(VerificationError):
        await method(forged, heads=kept).resolve(forged.did)
    with pytest.raises(DidNotFoundError):
        await DidWebvh(fetch=Web({}), heads=kept).resolve(forged.did)
    assert kept == {}
    # A version that verifies is given out; what is remembered is the newest that does.
    assert (await method(forged, heads=kept).resolve_number(forged.did, 1)).metadata.version_number == 1
    assert kept == {forged.scid: forged.entries[1]["versionId"]}


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ([1, 0], "log entry 1"),
        ([0, 2, 1], "log entry 2: expected version 2, got 3"),
        ([0, 1, 1], "log entry 3: expected version 3, got 2"),
        ([0, 0], "log entry 2: expected scid in the first entry only"),
        ([0, 1, 2, 0], "log entry 4"),
        ([1, 2], "log entry 1"),
    ],
)
async def test_lines_reordered_replayed_or_left_out_are_refused(order: list[int], reason: str) -> None:
    author = grown(3)
    author.entries = [author.entries[number] for number in order]
    with pytest.raises((InvalidInputError, VerificationError), match=reason):
        await DidWebvh(fetch=Web({URL: author.log}), now=lambda: NOW).resolve(grown(3).did)


def test_heads_are_bounded() -> None:
    heads = SeenHeads(max_heads=2)
    heads["a"], heads["b"] = "1-a", "1-b"
    assert heads["a"] == "1-a"
    heads["c"] = "1-c"
    assert dict(heads) == {"a": "1-a", "c": "1-c"}
    del heads["a"]
    assert (list(heads), len(heads)) == (["c"], 1)

from __future__ import annotations

import msgspec
import pytest

from ssi.errors import InvalidInputError, StatusError
from ssi.status import StatusListCache, VerifiedStatusList
from ssi.status.cache import MAX_REMEMBERED
from ssi.status.reference import StatusFormat
from tests.unit.status.lists import NOW, URI, verified_lists

LIST = verified_lists(StatusFormat.TOKEN)[0]


def other(number: int, **changes: object) -> VerifiedStatusList:
    return msgspec.structs.replace(LIST, uri=f"https://agency.example/{number}", **changes)


@pytest.mark.parametrize(
    ("max_age", "ttl", "expires_in", "kept_for"),
    [(100, 300, 500, 100), (300, 100, 500, 100), (300, 500, 100, 100), (100, None, None, 100), (900, None, 100, 100)],
)
def test_a_list_is_kept_until_the_earliest_of_three_ends(
    max_age: int, ttl: int | None, expires_in: int | None, kept_for: int
) -> None:
    cache = StatusListCache(max_age_seconds=max_age)
    end = None if expires_in is None else NOW + expires_in
    status_list = msgspec.structs.replace(LIST, ttl_seconds=ttl, expires_at=end)
    cache.put(status_list, retrieved_at=NOW, receipt=b"{}")
    assert cache.get(URI, now=NOW + kept_for - 1) is status_list
    assert cache.receipt(URI, now=NOW) == b"{}"
    assert cache.get(URI, now=NOW + kept_for) is None
    assert cache.receipt(URI, now=NOW) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_ttl_counts_from_the_fetch() -> None:
    cache = StatusListCache(max_age_seconds=9_999)
    cache.put(LIST, retrieved_at=NOW + 1_000)
    assert cache.get(URI, now=NOW + 1_299) is LIST
    assert cache.get(URI, now=NOW + 1_300) is None


def test_a_clock_set_back_finds_nothing() -> None:
    cache = StatusListCache(max_age_seconds=100)
    cache.put(LIST, retrieved_at=NOW)
    assert cache.get(URI, now=NOW - 1) is None


def test_an_older_list_takes_no_newer_ones_place_even_after_it_left() -> None:
    cache = StatusListCache(max_age_seconds=100)
    cache.put(LIST, retrieved_at=NOW)
    older = msgspec.structs.replace(LIST, issued_at=NOW - 1)
    with pytest.raises(StatusError):
        cache.put(older, retrieved_at=NOW + 1)
    assert cache.get(URI, now=NOW) is LIST
    cache.discard(URI)
    with pytest.raises(StatusError):
        cache.put(older, retrieved_at=NOW + 5_000)
    cache.put(LIST, retrieved_at=NOW + 5_000)  # the same again, and one without a time
    cache.put(msgspec.structs.replace(LIST, issued_at=None), retrieved_at=NOW + 5_000)


def test_lists_and_bytes_are_bounded() -> None:
    cache = StatusListCache(max_age_seconds=100, max_lists=2)
    for number in (1, 2):
        cache.put(other(number), retrieved_at=NOW)
    assert cache.get(other(1).uri, now=NOW)
    cache.put(other(3), retrieved_at=NOW)
    assert [cache.get(other(n).uri, now=NOW) is not None for n in (1, 2, 3)] == [True, False, True]

    small = StatusListCache(max_age_seconds=100, max_bytes=len(LIST.data) * 2)
    for number in range(5):
        small.put(other(number), retrieved_at=NOW)
        assert small.size_bytes <= len(LIST.data) * 2
    assert len(small) == 2
    kept = [number for number in range(5) if small.get(other(number).uri, now=NOW)]
    small.put(other(9, data=bytes(len(LIST.data) * 3)), retrieved_at=NOW)
    assert small.get(other(9).uri, now=NOW) is None
    assert [n for n in range(5) if small.get(other(n).uri, now=NOW)] == kept == [3, 4]  # and it drove nobody out
    exact = StatusListCache(max_age_seconds=100, max_bytes=len(LIST.data))
    exact.put(LIST, retrieved_at=NOW)
    assert exact.get(URI, now=NOW) is LIST


def test_what_is_remembered_is_bounded() -> None:
    cache = StatusListCache(max_age_seconds=0)
    for number in range(MAX_REMEMBERED + 5):
        cache.put(other(number, data=b""), retrieved_at=NOW)
    assert len(cache) == 0
    assert len(cache._newest) == MAX_REMEMBERED


@pytest.mark.parametrize(
    "bounds", [{"max_age_seconds": -1}, {"max_age_seconds": 1, "max_lists": 0}, {"max_age_seconds": 1, "max_bytes": 0}]
)
def test_bounds_are_positive(bounds: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError):
        StatusListCache(**bounds)

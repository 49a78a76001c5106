"""Date and time text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.timestamps import format_seconds, parse_nanoseconds, parse_seconds, parse_utc_nanoseconds
from ssi.errors import InvalidInputError


@given(st.integers(min_value=-62_135_596_800, max_value=253_402_300_799))
def test_parse_is_the_inverse_of_format(seconds: int) -> None:
    assert parse_seconds(format_seconds(seconds)) == seconds


def test_fractions_and_offsets() -> None:
    assert parse_nanoseconds("1970-01-01T00:00:00.000000001Z") == 1
    assert parse_nanoseconds("1970-01-01T00:00:01.5Z") == 1_500_000_000
    assert parse_seconds("1970-01-01T01:00:00+01:00") == 0
    assert parse_seconds("1969-12-31T23:00:00-01:00") == 0
    assert parse_seconds("1969-12-31T23:59:59.5Z") == -1
    assert parse_utc_nanoseconds("1970-01-01T00:00:00+00:00") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "2026-02-29T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+14:01",
        "2026-01-01T00:00:00+01:60",
        "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        None,
        1,
    ],
)
def test_what_is_refused(text: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_nanoseconds(text)


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00", 5])
def test_utc_must_be_said(text: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_utc_nanoseconds(text)


@pytest.mark.parametrize("seconds", [10**12, -(10**12), 10**30])
def test_years_that_have_no_form(seconds: int) -> None:
    with pytest.raises(InvalidInputError):
        format_seconds(seconds)

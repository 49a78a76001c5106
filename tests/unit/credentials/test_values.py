"""ssi.credentials.values: URLs, types, times and texts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.credentials.values import check_text, is_url, parse_datetime, parse_identified, parse_moment, parse_types
from ssi.errors import InvalidInputError


@pytest.mark.parametrize(
    "url",
    [
        "did:example:123",
        "did:web:example.com:a#key-1",
        "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5",
        "https://example.org",
        "HTTP://example.org/a?b=c#d",
        "https://example.org/caf%C3%A9",
        "https://example.org/café",
        "https://user@[2001:db8::1]:8443/",
        "data:application/vc+jwt,eyJh",
        "mailto:a@example.org",
    ],
)
def test_absolute_urls_are_accepted(url: str) -> None:
    assert is_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "fake-issuer",
        "/relative",
        "//example.org/x",
        "https ://not-a-url/vcs",
        "https://",
        "https:example.org",
        "http:/example.org",
        "did:",
        "1did:example:1",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://example.org/%zz",
        "https://example.org/%",
        'https://example.org/"x"',
        "https://example.org/<x>",
        "https://example.org/a\u00a0b",
        "did:example:123\n",
        None,
        7,
        ["did:example:1"],
    ],
)
def test_what_is_no_absolute_url_is_refused(url: object) -> None:
    assert not is_url(url)


def test_a_long_hostile_url_is_refused_in_linear_time() -> None:
    assert not is_url("a:" + "%41" * 200_000 + "%")
    assert not is_url("https://" + "a" * 500_000 + " ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2010-01-01T19:23:24Z", 1262373804),
        ("2023-02-25T19:10:39-06:00", 1677373839),
        ("2024-02-29T23:59:59.999Z", 1709251199),
        ("2024-02-29T24:00:00Z", 1709251200),
        ("2024-12-31T24:00:00.00+14:00", 1735639200),
        ("0001-01-01T00:00:00Z", -62135596800),
        ("12023-01-01T00:00:00Z", 317242051200),
        ("1972-06-30T23:59:59+00:00", 78796799),
    ],
)
def test_date_time_stamps_become_unix_seconds(text: str, seconds: int) -> None:
    assert parse_datetime(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2010-01-01T19:23:24",
        "2010-01-01",
        "2010-01-01 19:23:24Z",
        "2010-01-01t19:23:24z",
        "2010-13-01T00:00:00Z",
        "2010-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2010-01-01T24:00:01Z",
        "2010-01-01T23:59:60Z",
        "2010-01-01T00:00:00+14:30",
        "2010-01-01T00:00:00.Z",
        "2010-01-01T00:00:00Z ",
        "\uff12010-01-01T00:00:00Z",
        "Sat 25 Feb 2023 07:16:31 PM CST",
        "",
        1262373804,
        None,
        ["2010-01-01T19:23:24Z"],
    ],
)
def test_other_times_are_refused(text: object) -> None:
    with pytest.raises(InvalidInputError, match=r"dateTimeStamp|day that exists"):
        parse_datetime(text)


def test_moments_compare_with_their_fractions() -> None:
    texts = ["2020-01-01T00:00:00.05Z", "2020-01-01T00:00:00.449Z", "2020-01-01T00:00:00.45Z", "2020-01-01T00:00:00.5Z"]
    moments = [parse_moment(text, "t") for text in texts]
    assert moments == sorted(moments)
    assert parse_moment("2020-01-01T00:00:00.450Z", "t") == moments[2]
    assert parse_moment("2020-01-01T00:00:00.000Z", "t") == parse_moment("2020-01-01T00:00:00Z", "t")


@given(
    st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_times_agree_with_the_standard_library(moment: datetime, offset: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
    assert parse_datetime(aware.isoformat()) == int((aware - epoch).total_seconds())


@pytest.mark.parametrize("value", ["A", ["A"], ["https://example.org/T", "A"], "Überprüfung"])
def test_types_are_terms_and_urls(value: object) -> None:
    assert parse_types(value, "type") == ((value,) if isinstance(value, str) else tuple(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [None, "", [], {}, 2, [2], [None], ["A", ""], "has space", ["@type"], ["a:"], [["A"]]]
)
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="expected type"):
        parse_types(value, "type")


def test_a_required_type_is_asked_for() -> None:
    with pytest.raises(InvalidInputError, match="VerifiableCredential"):
        parse_types(["Other"], "type", required="VerifiableCredential")


@pytest.mark.parametrize("value", [None, True, 4, [], {}, {"id": None}, {"id": "fake"}, "fake", ["did:example:1"]])
def test_an_issuer_without_url_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="issuer"):
        parse_identified(value, "issuer")


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {"@value": "text"},
        {"@value": "نص", "@language": "ar", "@direction": "rtl"},
        [{"@value": "Dog", "@language": "en"}, {"@value": "Chien", "@language": "fr-CH-1996"}],
    ],
)
def test_texts_in_languages_are_accepted(value: object) -> None:
    check_text(value, "name")


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        [],
        {},
        ["Dog"],
        {"@value": 3},
        {"@language": "en"},
        {"@value": "x", "@language": "not a tag"},
        {"@value": "x", "@language": None},
        {"@value": "x", "@direction": "up"},
        {"@value": "x", "url": "did:example:1"},
        {"@value": "x", "@type": "T"},
        [{"@value": "x"}, "y"],
    ],
)
def test_other_texts_are_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="name"):
        check_text(value, "name")


@given(st.lists(st.tuples(st.integers(0, 18), st.sampled_from("0123456789-:TZW+. ,\u0662a")), max_size=4))
def test_the_short_way_takes_no_text_that_the_grammar_refuses(changes: list[tuple[int, str]]) -> None:
    letters = list("2024-02-29T23:59:59Z")
    for position, letter in changes:
        letters[position] = letter
    text = "".join(letters)
    longer = text[:-1] + ".0Z"  # one character more, and only the grammar reads it
    try:
        seconds = parse_datetime(text)
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            parse_datetime(longer)
    else:
        assert parse_datetime(longer) == seconds

"""ssi.schema.patterns: what they match, and that they never take long."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import InvalidInputError
from ssi.schema.patterns import MAX_POSITIONS, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["", "x"], []),
        ("b", ["abc"], ["ac", ""]),
        ("^b", ["bc"], ["abc"]),
        ("b$", ["ab"], ["abc", "b\n"]),
        ("^$", [""], ["a", "\n"]),
        ("^(a|bc)$", ["a", "bc"], ["abc", "b"]),
        ("^a*$", ["", "aaa"], ["ab"]),
        ("^a+?$", ["a", "aaa"], [""]),
        ("^a?b$", ["b", "ab"], ["aab"]),
        ("^[A-Z]{2}[0-9]{3,5}$", ["AB123", "XY12345"], ["AB12", "AB123456", "ab123"]),
        ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
        ("^a{0}$", [""], ["a"]),
        ("^(ab?){2,3}$", ["aa", "abab", "aaba"], ["a", "aaaa"]),
        ("^[^0-9a]+$", ["xyz", "é"], ["a", "x1"]),
        (r"^\d{4}-\d{2}-\d{2}$", ["2020-01-01"], ["2020-1-01", "\u0662020-01-01"]),
        (r"^\w+@\w+\.[a-z]+$", ["a_b@c.de"], ["a b@c.de", "a@c"]),
        (r"^[\w.-]+$", ["a.b-c"], ["a b"]),
        (r"\S", ["a"], [" \t\n", ""]),
        ("^.$", ["a", "é", "😀"], ["\n", "ab"]),
        (r"^A\x2d\.\\\/$", ["A-.\\/"], ["A-x"]),
        ("^[a-z]+(-[a-z]+)*$", ["one-two-three"], ["one-", "-one", "one--two"]),
        (r"^[\]\[^-]$", ["]", "[", "^", "-"], ["a"]),
        ("(^a|b$)", ["ax", "xb"], ["xa", "bx"]),
        ("^(?:did:(?:key|web):)", ["did:key:z6"], ["did:jwk:x"]),
    ],
)
def test_what_patterns_match(pattern: str, matching: list[str], other: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert [text for text in matching if not compiled.search(text)] == []
    assert [text for text in other if compiled.search(text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "[",
        "[a",
        "[z-a]",
        r"[\d-z]x[a-\d]",
        "*a",
        "a**",
        "a{2}{3}",
        "a{",
        "a{x}",
        "a{3,2}",
        "a{12345}",
        "a]",
        "\\",
        r"\1",
        r"\b",
        r"\p{L}",
        r"\u12",
        r"\xg1",
        "(?=a)",
        "(?!a)",
        "(?<n>a)",
        "(?i)a",
        "(" * 20 + "a" + ")" * 20,
        "a{401}",
        "((a{20}){20}){20}",
        "a" * 513,
    ],
)
def test_patterns_outside_the_language_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidInputError):
        compile_pattern(pattern)


_piece = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "a|b", "(a|ab)", "(b*)", "a*", "b+", "a?", "(ab){1,2}", "^a", "b$", ""]
)


@given(st.lists(_piece, max_size=5).map("".join), st.text("abc", max_size=8))
def test_it_agrees_with_the_backtracking_engine(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", r"\Z"), text) is not None
    assert compile_pattern(pattern).search(text) is expected


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(InvalidInputError):
        compile_pattern(text).search("some text")


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){12}", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_blow_up_elsewhere_take_linear_work(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    assert not compiled.search("a" * 20_000 + "!") or pattern == "(.*a){12}"
    assert compiled.positions <= MAX_POSITIONS
    assert len(compiled._reach) <= 64, "the sets of positions repeat: each character is two look-ups"

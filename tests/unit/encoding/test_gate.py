"""The gate parses what is sound, refuses the rest with one error, and does bounded work."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.gate import MAX_SAFE_INTEGER, parse_json, parse_object
from ssi.errors import InvalidInputError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)

REFUSED = {
    "empty": b"",
    "two values": b"1 2",
    "byte order mark": b"\xef\xbb\xbf1",
    "bad UTF-8": b'"\xff"',
    "lone surrogate": b'"\\ud800"',
    "duplicate member": b'{"a":1,"a":1}',
    "duplicate member by escape": b'{"a":1,"\\u0061":1}',
    "duplicate member below": b'[{"b":{"a":1,"a":2}}]',
    "colon in a name hides nothing": b'{"a:":1,"a:":2}',
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "float out of range": b"1e400",
    "integer out of range": str(MAX_SAFE_INTEGER + 1).encode(),
    "negative integer out of range": str(-MAX_SAFE_INTEGER - 1).encode(),
    "many digits": b"1" * 10_000,
    "leading zero": b"01",
    "trailing comma": b"[1,]",
    "control character": b'"\x01"',
    "unterminated string": b'"abc',
    "backslash at the end": b'"abc\\',
    "deep arrays": b"[" * 100_000,
    "deep balanced arrays": b"[" * 33 + b"]" * 33,
    "deep objects": b'{"a":' * 33 + b"1" + b"}" * 33,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_json(data)


@given(JSON)
def test_returns_what_the_standard_library_returns(value: object) -> None:
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text)
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8")) == value


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_input_returns_or_raises_invalid_input(data: bytes | str) -> None:
    with contextlib.suppress(InvalidInputError):
        parse_json(data)


@given(st.text('"\\:{}[],a1 ', max_size=60))
def test_agrees_with_a_parser_that_sees_duplicates(text: str) -> None:
    def unique(members: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(members)) != len(members):
            raise ValueError
        return dict(members)

    try:
        expected = json.loads(text, object_pairs_hook=unique)
    except ValueError:
        with pytest.raises(InvalidInputError):
            parse_json(text)
    else:
        assert parse_json(text) == expected


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert parse_json('"' + "[" * 1000 + '"') == "[" * 1000
    assert parse_json(b"[" * 32 + b"]" * 32) is not None


def test_size_bound_holds_for_bytes_and_for_characters_that_grow() -> None:
    assert parse_json('"ab"', max_bytes=4) == "ab"
    with pytest.raises(InvalidInputError, match="at most 3 bytes"):
        parse_json('"ab"', max_bytes=3)
    with pytest.raises(InvalidInputError, match="at most 3 bytes"):
        parse_json('"é"', max_bytes=3)


def test_object_means_object() -> None:
    assert parse_object(b"{}") == {}
    with pytest.raises(InvalidInputError):
        parse_object(b"[]")


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000]
)
def test_depth_is_bounded_whatever_the_recursion_limit_is(text: bytes) -> None:
    """A library in the same process may raise the limit, on which decoders count: the stack must not pay for it."""
    program = (
        "import sys; sys.setrecursionlimit(1_000_000)\n"
        "from ssi.encoding.gate import parse_json\n"
        "from ssi.errors import InvalidInputError\n"
        "try: parse_json(sys.stdin.buffer.read())\n"
        "except InvalidInputError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"refused\n")


def test_many_brackets_that_are_not_deep_are_read() -> None:
    wide = [[{"a": [n]}, "[[[[{{{{", '\\"['] for n in range(2_000)]
    assert parse_json(json.dumps(wide).encode()) == wide
    with pytest.raises(InvalidInputError):
        parse_json(json.dumps(wide).encode().replace(b"}", b"]", 1))

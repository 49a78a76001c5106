"""RFC 8785, held against its own examples and by laws."""

from __future__ import annotations

import json
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.gate import parse_json
from ssi.encoding.jcs import ecmascript_number, jcs
from ssi.errors import CanonicalizationError, InvalidInputError
from tests.unit.encoding.test_gate import JSON


def test_rfc_8785_section_3_2_4() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert (
        jcs(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_rfc_8785_section_3_2_3_sorts_by_utf16_code_unit() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(jcs(dict.fromkeys(names, 0)))) == order


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_rfc_8785_appendix_b(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert ecmascript_number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_reads_back_as_the_same_double(value: float) -> None:
    assert float(ecmascript_number(value)) == value


@given(JSON)
def test_canonical_form_is_a_fixed_point(value: object) -> None:
    once = jcs(value)
    try:
        again = parse_json(once)
    except InvalidInputError:  # a float of 2**53 or more is written as an integer that the gate does not take
        assert re.search(rb"[0-9]{16}", once)
        return
    assert again == value
    assert jcs(parse_json(once)) == once


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9)))
def test_fast_and_exact_paths_agree(value: dict[str, int]) -> None:
    with_float = {**value, "~~float": 0.5}
    plain = {**value, "~~float": 5}
    assert jcs(with_float).replace(b":0.5", b":5") == jcs(plain)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        "\ud800",
        {"\ud800": 1},
        {"\ud800": 0.5},
        {1: 1},
        b"x",
        object(),
        {"a": {1, 2}},
    ],
    ids=repr,
)
def test_refuses_what_has_no_form(value: object) -> None:
    with pytest.raises(CanonicalizationError):
        jcs(value)


def test_refuses_endless_nesting() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(CanonicalizationError):
        jcs(value)

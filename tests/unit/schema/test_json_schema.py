"""ssi.schema.json_schema: matching, and bounded work on hostile schemas."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import InvalidInputError, SchemaError
from ssi.schema.json_schema import compile_schema

RESIDENCE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "familyName": {"type": "string", "minLength": 1, "maxLength": 100},
        "birthDate": {"type": "string", "format": "date"},
        "postalCode": {"type": "string", "pattern": "^[0-9]{4,5}$"},
        "address": {"$ref": "#/$defs/address"},
        "tags": {"type": "array", "uniqueItems": True},
    },
    "patternProperties": {"^x-": {"type": "integer"}},
    "required": ["familyName"],
    "additionalProperties": False,
    "$defs": {"address": {"type": "object", "required": ["locality"]}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"familyName": "Muster"},
        {"familyName": "Muster", "birthDate": "1990-02-28", "postalCode": "8001", "x-n": 7},
        {"familyName": "Muster", "address": {"locality": "Town"}, "tags": [{"a": 1}, {"a": 2}]},
    ],
)
def test_a_value_that_matches(value: object) -> None:
    compile_schema(RESIDENCE).validate(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"familyName": 7}, "/familyName"),
        ({}, "/"),
        ([], "/"),
        ({"familyName": "Secret", "birthDate": "1990-02-30"}, "/birthDate"),
        ({"familyName": "Secret", "postalCode": "8001x"}, "/postalCode"),
        ({"familyName": "Secret", "address": {}}, "/address"),
        ({"familyName": "Secret", "x-n": "Secret"}, "/x-n"),
        ({"familyName": "Secret", "other": "Secret"}, "/other"),
        ({"familyName": "Secret", "tags": [{"a": 1}, {"a": 1}]}, "/tags"),
    ],
)
def test_a_mismatch_names_the_path_and_never_the_value(value: object, path: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema(RESIDENCE).validate(value)
    assert f"at {path}:" in str(caught.value)
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T00:00:00z", "2024-02-29"),
        ("uri", "https://a.example/", "relative"),
    ],
)
def test_formats_are_asserted(format_: str, good: str, bad: str) -> None:
    schema = compile_schema({"format": format_})
    schema.validate(good)
    schema.validate(7)
    with pytest.raises(SchemaError):
        schema.validate(bad)


@pytest.mark.parametrize(
    "dialect", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema"]
)
def test_older_dialects_are_read_as_they_are(dialect: str) -> None:
    schema = compile_schema({"$schema": dialect, "items": [{"type": "integer"}], "additionalItems": False})
    schema.validate([1])
    with pytest.raises(SchemaError):
        schema.validate(["x"])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"type": 7},
        {"required": "familyName"},
        {"$schema": "https://example.org/my-dialect"},
        {"$schema": 7},
        {"$ref": "https://example.org/other.json"},
        {"$ref": "other.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"$dynamicRef": "#a"},
        {"$recursiveRef": "#"},
        {"pattern": "("},
        {"pattern": "(?=a)"},
        {"patternProperties": {"(": True}},
        {"allOf": [{"$ref": "#/$defs/a"}], "unevaluatedProperties": False, "$defs": {"a": {}}},
        {"enum": [[]] * 5_001},
    ],
    ids=lambda schema: str(schema)[:60],
)
def test_a_schema_outside_the_bounds_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        compile_schema(schema)


def test_references_lead_to_the_given_resources_only() -> None:
    schema = {"$ref": "https://example.org/name.json"}
    compiled = compile_schema(schema, resources={"https://example.org/name.json": {"type": "string"}})
    compiled.validate("x")
    with pytest.raises(SchemaError):
        compiled.validate(7)
    with pytest.raises(InvalidInputError):
        compile_schema({"$ref": "#/$defs/absent"}).validate(7)


def test_references_that_multiply_are_stopped() -> None:
    definitions = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    bomb = compile_schema({"$ref": "#/$defs/d0", "$defs": {**definitions, "d40": {"type": "integer"}}})
    with pytest.raises(SchemaError, match="steps"):
        bomb.validate(7)


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_references_in_a_circle_are_stopped(keyword: str) -> None:
    with pytest.raises(SchemaError, match="steps"):
        compile_schema({keyword: [{"$ref": "#"}, {"$ref": "#"}]}).validate(7)


def test_comparisons_and_patterns_are_paid_by_size() -> None:
    with pytest.raises(SchemaError, match="steps"):
        compile_schema({"uniqueItems": True}).validate([{"a": i} for i in range(1_000)])
    compile_schema({"uniqueItems": True}).validate([str(i) for i in range(10_000)])
    with pytest.raises(SchemaError, match="steps"):
        compile_schema({"items": {"pattern": "^(a+)+!$"}}).validate(["a" * 40_000 + "!"] * 20)
    with pytest.raises(SchemaError, match="steps"):
        compile_schema({"items": {"type": "integer"}}).validate([1] * 50, max_steps=49)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_keywords = st.sampled_from(
    ["type", "properties", "items", "$ref", "enum", "pattern", "allOf", "not", "$id", "minimum", "$defs"]
)


@given(st.dictionaries(_keywords, _json, max_size=4), _json)
def test_any_schema_and_value_give_an_answer_or_our_errors(schema: dict[str, Any], value: object) -> None:
    with suppress(InvalidInputError):
        compile_schema(schema).validate(value)

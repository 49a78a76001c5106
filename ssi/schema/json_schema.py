"""JSON Schema, offline and with bounded work.

Source:  JSON Schema 2020-12 (core and validation), also 2019-09 and draft-07 where ``$schema`` says so.
Input:   a schema and an instance that came through the parse gate.
Shapes:  references stay inside the schema or lead to ``resources`` of the caller; ``format`` is asserted for date,
         date-time and uri, other formats are annotations; patterns as ``ssi.schema.patterns`` has them.
I/O:     none. Nothing is ever fetched.
Errors:  InvalidInputError (not a schema, or outside the bounds), SchemaError (the instance does not match: the path
         is named, the value never).

The bounds hold for hostile schemas too: nested references can multiply without end, so every keyword that is evaluated
costs one step of a budget, and pairwise comparisons and patterns cost by size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date
from functools import cache
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

from ssi.credentials.values import is_url, parse_datetime
from ssi.errors import InvalidInputError, SchemaError
from ssi.schema.patterns import Pattern, compile_pattern
from ssi.types import JsonObject, JsonValue

MAX_SCHEMA_NODES: Final = 5_000
MAX_STEPS: Final = 20_000
DEFAULT_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DIALECTS: Final = {
    DEFAULT_DIALECT: "Draft202012Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft-07/schema": "Draft7Validator",  # not its name, and often written
}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REFUSED: Final = ("$dynamicRef", "$recursiveRef")
_UNEVALUATED: Final = ("unevaluatedProperties", "unevaluatedItems")

_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


class _OutOfBoundsError(Exception):
    """The budget of steps is used up."""


_steps_left: ContextVar[list[int]] = ContextVar("_steps_left")


class Schema:
    """A schema that was checked and is ready to hold instances against; made by ``compile_schema``."""

    __slots__ = ("_patterns", "_validator", "raw")

    def __init__(self, raw: JsonObject, validator: Any, patterns: Mapping[str, Pattern]) -> None:
        """Built by ``compile_schema`` only."""
        self.raw = raw
        self._validator = validator
        self._patterns = patterns

    def validate(self, instance: JsonValue, *, max_steps: int = MAX_STEPS) -> None:
        """Raise SchemaError unless ``instance`` matches, or if that takes more than ``max_steps`` steps."""
        token = _steps_left.set([max_steps])
        patterns_token = _patterns_here.set(self._patterns)
        try:
            error = next(self._validator.iter_errors(instance), None)
        except (_OutOfBoundsError, RecursionError) as exc:
            raise SchemaError(f"expected a value that can be held against its schema in {max_steps} steps") from exc
        except Exception as exc:  # a reference that leads nowhere, or a keyword on a shape it never expected
            raise InvalidInputError("expected a schema whose references and keywords can be evaluated") from exc
        finally:
            _steps_left.reset(token)
            _patterns_here.reset(patterns_token)
        if error is not None:
            path = "/".join(str(step) for step in error.absolute_path)
            raise SchemaError(f"at /{path[:200]}: expected what {error.validator!s:.40} in the schema asks for")


_patterns_here: ContextVar[Mapping[str, Pattern]] = ContextVar("_patterns_here")


def compile_schema(schema: JsonObject, *, resources: Mapping[str, JsonObject] | None = None) -> Schema:
    """Return ``schema`` ready for use; ``resources`` are further schemas by absolute URI that it may refer to.

    Raises InvalidInputError if it is not a schema of a known dialect, refers outside, holds a pattern that is not
    supported, or is larger than 5,000 JSON values.
    """
    import jsonschema
    import referencing.jsonschema
    from jsonschema_specifications import REGISTRY as SPECIFICATIONS  # type: ignore[import-untyped]
    from referencing import Registry

    resources = resources or {}
    known = {*resources, *DIALECTS}
    if type(schema.get("$id")) is str:
        known.add(schema["$id"])
    patterns: dict[str, Pattern] = {}
    for uri, document in (("", schema), *resources.items()):
        _inspect(document, uri, known, patterns)
    dialect = schema.get("$schema", DEFAULT_DIALECT)
    if type(dialect) is not str:
        raise InvalidInputError("expected $schema to be a string")
    base = getattr(jsonschema, DIALECTS[dialect.rstrip("#")])
    try:
        for document in (schema, *resources.values()):
            base.check_schema(document)
        specification = referencing.jsonschema.specification_with(base.META_SCHEMA["$schema"])
        registry: Registry[Any] = SPECIFICATIONS.with_resources(
            (uri, specification.create_resource(document)) for uri, document in resources.items()
        )
        validator = _bounded(base)(schema, registry=registry, format_checker=_format_checker())
    except (jsonschema.SchemaError, RecursionError, ValueError, TypeError, LookupError, AttributeError) as exc:
        raise InvalidInputError("expected a schema that its own dialect accepts") from exc
    return Schema(schema, validator, patterns)


def _inspect(schema: JsonValue, uri: str, known: set[str], patterns: dict[str, Pattern]) -> None:
    """Check size, references, dialects and patterns of every object in ``schema``, without recursion."""
    if type(schema) is not dict:
        raise InvalidInputError("expected a schema to be an object")
    identifier = schema.get("$id")
    base = identifier if type(identifier) is str else uri
    waiting: list[JsonValue] = [schema]
    seen = 0
    flags: set[str] = set()
    while waiting:
        item = waiting.pop()
        seen += 1
        if seen > MAX_SCHEMA_NODES:
            raise InvalidInputError(f"expected a schema of at most {MAX_SCHEMA_NODES} values")
        if type(item) is list:
            waiting += item
        elif type(item) is dict:
            waiting += item.values()
            _inspect_object(item, base, known, patterns)
            flags.update(item.keys() & {*_UNEVALUATED, "$ref", "patternProperties"})
    # Their evaluation walks references and patterns on its own, past every bound.
    if flags.intersection(_UNEVALUATED) and flags.intersection(("$ref", "patternProperties")):
        raise InvalidInputError("expected a schema without unevaluated… beside $ref or patternProperties")


def _inspect_object(item: JsonObject, base: str, known: set[str], patterns: dict[str, Pattern]) -> None:
    if any(type(item.get(name)) is str for name in _REFUSED):
        raise InvalidInputError("expected a schema without dynamic references")
    reference = item.get("$ref")
    if type(reference) is str and not reference.startswith("#") and _absolute(base, reference) not in known:
        raise InvalidInputError("expected a schema that refers to itself and to the given resources only")
    dialect = item.get("$schema", DEFAULT_DIALECT)
    if type(dialect) is str and dialect.rstrip("#") not in DIALECTS:
        raise InvalidInputError("expected a schema of dialect 2020-12, 2019-09 or draft-07")
    texts = [item.get("pattern"), *(item["patternProperties"] if type(item.get("patternProperties")) is dict else ())]
    for text in texts:
        if type(text) is str and text not in patterns:
            patterns[text] = compile_pattern(text)


def _absolute(base: str, reference: str) -> str:
    try:
        return urldefrag(urljoin(base, reference)).url
    except ValueError as exc:
        raise InvalidInputError("expected references of a schema to be URLs") from exc


def _spend(steps: int) -> None:
    left = _steps_left.get()
    left[0] -= steps
    if left[0] < 0:
        raise _OutOfBoundsError


def _matches(pattern: str, text: str) -> bool:
    compiled = _patterns_here.get()[pattern]
    _spend(1 + len(text) * compiled.positions // 64)
    return compiled.search(text)


@cache
def _bounded(base: Any) -> Any:
    """Return ``base`` with every keyword counted, and with linear patterns and comparisons paid by size."""
    from jsonschema import ValidationError, validators

    def counted(keyword: _Keyword) -> _Keyword:
        def evaluate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any] | None:
            _spend(1)
            return keyword(validator, value, instance, schema)

        return evaluate

    def pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if type(instance) is str and not _matches(value, instance):
            yield ValidationError("pattern")

    def pattern_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if type(instance) is dict:
            for text, subschema in value.items():
                for name, item in instance.items():
                    if _matches(text, name):
                        yield from validator.descend(item, subschema, path=name, schema_path=text)

    def additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if type(instance) is not dict:
            return
        named, texts = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, item in instance.items():
            if name in named or any(_matches(text, name) for text in texts):
                continue
            if value is False:
                yield ValidationError("additionalProperties", path=(name,))
            else:
                yield from validator.descend(item, value, path=name)

    def unique_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any] | None:
        if type(instance) is list:
            scalars = all(type(item) is str for item in instance)
            _spend(len(instance) if scalars else len(instance) ** 2)
        result: Iterator[Any] | None = base.VALIDATORS["uniqueItems"](validator, value, instance, schema)
        return result

    own = {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
        "uniqueItems": unique_items,
    }
    extend: Any = validators.extend
    return extend(base, {name: counted(own.get(name, f)) for name, f in base.VALIDATORS.items()})


@cache
def _format_checker() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(_is_date)
    checker.checks("date-time", raises=InvalidInputError)(_is_date_time)
    checker.checks("uri")(lambda value: type(value) is not str or is_url(value))
    return checker


def _is_date(value: object) -> bool:
    return type(value) is not str or (_DATE.fullmatch(value) is not None and bool(date.fromisoformat(value)))


def _is_date_time(value: object) -> bool:
    return type(value) is not str or parse_datetime(value.upper()) is not None

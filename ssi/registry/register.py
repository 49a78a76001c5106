"""Read a register of people, to search the ledger for them.

Input:   CSV with a header line (comma, semicolon or tab), a JSON list of objects, or one JSON object per line.
Shapes:  a row is a mapping from column to text; the members of JSON objects get dotted names.
I/O:     none.
Errors:  InvalidInputError, whose message names a row and never a value.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Final

from ssi.encoding.gate import parse_json
from ssi.errors import InvalidInputError
from ssi.types import JsonValue

MAX_REGISTER_BYTES: Final = 64 << 20


def parse_register(data: bytes) -> list[dict[str, str]]:
    """Return the rows of a register. Raises as the module says."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("the register is not UTF-8") from exc
    start = text.lstrip()[:1]
    if start == "[":
        rows = _objects(parse_json(text, max_bytes=MAX_REGISTER_BYTES))
    elif start == "{":
        rows = _objects([parse_json(line) for line in text.splitlines() if line.strip()])
    else:
        rows = _csv(text)
    if not rows:
        raise InvalidInputError("the register has no rows")
    return rows


def _objects(values: JsonValue) -> list[dict[str, str]]:
    if not all(isinstance(value, dict) for value in values):
        raise InvalidInputError("expected a register of JSON objects")
    return [dict(_flat(value, "")) for value in values]


def _flat(value: Mapping[str, JsonValue], prefix: str) -> list[tuple[str, str]]:
    """Return every scalar of an object under its dotted name."""
    flat: list[tuple[str, str]] = []
    for name, item in value.items():
        children: Sequence[JsonValue] = item if isinstance(item, list) else [item]
        for child in children:
            if isinstance(child, dict):
                flat += _flat(child, f"{prefix}{name}.")
            elif isinstance(child, str):
                flat.append((f"{prefix}{name}", child))
            elif child is not None and not isinstance(child, bool | list):
                flat.append((f"{prefix}{name}", json.dumps(child)))
    return flat


def _csv(text: str) -> list[dict[str, str]]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = [dict(row) for row in reader]
    except csv.Error as exc:
        raise InvalidInputError(f"expected a CSV file: {exc}") from exc
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise InvalidInputError(f"row {number} of the register has another number of columns than its header")
    return rows

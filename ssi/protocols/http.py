"""HTTP requests and responses as values, whatever framework carries them.

Source:  RFC 9110, sections 5 (fields), 6 (message), 12.5.1 (Accept) and 9.3.1.
Input:   what a framework's adapter read; sizes are bounded there.
Shapes:  header names are lower case; ``path`` is as it was sent, still percent-encoded.
I/O:     none.
Errors:  InvalidInputError (a body that is no JSON object).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

JSON = "application/json"


class HttpRequest(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    query: str = ""
    """What follows the question mark, still percent-encoded."""
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def json_object(self) -> JsonObject:
        """Return the body, a JSON object that the gate let through. Raises InvalidInputError."""
        if media_type(self.headers.get("content-type", "")) not in (JSON, "application/ld+json"):
            raise InvalidInputError(f"expected a body of type {JSON}")
        return parse_object(self.body)


class HttpResponse(msgspec.Struct, frozen=True):
    """One response."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = {}


def build_json(status: int, value: JsonObject, *, content_type: str = JSON) -> HttpResponse:
    """Return a response whose body is ``value``."""
    return HttpResponse(status, msgspec.json.encode(value), content_type)


def media_type(value: str) -> str:
    """Return the type/subtype of a Content-Type or of one item of Accept, lower case, without its parameters."""
    return value.partition(";")[0].strip().lower()


def parse_accept(value: str) -> Sequence[str]:
    """Return the items of an Accept header, best first, lower case and with their parameters but ``q``.

    Items with ``q=0`` are left out; a malformed weight counts as 1, for this is a wish and no claim.
    """
    weighted: list[tuple[float, str]] = []
    for item in value.split(","):
        name, *parameters = [part.strip() for part in item.split(";")]
        weight = 1.0
        kept = [name.lower()]
        for parameter in parameters:
            if parameter.lower().startswith("q="):
                weight = _weight(parameter[2:])
            elif parameter:
                kept.append(parameter.lower())
        if name and weight > 0:
            weighted.append((weight, ";".join(kept)))
    return [item for _, item in sorted(weighted, key=lambda pair: -pair[0])]


def _weight(text: str) -> float:
    digits = text.strip()
    if not digits.replace(".", "", 1).isdigit() or len(digits) > 5:
        return 1.0
    return min(float(digits), 1.0)

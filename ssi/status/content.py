"""What a status list says, whatever format carried it, and the readers of its members.

Source:  RFC 7519 section 2 (NumericDate); the two list formats name these members and fill this value.
Shapes:  times are whole Unix seconds, rounded to the side that trusts a list for less time.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from ssi.errors import InvalidInputError
from ssi.status.reference import StatusFormat
from ssi.types import JsonObject

MAX_LIST_CHARACTERS: Final = 4 << 20
"""The longest signed list that is read, in characters of its compact form."""
MINIMUM_ENTRIES: Final = 131_072
"""The smallest list in which one entry is hidden well enough (Bitstring Status List v1.0, section 6.1)."""

# A ttl of thousands of years means "as long as exp allows", and must not overflow a sum.
_MAX_SECONDS: Final = (1 << 53) - 1


class ListContent(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a status list that reading a status needs."""

    format: StatusFormat
    uri: str | None
    """The list's own name: ``id`` or ``sub``."""
    issuer: str | None
    data: bytes
    """The packed statuses, expanded."""
    size: int | None
    """Bits per entry; None if the list leaves it to its entries."""
    purposes: tuple[str, ...]
    """Empty for a token list, which has one status for all purposes."""
    issued_at: int | None
    not_before: int | None
    expires_at: int | None
    ttl_seconds: int | None


def optional_date(claims: JsonObject, name: str, *, up: bool = False) -> int | None:
    """Return a NumericDate member in whole Unix seconds, or None if it is absent; ``up`` rounds up.

    Raises InvalidInputError if it is no number, negative or out of range.
    """
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MAX_SECONDS:
        raise InvalidInputError(f"expected {name} to be a number of seconds since 1970")
    return math.ceil(value) if up else math.floor(value)


def optional_ttl(claims: JsonObject, *, units_per_second: int) -> int | None:
    """Return the ``ttl`` member in whole seconds, rounded down, or None if it is absent.

    Raises InvalidInputError unless it is a positive number.
    """
    if "ttl" not in claims:
        return None
    value = claims["ttl"]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _MAX_SECONDS:
        raise InvalidInputError("expected ttl to be a positive number")
    return math.floor(value / units_per_second)


def required_text(claims: JsonObject, name: str) -> str:
    """Return a member that must be a non-empty string. Raises InvalidInputError."""
    value = claims.get(name)
    if type(value) is not str or not value:
        raise InvalidInputError(f"expected {name} to be a string")
    return value


def optional_text(claims: JsonObject, name: str) -> str | None:
    """Return a member that must be a non-empty string, or None if it is absent. Raises InvalidInputError."""
    return required_text(claims, name) if name in claims else None

"""Date and time text of the shapes that proofs and DID logs carry.

Source:  XML Schema 1.1 part 2, dateTimeStamp, as Data Integrity 1.0 section 2.1 uses it; RFC 3339; did:webvh 1.0.
Shapes:  ``YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)``, four-digit years, no leap second, upper-case T and Z.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

from ssi.errors import InvalidInputError

NANOSECONDS: Final = 1_000_000_000

_SHAPE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def parse_nanoseconds(text: object) -> int:
    """Return the Unix time of ``text`` in nanoseconds, so that fractions of a second compare exactly.

    Raises InvalidInputError unless it is a date and time that exists, with an explicit zone.
    """
    match = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInputError("expected a date and time with an explicit zone, such as 2026-01-31T12:00:00Z")
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError as exc:
        raise InvalidInputError("expected a date that exists") from exc
    if hour > 23 or minute > 59 or second > 59:
        raise InvalidInputError("expected a time of day that exists")
    fraction = int((match[7] or "").ljust(9, "0"))
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - _offset_seconds(match[8])
    return seconds * NANOSECONDS + fraction


def parse_utc_nanoseconds(text: object) -> int:
    """As ``parse_nanoseconds``, for text that must say UTC: ``Z`` or ``+00:00``. Raises InvalidInputError."""
    if not isinstance(text, str) or not text.endswith(("Z", "+00:00")):
        raise InvalidInputError("expected a date and time in UTC, with Z or +00:00")
    return parse_nanoseconds(text)


def parse_seconds(text: object) -> int:
    """Return the Unix time of ``text`` in whole seconds, rounded down. Raises InvalidInputError."""
    if type(text) is str and len(text) == 20 and text[4::3] == "--T::Z" and text[11:13] != "24":
        try:  # nearly every time is written this way; what the library does not take goes on to the grammar
            return int(datetime.fromisoformat(text).timestamp())
        except ValueError:
            pass
    return parse_nanoseconds(text) // NANOSECONDS


def format_seconds(seconds: int) -> str:
    """Return ``seconds`` since the Unix epoch as ``YYYY-MM-DDThh:mm:ssZ``. Raises InvalidInputError past year 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidInputError("expected Unix seconds of a year from 1 to 9999") from exc


def _offset_seconds(zone: str) -> int:
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise InvalidInputError("expected a zone offset of at most 14:00")
    seconds = hours * 3_600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds

"""The small values that credentials of both data models are made of: URLs, types, times, texts, typed objects.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.4 (identifiers), 4.5 (types), 4.6 (names), 4.8
         (subjects), 4.9 and 5.10 (times), 4.10, 4.11 and 5.4 to 5.6 (objects with a type), 11.1 (language and base
         direction); URL Standard for what a URL string is; XML Schema 1.1 part 2, 3.4.28 (dateTimeStamp); BCP 47, 2.1
         (language tags).
Shapes:  JSON values that came through the parse gate. Times are dateTimeStamp: a time zone is always there.
I/O:     none.
Errors:  InvalidInputError. Messages name the member, never its value.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue, UnixSeconds

# An absolute URL string: scheme, then no white space, control, quote, angle bracket or stray percent sign. Letters
# beyond ASCII are allowed, as in the URL Standard. Every repeat is possessive, so that no input makes it backtrack.
_URL: Final = re.compile(
    r"(?:[Hh][Tt][Tt][Pp][Ss]?+://[^\x00-\x20\x7f-\xa0\"<>\\^`{|}%/?#]++"
    r"|(?![Hh][Tt][Tt][Pp][Ss]?+:)[A-Za-z][A-Za-z0-9+.\-]*+:(?=.))"
    r"(?:[^\x00-\x20\x7f-\xa0\"<>\\^`{|}%]++|%[0-9A-Fa-f]{2})*+"
)
_TERM: Final = re.compile(r"[^\x00-\x20\x7f-\xa0@:/?#\"<>\\^`{|}%][^\x00-\x20\x7f-\xa0:\"<>\\^`{|}%]*+")
_DATE_TIME_STAMP: Final = re.compile(
    r"(-?(?:[1-9][0-9]{3,8}|0[0-9]{3}))-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,32}))?|24:00:00(?:\.0{1,32})?)"
    r"(?:Z|([+-])(?:(0[0-9]|1[0-3]):([0-5][0-9])|14:00))"
)
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,16}")
_DAYS_BEFORE_MONTH: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_TO_1970: Final = 719_162
"""Days from 0001-01-01 to 1970-01-01 in the proleptic Gregorian calendar."""


def is_url(value: JsonValue) -> bool:
    """Whether ``value`` is an absolute URL string; nothing is fetched or normalised."""
    return type(value) is str and _URL.fullmatch(value) is not None


def check_url(value: JsonValue, where: str) -> str:
    """Return ``value`` if it is an absolute URL string (4.4), or raise InvalidInputError that names ``where``."""
    if type(value) is str and _URL.fullmatch(value) is not None:
        return value
    raise InvalidInputError(f"expected {where} to be a single URL")


def parse_types(value: JsonValue, where: str, *, required: str | None = None) -> tuple[str, ...]:
    """Return the types in ``value``: one or more terms and absolute URLs (4.5), ``required`` among them.

    Raises InvalidInputError that names ``where``.
    """
    types = (value,) if type(value) is str else tuple(value) if type(value) is list else ()
    if not types:
        raise InvalidInputError(f"expected {where} to be one or more types")
    if required is not None and required not in types:
        raise InvalidInputError(f"expected {where} to include {required}")
    for item in types:
        if type(item) is not str or not (item == required or _TERM.fullmatch(item) or _URL.fullmatch(item)):
            raise InvalidInputError(f"expected {where} to hold terms and absolute URLs")
    return types


def parse_objects(value: JsonValue, where: str) -> tuple[JsonObject, ...]:
    """Return the objects in ``value``: a single object, or a list of one or more. Raises InvalidInputError."""
    if type(value) is dict:
        return (value,)
    if type(value) is list and value and all(type(item) is dict for item in value):
        return tuple(value)
    raise InvalidInputError(f"expected {where} to be an object or a list of one or more objects")


def parse_subjects(value: JsonValue) -> tuple[JsonObject, ...]:
    """Return the subjects in ``value``, each of which has claims (4.8; 4.4 of data model 1.1)."""
    subjects = parse_objects(value, "credentialSubject")
    for subject in subjects:
        if not subject:
            raise InvalidInputError("expected each credentialSubject to have at least one claim")
        if "id" in subject:
            check_url(subject["id"], "credentialSubject.id")
    return subjects


def parse_typed(raw: JsonObject, name: str, *, id_required: bool = False) -> tuple[JsonObject, ...]:
    """Return the objects in ``raw[name]``, if any, each with a type and, if there is an id, one that is a URL.

    Source: 4.10, 4.11 and 5.4 to 5.6; 4.9 and 5.4 to 5.6 of data model 1.1.
    """
    if name not in raw:
        return ()
    objects = parse_objects(raw[name], name)
    for item in objects:
        parse_types(item.get("type"), f"{name}.type")
        if id_required or "id" in item:
            check_url(item.get("id"), f"{name}.id")
    return objects


def parse_identified(value: JsonValue, where: str) -> str:
    """Return the identifier in ``value``: a URL, or the ``id`` of an object (4.7 issuer, 4.13 holder)."""
    return check_url(value.get("id"), f"{where}.id") if type(value) is dict else check_url(value, where)


def parse_datetime(value: JsonValue, where: str = "time") -> UnixSeconds:
    """Return the Unix seconds of a dateTimeStamp, a fraction of a second cut off.

    Raises InvalidInputError unless ``value`` is text with date, time and time zone that names a real moment.
    """
    return parse_moment(value, where)[0]


def parse_moment(value: JsonValue, where: str) -> tuple[UnixSeconds, str]:
    """Return a dateTimeStamp as Unix seconds and the digits of its fraction without trailing zeros.

    Two such pairs compare as the moments do. Raises InvalidInputError.
    """
    if type(value) is str and len(value) == 20 and value[4::3] == "--T::Z":
        try:  # nearly every time is written this way; what the library does not take goes on to the grammar
            return int(datetime.fromisoformat(value).timestamp()), ""
        except ValueError:
            pass
    match = _DATE_TIME_STAMP.fullmatch(value) if type(value) is str else None
    if match is None:
        raise InvalidInputError(f"expected {where} to be a dateTimeStamp with time zone")
    year_text, month_text, day_text, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    year, month, day = int(year_text), int(month_text), int(day_text)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _DAYS_IN_MONTH[month - 1] or (month == 2 and day == 29 and not leap):
        raise InvalidInputError(f"expected {where} to name a day that exists")
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400 + _DAYS_BEFORE_MONTH[month - 1] + day - 1
    if leap and month > 2:
        days += 1
    of_day = int(hour) * 3600 + int(minute) * 60 + int(second) if hour is not None else 86_400
    seconds = (days - _DAYS_TO_1970) * 86_400 + of_day
    if sign is not None:
        offset = int(zone_hour) * 3600 + int(zone_minute) * 60 if zone_hour is not None else 50_400
        seconds += -offset if sign == "+" else offset
    return seconds, fraction.rstrip("0") if fraction else ""


def check_text(value: JsonValue, where: str) -> None:
    """Raise InvalidInputError unless ``value`` is text as 4.6 and 11.1 allow it.

    That is a string, a language value object (``@value``, ``@language``, ``@direction`` and no other member), or a
    list of such objects.
    """
    if type(value) is str:
        return
    for item in parse_objects(value, where):
        if type(item.get("@value")) is not str or not item.keys() <= {"@value", "@language", "@direction"}:
            raise InvalidInputError(f"expected {where} to be text or language value objects")
        language = item.get("@language", "en")
        if type(language) is not str or _LANGUAGE_TAG.fullmatch(language) is None:
            raise InvalidInputError(f"expected {where}.@language to be a language tag")
        if item.get("@direction", "ltr") not in ("ltr", "rtl"):
            raise InvalidInputError(f"expected {where}.@direction to be ltr or rtl")

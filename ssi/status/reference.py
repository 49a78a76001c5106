"""Where a credential says its status can be looked up: one value for both list formats.

Source:  W3C Bitstring Status List v1.0, section 2.1 (BitstringStatusListEntry);
         draft-ietf-oauth-status-list-20, section 6.2 (the ``status_list`` member of the ``status`` claim).
Input:   the claims of a credential that has been verified.
Shapes:  ``statusListIndex`` is a string of ASCII digits, ``idx`` a non-negative integer; an index counts from 0.
I/O:     none.
Errors:  InvalidInputError (malformed), StatusError (a status is declared that nothing here can look up).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

from ssi.errors import InvalidInputError, StatusError
from ssi.status.bits import MAX_ENTRY_BITS
from ssi.types import JsonObject, JsonValue

MAX_URI_CHARACTERS: Final = 2048
MAX_REFERENCES: Final = 16
"""Each reference may cost a fetch, so a credential may not name any number of lists."""
MAX_INDEX_DIGITS: Final = 15
"""Fifteen digits lie far past the end of any list that can be expanded here."""

BITSTRING_ENTRY_TYPE: Final = "BitstringStatusListEntry"
REVOCATION: Final = "revocation"
SUSPENSION: Final = "suspension"
REFRESH: Final = "refresh"
MESSAGE: Final = "message"

# A scheme, then visible ASCII without quotes, angle brackets, backslash, caret, backtick and braces (RFC 3986).
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+")
_DIGITS: Final = re.compile(r"[0-9]+")
_MESSAGE_STATUS: Final = re.compile(r"0x[0-9A-Fa-f]{1,8}")


class StatusFormat(StrEnum):
    """The two list formats."""

    BITSTRING = "BitstringStatusList"
    TOKEN = "TokenStatusList"  # noqa: S105 - the name of a format


class StatusReference(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of one status list, as a credential refers to it."""

    format: StatusFormat
    uri: str
    """The address and name of the list."""
    index: int
    purpose: str = ""
    """``statusPurpose`` of a bitstring entry; a token list has one status for all purposes, and "" here."""
    size: int = 1
    """Bits per entry of a bitstring list (``statusSize``); a token list says its own, and this is 1."""
    messages: tuple[tuple[int, str], ...] = ()
    """Status values and the texts that ``statusMessage`` gives them, for developers and not for people."""


def parse_references(claims: JsonObject) -> tuple[StatusReference, ...]:
    """Return every status reference of a credential's claims: ``credentialStatus`` first, then ``status``.

    An empty tuple means that the credential declares no status at all. Raises InvalidInputError if a declaration is
    malformed, StatusError if one is of a kind that cannot be looked up here: ignoring it would accept a credential
    that its issuer may have revoked.
    """
    references: tuple[StatusReference, ...] = ()
    if "credentialStatus" in claims:
        references = parse_credential_status(claims["credentialStatus"])
    if "status" in claims:
        references += (parse_status_claim(claims["status"]),)
    return references


def parse_credential_status(value: JsonValue) -> tuple[StatusReference, ...]:
    """Return the references of a ``credentialStatus`` property: one entry object, or an array of them.

    Raises InvalidInputError, or StatusError for an entry of another type.
    """
    entries = value if type(value) is list else [value]
    if not 1 <= len(entries) <= MAX_REFERENCES:
        raise InvalidInputError(f"expected 1 to {MAX_REFERENCES} credentialStatus entries, got {len(entries)}")
    return tuple(parse_bitstring_entry(entry) for entry in entries)


def parse_bitstring_entry(entry: JsonValue) -> StatusReference:
    """Return the reference that a BitstringStatusListEntry makes. Source: section 2.1.

    Raises InvalidInputError if a member breaks a MUST of that section, StatusError if the entry has another type.
    """
    if type(entry) is not dict:
        raise InvalidInputError("expected credentialStatus to hold objects")
    types = entry.get("type")
    names = types if type(types) is list else [types]
    if not names or any(type(name) is not str for name in names):
        raise InvalidInputError("expected credentialStatus.type to be a string")
    if BITSTRING_ENTRY_TYPE not in names:
        raise StatusError("expected a credentialStatus of type BitstringStatusListEntry: another cannot be looked up")
    purpose = entry.get("statusPurpose")
    if type(purpose) is not str or not purpose:
        raise InvalidInputError("expected statusPurpose to be a string")
    uri = _uri(entry.get("statusListCredential"), "statusListCredential")
    if entry.get("id") == uri:
        raise InvalidInputError("expected the id of a status entry to differ from the address of its list")
    size = _status_size(entry.get("statusSize", 1))
    return StatusReference(
        format=StatusFormat.BITSTRING,
        uri=uri,
        index=_decimal_index(entry.get("statusListIndex")),
        purpose=purpose,
        size=size,
        messages=_messages(entry.get("statusMessage"), size),
    )


def parse_status_claim(status: JsonValue) -> StatusReference:
    """Return the reference that a ``status`` claim makes. Source: draft-ietf-oauth-status-list-20, section 6.2.

    Raises InvalidInputError if it is malformed, StatusError if it names only mechanisms other than ``status_list``.
    """
    if type(status) is not dict or not status:
        raise InvalidInputError("expected the status claim to be an object with at least one member")
    if "status_list" not in status:
        raise StatusError("expected a status claim with status_list: another mechanism cannot be looked up")
    entry = status["status_list"]
    if type(entry) is not dict:
        raise InvalidInputError("expected status.status_list to be an object")
    index = entry.get("idx")
    if type(index) is not int or index < 0:
        raise InvalidInputError("expected status.status_list.idx to be a non-negative integer")
    return StatusReference(format=StatusFormat.TOKEN, uri=_uri(entry.get("uri"), "status.status_list.uri"), index=index)


def build_bitstring_entry(reference: StatusReference) -> JsonObject:
    """Return the BitstringStatusListEntry of a one-bit bitstring reference (``parse_bitstring_entry`` inverts it).

    Raises InvalidInputError for a reference of the other format or of more bits, which needs its status messages.
    """
    if reference.format is not StatusFormat.BITSTRING or reference.size != 1:
        raise InvalidInputError("expected a reference to a one-bit bitstring list")
    return {
        "type": BITSTRING_ENTRY_TYPE,
        "statusPurpose": reference.purpose,
        "statusListIndex": str(reference.index),
        "statusListCredential": reference.uri,
    }


def build_status_claim(reference: StatusReference) -> JsonObject:
    """Return the value of the ``status`` claim for a token list reference (``parse_status_claim`` inverts it).

    Raises InvalidInputError for a reference of the other format.
    """
    if reference.format is not StatusFormat.TOKEN:
        raise InvalidInputError("expected a reference to a token status list")
    return {"status_list": {"idx": reference.index, "uri": reference.uri}}


def _uri(value: JsonValue, name: str) -> str:
    if type(value) is not str or len(value) > MAX_URI_CHARACTERS or not _URI.fullmatch(value):
        raise InvalidInputError(f"expected {name} to be an absolute URI of at most {MAX_URI_CHARACTERS} characters")
    return value


def _decimal_index(value: JsonValue) -> int:
    # int() alone would also take "94_567", " 94567" and digits of other scripts.
    if type(value) is not str or not _DIGITS.fullmatch(value):
        raise InvalidInputError("expected statusListIndex to be a string of ASCII digits")
    significant = value.lstrip("0")
    if len(significant) > MAX_INDEX_DIGITS:
        raise InvalidInputError(f"expected statusListIndex to have at most {MAX_INDEX_DIGITS} digits")
    return int(significant or "0")


def _status_size(value: JsonValue) -> int:
    if type(value) is not int or not 1 <= value <= MAX_ENTRY_BITS:
        raise InvalidInputError(f"expected statusSize to be an integer from 1 to {MAX_ENTRY_BITS}")
    return value


def _messages(value: JsonValue, size: int) -> tuple[tuple[int, str], ...]:
    if value is None and size == 1:
        return ()
    if type(value) is not list or len(value) != 1 << size:
        raise InvalidInputError("expected statusMessage to be an array with one element for each possible status")
    messages: list[tuple[int, str]] = []
    for item in value:
        status, text = (item.get("status"), item.get("message")) if type(item) is dict else (None, None)
        if type(status) is not str or not _MESSAGE_STATUS.fullmatch(status) or type(text) is not str:
            raise InvalidInputError("expected every statusMessage to have a status (0x…) and a message")
        messages.append((int(status, 16), text))
    if len({number for number, _ in messages}) != len(messages) or max(messages)[0] >> size:
        raise InvalidInputError("expected the statuses of statusMessage to be different and to fit statusSize")
    return tuple(messages)

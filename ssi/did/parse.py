"""Read DIDs and DID URLs.

Source:  W3C Decentralized Identifiers (DIDs) v1.0, sections 3.1 (DID syntax) and 3.2 (DID URL syntax); W3C Controlled
         Identifiers v1.0, section 2.1.1 (subjects), of whose URLs https ones are read beside DIDs.
Input:   text from anywhere: a header, a credential, a DID document.
Shapes:  ASCII only, at most 16,384 characters; a percent sign is always followed by two hexadecimal digits. Nothing
         is normalised: two DIDs are the same if their characters are.
I/O:     none.
Errors:  InvalidDidError.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ssi.errors import InvalidDidError

MAX_DID_LENGTH: Final = 16_384
"""Longest accepted DID URL in characters; did:peer and did:jwk carry whole keys and documents."""

_IDCHAR = r"(?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})"
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_DID = re.compile(rf"did:([a-z0-9]+):({_IDCHAR}+)")
_DID_URL = re.compile(
    rf"(did:[a-z0-9]+:{_IDCHAR}+)((?:/{_PCHAR}*)*)(?:\?((?:{_PCHAR}|[/?])*))?(?:\#((?:{_PCHAR}|[/?])*))?"
)
_HTTPS_URL = re.compile(
    rf"(https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[1-9][0-9]{{0,4}})?"
    rf"(?:/{_PCHAR}*)*(?:\?(?:{_PCHAR}|[/?])*)?)(?:\#((?:{_PCHAR}|[/?])*))?"
)


class Did(msgspec.Struct, frozen=True):
    """A DID in its two parts: ``did:`` ``method`` ``:`` ``id``."""

    method: str
    id: str
    """The method-specific identifier, as written."""

    def __str__(self) -> str:
        return f"did:{self.method}:{self.id}"


class DidUrl(msgspec.Struct, frozen=True):
    """A DID URL in its parts, as written; ``query`` and ``fragment`` are None where the text has no such part."""

    did: str
    path: str = ""
    query: str | None = None
    fragment: str | None = None

    def __str__(self) -> str:
        query = "" if self.query is None else f"?{self.query}"
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{self.did}{self.path}{query}{fragment}"


def parse_did(text: str) -> Did:
    """Return the parts of a DID (section 3.1); a path, query or fragment is refused.

    Raises InvalidDidError.
    """
    match = _DID.fullmatch(_checked(text))
    # The method-specific id may hold colons anywhere but at its end (3.1, method-specific-id).
    if match is None or match[2].endswith(":"):
        raise InvalidDidError("expected did:method:identifier by the DID syntax")
    return Did(match[1], match[2])


def parse_did_url(text: str) -> DidUrl:
    """Return the parts of a DID URL (section 3.2); a bare DID is one too.

    Raises InvalidDidError.
    """
    match = _DID_URL.fullmatch(_checked(text))
    if match is None or match[1].endswith(":"):
        raise InvalidDidError("expected a DID URL: did:method:identifier, path, ?query, #fragment")
    return DidUrl(match[1], match[2], match[3], match[4])


def check_identifier(text: str) -> str:
    """Return ``text`` if it identifies a subject: a DID, or an https URL without user and fragment.

    Raises InvalidDidError.
    """
    if isinstance(text, str) and text.startswith("https://"):
        match = _HTTPS_URL.fullmatch(_checked(text))
        if match is None or match[2] is not None:
            raise InvalidDidError("expected an https URL without user and fragment")
        return text
    return str(parse_did(text))


def check_identifier_url(text: str) -> str:
    """Return ``text`` if it is a DID URL, or an https URL without user. Raises InvalidDidError."""
    if isinstance(text, str) and text.startswith("https://"):
        if _HTTPS_URL.fullmatch(_checked(text)) is None:
            raise InvalidDidError("expected an https URL without user")
        return text
    return str(parse_did_url(text))


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidDidError(f"expected a DID as text, got {type(text).__name__}")
    if len(text) > MAX_DID_LENGTH:
        raise InvalidDidError(f"DID of {len(text)} characters, at most {MAX_DID_LENGTH} are read")
    return text

"""did:web, whose document is a file on a web server.

Source:  did:web method (W3C CCG draft, 2026-05-08), "Method-specific identifier" and "Read (Resolve)".
Shapes:  host, optional port (``%3A`` and digits), then path segments, all separated by colons; no IP address.
I/O:     one GET through the ``Fetch`` port; the port's door checks addresses, TLS, size and time.
Errors:  InvalidDidError (identifier, or a document of another id), InvalidInputError (document, or a past version asked
         for), ForbiddenUrlError, DidNotFoundError, UnavailableError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from ssi.did.document import parse_document
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.encoding.gate import parse_object
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from ssi.ports import Fetch

_ACCEPT: Final = "application/did+json, application/did+ld+json;q=0.9, application/json;q=0.8"
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


class DidWeb:
    """The did:web method over a ``Fetch`` port."""

    method: Final[str] = "web"

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document that the web server has now.

        Raises InvalidInputError if a past version is asked for, since did:web keeps none; else as the module says.
        """
        url = did_web_url(did)
        if version_id is not None or version_time is not None:
            raise InvalidInputError("did:web keeps no history: only the document of now can be resolved")
        try:
            answer = await self._fetch(url, accept=_ACCEPT)
        except NotFoundError as exc:
            raise DidNotFoundError(f"no document for {did}") from exc
        document = parse_document(parse_object(answer.body), did=did, absolute_ids=True)
        return Resolution(document, ResolutionMetadata(source="https"))


def did_web_url(did: str) -> str:
    """Return the https URL where the document of a did:web lies ("Read (Resolve)", steps 1 to 5).

    Raises InvalidDidError for an IP address, a malformed host or port, and path segments that a server could read as
    another path: empty, dots, or with encoded separators.
    """
    parsed = parse_did(did)
    if parsed.method != "web":
        raise InvalidDidError("expected did:web and a host name")
    authority, *segments = parsed.id.split(":")
    host, colon, port = authority.replace("%3a", "%3A").partition("%3A")
    _check_host(host)
    if colon and (_PORT.fullmatch(port) is None or int(port) > 65535):
        raise InvalidDidError("a did:web port is a number from 1 to 65535")
    for segment in segments:
        _check_segment(segment)
    path = "/".join(segments) if segments else ".well-known"
    return f"https://{host.lower()}{':' if colon else ''}{port}/{path}/did.json"


def _check_host(host: str) -> None:
    labels = host.split(".")
    if len(host) > 253 or any(_LABEL.fullmatch(label) is None for label in labels):
        raise InvalidDidError("a did:web identifier begins with a host name")
    # A host whose last label is a number is read as an IPv4 address by URL parsers (WHATWG URL, "ends in a number").
    if _NUMERIC_LABEL.fullmatch(labels[-1]) is not None:
        raise InvalidDidError("a did:web identifier holds a host name, not an IP address")


def _check_segment(segment: str) -> None:
    try:
        decoded = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidDidError("a did:web path segment is UTF-8") from exc
    if decoded in {"", ".", ".."}:
        raise InvalidDidError("a did:web path segment is empty or made of dots")
    for encoded in _ENCODED.findall(segment):
        octet = int(encoded[1:], 16)
        # Everything below 0x80 either needs no encoding or would change the path once a server decodes it.
        if octet < 0x80:
            raise InvalidDidError("a did:web path segment encodes a character that may change the path")

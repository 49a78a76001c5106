"""Read a URL that the outbound door is asked to fetch; everything that two readers could read differently is refused.

Source:  RFC 3986 and RFC 9110, section 4.2.2 (https); WHATWG URL Standard, host parsing (what counts as an IP address).
Input:   text from a DID, a credential or a metadata document.
Shapes:  ``https://host[:port]/path[?query]``; ASCII; the host is a name of letters, digits and hyphens.
I/O:     none.
Errors:  ForbiddenUrlError. Messages name the rule, never the URL: its query may hold a secret.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from ssi.errors import ForbiddenUrlError

MAX_URL_LENGTH: Final = 4096

_PATH: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_QUERY: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_URL: Final = re.compile(
    rf"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?(/{_PATH})?(?:\?({_QUERY}))?"
)
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


class HttpsUrl(msgspec.Struct, frozen=True):
    """A URL that may be fetched, as far as its text tells."""

    text: str
    """The URL with its host in lower case, otherwise as it was given."""
    host: str
    """The host name in lower case, or an IP address without brackets."""
    port: int
    is_address: bool
    """Whether the host is an IP address; only the loopback allow-list opens such a URL."""


def parse_url(text: str) -> HttpsUrl:
    """Return the parts of an https URL that the door may look up.

    Refused: other schemes, user info, fragments, control and non-ASCII characters, backslashes, dot segments (encoded
    ones too), and hosts that are neither a name nor an IP address in its usual form (``0x7f.1``, ``2130706433``).
    Raises ForbiddenUrlError.
    """
    if not isinstance(text, str) or len(text) > MAX_URL_LENGTH:
        raise ForbiddenUrlError(f"expected an https URL of at most {MAX_URL_LENGTH} characters")
    match = _URL.fullmatch(text)
    if match is None:
        raise ForbiddenUrlError("expected an https URL of a host, an optional port, a path and a query")
    host, port_text, path, _query = match.groups()
    port = 443 if port_text is None else int(port_text)
    if not 1 <= port <= 65535:
        raise ForbiddenUrlError("a port is a number from 1 to 65535")
    _check_path(path or "/")
    bare, is_address = _check_host(host.lower())
    return HttpsUrl(f"https://{host.lower()}{text[match.end(1) :]}", bare, port, is_address)


def _check_host(host: str) -> tuple[str, bool]:
    bare = host[1:-1] if host.startswith("[") else host
    try:
        return str(ip_address(bare)), True
    except ValueError:
        pass
    labels = host.split(".")
    if len(host) > 253 or any(_LABEL.fullmatch(label) is None for label in labels):
        raise ForbiddenUrlError("the host is not a name")
    # Some resolvers still read such names as IPv4 addresses in their old forms.
    if _NUMERIC_LABEL.fullmatch(labels[-1]) is not None:
        raise ForbiddenUrlError("the host is an IP address in an unusual form")
    return host, False


def _check_path(path: str) -> None:
    for segment in path.split("/"):
        if unquote_to_bytes(segment) in {b".", b".."}:
            raise ForbiddenUrlError("the path has dot segments")

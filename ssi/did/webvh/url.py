"""Read a did:webvh DID, and say at which HTTPS URL its log lies.

Source:  did:webvh 1.0, "Method-Specific Identifier" and "The DID to HTTPS Transformation".
Input:   a bare DID from anywhere. A DID URL's path, query and fragment are cut off by its reader before.
Shapes:  ASCII by the DID syntax; other characters come percent-encoded as UTF-8 and are decoded exactly once.
I/O:     none; nothing is looked up.
Errors:  InvalidDidError for every DID that must not lead to a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import msgspec

from ssi.did.webvh.hashing import SCID_PLACEHOLDER, check_multihash
from ssi.errors import InvalidDidError, InvalidInputError

MAX_DID_CHARACTERS: Final = 2048

# An encoded colon is no part of a name: it stands before the port, and there only.
_LABEL: Final = r"(?:[A-Za-z0-9-]|%(?!3[Aa])[0-9A-Fa-f]{2})+"
_DOMAIN: Final = re.compile(rf"({_LABEL}(?:\.{_LABEL})+)(?:%3[Aa]([0-9]{{1,5}}))?")
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+")
_HOST_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IPV4_PART: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN_IN_SEGMENT: Final = frozenset("/\\\0")


class WebvhDid(msgspec.Struct, frozen=True):
    """The parts of a did:webvh DID, decoded and checked."""

    did: str
    scid: str
    host: str
    """Lower-case ASCII, internationalised labels in their A-label form."""
    port: int | None
    path: tuple[str, ...]
    """Percent-decoded segments."""

    @property
    def base_url(self) -> str:
        """The URL under which a DID URL's path is found: ``https://host:port/path``, without a slash at its end."""
        authority = self.host if self.port is None else f"{self.host}:{self.port}"
        return "/".join([f"https://{authority}", *(quote(segment, safe="") for segment in self.path)])

    @property
    def log_url(self) -> str:
        """Where the log is published."""
        return f"{self.base_url}{'' if self.path else '/.well-known'}/did.jsonl"

    @property
    def whois_url(self) -> str:
        """Where the presentation about the DID is published, unless its document says otherwise (``#whois``)."""
        return f"{self.base_url}/whois.vp"

    @property
    def witness_url(self) -> str:
        """Where the witness proofs are published."""
        return f"{self.log_url.removesuffix('did.jsonl')}did-witness.json"


def parse_webvh_did(did: str, *, allow_placeholder: bool = False) -> WebvhDid:
    """Return the parts of a bare did:webvh DID.

    ``allow_placeholder`` accepts ``{SCID}`` where the SCID will stand, for a DID that is being created. Raises
    InvalidDidError.
    """
    if not isinstance(did, str) or not did.startswith("did:webvh:") or len(did) > MAX_DID_CHARACTERS:
        raise InvalidDidError(f"expected a did:webvh DID of at most {MAX_DID_CHARACTERS} characters")
    scid, *rest = did.removeprefix("did:webvh:").split(":")
    if not rest:
        raise InvalidDidError("expected did:webvh:SCID:domain")
    if not (allow_placeholder and scid == SCID_PLACEHOLDER):
        try:
            check_multihash(scid, "the SCID")
        except InvalidInputError as exc:
            raise InvalidDidError(str(exc)) from exc
    match = _DOMAIN.fullmatch(rest[0])
    if match is None:
        raise InvalidDidError("expected a fully qualified domain name, and %3A before a port")
    port = None if match[2] is None else int(match[2])
    if port is not None and not 1 <= port <= 65_535:
        raise InvalidDidError("expected a port from 1 to 65535")
    return WebvhDid(did, scid, _host(match[1]), port, tuple(_segment(text) for text in rest[1:]))


def did_to_url(did: str) -> str:
    """Return the HTTPS URL of the log of ``did``. Raises InvalidDidError."""
    return parse_webvh_did(did).log_url


def build_webvh_did(domain: str, *, port: int | None = None, path: Sequence[str] = (), scid: str) -> str:
    """Return the DID for a log at this domain and path, its parts given decoded.

    Raises InvalidDidError if it would not be a valid DID.
    """
    if ":" in domain:
        raise InvalidDidError("expected a domain without a port; a port has its own argument")
    host = quote(domain.lower(), safe="")
    authority = host if port is None else f"{host}%3A{port}"
    # quote() leaves "~" alone, which is unreserved in URLs but no idchar of DIDs.
    segments = [quote(segment, safe="").replace("~", "%7E") for segment in path]
    did = ":".join(["did:webvh", scid, authority, *segments])
    parse_webvh_did(did, allow_placeholder=True)
    return did


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidDidError("expected percent-encoded UTF-8") from exc


def _host(encoded: str) -> str:
    host = _decode(encoded)
    if not host.isascii():
        host = _a_labels(host)
    host = host.lower()
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise InvalidDidError("expected a fully qualified domain name")
    # WHATWG URL, "ends in a number": whatever ends so is read as an IPv4 address, or refused, by URL parsers.
    if _IPV4_PART.fullmatch(labels[-1]):
        raise InvalidDidError("expected a domain name, got an IP address")
    return host


def _a_labels(host: str) -> str:
    import unicodedata

    import idna

    try:
        return idna.encode(unicodedata.normalize("NFC", host), strict=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as exc:
        raise InvalidDidError("expected a domain name that IDNA2008 permits") from exc


def _segment(encoded: str) -> str:
    if not _SEGMENT.fullmatch(encoded):
        raise InvalidDidError("expected path segments that are not empty, of the DID syntax")
    segment = _decode(encoded)
    if segment in (".", "..") or _FORBIDDEN_IN_SEGMENT.intersection(segment) or segment != segment.strip():
        raise InvalidDidError("expected path segments without dots, slashes or outer white space")
    return segment

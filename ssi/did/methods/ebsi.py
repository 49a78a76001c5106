"""did:ebsi for legal entities, whose document is kept by an EBSI DID registry.

Source:  EBSI DID method for legal entities (version 1), and the ``GET /identifiers/{did}`` of its DID Registry API.
         Natural persons have no did:ebsi: they use did:key with a JWK (``jwk_jcs-pub``).
Shapes:  ``did:ebsi:z`` and the base58btc of 17 bytes: the version 1, then 16 random ones. Times are Unix seconds.
I/O:     one GET through the ``Fetch`` port. Which registry to believe is the caller's choice; it proves nothing.
Errors:  InvalidDidError (identifier, or a document of another id), InvalidInputError (document, registry URL, or a
         version id asked for), ForbiddenUrlError, DidNotFoundError, UnavailableError.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from ssi.did.document import parse_document
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.encoding.gate import parse_object
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.encoding.timestamps import format_seconds
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from ssi.ports import Fetch

VERSION: Final = 1
IDENTIFIER_BYTES: Final = 16

_ACCEPT: Final = "application/did+ld+json, application/did+json;q=0.9, application/json;q=0.8"
_MAX_CHARACTERS: Final = 64


class DidEbsi:
    """The did:ebsi method over a ``Fetch`` port and one registry."""

    method: Final[str] = "ebsi"

    def __init__(self, fetch: Fetch, *, registry: str) -> None:
        """``registry`` is the https URL that a DID is appended to, such as ``https://HOST/did-registry/v5/identifiers``.

        Raises InvalidInputError if it is none.
        """
        try:
            parts = urlsplit(registry)
        except ValueError as exc:
            raise InvalidInputError("expected an https URL of a registry") from exc
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
            raise InvalidInputError("expected an https URL of a registry, without query and fragment")
        self._fetch = fetch
        self._registry = registry.rstrip("/")

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the document that the registry has now, or had at ``version_time`` (``valid-at``).

        Raises InvalidInputError if a version id is asked for, since the registry names none; else as the module says.
        """
        ebsi_identifier(did)
        if version_id is not None:
            raise InvalidInputError("did:ebsi documents have no version ids")
        url = f"{self._registry}/{quote(did, safe=':')}"
        if version_time is not None:
            url = f"{url}?{urlencode({'valid-at': format_seconds(version_time)})}"
        try:
            answer = await self._fetch(url, accept=_ACCEPT)
        except NotFoundError as exc:
            raise DidNotFoundError(f"the registry has no document for {did}") from exc
        document = parse_document(parse_object(answer.body), did=did)
        return Resolution(document, ResolutionMetadata(source="https"))


def did_ebsi(identifier: bytes | None = None) -> str:
    """Return the did:ebsi of 16 random bytes, drawn now if none are given. Raises InvalidInputError."""
    identifier = secrets.token_bytes(IDENTIFIER_BYTES) if identifier is None else identifier
    if len(identifier) != IDENTIFIER_BYTES:
        raise InvalidInputError(f"expected an identifier of {IDENTIFIER_BYTES} bytes")
    return f"did:ebsi:{base58btc_encode(bytes([VERSION]) + identifier)}"


def ebsi_identifier(did: str) -> bytes:
    """Return the 16 bytes that identify the legal entity. Raises InvalidDidError if ``did`` is none of version 1."""
    parsed = parse_did(did)
    if parsed.method != "ebsi" or not parsed.id.startswith("z") or len(parsed.id) > _MAX_CHARACTERS:
        raise InvalidDidError("expected did:ebsi and one base58btc value that starts with z")
    try:
        raw = multibase_decode(parsed.id)
    except InvalidInputError as exc:
        raise InvalidDidError(f"the identifier is not base58btc: {exc}") from exc
    if len(raw) != 1 + IDENTIFIER_BYTES or raw[0] != VERSION:
        raise InvalidDidError(f"expected a did:ebsi of version {VERSION}: one byte and {IDENTIFIER_BYTES} more")
    return raw[1:]

"""DID Resolution over HTTP: what a request asks for, and the response that answers it.

Source:  W3C DID Resolution v1 (CR 2026-07-23), "HTTP(S) Binding", "DID Resolution Result", "DID URL Dereferencing
         Result", "Errors"; the did:key method's older text for the profile of ``ssi.protocols.did_key_2022``.
Input:   a request below ``/1.0/identifiers/``.
Shapes:  the rest of the path is the DID or DID URL, as it is if it starts with ``did:``, else percent-encoded once: a
         DID may hold percent signs of its own. A query has the options, except after a bare DID URL that is to be
         dereferenced: there it belongs to the DID URL. Problem types are ``https://www.w3.org/ns/did#CODE``.
I/O:     none.
Errors:  RepresentationNotSupportedError, and InvalidInputError for malformed options. Whether the DID is one is for the
         resolver to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

import msgspec

from ssi.did.dereference import (
    Dereferenced,
    DocumentFound,
    MethodFound,
    ServicesFound,
    UrlsFound,
    problem_type,
)
from ssi.did.resolver import Resolution
from ssi.encoding.timestamps import format_seconds, parse_seconds
from ssi.errors import InvalidInputError, RepresentationNotSupportedError, SsiError, UnavailableError
from ssi.protocols.http import HttpRequest, HttpResponse, build_json, media_type, parse_accept
from ssi.types import JsonObject, JsonValue

RESOLUTION_TYPE: Final = "application/did-resolution"
DEREFERENCING_TYPE: Final = "application/did-url-dereferencing"
DOCUMENT_TYPES: Final = ("application/did", "application/did+json", "application/did+ld+json")
OLD_PROFILE: Final = 'application/ld+json;profile="https://w3id.org/did-resolution"'
URI_LIST: Final = "text/uri-list"

_PLAIN_TYPES: Final = ("application/json", "application/ld+json")
_STATUSES: Final = {
    "INVALID_DID": 400,
    "INVALID_DID_URL": 400,
    "INVALID_OPTIONS": 400,
    "NOT_FOUND": 404,
    "REPRESENTATION_NOT_SUPPORTED": 406,
    "METHOD_NOT_SUPPORTED": 501,
    "FEATURE_NOT_SUPPORTED": 501,
}
MAX_OPTIONS: Final = 16


class Wanted(StrEnum):
    """What the response is to hold."""

    RESOLUTION_RESULT = "resolution result"
    DEREFERENCING_RESULT = "dereferencing result"
    CONTENT = "content"
    OLD_RESULT = "result of the older did:key text"


class ResolutionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was read. ``options`` has those that this module does not know, for the older profile."""

    did_url: str
    wanted: Wanted
    content_type: str
    version_id: str | None = None
    version_time: int | None = None
    version_number: int | None = None
    expand_relative_urls: bool = False
    verification_relationship: str | None = None
    options: Mapping[str, str] = {}

    @property
    def dereferences(self) -> bool:
        """Whether the DID URL is more than a DID, or asked about as one."""
        if self.wanted is Wanted.RESOLUTION_RESULT:
            return False
        return self.wanted is Wanted.DEREFERENCING_RESULT or any(sign in self.did_url for sign in "/?#")


def parse_resolution_request(request: HttpRequest, *, prefix: str) -> ResolutionRequest:
    """Read ``request``, whose path is ``prefix`` and then the DID or DID URL.

    Raises RepresentationNotSupportedError, and InvalidInputError for options that are malformed.
    """
    wanted, content_type = _representation(request.headers.get("accept", ""))
    rest = request.path.removeprefix(prefix)
    encoded = not rest.startswith("did:")
    did_url = unquote(rest) if encoded else rest
    if not encoded and request.query and wanted in (Wanted.DEREFERENCING_RESULT, Wanted.CONTENT):
        return ResolutionRequest(did_url=f"{did_url}?{request.query}", wanted=wanted, content_type=content_type)
    options = _options(request)
    return ResolutionRequest(
        did_url=did_url,
        wanted=wanted,
        content_type=content_type,
        version_id=options.pop("versionId", None),
        version_time=_time(options.pop("versionTime", None)),
        version_number=_number(options.pop("versionNumber", None)),
        expand_relative_urls=_boolean(options.pop("expandRelativeUrls", "false")),
        verification_relationship=options.pop("verificationRelationship", None),
        options=options,
    )


def wanted_by(request: HttpRequest) -> Wanted:
    """Return the form that the requester wants, a resolution result if that cannot be told: for reporting an error."""
    try:
        return _representation(request.headers.get("accept", ""))[0]
    except RepresentationNotSupportedError:
        return Wanted.RESOLUTION_RESULT


def build_resolution_result(resolution: Resolution, *, expand_relative_urls: bool = False) -> JsonObject:
    """Return the DID resolution result of ``resolution``."""
    return {
        "didDocument": build_document(resolution, expand_relative_urls=expand_relative_urls),
        "didResolutionMetadata": {"contentType": RESOLUTION_TYPE, "source": resolution.metadata.source},
        "didDocumentMetadata": build_metadata(resolution),
    }


def build_resolution_response(
    resolution: Resolution, *, wanted: Wanted, content_type: str, expand_relative_urls: bool = False
) -> HttpResponse:
    """Return the response for a DID: the result, or the document alone. A deactivated DID answers 410."""
    status = 410 if resolution.metadata.deactivated else 200
    if wanted is Wanted.CONTENT:
        document = build_document(resolution, expand_relative_urls=expand_relative_urls)
        return build_json(status, document, content_type=content_type)
    result = build_resolution_result(resolution, expand_relative_urls=expand_relative_urls)
    return build_json(status, result, content_type=RESOLUTION_TYPE)


def build_dereferencing_result(found: Dereferenced) -> JsonObject:
    """Return the DID URL dereferencing result of ``found``."""
    return {
        "contentStream": build_content(found),
        "dereferencingMetadata": {"contentType": DEREFERENCING_TYPE},
        "contentMetadata": build_metadata(found.resolution),
    }


def build_dereferencing_response(found: Dereferenced, *, wanted: Wanted, content_type: str) -> HttpResponse:
    """Return the response for a DID URL: 303 to the first URL that it leads to, else the result or the content."""
    if isinstance(found, UrlsFound):
        return HttpResponse(303, b"", URI_LIST, {"Location": found.urls[0]})
    status = 410 if found.resolution.metadata.deactivated else 200
    if wanted is Wanted.CONTENT:
        return build_json(status, build_content(found), content_type=content_type)
    return build_json(status, build_dereferencing_result(found), content_type=DEREFERENCING_TYPE)


def build_error_result(error: SsiError, *, dereferences: bool) -> JsonObject:
    """Return the result that carries ``error`` as problem details (RFC 9457)."""
    code = problem_type(error, resolving=not dereferences)
    problem = {"type": code, "title": code.rpartition("#")[2], "detail": str(error)}
    if dereferences:
        metadata = {"contentType": DEREFERENCING_TYPE, "error": problem}
        return {"contentStream": None, "dereferencingMetadata": metadata, "contentMetadata": {}}
    metadata = {"contentType": RESOLUTION_TYPE, "error": problem}
    return {"didDocument": None, "didResolutionMetadata": metadata, "didDocumentMetadata": {}}


def build_error_response(error: SsiError, *, dereferences: bool) -> HttpResponse:
    """Return the response for a request that failed, with the status that belongs to the problem's type."""
    result = build_error_result(error, dereferences=dereferences)
    if isinstance(error, UnavailableError):
        # Not in the specification's table: that somebody else did not answer is no error of this server's.
        status = 503
    else:
        status = _STATUSES.get(problem_type(error, resolving=not dereferences).rpartition("#")[2], 500)
    return build_json(status, result, content_type=DEREFERENCING_TYPE if dereferences else RESOLUTION_TYPE)


def build_document(resolution: Resolution, *, expand_relative_urls: bool = False) -> JsonObject:
    """Return the DID document; its relative DID URLs absolute if that was asked for."""
    raw = resolution.document.raw
    return _expanded(raw, resolution.document.id) if expand_relative_urls else raw


def build_content(found: Dereferenced) -> JsonObject:
    """Return the resource that a DID URL names: a document, a verification method, or services."""
    if isinstance(found, DocumentFound):
        return found.resolution.document.raw
    if isinstance(found, MethodFound):
        return found.method.raw
    if isinstance(found, ServicesFound):
        return found.services[0].raw if len(found.services) == 1 else found.document
    return {"urls": list(found.urls)}


def build_metadata(resolution: Resolution) -> JsonObject:
    """Return the DID document metadata of ``resolution``, times as XML Schema date-times."""
    said = resolution.metadata
    times = {"created": said.created, "updated": said.updated, "nextUpdate": said.next_update}
    members: JsonObject = {
        **{name: None if time is None else format_seconds(time) for name, time in times.items()},
        "versionId": said.version_id,
        "nextVersionId": said.next_version_id,
        "equivalentId": list(said.equivalent_id) or None,
        "canonicalId": said.canonical_id,
        "deactivated": True if said.deactivated else None,
    }
    if said.version_time is not None:
        members["versionTime"] = format_seconds(said.version_time)
    if said.version_number is not None:
        members["versionNumber"] = said.version_number
    return {name: value for name, value in members.items() if value is not None}


def _representation(accept: str) -> tuple[Wanted, str]:
    items = parse_accept(accept) if accept else ["*/*"]
    for item in items:
        name = media_type(item)
        if item.replace(" ", "") == OLD_PROFILE:
            return Wanted.OLD_RESULT, OLD_PROFILE
        if name in (RESOLUTION_TYPE, "*/*", "application/*"):
            return Wanted.RESOLUTION_RESULT, RESOLUTION_TYPE
        if name == DEREFERENCING_TYPE:
            return Wanted.DEREFERENCING_RESULT, DEREFERENCING_TYPE
        if name in DOCUMENT_TYPES or name in _PLAIN_TYPES:
            return Wanted.CONTENT, name
    raise RepresentationNotSupportedError(
        f"expected to be asked for {RESOLUTION_TYPE}, {DEREFERENCING_TYPE} or a DID document"
    )


def _options(request: HttpRequest) -> dict[str, str]:
    if request.method == "POST" and request.body:
        members = request.json_object()
        options = {name: _as_text(value) for name, value in members.items()}
    else:
        options = _query(request.query)
    if len(options) > MAX_OPTIONS:
        raise InvalidInputError(f"expected at most {MAX_OPTIONS} options")
    return options


def _query(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        name = unquote(name)
        if name in options:
            raise InvalidInputError("expected every option once")
        options[name] = unquote(value)
    return options


def _as_text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise InvalidInputError("expected options that are strings, numbers or booleans")


def _time(text: str | None) -> int | None:
    return None if text is None else parse_seconds(text)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise InvalidInputError("expected versionNumber to be a number from 1")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidInputError("expected expandRelativeUrls to be true or false")
    return text == "true"


_ID_MEMBERS: Final = frozenset({"id", "controller", "serviceEndpoint"})
_METHOD_LISTS: Final = frozenset(
    {"authentication", "assertionMethod", "keyAgreement", "capabilityInvocation", "capabilityDelegation"}
)


def _expanded(value: JsonObject, base: str) -> JsonObject:
    """Return a copy of a document or of one of its members with relative DID URLs made absolute."""
    return {name: _expanded_member(name, item, base) for name, item in value.items()}


def _expanded_member(name: str, value: JsonValue, base: str) -> JsonValue:
    if isinstance(value, list):
        return [_expanded_member(name, item, base) for item in value]
    if isinstance(value, dict):
        return _expanded(value, base) if name != "publicKeyJwk" else value
    relative = isinstance(value, str) and value[:1] in ("#", "/", "?")
    return f"{base}{value}" if relative and (name in _ID_MEMBERS or name in _METHOD_LISTS) else value

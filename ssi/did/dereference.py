"""Dereference DID URLs: to a document, a verification method, services, or the URLs that these lead to.

Source:  W3C DID Resolution v1 (CR 2026-07-23), "DID URL Dereferencing Algorithm", "Dereferencing the Fragment", "Path
         Traversal via relativeRef"; did:webvh 1.0, "DID URL Resolution".
Input:   a DID URL from anywhere, and the resolver to ask.
Shapes:  what is found is a value of one of four types. URLs are https or http ones, and are not fetched: an endpoint
         that is a DID URL again is left to the caller, so that there are no cycles here.
I/O:     the resolver.
Errors:  InvalidDidError (no DID URL, or a reference that leaves its endpoint), NotFoundError (no such method, service
         or path), InvalidVerificationMethodError and ProofPurposeError (no method for this relationship), and what the
         resolver raises. ``problem_type`` gives the type URL of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import msgspec

from ssi.did.did_parameters import VERSIONS, DidParameters, parse_did_parameters
from ssi.did.document import DidDocument, Service
from ssi.did.parse import DidUrl, parse_did_url
from ssi.did.resolver import Resolution, Resolver
from ssi.did.verification_method import VerificationMethod
from ssi.errors import (
    InvalidDidError,
    InvalidInputError,
    InvalidVerificationMethodError,
    NotFoundError,
    ProofPurposeError,
    RepresentationNotSupportedError,
    SsiError,
    UnsupportedDidMethodError,
    VerificationError,
)
from ssi.types import JsonObject, JsonValue

MAX_URLS: Final = 64
_MAX_DECODINGS: Final = 4


class DocumentFound(msgspec.Struct, frozen=True):
    """The DID URL names the document itself, possibly a version of it."""

    resolution: Resolution


class MethodFound(msgspec.Struct, frozen=True):
    """The fragment names a verification method."""

    resolution: Resolution
    method: VerificationMethod


class ServicesFound(msgspec.Struct, frozen=True):
    """The fragment names a service, or the query selects some."""

    resolution: Resolution
    services: tuple[Service, ...]

    @property
    def urls(self) -> tuple[str, ...]:
        """The endpoints that are strings, in their order; maps are left out."""
        return tuple(url for service in self.services for url in endpoint_urls(service))

    @property
    def document(self) -> JsonObject:
        """The document with these services only."""
        return {**self.resolution.document.raw, "service": [service.raw for service in self.services]}


class UrlsFound(msgspec.Struct, frozen=True):
    """The DID URL leads to these URLs, all of them below a service endpoint."""

    resolution: Resolution
    urls: tuple[str, ...]


Dereferenced: TypeAlias = DocumentFound | MethodFound | ServicesFound | UrlsFound


async def dereference(
    did_url: str, *, resolver: Resolver, verification_relationship: str | None = None
) -> Dereferenced:
    """Return what ``did_url`` names.

    With ``verification_relationship`` it must name a verification method that the document lists there and that its
    subject controls; ProofPurposeError and InvalidVerificationMethodError say that it is not so. A deactivated DID
    gives its document with ``metadata.deactivated`` set, and no verification method for a relationship.
    """
    url = parse_did_url(did_url)
    parameters = parse_did_parameters(url.query)
    resolution = await resolver.resolve(
        url.did,
        version_id=parameters.version_id,
        version_time=parameters.version_time,
        version_number=parameters.version_number,
    )
    found = _resource(url, parameters, resolution)
    if url.fragment is not None:
        found = _fragment(url, found)
    if verification_relationship is not None:
        return _authorised(found, verification_relationship)
    return found


def endpoint_urls(service: Service) -> tuple[str, ...]:
    """Return the endpoints of ``service`` that are strings."""
    items: Sequence[JsonValue] = service.endpoint if isinstance(service.endpoint, list) else [service.endpoint]
    return tuple(item for item in items if isinstance(item, str))


def resolve_reference(endpoint: str, reference: str) -> str:
    """Return the URL of a relative ``reference`` below a service endpoint.

    The endpoint counts as a folder: what lies beside or above it is refused, and ``/a`` and ``a`` are the same, as the
    example of DID Resolution has it. Raises InvalidDidError for a reference that is none, or that leaves the endpoint
    however often it is decoded, and for an endpoint that is no http or https URL.
    """
    base, ref = _web_url(endpoint), _split(reference)
    if ref is None or ref.scheme or ref.netloc or reference.startswith("//"):
        raise InvalidDidError("expected relativeRef to be a reference below its endpoint")
    if base.query or base.fragment:
        raise InvalidDidError("expected a service endpoint without query and fragment for a relativeRef")
    _check_path(ref.path)
    path = f"{base.path.rstrip('/')}/{ref.path.lstrip('/')}" if ref.path else base.path
    return urlunsplit((base.scheme, base.netloc, path, ref.query, ref.fragment))


def problem_type(error: SsiError, *, resolving: bool = False) -> str:
    """Return the type URL that DID Resolution gives to ``error``, for its problem details.

    ``resolving`` says that a DID was resolved, and not a DID URL dereferenced.
    """
    name, base = "INTERNAL_ERROR", "https://www.w3.org/ns/did#"
    if isinstance(error, UnsupportedDidMethodError):
        name = "METHOD_NOT_SUPPORTED"
    elif isinstance(error, InvalidDidError):
        name = "INVALID_DID" if resolving else "INVALID_DID_URL"
    elif isinstance(error, RepresentationNotSupportedError):
        name = "REPRESENTATION_NOT_SUPPORTED"
    elif isinstance(error, NotFoundError):
        name = "NOT_FOUND"
    elif isinstance(error, ProofPurposeError):
        name, base = "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD", "https://w3id.org/security#"
    elif isinstance(error, InvalidVerificationMethodError):
        name, base = "INVALID_VERIFICATION_METHOD", "https://w3id.org/security#"
    elif isinstance(error, VerificationError):
        name = "INVALID_DID"
    elif isinstance(error, InvalidInputError):
        name = "INVALID_OPTIONS"
    return f"{base}{name}"


def _resource(url: DidUrl, parameters: DidParameters, resolution: Resolution) -> Dereferenced:
    """Return what the DID URL without its fragment names ("Dereferencing the Resource")."""
    if url.path:
        if parameters.selects_services:
            raise InvalidDidError("expected either a path or a service in a DID URL")
        return UrlsFound(resolution, (_url_of_path(url, resolution.document),))
    if parameters.selects_services:
        services = tuple(s for s in _services(resolution.document) if _selected(s, parameters, url, resolution))
        if not services:
            raise NotFoundError("the document has no such service")
        if parameters.relative_ref is None:
            return ServicesFound(resolution, services)
        ends = [end for service in services for end in endpoint_urls(service)][:MAX_URLS]
        if not ends:
            raise NotFoundError("the service has no endpoint that a reference can be resolved against")
        return UrlsFound(resolution, tuple(resolve_reference(end, parameters.relative_ref) for end in ends))
    if parameters.others:
        raise NotFoundError("expected DID parameters of DID Resolution: nothing else is dereferenced")
    return DocumentFound(resolution)


def _fragment(url: DidUrl, found: Dereferenced) -> Dereferenced:
    """Return what the fragment names in what the rest of the DID URL names ("Dereferencing the Fragment")."""
    fragment = f"#{url.fragment}"
    if isinstance(found, DocumentFound):
        document = found.resolution.document
        method = document.method(fragment)
        service = next((s for s in _services(document) if s.id == f"{document.id}{fragment}"), None)
        if method is not None and service is not None:
            raise InvalidInputError("a verification method and a service of the document have the same id")
        if method is not None:
            return MethodFound(found.resolution, method)
        if service is not None:
            return ServicesFound(found.resolution, (service,))
        raise NotFoundError("the document has nothing with this fragment")
    urls = found.urls if isinstance(found, UrlsFound | ServicesFound) else ()
    if not urls:
        raise NotFoundError("the service has no URL that could take a fragment")
    if any("#" in item for item in urls):
        raise InvalidDidError("expected a service endpoint without fragment for a DID URL with one")
    return UrlsFound(found.resolution, tuple(f"{item}{fragment}" for item in urls))


def _authorised(found: Dereferenced, relationship: str) -> MethodFound:
    if not isinstance(found, MethodFound):
        raise InvalidVerificationMethodError("the DID URL names no verification method")
    if found.resolution.metadata.deactivated:
        raise InvalidVerificationMethodError(f"{found.resolution.document.id} is deactivated")
    try:
        found.resolution.document.authorised(found.method.id, relationship)
    except ProofPurposeError:
        raise
    except VerificationError as exc:
        raise InvalidVerificationMethodError(str(exc)) from exc
    return found


def _services(document: DidDocument) -> tuple[Service, ...]:
    """Return the services of the document, with those that its method adds."""
    if document.id.startswith("did:webvh:"):
        from ssi.did.webvh.services import webvh_services

        return webvh_services(document)
    return document.services


def _selected(service: Service, parameters: DidParameters, url: DidUrl, resolution: Resolution) -> bool:
    if parameters.service_type is not None and parameters.service_type not in service.type:
        return False
    if parameters.service is None:
        return True
    wanted = parameters.service
    own = resolution.document.id
    # A service may be named by its bare name, its fragment, or its id, under any name that the DID has.
    return service.id in (wanted, f"{own}#{wanted.removeprefix('#')}", wanted.replace(f"{url.did}#", f"{own}#", 1))


def _url_of_path(url: DidUrl, document: DidDocument) -> str:
    """Return the URL that the path of a DID URL leads to, where its method says so. Raises NotFoundError."""
    if not document.id.startswith("did:webvh:"):
        raise NotFoundError("the DID method does not dereference paths")
    from ssi.did.webvh.services import FILES, WHOIS, WHOIS_PATH

    wanted = WHOIS if url.path == WHOIS_PATH else FILES
    service = next(service for service in _services(document) if service.id in (f"{document.id}{wanted}", wanted))
    ends = endpoint_urls(service)
    if len(ends) != 1:
        raise InvalidDidError(f"expected one URL as the endpoint of {wanted}")
    if wanted == WHOIS:
        _web_url(ends[0])
        return ends[0]
    pairs = [] if url.query is None else url.query.split("&")
    query = "&".join(pair for pair in pairs if pair.partition("=")[0] not in VERSIONS)
    return resolve_reference(ends[0], f"{url.path}?{query}" if query else url.path)


def _web_url(endpoint: str) -> SplitResult:
    parts = _split(endpoint)
    if parts is None or parts.scheme not in ("https", "http") or not parts.netloc:
        raise InvalidDidError("expected a service endpoint that is an https or http URL")
    return parts


def _split(text: str) -> SplitResult | None:
    """Return the parts of a URL or reference; None if it is none, or not plain ASCII without blanks and backslashes."""
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in ' \\"<>^`{|}'):
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _check_path(path: str) -> None:
    """Raise InvalidDidError if ``path``, however often a server decodes it, climbs or hides something."""
    for _ in range(_MAX_DECODINGS):
        if {".", ".."} & set(path.replace("\\", "/").split("/")) or not path.isprintable() or "\\" in path:
            raise InvalidDidError("expected a path that does not leave its service endpoint")
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return
        path = decoded
    raise InvalidDidError("expected a path that is percent-encoded once")

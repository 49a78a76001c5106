"""The resolver over HTTP: one function from a request to a response, and its application.

Source:  W3C DID Resolution v1 (CR 2026-07-23), "HTTP(S) Binding": GET and POST below one prefix.
Shapes:  as ``ssi.protocols.did_resolution`` says.
I/O:     the resolver.
Errors:  none leave: each becomes a result with problem details.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.did.dereference import dereference
from ssi.did.parse import parse_did_url
from ssi.did.resolver import Resolution, Resolver
from ssi.errors import InvalidInputError, SsiError
from ssi.http.adapter import handler
from ssi.protocols.did_key_2022 import build_old_error, build_response, check_options
from ssi.protocols.did_resolution import (
    ResolutionRequest,
    Wanted,
    build_dereferencing_response,
    build_error_response,
    build_resolution_response,
    parse_resolution_request,
    wanted_by,
)
from ssi.protocols.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from aiohttp import web

PREFIX: Final = "/1.0/identifiers/"
MAX_BODY_BYTES: Final = 4096


async def answer(request: HttpRequest, *, resolver: Resolver, prefix: str = PREFIX) -> HttpResponse:
    """Answer ``request`` for what its path names after ``prefix``."""
    try:
        asked = parse_resolution_request(request, prefix=prefix)
    except SsiError as exc:
        return build_error_response(exc, dereferences=wanted_by(request) is Wanted.DEREFERENCING_RESULT)
    if asked.wanted is Wanted.OLD_RESULT:
        return await _answer_old(asked, resolver)
    try:
        if asked.dereferences:
            url = _with_options(asked)
            found = await dereference(url, resolver=resolver, verification_relationship=asked.verification_relationship)
            return build_dereferencing_response(found, wanted=asked.wanted, content_type=asked.content_type)
        return build_resolution_response(
            await _resolve(asked.did_url, asked, resolver),
            wanted=asked.wanted,
            content_type=asked.content_type,
            expand_relative_urls=asked.expand_relative_urls,
        )
    except SsiError as exc:
        return build_error_response(exc, dereferences=asked.dereferences)


def create_app(resolver: Resolver) -> web.Application:
    """Return the application, to be served or mounted; it answers below ``/1.0/identifiers/``."""
    from aiohttp import web

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    add_routes(app, resolver)
    return app


def add_routes(app: web.Application, resolver: Resolver) -> None:
    """Add the resolver's two routes to ``app``."""

    async def act(request: HttpRequest) -> HttpResponse:
        return await answer(request, resolver=resolver)

    app.router.add_get(f"{PREFIX}{{did:.*}}", handler(act))
    app.router.add_post(f"{PREFIX}{{did:.*}}", handler(act))


async def _answer_old(asked: ResolutionRequest, resolver: Resolver) -> HttpResponse:
    try:
        if asked.dereferences:
            parse_did_url(asked.did_url)
            key_format = check_options(asked.options)
            resolution = (await dereference(asked.did_url, resolver=resolver)).resolution
        else:
            resolution = await _resolve(asked.did_url, asked, resolver)
            key_format = check_options(asked.options)
    except SsiError as exc:
        return build_old_error(exc, did_url=asked.did_url, dereferences=asked.dereferences)
    return build_response(resolution, key_format=key_format, dereferences=asked.dereferences)


async def _resolve(did: str, asked: ResolutionRequest, resolver: Resolver) -> Resolution:
    return await resolver.resolve(
        did, version_id=asked.version_id, version_time=asked.version_time, version_number=asked.version_number
    )


def _with_options(asked: ResolutionRequest) -> str:
    """Return the DID URL; one that says a version itself takes none from the options."""
    if asked.version_id is None and asked.version_time is None and asked.version_number is None:
        return asked.did_url
    raise InvalidInputError("expected the version in the DID URL that is dereferenced, not beside it")

"""aiohttp, as far as it carries request and response values.

Source:  none; aiohttp's server.
Shapes:  ``path`` is what was sent, still percent-encoded, without the query.
I/O:     reads the request's body, whose size the application bounds.
Errors:  413 as aiohttp gives it; an answer that fails unexpectedly is aiohttp's 500, without a trace in its body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from ssi.protocols.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from aiohttp import web

Act: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]


def handler(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return ``act`` as a handler of aiohttp's."""
    from aiohttp import web

    async def handle(request: web.Request) -> web.Response:
        response = await act(await read_request(request))
        headers = {**response.headers, "Content-Type": response.content_type}
        return web.Response(status=response.status, body=response.body, headers=headers)

    return handle


async def read_request(request: web.Request) -> HttpRequest:
    """Return ``request`` as a value."""
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.read() if request.body_exists else b""
    return HttpRequest(request.method, path, query, headers, body)

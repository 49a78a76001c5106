"""A log's static files over HTTP: one function from a request to a response, and its application.

Source:  C2SP tlog-tiles (resources, content types, caching).
Shapes:  ``GET`` and ``HEAD`` of ``checkpoint``, ``tile/…`` and ``withheld/N`` below the prefix; bundles are compressed
         for who takes gzip.
I/O:     the source of the files: a folder, or a ledger (``LedgerTiles``).
Errors:  404 for what is not there and for paths that name nothing, 405, 503 if the source does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ssi.errors import InvalidInputError, NotFoundError, SsiError
from ssi.http.adapter import handler
from ssi.ledger.note import MAX_NOTE_BYTES
from ssi.ledger.tiles import (
    CHECKPOINT,
    MAX_BUNDLE_BYTES,
    MAX_TILE_BYTES,
    MAX_WITHHELD_BYTES,
    Bundle,
    Tile,
    parse_path,
)
from ssi.protocols.http import HttpRequest, HttpResponse, media_type, parse_accept

if TYPE_CHECKING:
    from aiohttp import web

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
FIXED: Final = "public, max-age=31536000, immutable"
FRESH: Final = "public, max-age=2"
_WORTH_COMPRESSING: Final = 1024


class TileSource(Protocol):
    """Where the files come from; NotFoundError for what is not there."""

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Return the resource at ``path``."""
        ...


async def answer(request: HttpRequest, *, source: TileSource, prefix: str = "/") -> HttpResponse:
    """Answer ``request`` for what its path names after ``prefix``."""
    if request.method not in ("GET", "HEAD"):
        return _refusal(405, "expected GET")
    path = request.path.removeprefix(prefix)
    try:
        content_type, caching, max_bytes, compress = _kind(path)
        body = await source.get(path, max_bytes=max_bytes)
    except (InvalidInputError, NotFoundError):
        return _refusal(404, "there is no such resource")
    except SsiError:
        return _refusal(503, "the log cannot be read now")
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    if compress:
        headers["Vary"] = "Accept-Encoding"
        accepted = {media_type(item) for item in parse_accept(request.headers.get("accept-encoding", ""))}
        if "gzip" in accepted and len(body) >= _WORTH_COMPRESSING:
            import gzip

            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
    return HttpResponse(200, body, content_type, headers)


def _kind(path: str) -> tuple[str, str, int, bool]:
    """Return content type, caching, the most bytes, and whether compressing is worth it. Raises InvalidInputError."""
    if path == CHECKPOINT:
        return TEXT, FRESH, MAX_NOTE_BYTES, False
    resource = parse_path(path)
    if isinstance(resource, Tile):
        return BYTES, FIXED, MAX_TILE_BYTES, False
    if isinstance(resource, Bundle):
        return BYTES, FIXED, MAX_BUNDLE_BYTES, True
    return "application/json", FRESH, MAX_WITHHELD_BYTES, False


def _refusal(status: int, reason: str) -> HttpResponse:
    return HttpResponse(status, f"{reason}\n".encode(), TEXT, {"Cache-Control": FRESH})


def create_app(source: TileSource) -> web.Application:
    """Return the application, to be served or mounted under the log's prefix."""
    from aiohttp import web

    app = web.Application(client_max_size=1024)
    add_routes(app, source)
    return app


def add_routes(app: web.Application, source: TileSource) -> None:
    """Add the log's resources to ``app``."""

    async def act(request: HttpRequest) -> HttpResponse:
        # Mounted below a path, only what follows the mount is the log's.
        name = next((part for part in ("tile/", "withheld/") if f"/{part}" in request.path), CHECKPOINT)
        prefix = request.path[: request.path.rfind(f"/{name}") + 1]
        return await answer(request, source=source, prefix=prefix)

    for path in (f"/{CHECKPOINT}", "/tile/{path:.+}", "/withheld/{path:.+}"):
        app.router.add_get(path, handler(act))

"""The witness's desk over HTTP.

Shapes:  ``POST /witness`` with a did.jsonl answers ``{"versionId", "proof"}``, an item for did-witness.json;
         ``GET /logs/SCID`` answers ``{"versionId"}`` of the version approved last.
I/O:     one desk.
Errors:  400 malformed, 403 not to be approved, 404 never seen, 409 forked or cut back, 413 too long, 503 try again; the
         body says which check failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ssi.did.webvh.entry import MAX_LOG_BYTES
from ssi.did.webvh.witness_desk import WitnessDesk
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, SsiError, UnavailableError, VerificationError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from aiohttp import web

_STATUSES: Final[tuple[tuple[type[SsiError], int], ...]] = (
    (ConflictError, 409),
    (InvalidInputError, 400),
    (NotFoundError, 404),
    (VerificationError, 403),
    (UnavailableError, 503),
)


async def answer(act: Awaitable[JsonObject]) -> tuple[int, JsonObject]:
    """Return status and body of what ``act`` comes to."""
    try:
        return 200, await act
    except SsiError as exc:
        status = next((code for kind, code in _STATUSES if isinstance(exc, kind)), 503)
        return status, {"error": str(exc)}


def create_app(desk: WitnessDesk, *, now: Callable[[], int]) -> web.Application:
    """Return the application of ``desk``, to be served or mounted under a path."""
    from aiohttp import web

    app = web.Application(client_max_size=MAX_LOG_BYTES)
    add_routes(app, desk, now=now)
    return app


def add_routes(app: web.Application, desk: WitnessDesk, *, now: Callable[[], int]) -> None:
    """Add the desk's resources to ``app``, which takes bodies of MAX_LOG_BYTES."""
    from aiohttp import web

    async def witness(request: web.Request) -> web.Response:
        status, body = await answer(desk.approve(await request.read(), now=now()))
        return web.json_response(body, status=status)

    async def head(request: web.Request) -> web.Response:
        status, body = await answer(_head(desk, request.match_info["scid"]))
        return web.json_response(body, status=status)

    app.router.add_post("/witness", witness)
    app.router.add_get("/logs/{scid:[1-9A-HJ-NP-Za-km-z]{46}}", head)


async def _head(desk: WitnessDesk, scid: str) -> JsonObject:
    found = await desk.head(scid)
    if found is None:
        raise NotFoundError("this witness has never seen the DID")
    return {"versionId": found}

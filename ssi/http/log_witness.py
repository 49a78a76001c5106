"""A witness of logs over HTTP.

Source:  C2SP tlog-witness, "add-checkpoint" and "Monitor Retrieval Mechanism".
Shapes:  ``POST add-checkpoint`` answers signature lines; ``GET HASH/checkpoint`` the newest cosigned note of the log
         whose origin has this SHA-256; ``GET HASH/fork``, our own, the proof that it forked.
I/O:     one witness.
Errors:  400, 403, 404, 409 (the body is the size last cosigned), 422, 503; except for 409 the body says which check
         failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ssi.errors import (
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    SizeConflictError,
    SsiError,
)
from ssi.http.adapter import handler
from ssi.ledger.witness import MAX_REQUEST_BYTES, SIZE_TYPE, LogWitness
from ssi.protocols.http import JSON, HttpRequest, HttpResponse

if TYPE_CHECKING:
    from aiohttp import web

TEXT: Final = "text/plain; charset=utf-8"
_STATUSES: Final[tuple[tuple[type[SsiError], int], ...]] = (
    (InvalidInputError, 400),
    (NotFoundError, 404),
    (InvalidSignatureError, 403),
    (InclusionProofError, 422),
)


async def answer_add(request: HttpRequest, *, witness: LogWitness, now: int) -> HttpResponse:
    """Answer ``POST add-checkpoint``."""
    try:
        return HttpResponse(200, await witness.add_checkpoint(request.body, now=now), TEXT)
    except SizeConflictError as exc:
        return HttpResponse(409, b"%d\n" % exc.size, SIZE_TYPE)
    except SsiError as exc:
        return _refusal(exc)


async def _answer_found(found: Awaitable[bytes], content_type: str) -> HttpResponse:
    try:
        return HttpResponse(200, await found, content_type, {"Cache-Control": "public, max-age=2"})
    except SsiError as exc:
        return _refusal(exc)


def _refusal(error: SsiError) -> HttpResponse:
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 503)
    return HttpResponse(status, f"{error}\n".encode(), TEXT)


def create_app(witness: LogWitness, *, now: Callable[[], int]) -> web.Application:
    """Return the application, to be served or mounted under the witness's prefix."""
    from aiohttp import web

    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    add_routes(app, witness, now=now)
    return app


def add_routes(app: web.Application, witness: LogWitness, *, now: Callable[[], int]) -> None:
    """Add the witness's resources to ``app``, which takes bodies of MAX_REQUEST_BYTES."""

    async def add(request: HttpRequest) -> HttpResponse:
        return await answer_add(request, witness=witness, now=now())

    async def head(request: HttpRequest) -> HttpResponse:
        return await _answer_found(witness.head(request.path.split("/")[-2]), TEXT)

    async def fork(request: HttpRequest) -> HttpResponse:
        return await _answer_found(witness.fork(request.path.split("/")[-2]), JSON)

    app.router.add_post("/add-checkpoint", handler(add))
    app.router.add_get("/{hash:[0-9a-f]{64}}/checkpoint", handler(head))
    app.router.add_get("/{hash:[0-9a-f]{64}}/fork", handler(fork))

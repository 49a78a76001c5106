"""Answers of the registry over HTTP: ``GET /answers/KIND/NAME``, the name percent-encoded.

Source:  ``ssi.registry.answer`` for the form; RFC 9110 and 9111 (caching).
Shapes:  200 with the answer; 400, 404 and 503 with ``{"error": …}``.
I/O:     one desk. Anybody may serve answers: what they say is proved, or refused by whoever asked.
Errors:  none leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ssi.errors import InvalidInputError, NotFoundError, SsiError, UnavailableError
from ssi.http.adapter import handler
from ssi.protocols.http import HttpRequest, HttpResponse, build_json
from ssi.registry.answer import MEDIA_TYPE
from ssi.registry.answer_desk import AnswerDesk

if TYPE_CHECKING:
    from aiohttp import web

PREFIX: Final = "/answers/"
MAX_AGE_SECONDS: Final = 30
_STATUSES: Final[tuple[tuple[type[SsiError], int], ...]] = (
    (InvalidInputError, 400),
    (NotFoundError, 404),
    (UnavailableError, 503),
)


async def answer(request: HttpRequest, *, desk: AnswerDesk, prefix: str = PREFIX) -> HttpResponse:
    """Answer ``request`` about what its path names after ``prefix``."""
    try:
        if request.method != "GET" or request.query or not request.path.startswith(prefix):
            raise InvalidInputError(f"expected GET {prefix}KIND/NAME")
        kind, _, name = request.path.removeprefix(prefix).partition("/")
        body = await desk.answer(kind, _decoded(name))
    except SsiError as exc:
        # What else goes wrong (a map that is damaged) is not for strangers to know.
        status = next((code for known, code in _STATUSES if isinstance(exc, known)), 503)
        return build_json(status, {"error": str(exc) if status != 503 else "no answer at the moment"})
    return HttpResponse(200, body, MEDIA_TYPE, {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"})


def create_app(desk: AnswerDesk) -> web.Application:
    """Return the application, to be served or mounted; it answers below ``/answers/``."""
    from aiohttp import web

    async def act(request: HttpRequest) -> HttpResponse:
        return await answer(request, desk=desk)

    app = web.Application()
    app.router.add_get(f"{PREFIX}{{kind:[a-z]+}}/{{name:.+}}", handler(act))
    return app


def _decoded(name: str) -> str:
    try:
        return unquote(name, errors="strict")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("expected a name in UTF-8") from exc

"""One VC-API server out of the parts that the roles offer, and the bearer token before them.

Source:  W3C CCG Verifiable Credentials API v0.7; RFC 6750, section 2.1 (bearer tokens).
Shapes:  a part is a function from a setup to routes, found through the entry-point group ``countersigned.vcapi``.
I/O:     what the parts do.
Errors:  InvalidInputError (no token in production), 401 without the token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ssi.did.resolver import Resolver
from ssi.encoding.jsonld import Contexts
from ssi.errors import InvalidInputError
from ssi.http.adapter import Act, handler
from ssi.http.did_resolution import add_routes
from ssi.keys import Kms
from ssi.ports import StatusListSource
from ssi.protocols.vc_api import MAX_BODY_BYTES, Profile

if TYPE_CHECKING:
    from aiohttp import web

ENTRY_POINTS: Final = "countersigned.vcapi"
MIN_TOKEN_CHARACTERS: Final = 32
OPEN_PATHS: Final = ("/1.0/identifiers/", "/status/")
"""What is public anyway, and asked for by those who hold no token."""


class Route(NamedTuple):
    """One route of a part."""

    method: str
    path: str
    act: Act


class VcApiSetup:
    """What the parts are made from, and what they share."""

    def __init__(
        self,
        *,
        base_url: str,
        profiles: Sequence[Profile],
        holder: Profile | None,
        kms: Kms,
        resolver: Resolver,
        contexts: Contexts,
        now: Callable[[], int],
        issuer_is_controller: bool = True,
        store: Path | None = None,
        inline_contexts: bool = False,
    ) -> None:
        """``base_url`` is the https URL under which all this is reached, without a slash at its end.

        ``store`` is a folder for the stores of status indexes, one for each profile; None keeps them in memory, where
        they end with the server: for tests.
        """
        self.base_url: Final = base_url
        self.profiles: Final = tuple(profiles)
        self.holder: Final = holder
        self.kms: Final = kms
        self.resolver: Final = resolver
        self.contexts: Final = contexts
        self.now: Final = now
        self.issuer_is_controller: Final = issuer_is_controller
        self.inline_contexts: Final = inline_contexts
        self.store: Final = store
        self._lists: dict[str, StatusListSource] = {}
        self._closing: list[Callable[[], Awaitable[None]]] = []

    def serve_lists(self, base: str, source: StatusListSource) -> None:
        """Let the other parts read the lists whose addresses begin with ``base`` from ``source``."""
        self._lists[base] = source

    def list_source(self, uri: str) -> StatusListSource | None:
        """Return where the list at ``uri`` may be had, None for nowhere."""
        return next((source for base, source in self._lists.items() if uri.startswith(base)), None)

    def closing(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have ``close`` called when the server ends."""
        self._closing.append(close)

    async def close(self) -> None:
        """Release what the parts opened."""
        while self._closing:
            await self._closing.pop()()


Part: TypeAlias = Callable[[VcApiSetup], Awaitable[Sequence[Route]]]


def find_parts() -> Mapping[str, Part]:
    """Return the parts that are installed, by the names of their entry points."""
    from importlib.metadata import entry_points

    return {entry_point.name: entry_point.load() for entry_point in entry_points(group=ENTRY_POINTS)}


async def create_app(setup: VcApiSetup, parts: Mapping[str, Part], *, token: str | None) -> web.Application:
    """Return the application of all ``parts`` and the DID resolver. ``token`` None is for tests only.

    Raises InvalidInputError for a token that could be guessed.
    """
    from aiohttp import web

    if token is not None and len(token) < MIN_TOKEN_CHARACTERS:
        raise InvalidInputError(f"expected a bearer token of at least {MIN_TOKEN_CHARACTERS} characters")
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[] if token is None else [_guard(token)])
    for name in sorted(parts):
        for route in await parts[name](setup):
            app.router.add_route(route.method, route.path, handler(route.act))
    add_routes(app, setup.resolver)

    async def close(_: web.Application) -> None:
        await setup.close()

    app.on_cleanup.append(close)
    return app


def _guard(token: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    from aiohttp import web

    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        if not request.path.startswith(OPEN_PATHS):
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not compare_digest(given, expected):
                return web.json_response({"title": "UNAUTHORIZED"}, status=401, headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return guard

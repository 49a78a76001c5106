"""VC-API, the verifier's part: ``credentials/verify`` and ``presentations/verify``.

Source:  W3C CCG Verifiable Credentials API v0.7, "Verifying".
Shapes:  a document that holds answers 200, any other 400 with problem details.
I/O:     the resolver, and the status lists that other parts of the program serve.
Errors:  problem details with status 400, 404 or 503.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ssi.errors import SsiError
from ssi.http.adapter import Act
from ssi.http.vc_api import Route, VcApiSetup
from ssi.protocols.http import HttpRequest, HttpResponse
from ssi.protocols.vc_api import VerifyRequest, build_refused, build_verified, parse_verify

from ..documents import Checked, DocumentVerifier


async def routes(setup: VcApiSetup) -> list[Route]:
    """Return the two routes."""
    verifier = DocumentVerifier(
        resolver=setup.resolver,
        contexts=setup.contexts,
        now=setup.now,
        lists=lambda reference: setup.list_source(reference.uri),
        issuer_is_controller=setup.issuer_is_controller,
        inline_contexts=setup.inline_contexts,
    )
    return [
        Route("POST", "/credentials/verify", _verify(verifier.credential, "verifiableCredential")),
        Route("POST", "/presentations/verify", _verify(verifier.presentation, "verifiablePresentation")),
    ]


def _verify(check: Callable[[VerifyRequest], Awaitable[Checked]], member: str) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        try:
            checked = await check(parse_verify(request.json_object(), member))
        except SsiError as exc:
            return build_refused(exc)
        return build_verified(checked.checks, [{"title": warning} for warning in checked.warnings])

    return act

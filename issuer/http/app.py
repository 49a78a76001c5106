"""The agency's public pages for machines: its status lists with their receipts, and its DID log.

Source:  draft-ietf-oauth-status-list-20, section 8 (serving lists); did:webvh 1.0, "The DID to HTTPS Transformation".
Shapes:  ``GET status/<family>[/<purpose>]`` is the signed list, the same with ``.receipt`` its receipt, and
         ``GET .well-known/did.jsonl`` the log of the agency's DID. Nothing here takes input but a path.
I/O:     the issuer's store.
Errors:  404 for a path that is none, 503 with ``Retry-After`` while the store does not answer.

``create_app`` returns an application of its own, so that an agency mounts it under a path of its service.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from ssi.errors import NotFoundError, UnavailableError
from ssi.registry.organisation import Organisation

from ..issuer import Issuer

if TYPE_CHECKING:
    from aiohttp import web

RECEIPT_SUFFIX: Final = ".receipt"
LOG_MEDIA_TYPE: Final = "text/jsonl"
RETRY_AFTER_SECONDS: Final = 5


class Answer(msgspec.Struct, frozen=True):
    """A response as a value, whatever framework sends it."""

    status: int
    media_type: str
    body: bytes
    headers: dict[str, str] = {}


async def status_list(issuer: Issuer, path: str) -> Answer:
    """Answer for the list at ``status_base/path``, or for its receipt if ``path`` ends in ``.receipt``."""
    try:
        published = await issuer.status_list(f"{issuer.status_base}/{path.removesuffix(RECEIPT_SUFFIX)}")
    except NotFoundError:
        return Answer(404, "text/plain", b"no such status list\n")
    except UnavailableError:
        return Answer(503, "text/plain", b"try again\n", {"Retry-After": str(RETRY_AFTER_SECONDS)})
    if not path.endswith(RECEIPT_SUFFIX):
        return _cached(published.media_type, published.body, issuer.list_ttl_seconds)
    if published.receipt is None:
        return Answer(404, "text/plain", b"not anchored yet\n", {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return _cached("application/json", published.receipt, issuer.list_ttl_seconds)


async def did_log(issuer: Issuer) -> Answer:
    """Answer with the log of the agency's DID, if it has one."""
    if not isinstance(issuer.identity, Organisation):
        return Answer(404, "text/plain", b"no log\n")
    return _cached(LOG_MEDIA_TYPE, issuer.identity.log, issuer.list_ttl_seconds)


def create_app(issuer: Issuer) -> web.Application:
    """Return the application of ``issuer``."""
    from aiohttp import web

    def respond(answer: Answer) -> web.Response:
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.media_type, headers=answer.headers
        )

    async def get_list(request: web.Request) -> web.Response:
        return respond(await status_list(issuer, request.match_info["path"]))

    async def get_log(request: web.Request) -> web.Response:
        return respond(await did_log(issuer))

    app = web.Application(client_max_size=0)
    app.router.add_get("/status/{path:[0-9a-z/.]{1,64}}", get_list)
    app.router.add_get("/.well-known/did.jsonl", get_log)
    app.router.add_get("/did.jsonl", get_log)
    return app


def _cached(media_type: str, body: bytes, seconds: int) -> Answer:
    headers = {"Cache-Control": f"public, max-age={seconds}", "ETag": f'"{sha256(body).hexdigest()[:32]}"'}
    return Answer(200, media_type, body, {**headers, "Access-Control-Allow-Origin": "*"})

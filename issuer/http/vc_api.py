"""VC-API, the issuer's part: ``credentials/issue`` and ``credentials/status`` for each profile, and the status lists.

Source:  W3C CCG Verifiable Credentials API v0.7, "Issuing".
Shapes:  ``POST /issuers/PROFILE/credentials/issue`` answers 201; ``GET /status/…`` a status list credential.
I/O:     key store and store of status indexes, in the program's own memory unless the setup names a folder.
Errors:  problem details with status 400, 404, 409 or 503.
"""

from __future__ import annotations

from typing import Final

from ssi.errors import NotFoundError, SsiError
from ssi.http.adapter import Act
from ssi.http.vc_api import Route, VcApiSetup
from ssi.keys import KeyPurpose
from ssi.ports import PublishedList
from ssi.proofs.suites import is_selective
from ssi.protocols.http import HttpRequest, HttpResponse, parse_accept
from ssi.protocols.vc_api import Profile, build_error, build_issued, parse_issue, parse_status
from ssi.status.bitstring import EMBEDDED_MEDIA_TYPE

from ..identity import OutsideIdentity
from ..profiles import ProfileIssuer, StatusDesk
from ..publishing import Publisher, StatusSettings
from ..stores.sqlite import SqliteIssuerStore

LISTS: Final = "/status/"


async def routes(setup: VcApiSetup) -> list[Route]:
    """Return the routes of every profile of ``setup``."""
    found: list[Route] = []
    desks: dict[str, StatusDesk] = {}
    for profile in setup.profiles:
        desk = await _desk(profile, setup) if profile.list_label is not None else None
        issuer = ProfileIssuer(profile, kms=setup.kms, contexts=setup.contexts, now=setup.now, desk=desk)
        base = f"/issuers/{profile.name}/credentials"
        found.append(Route("POST", f"{base}/issue", _issue(issuer)))
        if desk is not None:
            desks[f"{setup.base_url}{LISTS}{profile.name}/"] = desk
            found.append(Route("POST", f"{base}/status", _status(desk)))
    if desks:
        found.append(Route("GET", f"{LISTS}{{path:.+}}", _lists(desks, setup.base_url)))
        for base, desk in desks.items():
            setup.serve_lists(base, _Source(desk))
    return found


class _Source:
    """The lists of a desk, as a verifier in the same program reads them."""

    def __init__(self, desk: StatusDesk) -> None:
        self._desk = desk

    async def status_list(self, uri: str) -> PublishedList:
        """As ``StatusListSource.status_list``."""
        media_type, body = await self._desk.list_at(uri)
        return PublishedList(uri, body, media_type, None)


async def _desk(profile: Profile, setup: VcApiSetup) -> StatusDesk:
    label, method = profile.list_label or profile.label, profile.list_method or profile.method
    identity = await OutsideIdentity.open(
        profile.did,
        kms=setup.kms,
        keys={KeyPurpose.CREDENTIAL: (profile.label, profile.method), KeyPurpose.LIST: (label, method)},
        resolver=setup.resolver,
    )
    selective = profile.cryptosuite is not None and is_selective(profile.cryptosuite)
    settings = StatusSettings(embedded_proof=True, cryptosuite=None if selective else profile.cryptosuite)
    store = await SqliteIssuerStore.open(":memory:" if setup.store is None else str(setup.store / f"{profile.name}.db"))
    setup.closing(store.close)
    publisher = Publisher(identity, store=store, registry=None, settings=settings, now=setup.now)
    base = f"{setup.base_url}{LISTS}{profile.name}"
    return StatusDesk(store=store, publisher=publisher, base=base, entries=settings.entries, now=setup.now)


def _issue(issuer: ProfileIssuer) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        try:
            return build_issued(await issuer.issue(parse_issue(request.json_object())))
        except SsiError as exc:
            return build_error(exc)

    return act


def _status(desk: StatusDesk) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        try:
            await desk.change(parse_status(request.json_object()))
        except SsiError as exc:
            return build_error(exc)
        return HttpResponse(200, b"{}")

    return act


def _lists(desks: dict[str, StatusDesk], base_url: str) -> Act:
    async def act(request: HttpRequest) -> HttpResponse:
        uri = f"{base_url}{request.path}"
        desk = next((desk for base, desk in desks.items() if uri.startswith(base)), None)
        if desk is None:
            return build_error(NotFoundError("no such status list"))
        try:
            media_type, body = await desk.list_at(uri)
        except SsiError as exc:
            return build_error(exc)
        return HttpResponse(200, body, _as_asked(request, media_type))

    return act


def _as_asked(request: HttpRequest, media_type: str) -> str:
    """Return the type to serve a list of ``media_type`` as: readers of JSON may know no more exact type."""
    asked = parse_accept(request.headers.get("accept", ""))
    if media_type == EMBEDDED_MEDIA_TYPE and media_type not in asked:
        return next((item for item in asked if item in ("application/ld+json", "application/json")), media_type)
    return media_type

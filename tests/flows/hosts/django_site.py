"""A Django service as an agency has one: synchronous views, loaded by a prefork server before it forks or after."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from ssi.blocking import blocking
from ssi.errors import ConflictError, InvalidInputError, NotFoundError
from tests.flows.hosts.office import open_office

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    DEBUG=False,
    DEBUG_PROPAGATE_EXCEPTIONS=True,  # The server logs them.
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
)

issuer = blocking(open_office)(Path(os.environ["OFFICE"]))
OPENED_BY = os.getpid()


def offer(request: HttpRequest, reference: str) -> HttpResponse:
    """Issue under a case number: the same case, the same credential."""
    claims = dict(request.POST.items())
    try:
        issued = issuer.issue("residence", claims, reference=reference)
    except ConflictError as exc:
        return _answer({"error": str(exc)}, status=409)
    except InvalidInputError as exc:
        return _answer({"error": str(exc)}, status=400)
    return _answer({"credential": issued.credential, "id": issued.id})


def revoke(request: HttpRequest, reference: str) -> HttpResponse:
    """Revoke by case number."""
    try:
        change = issuer.revoke(reference=reference, reason=request.POST["reason"], by="registry office")
    except NotFoundError as exc:
        return _answer({"error": str(exc)}, status=404)
    return _answer({"references": list(change.references), "anchored": change.anchored})


def state(request: HttpRequest, reference: str) -> HttpResponse:
    """Tell what became of a case."""
    return _answer({"state": issuer.state(reference).name, "acts": [act.act for act in issuer.acts(reference)]})


def ready(request: HttpRequest) -> HttpResponse:
    """Tell which worker answers; it has opened the office when it does."""
    return _answer({"did": issuer.did})


def _answer(body: dict[str, object], *, status: int = 200) -> JsonResponse:
    return JsonResponse({**body, "worker": os.getpid(), "loaded_by": OPENED_BY}, status=status)


urlpatterns = [
    path("ready", ready),
    path("cases/<str:reference>/offer", offer),
    path("cases/<str:reference>/revoke", revoke),
    path("cases/<str:reference>/state", state),
]
application = get_wsgi_application()

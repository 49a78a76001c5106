"""The services that every did:webvh DID has without saying so: its files and its whois.

Source:  did:webvh 1.0, "DID URL Resolution", "DID URL Path Resolution", "WHOIS Resolution".
Shapes:  ``#files`` of type ``relativeRef`` and ``#whois`` of type ``LinkedVerifiablePresentation``, at the place that
         the DID in the document names: after a move, the new one.
I/O:     none.
Errors:  none for the document of a verified log.
"""

from __future__ import annotations

from typing import Final

from ssi.did.document import DidDocument, Service
from ssi.did.webvh.url import parse_webvh_did

FILES: Final = "#files"
WHOIS: Final = "#whois"
WHOIS_PATH: Final = "/whois"

_LINKED_VP_CONTEXT: Final = "https://identity.foundation/linked-vp/contexts/v1"


def webvh_services(document: DidDocument) -> tuple[Service, ...]:
    """Return the services of the document, and of the two implicit ones those that it does not define itself."""
    place = parse_webvh_did(document.id)
    implicit = (
        ({"id": f"{document.id}{FILES}", "type": "relativeRef", "serviceEndpoint": f"{place.base_url}/"}),
        (
            {
                "@context": _LINKED_VP_CONTEXT,
                "id": f"{document.id}{WHOIS}",
                "type": "LinkedVerifiablePresentation",
                "serviceEndpoint": place.whois_url,
            }
        ),
    )
    added = tuple(
        Service(raw["id"], (raw["type"],), raw["serviceEndpoint"], dict(raw))
        for raw in implicit
        if document.service(str(raw["id"])) is None
    )
    return (*document.services, *added)

"""The did:web document that is published beside a did:webvh log, for those who read did:web only.

Source:  did:webvh 1.0, "Publishing a Parallel did:web DID".
Input:   the document of a verified version.
Shapes:  what comes back lies beside the log as ``did.json``. It has none of the log's security: nobody can tell from it
         whether it is the newest, or the controller's at all.
I/O:     none.
Errors:  InvalidDidError (a document of another method).
"""

from __future__ import annotations

from typing import Any

from ssi.did.document import DidDocument
from ssi.did.webvh.services import webvh_services
from ssi.did.webvh.url import parse_webvh_did
from ssi.types import JsonObject


def build_parallel_did_web(document: DidDocument) -> JsonObject:
    """Return the did:web document that goes with the did:webvh ``document``."""
    did = document.id
    prefix = f"did:webvh:{parse_webvh_did(did).scid}:"
    services = [service.raw for service in webvh_services(document)]
    parallel: JsonObject = _replaced({**document.raw, "service": services}, prefix)
    known_as = parallel.get("alsoKnownAs", [])
    names = dict.fromkeys([*(known_as if isinstance(known_as, list) else []), did])
    parallel["alsoKnownAs"] = [name for name in names if name != parallel["id"]]
    return parallel


def _replaced(value: Any, prefix: str) -> Any:
    """Return ``value`` with ``did:web:`` wherever ``prefix`` stands in its text (step 3)."""
    if isinstance(value, str):
        return value.replace(prefix, "did:web:")
    if isinstance(value, list):
        return [_replaced(item, prefix) for item in value]
    if isinstance(value, dict):
        return {_replaced(name, prefix): _replaced(item, prefix) for name, item in value.items()}
    return value

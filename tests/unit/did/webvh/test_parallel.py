"""The did:web document beside a log."""

from __future__ import annotations

import json

import pytest

from ssi.did.document import parse_document
from ssi.did.methods.web import DidWeb, did_web_url
from ssi.did.webvh import resolve_log
from ssi.did.webvh.parallel import build_parallel_did_web
from ssi.errors import InvalidDidError
from tests.unit.did.test_methods import Server
from tests.unit.did.webvh.author import NOW, Author, key
from tests.unit.did.webvh.test_moved import SIGNER, moved, publish


async def test_the_document_resolves_as_did_web_with_the_same_keys() -> None:
    author = Author().first(key(1), change=publish)
    document = resolve_log(author.log, did=author.did, now=NOW).document
    raw = build_parallel_did_web(document)
    did = "did:web:agency.example"
    assert (raw["id"], raw["alsoKnownAs"]) == (did, [author.did])
    assert [service["id"] for service in raw["service"]] == [f"{did}#files", f"{did}#whois"]
    assert raw["service"][1]["serviceEndpoint"] == "https://agency.example/whois.vp"
    server = Server({did_web_url(did): json.dumps(raw).encode()})
    resolved = (await DidWeb(server).resolve(did)).document
    assert resolved.keys("assertionMethod") == {f"{did}#key-1": SIGNER.public_key}
    # The log's own document is left as it was.
    assert document.raw == author.entries[0]["state"]


def test_names_come_once_and_none_is_its_own() -> None:
    author, old, new = moved()
    state = author.entries[1]["state"]
    state["alsoKnownAs"] = [old, "did:web:new.example:org", "https://agency.example", new, old]
    raw = build_parallel_did_web(parse_document(state, did=new))
    assert raw["id"] == "did:web:new.example:org"
    assert raw["alsoKnownAs"] == ["did:web:agency.example", "https://agency.example", new]


def test_services_that_are_there_stay() -> None:
    service = {"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://files.example"}
    author = Author().first(key(1), change=lambda entry: entry["state"].update(service=[service]))
    raw = build_parallel_did_web(parse_document(author.entries[0]["state"], did=author.did))
    assert raw["service"][0] == service
    assert len(raw["service"]) == 2
    with pytest.raises(InvalidDidError):
        build_parallel_did_web(parse_document({"id": "did:example:a"}, did="did:example:a"))

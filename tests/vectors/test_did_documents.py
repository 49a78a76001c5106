"""DID documents of some forty methods, as their implementers published them for the W3C DID test suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ssi.did.document import RELATIONSHIPS, parse_document
from ssi.did.methods.key import DidKey
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, VerificationError
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "did/did-test-suite"
INNER = "packages/did-core-test-server/suites/implementations"
count = VectorCount(FOLDER)

# DID Core 5.2: two methods of one id, an id that is no DID URL; 5.1.1: the id of another DID.
REFUSED = {
    ("did-3-2021-3box-labs.json", "two verification methods have the same id"): 1,
    ("did-kilt-2021.json", "the document's id is not"): 2,
    ("did-web-mattr.json", "expected a DID URL"): 1,
}


def documents() -> list[tuple[str, str, dict[str, Any]]]:
    found: list[tuple[str, str, dict[str, Any]]] = []
    for path in sorted((vectors_dir(FOLDER) / INNER).glob("did-*.json")):
        suite = load_json(FOLDER, f"{INNER}/{path.name}")
        found += [(path.name, did, suite[did]["didDocumentDataModel"]["properties"]) for did in suite.get("dids", [])]
    return found


async def test_the_documents_are_read_and_give_their_keys() -> None:
    keys = 0
    refused: Counter[tuple[str, str]] = Counter()
    for name, did, raw in documents():
        try:
            document = parse_document(raw, did=did)
        except InvalidInputError as exc:
            refused.update(key for key in REFUSED if key[0] == name and str(exc).startswith(key[1]))
            continue
        for relationship in RELATIONSHIPS:
            given = document.keys(relationship)
            keys += len(given)
            for method_id in {method.id for method in document.verification_methods} - set(given):
                with pytest.raises(VerificationError):
                    document.key(method_id, relationship)
        assert document.raw is raw
        count.ran()
    assert keys > 90
    assert refused == REFUSED
    count.ran(refused.total())


async def test_did_keys_of_others_give_the_keys_that_we_compute() -> None:
    compared = 0
    for _, did, raw in documents():
        if not did.startswith(("did:key:z6Mk", "did:key:zDn", "did:key:z82", "did:key:zQ3")):
            continue
        theirs = list(parse_document(raw, did=did).keys("assertionMethod").values())
        if theirs:
            ours = (await DidKey().resolve(did)).document.keys("assertionMethod")
            assert list(ours.values()) == theirs
            compared += 1
    assert compared >= 2


REPRESENTATIONS = ("application/did+json", "application/did+ld+json", "application/did")


# Documents of before DID Core 1.0 (methods without id, type or with other controllers), of another DID than the one
# asked for, or with two methods of one id.
REFUSED_TEXTS = {
    "two verification methods have the same id": 8,
    "a verification method has the string id": 10,
    "a verification method has the string type": 1,
    "a verification method's controller is a string": 7,
    "a service's type is a string or an array of strings": 1,
    "the document's id is not it": 5,
    "expected a DID URL: did:method:identifier, path, ?query, #fragment": 3,
}


def representations() -> Iterator[tuple[str, str, str]]:
    """Every document that the suite has as text: of each method, and in the results of resolvers."""
    for path in sorted((vectors_dir(FOLDER) / INNER).glob("*.json")):
        suite = load_json(FOLDER, f"{INNER}/{path.name}")
        for did in suite.get("dids", []):
            for media_type in REPRESENTATIONS:
                text = suite.get(did, {}).get(media_type, {}).get("representation")
                if text:
                    yield path.name, did, text
        for execution in suite.get("executions", []):
            output, given = execution["output"], execution["input"]
            text = output.get("didDocumentStream") or output.get("contentStream")
            did = given.get("did") or given.get("didUrl", "")
            if text and text.startswith("{") and not any(sign in did for sign in "#?/"):
                yield path.name, did, text


def test_documents_as_text_are_read_and_written_again() -> None:
    refused: Counter[str] = Counter()
    for _, did, text in representations():
        try:
            raw = parse_object(text)
            document = parse_document(raw, did=did)
        except InvalidInputError as exc:
            refused[str(exc).replace(did, "it")] += 1
            continue
        again = parse_document(parse_object(document.to_json()), did=did)
        assert again == document
        assert again.to_json() == document.to_json()
        assert [method.id for method in again.verification_methods] == [m.id for m in document.verification_methods]
        count.ran()
    assert refused == REFUSED_TEXTS
    count.ran(refused.total())

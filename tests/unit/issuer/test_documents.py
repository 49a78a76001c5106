"""Two DID documents of one DID: what is the same in meaning, and what an operator has to look at."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from issuer.documents import compare_documents
from ssi.did.document import DidDocument, parse_document
from ssi.errors import VerificationError
from ssi.keys import Curve, PrivateKey
from ssi.types import JsonObject

DID = "did:web:town.example"
KEY, OTHER = (PrivateKey.generate(Curve.P256).public_key for _ in range(2))


def raw() -> JsonObject:
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": DID,
        "controller": DID,
        "alsoKnownAs": ["https://town.example"],
        "verificationMethod": [
            {"id": f"{DID}#key-1", "type": "JsonWebKey2020", "controller": DID, "publicKeyJwk": KEY.to_jwk()},
            {
                "id": f"{DID}#agree",
                "type": "X25519KeyAgreementKey2020",
                "controller": DID,
                "publicKeyMultibase": "z6LS",
            },
        ],
        "assertionMethod": [f"{DID}#key-1"],
        "keyAgreement": [f"{DID}#agree"],
        "service": [{"id": f"{DID}#desk", "type": "Desk", "serviceEndpoint": "https://town.example/desk"}],
    }


def parsed(document: JsonObject, did: str = DID) -> DidDocument:
    return parse_document(copy.deepcopy(document), did=did)


def differ(document: JsonObject) -> list[str]:
    return [each.name.removeprefix(f"{DID} ") for each in compare_documents(parsed(raw()), parsed(document))]


def test_another_way_of_writing_is_the_same_meaning() -> None:
    other = raw()
    other["@context"] = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]
    other["controller"] = [DID]
    multikey = {"id": "#key-1", "type": "Multikey", "controller": DID, "publicKeyMultibase": KEY.to_multikey()}
    other["verificationMethod"] = [other["verificationMethod"][1], multikey]
    other["assertionMethod"] = ["#key-1"]
    assert differ(other) == []
    assert differ(dict(reversed(raw().items()))) == []


def change(path: tuple[Any, ...], value: Any) -> JsonObject:
    document = raw()
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (
            change(("verificationMethod", 0, "publicKeyJwk"), OTHER.to_jwk()),
            [f"verificationMethod {DID}#key-1"],
        ),
        (change(("verificationMethod", 1, "publicKeyMultibase"), "z6LT"), [f"verificationMethod {DID}#agree"]),
        (change(("authentication",), [f"{DID}#key-1"]), [f"authentication {DID}#key-1"]),
        (change(("assertionMethod",), []), [f"assertionMethod {DID}#key-1"]),
        (change(("service", 0, "serviceEndpoint"), "https://thief.example"), [f"service {DID}#desk"]),
        (change(("alsoKnownAs",), []), ["alsoKnownAs https://town.example"]),
        (change(("controller",), []), [f"controller {DID}"]),
    ],
)
def test_every_statement_that_differs_is_named(document: JsonObject, names: list[str]) -> None:
    assert differ(document) == names


def test_documents_of_two_dids_are_not_compared() -> None:
    other = {"id": "did:web:other.example"}
    with pytest.raises(VerificationError):
        compare_documents(parsed(raw()), parsed(other, "did:web:other.example"))

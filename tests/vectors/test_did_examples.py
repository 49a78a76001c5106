"""Published examples that travel with the repository, so that a fresh clone is never without vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.did.dereference import resolve_reference
from ssi.did.document import parse_controlled_document
from ssi.did.methods.ebsi import did_ebsi, ebsi_identifier
from ssi.did.methods.key import did_key_of_jwk
from ssi.did.methods.peer4 import did_peer_4
from ssi.did.methods.web import did_web_url
from ssi.did.resolver import default_resolver
from ssi.keys import PublicKey

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "did_examples.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "document", [item for name in ("did:key", "did:jwk", "did:peer") for item in EXAMPLES[name]["documents"]]
)
async def test_a_published_document_is_computed_from_its_did(document: dict[str, Any]) -> None:
    assert (await default_resolver().resolve(document["id"])).document.raw == document


@pytest.mark.parametrize(("did", "url"), EXAMPLES["did:web"]["urls"].items())
def test_a_published_did_web_lies_at_its_url(did: str, url: str) -> None:
    assert did_web_url(did) == url


def test_a_published_input_document_makes_its_did_peer() -> None:
    assert did_peer_4(EXAMPLES["did:peer"]["input"]) == EXAMPLES["did:peer"]["long"]


def test_published_dids_of_ebsi() -> None:
    person = EXAMPLES["did:key jwk_jcs-pub"]
    assert did_key_of_jwk(PublicKey.from_jwk(person["jwk"])) == person["did"]
    for did in EXAMPLES["did:ebsi"]["dids"]:
        assert did_ebsi(ebsi_identifier(did)) == did


def test_a_published_controlled_identifier_document() -> None:
    raw = EXAMPLES["cid"]["document"]
    document = parse_controlled_document(raw, identifier=raw["id"])
    assert list(document.keys("authentication")) == raw["authentication"]


def test_a_published_reference_below_its_endpoint() -> None:
    example = EXAMPLES["dereference"]
    assert resolve_reference(example["endpoint"], example["relativeRef"]) == example["url"]

"""Published examples that travel with the repository, so that a fresh clone is never without vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.did.methods.web import did_web_url
from ssi.did.resolver import default_resolver

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "did_examples.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", EXAMPLES["did:key"]["documents"] + EXAMPLES["did:jwk"]["documents"])
async def test_a_published_document_is_computed_from_its_did(document: dict[str, Any]) -> None:
    assert (await default_resolver().resolve(document["id"])).document.raw == document


@pytest.mark.parametrize(("did", "url"), EXAMPLES["did:web"]["urls"].items())
def test_a_published_did_web_lies_at_its_url(did: str, url: str) -> None:
    assert did_web_url(did) == url

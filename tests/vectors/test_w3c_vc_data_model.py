"""W3C VCDM 2.0: the test suite's inputs, the JSON Schemas' instances and the examples of the specification."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.presentation import (
    ENVELOPED_CREDENTIAL,
    ENVELOPED_PRESENTATION,
    parse_envelope,
    parse_presentation,
)
from ssi.credentials.vcdm import check_credential, parse_credential
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from tests.vectors.support import VectorCount, vectors_dir

SUITE = "w3c/test-suites/vc-data-model-2.0"
MODEL = "w3c/vc-data-model"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
CONTEXTS = {EXAMPLES, "https://w3id.org/security/suites/ed25519-2020/v1"}
ISSUER = "did:example:issuer"
PROOF = {"type": "DataIntegrityProof", "proofValue": "z"}

suite = VectorCount(SUITE)
model = VectorCount(MODEL)


def prepared(path: Path) -> dict[str, Any]:
    """The input as the suite sends it: its harness writes issuer, dates, and proofs of the presented credentials."""
    text = path.read_text(encoding="utf-8").replace("PAST DATE", "2020-01-01T00:00:00Z")
    document: dict[str, Any] = json.loads(text.replace("FUTURE DATE", "2030-01-01T00:00:00Z"))
    if path.name.startswith("presentation"):
        members = document.get("verifiableCredential", [])
        if "self-asserted" not in path.name and "enveloped" not in path.name:
            document |= {"verifiableCredential": [{**m, "proof": PROOF} if isinstance(m, dict) else m for m in members]}
            if not members:
                del document["verifiableCredential"]
    elif path.name == "credential-no-issuer-fail.json":
        pass
    elif isinstance(document.get("issuer"), dict):
        document["issuer"].setdefault("id", ISSUER)
    else:
        document.setdefault("issuer", ISSUER)
    return document


def test_the_inputs_of_the_suite_are_accepted_and_refused_as_named() -> None:
    files = sorted(vectors_dir(f"{SUITE}/input").rglob("*.json"))
    assert len(files) > 100
    for path in files:
        document = prepared(path)
        with nullcontext() if path.stem.endswith("-ok") else pytest.raises(InvalidInputError):
            if path.name.startswith("presentation"):
                parse_presentation(document, contexts=CONTEXTS, inline_contexts=True)
            else:
                check_credential(document, contexts=CONTEXTS, inline_contexts=True)
        suite.ran()


def test_the_instances_of_the_json_schemas_are_read() -> None:
    for path in sorted(vectors_dir(f"{MODEL}/schema").rglob("example-*.json")):
        document = parse_object(path.read_bytes())
        if "presentation" in path.parent.name:
            parse_presentation(document, contexts={EXAMPLES})
        else:
            parse_credential(document, contexts={EXAMPLES})
        model.ran()


@pytest.mark.parametrize("name", ["rec-2.0-2025-05-15-examples.json", "fpwd-2.1-2026-04-09-examples.json"])
def test_the_examples_of_the_specification_are_read(name: str) -> None:
    for block in json.loads((vectors_dir(MODEL) / name).read_text(encoding="utf-8"))["blocks"]:
        try:
            document = parse_object(block["text"])
        except InvalidInputError:
            model.left_out("a fragment, or text with comments and ellipses: no JSON document")
            continue
        types = document.get("type", ())
        contexts = {EXAMPLES, *(c for c in document.get("@context", ()) if isinstance(c, str) and c.startswith("http"))}
        if types == ENVELOPED_PRESENTATION:
            parse_envelope(document, contexts=contexts, kind=ENVELOPED_PRESENTATION)
        elif "VerifiablePresentation" in types:
            parse_presentation(document, contexts=contexts)
        elif types == ENVELOPED_CREDENTIAL:
            parse_envelope(document, contexts=contexts)
        elif "VerifiableCredential" in types and "issuer" in document:
            parse_credential(document, contexts=contexts, inline_contexts=True)
        else:
            model.left_out("neither a credential nor a presentation (headers, contexts, templates without issuer)")
            continue
        model.ran()

"""The toRdf tests of the JSON-LD API, identical or refused by construct; and every valid document of the W3C vectors.

Source:  w3c/json-ld-api tests/toRdf (manifest); the vectors of VCDM 2.0, Data Integrity and JSON Schema for VCs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.jsonld import BUNDLED, Contexts, PinnedContext, to_quads
from ssi.encoding.rdf import parse_nquads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError, JsonLdError, UnsupportedJsonLdError
from tests import needs
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "json-ld/json-ld-api-tests"
count = VectorCount(FOLDER)
w3c = VectorCount("w3c")

# The documents of w3c that are no valid JSON-LD documents in safe mode, though their file names do not say "fail".
NOT_VALID = {
    "test-suites/vc-jose-cose/input/presentation-multiple.json": "an identifier ends with a line feed",
    "vc-data-model/rec-2.0-2025-05-15-examples.json#93": "image is in none of its contexts",
    "vc-data-model/fpwd-2.1-2026-04-09-examples.json#93": "image is in none of its contexts",
    "vc-json-schema/ed-examples.json#17": "an identifier is no URL",
    "vc-jose-cose/pr-2025-03-20-examples.json#12": "there is a space in an identifier",
    "vc-jose-cose/pr-2025-03-20-examples.json#20": "there is a space in an identifier",
    "vc-jose-cose/pr-2025-03-20-examples.json#21": "there is a space in an identifier",
    "vc-jose-cose/pr-2025-03-20-examples.json#32": "no credential: a document with identifiers relative to it",
} | {
    f"test-suites/vc-json-schema/input/jsonschemacredential/{draft}/{number}-schema.json": "its identifier is no URL"
    for draft in ("Draft-7", "2019-09", "2020-12")
    for number in (2, 4, 5, 6)
}


def pinned(raw: bytes) -> PinnedContext:
    return PinnedContext(raw, sha256(raw).hexdigest())


def suite_contexts(manifest: dict[str, Any]) -> Contexts:
    """Pin every context document of the suite under the URL that it would have."""
    pins: dict[str, PinnedContext] = {}
    for path in sorted((vectors_dir(FOLDER) / "toRdf").glob("*.jsonld")):
        pin = pinned(path.read_bytes())
        try:
            Contexts({"x": pin})
        except InvalidInputError:
            continue
        pins[f"{manifest['baseIri']}toRdf/{path.name}"] = pin
    return Contexts(pins)


def test_to_rdf() -> None:
    manifest = load_json(FOLDER, "toRdf-manifest.jsonld")
    contexts = suite_contexts(manifest)
    same = 0
    for case in manifest["sequence"]:
        option = case.get("option", {})
        if "json-ld-1.0" in (option.get("specVersion"), option.get("processingMode")):
            count.left_out("JSON-LD 1.0")
        elif option.keys() & {"produceGeneralizedRdf", "rdfDirection", "expandContext"}:
            count.left_out("an option that safe mode has not")
        elif "jld:NegativeEvaluationTest" in case["@type"]:
            with pytest.raises(JsonLdError) as caught:
                to_quads(document_of(case), contexts=contexts)
            # Where both name a reason it is the same one; ours may stop earlier, at what it does not process at all.
            if caught.value.code not in ("unsupported", "context not allowed", "malformed IRI", "invalid document"):
                assert caught.value.code == case["expectErrorCode"], case["@id"]
            count.ran()
        else:
            try:
                quads = to_quads(document_of(case), contexts=contexts)
            except UnsupportedJsonLdError as exc:
                count.left_out(f"refused: {exc.construct}")
                continue
            except JsonLdError as exc:
                count.left_out(f"refused in safe mode: {exc.code}")
                continue
            if "expect" in case:
                expected = parse_nquads((vectors_dir(FOLDER) / case["expect"]).read_text(encoding="utf-8"))
                assert canonicalize(quads).lines == canonicalize(expected).lines, case["@id"]
            same += 1
            count.ran()
    assert same == 191


def document_of(case: dict[str, Any]) -> Any:
    """Return the input of a case; an array of nodes is given as the default graph, which says the same."""
    value = load_json(FOLDER, case["input"])
    return {"@graph": value} if isinstance(value, list) else value


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    """All contexts of the vectors, and for the documents that name one nobody publishes, a vocabulary."""
    index = load_json("contexts", "index.json")
    pins = {url: pinned((vectors_dir("contexts") / entry["file"]).read_bytes()) for url, entry in index.items()}
    unpublished = pinned(b'{"@context": {"@vocab": "https://example.org/vocabulary#"}}')
    for url in (
        "https://extension.example/my-contexts/v1",
        "https://w3id.org/age/v1",
        "https://website.example/matrix/v1",
        "https://achievement.example/multilingual/v2",
    ):
        pins[url] = unpublished
    return BUNDLED.with_pinned(pins)


def w3c_documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the documents with a context in the files and in the examples of the texts, with a name for each."""
    root = vectors_dir("w3c")
    for path in sorted(root.rglob("*.json")):
        name = path.relative_to(root).as_posix()
        try:
            value = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(value, dict) and "blocks" in value:
            for block in value["blocks"]:
                try:
                    example = json.loads(block["text"])
                except ValueError:
                    continue
                if isinstance(example, dict) and "@context" in example:
                    yield f"{name}#{block['n']}", example
        elif isinstance(value, dict) and "@context" in value:
            yield name, value


def is_meant_to_fail(name: str) -> bool:
    return "fail" in Path(name).name.lower()


def test_no_valid_document_of_w3c_is_refused(contexts: Contexts) -> None:
    refused: dict[str, str] = {}
    for name, document in w3c_documents():
        if is_meant_to_fail(name):
            continue
        document.pop("proof", None)  # What is signed never holds the proof; its options are a document of their own.
        try:
            to_quads(document, contexts=contexts)
        except JsonLdError as exc:
            refused[name] = str(exc)
        else:
            w3c.ran()
    assert refused.keys() == NOT_VALID.keys(), refused
    for reason in NOT_VALID.values():
        w3c.left_out(f"not valid JSON-LD: {reason}")


def test_no_proof_options_of_w3c_are_refused(contexts: Contexts) -> None:
    seen = 0
    for name, document in w3c_documents():
        proofs = document.get("proof", [])
        for proof in proofs if isinstance(proofs, list) else [proofs]:
            rdfc = isinstance(proof, dict) and str(proof.get("cryptosuite", "")).split("-")[1:2] in (["rdfc"], ["sd"])
            if not rdfc or is_meant_to_fail(name):
                continue
            options = {member: value for member, value in proof.items() if member != "proofValue"}
            to_quads({"@context": document["@context"]} | options, contexts=contexts)
            seen += 1
            w3c.ran()
    assert seen >= 20


@pytest.mark.interop
def test_the_oracle_agrees_on_every_document_of_w3c(contexts: Contexts) -> None:
    needs.module("pyld")
    from tests.vectors.json_ld_oracle import oracle_quads, same_graph

    for name, document in w3c_documents():
        try:
            quads = to_quads(document, contexts=contexts)
        except JsonLdError:
            continue
        assert same_graph(quads, oracle_quads(document, contexts)), name

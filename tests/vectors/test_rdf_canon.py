"""The W3C tests of RDFC-1.0: canonical form, issued identifiers, SHA-384, and the graph that must be refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.rdf import format_nquads, parse_nquads
from ssi.encoding.rdfc import HashName, canonicalize
from ssi.errors import CanonicalizationError
from tests.vectors.support import VectorCount, load_json, vectors_dir, vectors_root

FOLDER = "w3c/rdf-canon"
count = VectorCount(FOLDER)

_TRANSCRIBED: Any = json.loads((Path(__file__).parent / "rdf_canon.json").read_text(encoding="utf-8"))
_HASHES: dict[str, HashName] = {"": "sha256", "SHA384": "sha384"}


def _manifest() -> list[dict[str, str]]:
    path = vectors_root() / FOLDER / "manifest.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = _manifest()


def _text(name: str) -> str:
    return (vectors_dir(FOLDER) / "rdfc10" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("case", _TRANSCRIBED["cases"], ids=lambda case: case["test"])
def test_the_transcribed_cases(case: dict[str, Any]) -> None:
    canonical = canonicalize(parse_nquads("\n".join(case["in"])), hash_name=case["hash"])
    assert canonical.text == "".join(f"{line}\n" for line in case["out"])
    if "map" in case:
        assert {old[2:]: new for old, new in canonical.labels.items()} == case["map"]


def test_the_manifest_is_read() -> None:
    vectors_dir(FOLDER)
    graph = {item["id"].rpartition("#")[2]: item["type"] for item in load_json(FOLDER, "manifest.jsonld")["entries"]}
    evaluated = {row["test"] for row in ROWS if row["rdfc10"] == "TRUE"}
    refused = {row["test"] for row in ROWS if row["rdfc10"] == "RDFC10NegativeEvalTest"}
    maps = {row["test"] for row in ROWS if row["rdfc10map"] == "TRUE"}
    assert (len(evaluated), len(maps), len(refused)) == (64, 21, 1)
    kinds = {"RDFC10EvalTest": evaluated, "RDFC10MapTest": maps, "RDFC10NegativeEvalTest": refused}
    for kind, tests in kinds.items():
        assert {name[: len("test000")] for name, is_ in graph.items() if is_ == f"rdfc:{kind}"} == tests


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["test"])
def test_published(row: dict[str, str]) -> None:
    name = row["test"]
    quads = parse_nquads(_text(f"{name}-in.nq"))
    hash_name = _HASHES[row["hashAlgorithm"]]
    if row["rdfc10"] == "RDFC10NegativeEvalTest":
        with pytest.raises(CanonicalizationError):
            canonicalize(quads, hash_name=hash_name)
        count.ran()
        return
    expected = _text(f"{name}-rdfc10.nq")
    canonical = canonicalize(quads, hash_name=hash_name)
    assert canonical.text == expected
    again = parse_nquads(expected)
    assert format_nquads(again) == expected
    assert canonicalize(again, hash_name=hash_name).text == expected
    count.ran()
    if row["rdfc10map"] == "TRUE":
        assert {old[2:]: new for old, new in canonical.labels.items()} == json.loads(_text(f"{name}-rdfc10map.json"))
        count.ran()

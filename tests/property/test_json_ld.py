"""Over random documents our quads are those of PyLD, or we refuse, and that seldom.

The documents come from seeds, so that a failure names the one that shows it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from ssi.encoding.jsonld import Contexts, label_blank_nodes, to_quads
from ssi.errors import JsonLdError

pytest.importorskip("pyld", reason="the oracle is PyLD, of the interop extra")

from tests.property.credential_documents import credential_document
from tests.property.json_ld_documents import Documents
from tests.vectors.json_ld_oracle import OracleCrashedError, oracle_quads, same_graph

Generator = Callable[[Random], dict[str, Any]]


def over_generated_contexts(rng: Random) -> dict[str, Any]:
    return Documents(rng).document()


GENERATORS = [pytest.param(over_generated_contexts, id="generated"), pytest.param(credential_document, id="bundled")]


def compare(generate: Generator, seeds: range) -> Counter[str]:
    """Hold each document against PyLD and count what became of it. A difference fails the test."""
    seen: Counter[str] = Counter()
    contexts = Contexts(bundled=True)
    for seed in seeds:
        document = generate(Random(seed))
        try:
            quads = to_quads(document, contexts=contexts)
        except JsonLdError as exc:
            seen[f"refused: {exc.code}"] += 1
            seen["refused"] += 1
            continue
        try:
            expected = oracle_quads(document, contexts)
        except OracleCrashedError:
            seen["the oracle crashed"] += 1
            continue
        assert same_graph(quads, expected), f"seed {seed}"
        seen["same"] += 1
    return seen


@pytest.mark.parametrize("generate", GENERATORS)
def test_quads_are_those_of_the_oracle(generate: Generator) -> None:
    seen = compare(generate, range(150))
    assert seen["same"] >= 130, seen


@pytest.mark.slow
@pytest.mark.parametrize("generate", GENERATORS)
def test_quads_are_those_of_the_oracle_over_ten_thousand_documents(generate: Generator) -> None:
    seen = compare(generate, range(1000, 6100))
    assert seen["refused"] <= 0.05 * 5100, seen
    assert seen["the oracle crashed"] <= 0.01 * 5100, seen
    assert seen["same"] >= 0.94 * 5100, seen


@pytest.mark.parametrize("generate", GENERATORS)
def test_labels_do_not_change_the_graph(generate: Generator) -> None:
    held = 0
    for seed in range(150):
        document = generate(Random(seed))
        contexts = Contexts(bundled=True)
        try:
            quads = to_quads(document, contexts=contexts)
        except JsonLdError:
            continue
        labelled = label_blank_nodes(document, contexts=contexts, prefix="u")
        assert same_graph(quads, to_quads(labelled, contexts=contexts)), f"seed {seed}"
        held += 1
    assert held >= 130


@pytest.mark.parametrize("generate", GENERATORS)
def test_equal_documents_give_equal_quads_whatever_was_compiled_before(generate: Generator) -> None:
    warm = Contexts(bundled=True)
    for seed in range(100):
        document = generate(Random(seed))
        try:
            quads = to_quads(document, contexts=warm)
        except JsonLdError as exc:
            with pytest.raises(JsonLdError, match=re.escape(str(exc))):
                to_quads(document, contexts=Contexts(bundled=True))
            continue
        assert to_quads(document, contexts=Contexts(bundled=True)) == quads
        assert to_quads(document, contexts=warm) == quads

"""Over random documents our quads are those of PyLD, or we refuse, and that seldom.

The documents come from seeds, so that a failure names the one that shows it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from ssi.encoding.jsonld import Contexts, label_blank_nodes, to_quads
from ssi.errors import JsonLdError
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


@pytest.mark.parametrize("seed", range(25))
def test_no_leaf_changes_without_changing_the_graph(seed: int) -> None:
    document = credential_document(Random(seed))
    quads = to_quads(document)
    leaves = list(leaves_of(document))
    assert len(leaves) >= 2
    for path in leaves:
        for value in changed(at(document, path)):
            try:
                found = to_quads(replaced(document, path, value))
            except JsonLdError:
                continue
            assert not same_graph(quads, found), (path, value)


Path = tuple[str | int, ...]


def leaves_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to each leaf that is data: contexts are pinned, a base direction is not part of a graph, and a
    blank node has no name that counts."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("@context", "@direction"):
                yield from leaves_of(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves_of(item, (*path, index))
    elif not (isinstance(value, str) and value.startswith("_:")):
        yield path


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Any) -> list[Any]:
    """Return other values: near ones, and some of other types."""
    near: list[Any]
    if isinstance(value, bool):
        near = [not value]
    elif isinstance(value, int | float):
        near = [value + 1, -value or 7, math.nextafter(value, math.inf)]
    elif isinstance(value, str):
        near = [value + "x", value[1:], value.swapcase() + " "]
    else:
        near = []
    # A native number or boolean, and a literal that spells it with its datatype, are one thing in a graph; text is not.
    return [other for other in [*near, None, [], {}, "other", ["other"], 4711] if other != value]


def replaced(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of ``value`` with ``new`` at ``path``."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = replaced(value[step], rest, new)
    return copy

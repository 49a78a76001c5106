"""RDFC-1.0: the form depends on the graph alone, tells graphs apart, and costs bounded work."""

from __future__ import annotations

from hashlib import sha256, sha384
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding import rdfc
from ssi.encoding.rdf import Quad, parse_nquads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import CanonicalizationError

P = "<urn:p>"
NODES = [f"_:n{number}" for number in range(4)]

_subjects = st.sampled_from([*NODES, "<urn:s>"])
_objects = st.sampled_from([*NODES, "<urn:o>", '"text"'])
_graphs = st.sampled_from(["", "", "", "<urn:g>", NODES[0], NODES[3]])
_predicates = st.sampled_from([P, "<urn:q>"])
_datasets = st.lists(st.tuples(_subjects, _predicates, _objects, _graphs), max_size=7)


def _relabelled(quads: list[Quad], labels: dict[str, str]) -> list[Quad]:
    label = labels.get
    return [(label(s, s), p, label(o, o), label(g, g)) for s, p, o, g in quads]


def _isomorphic(first: list[Quad], second: list[Quad]) -> bool:
    return any(
        set(_relabelled(first, dict(zip(NODES, order, strict=True)))) == set(second) for order in permutations(NODES)
    )


@given(_datasets, st.permutations(range(8)), st.randoms(use_true_random=False), st.sampled_from(["sha256", "sha384"]))
def test_order_labels_and_duplicates_do_not_matter(
    quads: list[Quad], names: list[int], random: object, hash_name: rdfc.HashName
) -> None:
    labels = {node: f"_:x{names[number]}" for number, node in enumerate(NODES)}
    other = _relabelled(quads, labels)
    other += other[:2]
    random.shuffle(other)  # type: ignore[attr-defined]
    first, second = canonicalize(quads, hash_name=hash_name), canonicalize(other, hash_name=hash_name)
    assert first.text == second.text
    assert first.hash() == second.hash()
    assert sorted(first.labels.values()) == sorted(second.labels.values())


@given(_datasets, _datasets)
def test_two_datasets_have_one_form_exactly_if_they_are_isomorphic(first: list[Quad], second: list[Quad]) -> None:
    assert (canonicalize(first).text == canonicalize(second).text) == _isomorphic(first, second)


@given(_datasets)
def test_the_labels_lead_from_the_input_to_the_form(quads: list[Quad]) -> None:
    canonical = canonicalize(quads)
    labels = {old: f"_:{new}" for old, new in canonical.labels.items()}
    assert set(parse_nquads(canonical.text)) == set(_relabelled(quads, labels))
    assert list(canonical.lines) == sorted(set(canonical.lines))
    assert set(canonical.labels.values()) == {f"c14n{number}" for number in range(len(labels))}
    assert canonicalize(parse_nquads(canonical.text)).text == canonical.text


def test_without_blank_nodes_the_form_is_the_sorted_set() -> None:
    quads: list[Quad] = [("<urn:b>", P, '"2"', ""), ("<urn:a>", P, '"1"', "<urn:g>"), ("<urn:b>", P, '"2"', "")]
    canonical = canonicalize(quads)
    assert canonical.lines == ('<urn:a> <urn:p> "1" <urn:g> .\n', '<urn:b> <urn:p> "2" .\n')
    assert canonical.labels == {}
    assert canonical.hash() == sha256(canonical.text.encode()).digest()
    assert canonicalize(quads, hash_name="sha384").hash() == sha384(canonical.text.encode()).digest()
    assert canonicalize([]).text == ""


def test_the_two_hashes_may_label_differently() -> None:
    quads: list[Quad] = [(f"_:n{number}", P, f'"{number}"', "") for number in range(9)]
    assert canonicalize(quads).labels != canonicalize(quads, hash_name="sha384").labels


def _clique(size: int) -> list[Quad]:
    return [(f"_:e{i}", P, f"_:e{j}", "") for i in range(size) for j in range(size)]


def _bipartite(size: int) -> list[Quad]:
    return [(f"_:a{i}", P, f"_:b{j}", "") for i in range(size) for j in range(size)]


def _wide_twins(width: int) -> list[Quad]:
    return [(f"_:r{i}", f"<urn:q{k}>", f"_:f{i}x{k}", "") for i in range(2) for k in range(width)]


POISON = {
    "clique of 9": _clique(9),
    "clique of 10": _clique(10),
    "clique of 40": _clique(40),
    "clique of 200": _clique(200),
    "bipartite": _bipartite(6),
    "bipartite, large": _bipartite(200),
    "two stars": [(f"_:r{i % 2}", P, f"_:e{i}", "") for i in range(1000)],
    "long line": [(f"_:e{i}", P, f"_:e{i + 1}", "") for i in range(10_000)],
    "long ring": [(f"_:e{i}", P, f"_:e{(i + 1) % 10_000}", "") for i in range(10_000)],
    "long predicate": [(s, f"<urn:{'p' * 80_000}>", o, g) for s, _, o, g in _clique(9)],
    "long graph names": [(s, p, o, s) for s, p, o, _ in _clique(12)],
    "wide twins": _wide_twins(20_000),
    "too many quads": [(f"_:e{i}", P, '"x"', "") for i in range(50_001)],
    "too many ground quads": [("<urn:s>", P, f'"{i}"', "") for i in range(50_001)],
    "too long": [("<urn:s>", P, f'"{i}{"x" * 100_000}"', "") for i in range(100)],
}


class Counted:
    """Counts the calls of SHA-256 and the bytes that it was given."""

    def __init__(self) -> None:
        self.calls = 0
        self.bytes = 0

    def __call__(self, data: bytes) -> Any:
        self.calls += 1
        self.bytes += len(data)
        return sha256(data)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Return the count of what canonicalization hashes; how long that takes is shown by the bench."""
    count = Counted()
    monkeypatch.setattr(rdfc, "_HASHES", {"sha256": count})
    return count


@pytest.mark.parametrize("name", POISON)
def test_poison_is_refused_in_bounded_work(name: str, counted: Counted) -> None:
    with pytest.raises(CanonicalizationError):
        canonicalize(POISON[name])
    assert counted.calls <= rdfc.MAX_STEPS + 2 * rdfc.MAX_QUADS
    assert counted.bytes <= 64 << 20


LARGE = {
    "small clique": _clique(5),
    "small bipartite": _bipartite(4),
    "star": [("_:r", P, f"_:e{i}", "") for i in range(40_000)],
    "pairs": [(f"_:e{i}", P, f"_:f{i}", "") for i in range(40_000)],
    "all different": [(f"_:e{i}", P, f'"{i}"', "") for i in range(50_000)],
    "line": [(f"_:e{i}", P, f"_:e{i + 1}", "") for i in range(120)],
}


@pytest.mark.parametrize("name", LARGE)
def test_what_can_be_told_apart_is_done(name: str, counted: Counted) -> None:
    quads = LARGE[name]
    assert len(canonicalize(quads).lines) == len(quads)
    assert counted.calls <= 4 * len(quads) + 20_000


def test_the_limit_is_the_callers_to_lower() -> None:
    assert canonicalize(_clique(4), limit=100_000).text
    with pytest.raises(CanonicalizationError):
        canonicalize(_clique(4), limit=100)
    with pytest.raises(CanonicalizationError):
        canonicalize(_clique(2), limit=0)


@pytest.mark.parametrize("credentials", [2, 3, 4])
def test_graphs_that_look_alike_are_told_apart(credentials: int) -> None:
    """A presentation of several credentials: a graph's name is a neighbour of its node once for each quad in it."""
    quads: list[Quad] = []
    for number in range(credentials):
        graph, node, inner = f"_:g{number}", f"_:v{number}", f"_:i{number}"
        quads.append(("_:p", "<urn:credential>", graph, ""))
        quads += [(node, f"<urn:p{member}>", '"the same"', graph) for member in range(12)]
        quads += [(node, "<urn:inner>", inner, graph), (inner, P, f'"{number}"', graph)]
    found = canonicalize(quads, limit=20_000)
    assert canonicalize(quads[::-1], limit=20_000).text == found.text
    assert len(set(found.labels.values())) == 3 * credentials + 1


def test_orders_of_a_group_are_all_and_each_once() -> None:
    for group in (["a"], ["b", "a", "c"], ["a"] * 11, ["b", "a", "b", "a", "c"]):
        assert set(rdfc._orders(group)) == set(permutations(group)) if len(group) < 9 else {("a",) * 11}
        assert len(list(rdfc._orders(group))) == len(set(rdfc._orders(group)))

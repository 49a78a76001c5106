"""RDF Dataset Canonicalization: blank nodes get labels that depend on nothing but the graph around them.

Source:  W3C RDF Dataset Canonicalization (RDFC-1.0), sections 4.4 (canonicalization), 4.6 (first degree quads), 4.7
         (related blank node), 4.8 (N-degree quads) and 7.1 (dataset poisoning).
Input:   quads whose terms are canonical N-Quads terms (``ssi.encoding.rdf``); order and labels do not matter.
Shapes:  what comes out is the sorted lines of canonical N-Quads and the label that each blank node got.
I/O:     none.
Errors:  CanonicalizationError (more quads or more work than the limits allow).

A graph in which blank nodes look alike costs up to n! steps, so steps are counted and the costly graph is refused: a
step is one quad of a node whose neighbours are hashed, or one node of one permutation, and what is copied or hashed at
length counts in proportion. Honest documents need none or a few dozen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from ssi.encoding.rdf import Quad, format_nquad
from ssi.errors import CanonicalizationError

MAX_STEPS: Final = 500_000
"""Most steps of section 4.8 that one dataset may take; the costliest of the published tests takes some 6,000."""
MAX_QUADS: Final = 50_000
"""Most quads of a dataset."""
MAX_CHARACTERS: Final = 1 << 23
"""Most characters that the terms of a dataset may have together."""
MAX_DEPTH: Final = 128
"""Deepest recursion of section 4.8: the longest way through blank nodes that look alike."""

HashName: TypeAlias = Literal["sha256", "sha384"]
_Labels: TypeAlias = dict[str, str]


class _Hash(Protocol):
    def digest(self) -> bytes: ...

    def hexdigest(self) -> str: ...


_HASHES: Final[Mapping[str, Callable[[bytes], _Hash]]] = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}


class Canonical(msgspec.Struct, frozen=True):
    """A canonical dataset."""

    lines: tuple[str, ...]
    """Canonical N-Quads in code point order, each with its line feed, none twice."""
    labels: Mapping[str, str]
    """The issued identifiers map: from the label of the input (``_:b0``) to the canonical one (``c14n0``)."""
    hash_name: HashName = "sha256"

    @property
    def text(self) -> str:
        """The canonical form of the dataset."""
        return "".join(self.lines)

    def hash(self) -> bytes:
        """Return the hash of ``text``, by the function that canonicalization used."""
        return _HASHES[self.hash_name](self.text.encode()).digest()


def canonicalize(quads: Sequence[Quad], *, hash_name: HashName = "sha256", limit: int = MAX_STEPS) -> Canonical:
    """Return the canonical form of the dataset ``quads``, in which duplicates count once (4.4.3).

    ``limit`` bounds the steps, see above. Raises CanonicalizationError if it, or another bound of this module, is hit.
    """
    if len(quads) > MAX_QUADS:
        raise CanonicalizationError(f"expected at most {MAX_QUADS} quads")
    lines: list[str] = []
    blank: list[Quad] = []
    size = 0
    for quad in quads:
        subject, predicate, object_, graph = quad
        # Of all terms, and of no graph, only blank nodes start with a character that is not below "_".
        if subject >= "_" or object_ >= "_" or graph >= "_":
            blank.append(quad)
            size += len(subject) + len(predicate) + len(object_) + len(graph)
        else:
            line = f"{subject} {predicate} {object_} {graph} .\n" if graph else f"{subject} {predicate} {object_} .\n"
            lines.append(line)
            size += len(line)
        if size > MAX_CHARACTERS:
            raise CanonicalizationError(f"expected terms of at most {MAX_CHARACTERS} characters together")
    if not blank:
        return Canonical(tuple(sorted(set(lines))), {}, hash_name)
    labels = _Canonicalizer(blank, _HASHES[hash_name], limit).run()
    label = labels.get
    lines += [format_nquad((label(s, s), predicate, label(o, o), label(g, g))) for s, predicate, o, g in blank]
    return Canonical(tuple(sorted(set(lines))), {old: new[2:] for old, new in labels.items()}, hash_name)


class _Canonicalizer:
    """The canonicalization state (4.3) of the quads that have blank nodes; labels carry their ``_:`` throughout."""

    def __init__(self, quads: Sequence[Quad], hash_function: Callable[[bytes], _Hash], limit: int) -> None:
        self._hash = hash_function
        self._steps = limit
        self._canonical: _Labels = {}
        self._first_degree: dict[str, str] = {}
        self._related: dict[tuple[str, str, str], str] = {}
        self._quads_of: dict[str, list[Quad]] = {}
        quads_of = self._quads_of
        for quad in dict.fromkeys(quads):
            subject, _, object_, graph = quad
            if subject >= "_":
                quads_of.setdefault(subject, []).append(quad)
            if object_ >= "_" and object_ != subject:
                quads_of.setdefault(object_, []).append(quad)
            if graph >= "_" and graph != subject and graph != object_:
                quads_of.setdefault(graph, []).append(quad)

    def run(self) -> _Labels:
        """Give every blank node its label (4.4.3, steps 3 to 5)."""
        if len(self._quads_of) == 1:  # Nothing to tell apart, and so no need of a hash.
            return dict.fromkeys(self._quads_of, "_:c14n0")
        nodes_by_hash: dict[str, list[str]] = {}
        for node, quads in self._quads_of.items():
            hashed = self._first_degree[node] = self._hash_first_degree(node, quads)
            nodes_by_hash.setdefault(hashed, []).append(node)
        alike: list[list[str]] = []
        for _, nodes in sorted(nodes_by_hash.items()):
            if len(nodes) == 1:
                self._issue(nodes[0])
            else:
                alike.append(nodes)
        for nodes in alike:
            paths: list[tuple[str, _Labels]] = []
            for node in nodes:
                if node not in self._canonical:
                    paths.append(self._hash_n_degree(node, {node: "_:b0"}, 0))
            for _, issued in sorted(paths, key=lambda path: path[0]):
                for node in issued:
                    self._issue(node)
        return self._canonical

    def _issue(self, node: str) -> None:
        if node not in self._canonical:
            self._canonical[node] = f"_:c14n{len(self._canonical)}"

    def _hash_first_degree(self, node: str, quads: list[Quad]) -> str:
        """Hash what the quads of ``node`` say, with every other blank node the same (4.6.3)."""
        lines: list[str] = []
        for subject, predicate, object_, graph in quads:
            if subject >= "_":
                subject = "_:a" if subject == node else "_:z"
            if object_ >= "_":
                object_ = "_:a" if object_ == node else "_:z"
            if graph:
                if graph >= "_":
                    graph = "_:a" if graph == node else "_:z"
                lines.append(f"{subject} {predicate} {object_} {graph} .\n")
            else:
                lines.append(f"{subject} {predicate} {object_} .\n")
        lines.sort()
        return self._hash("".join(lines).encode()).hexdigest()

    def _hash_related(self, related: str, predicate: str, issued: _Labels, position: str) -> str:
        """Hash where ``related`` stands, seen from its neighbour (4.7.3); equal inputs are hashed once."""
        label = self._canonical.get(related) or issued.get(related) or self._first_degree[related]
        self._spend(len(predicate) >> 8)
        key = (position, predicate, label)
        found = self._related.get(key)
        if found is None:
            found = self._related[key] = self._hash("".join(key).encode()).hexdigest()
        return found

    def _neighbours(self, node: str, issued: _Labels) -> dict[str, list[str]]:
        """Group the blank nodes in the quads of ``node`` by their related hash (4.8.3, steps 1 to 3)."""
        groups: dict[str, list[str]] = {}
        quads = self._quads_of[node]
        self._spend(len(quads))
        for subject, predicate, object_, graph in quads:
            if subject != node and subject >= "_":
                groups.setdefault(self._hash_related(subject, predicate, issued, "s"), []).append(subject)
            if object_ != node and object_ >= "_":
                groups.setdefault(self._hash_related(object_, predicate, issued, "o"), []).append(object_)
            if graph != node and graph >= "_":
                groups.setdefault(self._hash_related(graph, "", issued, "g"), []).append(graph)
        return groups

    def _hash_n_degree(self, node: str, issued: _Labels, depth: int) -> tuple[str, _Labels]:
        """Hash the surroundings of ``node`` as far as it takes, and label them on the way (4.8.3)."""
        if depth > MAX_DEPTH:
            raise CanonicalizationError(f"expected ways of at most {MAX_DEPTH} blank nodes that look alike")
        parts: list[str] = []
        for hashed, group in sorted(self._neighbours(node, issued).items()):
            chosen: tuple[str, _Labels] | None = None
            for order in _orders(group):
                self._spend(len(order) + (len(issued) >> 4))
                path = self._walk(order, issued, "" if chosen is None else chosen[0], depth)
                if path is not None and (chosen is None or path[0] < chosen[0]):
                    chosen = path
            if chosen is not None:  # A group has at least one node, and its first permutation always gives a path.
                parts += hashed, chosen[0]
                issued = chosen[1]
        return self._hash("".join(parts).encode()).hexdigest(), issued

    def _walk(
        self, order: tuple[str, ...], issued: _Labels, chosen_path: str, depth: int
    ) -> tuple[str, _Labels] | None:
        """Return the path through ``order`` (step 5.4), or None once it is seen to be no shorter than, and after,
        ``chosen_path``."""
        labels = dict(issued)
        path = ""
        unseen: list[str] = []
        for related in order:
            label = self._canonical.get(related)
            if label is None:
                label = labels.get(related)
                if label is None:
                    unseen.append(related)
                    label = labels[related] = f"_:b{len(labels)}"
            path += label
            if chosen_path and len(path) >= len(chosen_path) and path > chosen_path:
                return None
        for related in unseen:
            hashed, after = self._hash_n_degree(related, labels, depth + 1)
            path += f"{labels[related]}<{hashed}>"
            labels = after
            if chosen_path and len(path) >= len(chosen_path) and path > chosen_path:
                return None
        return path, labels

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise CanonicalizationError("expected a graph whose blank nodes can be told apart in bounded work")


def _orders(group: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the different orders of ``group``, in which a node stands once for each quad that leads to it.

    Orders that differ in nothing but which of its places a node takes give the same path, and there can be very many of
    them: the name of a graph is a neighbour of every quad in it.
    """
    if len(set(group)) == len(group):
        yield from permutations(group)
        return
    order = sorted(group)
    while True:
        yield tuple(order)
        last = len(order) - 2
        while last >= 0 and order[last] >= order[last + 1]:
            last -= 1
        if last < 0:
            return
        other = len(order) - 1
        while order[other] <= order[last]:
            other -= 1
        order[last], order[other] = order[other], order[last]
        order[last + 1 :] = reversed(order[last + 1 :])

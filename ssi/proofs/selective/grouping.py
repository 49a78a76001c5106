"""Turn a document into lines of N-Quads with the suite's names, and find the lines that pointers select.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.4.1, 3.4.2 (label replacement), 3.4.14 to 3.4.16 (selection,
         canonicalizeAndGroup); Data Integrity BBS Cryptosuites, 3.3.
Input:   a document from the gate without its proof.
Shapes:  lines are canonical N-Quads in code point order, none twice, each with its line feed; a group is the ascending
         indexes of the lines that its pointers select.
I/O:     none.
Errors:  InvalidInputError (pointers that name nothing, a document with lists), CanonicalizationError,
         VerificationError (a label map that does not fit), and those of ``ssi.encoding.jsonld``.

The specification gives each blank node a URN before it selects, so that selections can be compared. Here each node
object gets a blank node label of its own instead, which is left in place until the lines are written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ssi.encoding.jsonld import Contexts, label_blank_nodes, to_quads
from ssi.encoding.rdf import Quad, format_nquad
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError
from ssi.proofs.selective.labels import LabelMapFactory
from ssi.proofs.selective.pointers import select
from ssi.types import JsonObject, JsonValue

PREFIX: Final = "node"
"""What the labels of node objects start with while a document is worked on."""


class Grouped(msgspec.Struct, frozen=True):
    """A document as lines, and the groups of lines that were asked for."""

    lines: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    labels: Mapping[str, str]
    """From the labels of ``quads`` (``_:node0``) to the names in ``lines`` (``b2``)."""
    quads: Mapping[int, Quad]
    """Each line as it was before blank nodes were named."""

    def others(self, *names: str) -> tuple[int, ...]:
        """Return the indexes of the lines that are in none of the groups ``names``."""
        taken: set[int] = set().union(*(self.groups[name] for name in names))
        return tuple(index for index in range(len(self.lines)) if index not in taken)

    def text(self, name: str) -> str:
        """Return the lines of a group, one after the other."""
        return "".join(self.lines[index] for index in self.groups[name])


def named_lines(document: JsonObject, labels: LabelMapFactory, *, contexts: Contexts) -> tuple[str, ...]:
    """Return the lines of ``document`` with its blank nodes named by ``labels`` (3.4.2)."""
    quads = to_quads(document, contexts=contexts, compact=True)
    names = labels(canonicalize(quads).labels)
    return tuple(sorted({format_nquad(_renamed(quad, names)) for quad in quads}))


def canonicalize_and_group(
    document: JsonObject, pointers: Mapping[str, Sequence[str]], labels: LabelMapFactory, *, contexts: Contexts
) -> Grouped:
    """Return the lines of ``document`` and those that each list of ``pointers`` selects (3.4.16)."""
    to_quads(document, contexts=contexts, compact=True)  # refuses what its readers could take for something else
    labelled = label_blank_nodes(document, contexts=contexts, prefix=PREFIX)
    quads = set(to_quads(labelled, contexts=contexts))
    canonical = canonicalize(list(quads)).labels
    if not canonical.keys() <= set(_blank_labels(labelled)):
        # The nodes of a list are no objects of the document: part of a list would have others of the same names.
        raise InvalidInputError("expected a document without JSON-LD lists")
    names = labels(canonical)
    by_line = {format_nquad(_renamed(quad, names)): quad for quad in quads}
    lines = tuple(sorted(by_line))
    places = {by_line[line]: index for index, line in enumerate(lines)}
    groups: dict[str, tuple[int, ...]] = {}
    for name, wanted in pointers.items():
        selected = select(labelled, wanted)
        found = set() if selected is None else set(to_quads(selected, contexts=contexts))
        if not found <= places.keys():
            raise InvalidInputError("expected pointers whose selection says what the document says")
        groups[name] = tuple(sorted(places[quad] for quad in found))
    return Grouped(lines, groups, names, {index: quad for quad, index in places.items()})


def disclosed_labels(grouped: Grouped, indexes: Collection[int]) -> dict[str, str]:
    """Return the label map of a derived proof that shows the lines at ``indexes``.

    It maps the canonical labels of what is shown (``c14n0``) to the names in the lines, and is empty if no blank node
    is shown (3.5.4 of ECDSA, createDisclosureData).
    """
    shown = canonicalize([grouped.quads[index] for index in indexes]).labels
    return {name: grouped.labels[label] for label, name in shown.items()}


def relative_indexes(inner: Collection[int], outer: Sequence[int]) -> list[int]:
    """Return the places in ``outer``, which ascends, of those of its members that are in ``inner``."""
    wanted = set(inner)
    return [place for place, index in enumerate(outer) if index in wanted]


def _blank_labels(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _blank_labels(member)
    elif isinstance(value, list):
        for item in value:
            yield from _blank_labels(item)
    elif isinstance(value, str) and value.startswith("_:"):
        yield value


def _renamed(quad: Quad, names: Mapping[str, str]) -> Quad:
    subject, predicate, object_, graph = quad
    return _name(subject, names), predicate, _name(object_, names), _name(graph, names)


def _name(term: str, names: Mapping[str, str]) -> str:
    return f"_:{names[term]}" if term.startswith("_:") else term

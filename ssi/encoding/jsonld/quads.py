"""From a compact JSON-LD document to RDF quads, in safe mode always.

Source:  JSON-LD 1.1 Processing Algorithms, 8.1 (deserialize JSON-LD to RDF).
Input:   a document from the parse gate, and the contexts it may name.
Shapes:  quads as in ``ssi.encoding.rdf``, none twice.
I/O:     package data of the contexts, on first use.
Errors:  JsonLdError, UnsupportedJsonLdError (both are CanonicalizationError).
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.jsonld.contexts import BUNDLED, Contexts
from ssi.encoding.jsonld.emitter import MAX_DEPTH, Emitter
from ssi.encoding.jsonld.terms import Work
from ssi.encoding.rdf import Quad
from ssi.errors import JsonLdError
from ssi.types import JsonObject, JsonValue

MAX_WORK: Final = 1_000_000
"""Terms that the contexts of one document may cause to be copied; defining one counts for many."""


def to_quads(document: JsonObject, *, contexts: Contexts = BUNDLED, compact: bool = False) -> list[Quad]:
    """Return the quads of ``document``.

    ``compact`` refuses what the contexts would write in another way (``ssi.encoding.jsonld.compact``): for whoever goes
    on with the document, and not with its quads.
    Blank nodes are ``_:b0``, ``_:b1``, … in document order; a label that the document itself gives is kept.
    Raises JsonLdError if a context is not allowed or wrong, and if anything in ``document`` would not be in the quads:
    an undefined member or type, a relative IRI, null, an empty array. UnsupportedJsonLdError names a construct that is
    not processed. Messages name members, never values.
    """
    emitter = _emit(document, contexts, "_:b", compact=compact)
    if emitter.explicit and any(map(emitter.generated, emitter.explicit)):
        emitter = _emit(document, contexts, "_:b" + "x" * max(map(len, emitter.explicit)), compact=compact)
    return list(dict.fromkeys(emitter.quads))


def label_blank_nodes(document: JsonObject, *, contexts: Contexts = BUNDLED, prefix: str = "b") -> JsonObject:
    """Return a copy of ``document`` in which each node object without identifier has ``"@id": "_:<prefix>N"``.

    Labels count from 0 in document order. Raises as ``to_quads`` does, and if ``document`` already uses such a label.
    """
    copy: JsonObject = _copy(document, MAX_DEPTH)
    nodes: list[JsonObject] = []
    emitter = _emit(copy, contexts, "_:b", nodes)
    labels = [f"_:{prefix}{number}" for number in range(len(nodes))]
    if not emitter.explicit.isdisjoint(labels):
        raise JsonLdError("colliding labels", "expected blank node labels other than those to be given")
    for node, label in zip(nodes, labels, strict=True):
        node["@id"] = label
    return copy


def _emit(
    document: JsonObject,
    contexts: Contexts,
    prefix: str,
    nodes: list[JsonObject] | None = None,
    *,
    compact: bool = False,
) -> Emitter:
    if type(document) is not dict:
        raise JsonLdError("invalid document", "expected a JSON object")
    emitter = Emitter(Work(MAX_WORK), prefix, nodes, compact=compact)
    try:
        emitter.document(document, contexts.root)
    except RecursionError as exc:
        raise JsonLdError("too large", "expected documents and contexts nested less deep") from exc
    return emitter


def _copy(value: JsonValue, levels: int) -> JsonValue:
    if type(value) not in (dict, list):
        return value
    if levels == 0:
        raise JsonLdError("too large", f"expected documents nested at most {MAX_DEPTH} deep")
    if type(value) is dict:
        return {name: _copy(item, levels - 1) for name, item in value.items()}
    return [_copy(item, levels - 1) for item in value]

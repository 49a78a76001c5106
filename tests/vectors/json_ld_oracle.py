"""PyLD as the oracle: the quads that it makes of a document, with our allow-list as its loader.

Source:  none; PyLD is a processor of JSON-LD 1.1 that shares nothing with ours.
Input:   a document and the contexts it may name.
Shapes:  quads as ``ssi.encoding.rdf`` has them; blank node labels are PyLD's own.
I/O:     none.
Errors:  ``OracleRefusedError`` and ``OracleCrashedError``.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

from ssi.encoding.jsonld import Contexts
from ssi.encoding.rdf import Quad, literal_term
from ssi.encoding.rdfc import canonicalize
from ssi.types import JsonObject
from tests import needs

jsonld = needs.module("pyld.jsonld")


class OracleRefusedError(Exception):
    """PyLD says that the document, or a context, is wrong."""


class OracleCrashedError(Exception):
    """PyLD raised something else than its own errors."""


def oracle_quads(document: JsonObject, contexts: Contexts, *, cached: bool = True) -> list[Quad]:
    """Return the quads that PyLD makes of ``document``; without ``cached`` it forgets the contexts of earlier calls."""

    def load(url: str, _: Any) -> dict[str, Any]:
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": copy.deepcopy(contexts.document(url)),
        }

    if not cached:
        jsonld._resolved_context_cache.clear()
        jsonld._inverse_context_cache.clear() if hasattr(jsonld, "_inverse_context_cache") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = jsonld.to_rdf(copy.deepcopy(document), {"documentLoader": load, "base": ""})
        except Exception as exc:
            raise _reason(exc) from exc
    return [_quad(triple, name) for name, triples in dataset.items() for triple in triples]


def _reason(error: BaseException) -> Exception:
    """Tell a refusal from a crash: PyLD deletes a default that a context sets to null, though it may not be there."""
    cause: BaseException | None = error
    while cause is not None:
        if not isinstance(cause, jsonld.JsonLdError):
            return OracleCrashedError(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return OracleRefusedError(str(error))


def same_graph(first: list[Quad], second: list[Quad]) -> bool:
    """Tell whether both are one dataset but for blank node labels."""
    return canonicalize(first).lines == canonicalize(second).lines


def _quad(triple: dict[str, Any], name: str) -> Quad:
    graph = "" if name == "@default" else _node(name)
    subject, predicate, target = (triple[part] for part in ("subject", "predicate", "object"))
    if target["type"] != "literal":
        value = _node(target["value"])
    elif "language" in target:
        value = literal_term(target["value"], language=target["language"])
    else:
        value = literal_term(target["value"], datatype=target["datatype"])
    return _node(subject["value"]), _node(predicate["value"]), value, graph


def _node(text: str) -> str:
    return text if text.startswith("_:") else f"<{text}>"

"""Objects that are no plain nodes: value, list, set and graph objects, and maps by language.

Source:  JSON-LD 1.1 Processing Algorithms, 5.1.2 (steps 13.4, 13.7, 13.11 to 14 and 18), 8.2.2 and 8.3.2 (lists).
Input:   an object that has a keyword among its members, or a value under a term with a container.
I/O:     none.
Errors:  JsonLdError; UnsupportedJsonLdError for ``@index``, ``@included``, ``@nest`` and ``@reverse``.

A base direction is not part of the graph (the specification's default), and so not of what is signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.encoding.jsonld.compact import check_object
from ssi.encoding.jsonld.keywords import RDF, XSD, is_language, quoted
from ssi.encoding.jsonld.literals import double_text, json_literal, native_literal, text_literal
from ssi.encoding.jsonld.members import Member, Typed, recoerced
from ssi.encoding.jsonld.terms import ActiveContext
from ssi.errors import JsonLdError, UnsupportedJsonLdError
from ssi.types import JsonObject, JsonValue

if TYPE_CHECKING:
    from ssi.encoding.jsonld.emitter import Emitter

_FIRST: Final = f"<{RDF}first>"
_REST: Final = f"<{RDF}rest>"
_NIL: Final = f"<{RDF}nil>"
_STRING: Final = f"<{XSD}string>"
_DOUBLE: Final = f"<{XSD}double>"


def dropped(name: str, what: str) -> JsonLdError:
    """Return the error for a value that would not be in the graph."""
    return JsonLdError("dropped value", f"expected member {quoted(name)} to hold more than {what}")


def special(
    emitter: Emitter, node: JsonObject, context: ActiveContext, typed: Typed | None, graph: str, member: Member | None
) -> str | list[str]:
    """Emit ``node``, which has keywords among its members, and return its term or terms."""
    found: dict[str, JsonValue] = {}
    for name, value in node.items():
        if name in context.special_keys:
            keyword = context.expand(name, vocab=True) or ""
            if keyword in found:
                raise JsonLdError("colliding keywords", f"expected {keyword} once in an object")
            found[keyword] = value
    if not found.keys() <= {"@value", "@language", "@direction", "@list", "@set", "@graph"}:
        raise UnsupportedJsonLdError(f"{min(found.keys() - {'@value', '@language', '@direction'})} in an object")
    if emitter.compact:
        check_object(found, typed, member)
    others = len(node) - len(found) - ("@context" in node)
    if "@value" in found:
        return _value_object(node, context, typed, found, others)
    if "@list" in found or "@set" in found:
        if len(found) + others != 1:
            raise JsonLdError("invalid set or list object", "expected @list or @set to stand alone in its object")
        if member is None:
            raise JsonLdError("dropped value", "expected lists and sets to be values of a member")
        inside = recoerced(member, context)
        if "@set" in found:
            return emitter.terms(inside, found["@set"], graph)
        return list_term(emitter, inside, found["@list"], graph)
    if "@graph" not in found:
        raise JsonLdError("dropped value", "expected @language and @direction beside a @value")
    return _graph_object(emitter, node, context, typed, graph, found["@graph"], alone=not others and member is None)


def _graph_object(
    emitter: Emitter,
    node: JsonObject,
    context: ActiveContext,
    typed: Typed | None,
    graph: str,
    value: JsonValue,
    *,
    alone: bool,
) -> str:
    """Emit the nodes of ``@graph``, into the default graph if they are all that the document has."""
    if type(value) not in (list, dict):
        raise JsonLdError("invalid @graph value", "expected @graph to hold node objects")
    term = "" if alone and emitter.at_top() else emitter.node(node, context, typed, graph)
    items = value if type(value) is list else [value]
    if not items and (term or not alone):
        raise dropped("@graph", "an empty array")
    for item in items:
        graph_item(emitter, item, context.previous or context, term)
    return term


def graph_item(emitter: Emitter, item: JsonValue, context: ActiveContext, graph: str) -> None:
    """Emit ``item`` as a node of ``graph``; ``context`` is the one that nodes start in."""
    if type(item) is not dict:
        if type(item) is list:
            raise UnsupportedJsonLdError("arrays within arrays of graphs")
        raise JsonLdError("dropped value", "expected graphs to hold node objects")
    before = len(emitter.quads)
    term = emitter.object(item, context, graph, None)
    if type(term) is list or term[0] == '"' or len(emitter.quads) == before:
        raise JsonLdError("dropped value", "expected nodes in a graph to have properties")


def _value_object(
    node: JsonObject, context: ActiveContext, typed: Typed | None, found: dict[str, JsonValue], others: int
) -> str:
    """Return the literal of a value object (5.1.2, step 14)."""
    value = found["@value"]
    if "@list" in found or "@set" in found or "@graph" in found or others != (typed is not None):
        raise JsonLdError("invalid value object", "expected value objects without other members")
    if typed is not None and any(type(node.get(key)) is list for key in context.type_keys):
        raise JsonLdError("invalid typed value", "expected one @type beside @value")
    if "@direction" in found and found["@direction"] not in ("ltr", "rtl"):
        raise JsonLdError("invalid base direction", "expected @direction to be ltr or rtl")
    if typed is not None and len(found) > 1:
        raise JsonLdError("invalid value object", "expected no @language or @direction beside @type")
    if typed is not None and typed.is_json:
        return json_literal(value)
    if value is None:
        raise dropped("@value", "null")
    if type(value) not in (str, bool, int, float):
        raise JsonLdError("invalid value object value", "expected @value to be a scalar")
    if typed is not None:
        return _typed_value(value, typed.terms[0])
    if "@language" in found:
        return text_literal(*_tagged(value, found["@language"]))
    return text_literal(value, '"') if type(value) is str else native_literal(value, None, "@value")


def _typed_value(value: str | int | float, datatype: str) -> str:
    if datatype[0] != "<":
        raise JsonLdError("invalid typed value", "expected @type beside @value to be an IRI")
    if not isinstance(value, str):
        return native_literal(value, datatype[1:-1], "@value")
    if datatype == _DOUBLE:
        return double_text(value, "@value")
    return text_literal(value, '"' if datatype == _STRING else f'"^^{datatype}')


def _tagged(value: JsonValue, language: JsonValue) -> tuple[str, str]:
    """Return ``value`` and what follows it in a literal. Processors in use write language tags in lower case."""
    if type(language) is not str:
        raise JsonLdError("invalid language-tagged string", "expected @language to be a string")
    if type(value) is not str:
        raise JsonLdError("invalid language-tagged value", "expected @value beside @language to be a string")
    if not is_language(language):
        raise JsonLdError("dropped value", "expected well-formed language tags")
    return value, f'"@{language.lower()}'


def language_map(member: Member, value: JsonObject) -> list[str]:
    """Return the literals of a map from language tags to strings (5.1.2, step 13.7)."""
    terms: list[str] = []
    for language, texts in value.items():
        untagged = member.context.expand(language, vocab=True) == "@none"
        items = texts if type(texts) is list else [texts]
        if not items:
            raise dropped(member.name, "an empty array")
        for text in items:
            if type(text) is not str:
                raise JsonLdError("invalid language map value", f"expected strings under {quoted(member.name)}")
            terms.append(text_literal(text, '"') if untagged else text_literal(*_tagged(text, language)))
    if not terms:
        raise dropped(member.name, "an empty object")
    return terms


def list_container(emitter: Emitter, member: Member, value: JsonValue, graph: str) -> str:
    """Return the term of a value whose term has the container ``@list``; a list object stands for itself."""
    if type(value) is dict and not value.keys().isdisjoint(_list_keys(member)):
        found = emitter.terms(member, value, graph)
        return found[0]
    return list_term(emitter, member, value, graph)


def _list_keys(member: Member) -> set[str]:
    keys = member.inner.special_keys
    return {name for name in keys if member.inner.expand(name, vocab=True) == "@list"}


def list_term(emitter: Emitter, member: Member, value: JsonValue, graph: str) -> str:
    """Emit an RDF collection (8.3.2) and return its head; arrays within are collections of their own."""
    terms: list[str] = []
    items = value if type(value) is list else [value]
    emitter.count(items)
    for item in items:
        if type(item) is list:
            with emitter.deeper():
                terms.append(list_term(emitter, member, item, graph))
        else:
            term = emitter.term(member, item, graph)
            if not isinstance(term, str):
                raise UnsupportedJsonLdError("@set in a list")
            terms.append(term)
    head = _NIL
    cells = [emitter.fresh() for _ in terms]
    for cell, term in zip(reversed(cells), reversed(terms), strict=True):
        emitter.quads.append((cell, _FIRST, term, graph))
        emitter.quads.append((cell, _REST, head, graph))
        head = cell
    return head

"""Refuse a document that is written in another way than its contexts would have it, though it says the same in RDF.

Source:  W3C Verifiable Credentials Data Model v2.0, 6.1 (documents are in compact form); JSON-LD 1.1 Processing
         Algorithms, 6 (compaction); VC Data Integrity 1.0, 2.4.1 (what is verified is what gets used).
Input:   the objects of a document as the emitter meets them, with the contexts that hold for them.
I/O:     none.
Errors:  JsonLdError ("not compact"); messages name members, never values.

A proof over RDF holds for every way of writing that RDF, and whoever reads the document as JSON sees only one of them:
``validUntil`` under its IRI is no ``validUntil``, and ``{"@value": false}`` is not false. So there is one way to write
each of these: members by their terms, identifiers and types by their aliases, native values as they are, a node with
its members in one place, and contexts where a document begins. What stays free: an array around a value, unless the
value counts as no.
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.jsonld.keywords import XSD, quoted
from ssi.encoding.jsonld.members import TEXT, Member, Typed
from ssi.encoding.jsonld.terms import ActiveContext
from ssi.errors import JsonLdError
from ssi.types import JsonObject, JsonValue

_NATIVE: Final = frozenset(f"<{XSD}{name}>" for name in ("boolean", "integer", "double", "string"))


def check_members(node: JsonObject, context: ActiveContext) -> None:
    """Refuse members of a node that are written as IRIs, or by keywords that have an alias."""
    terms, plain = context.terms, context.plain
    for name in node:
        if name in terms or name in plain:
            continue
        aliases = context.id_keys if name == "@id" else context.type_keys if name == "@type" else ()
        if name[:1] == "@" and len(aliases) == 1:
            continue
        if name[:1] == "@" or ":" in name or context.expand(name, vocab=True) in context.known_iris():
            raise _not_compact(f"expected member {quoted(name)} to be written by its term")
        context.remember_plain(name)


def check_types(value: JsonValue, context: ActiveContext) -> None:
    """Refuse types that are written as IRIs where there is a term."""
    for name in value if type(value) is list else [value]:
        if type(name) is str:
            check_word(name, context, "a type")


def check_word(value: str, context: ActiveContext, what: str) -> None:
    """Refuse an IRI where a term stands for it."""
    if value not in context.terms and context.expand(value, vocab=True) in context.known_iris():
        raise _not_compact(f"expected {what} to be written by its term")


def check_object(found: JsonObject, typed: Typed | None, member: Member | None) -> None:
    """Refuse value objects for what needs none, and sets and graphs that a container would make."""
    for keyword in ("@set", "@graph"):
        if keyword in found:
            raise _not_compact(f"expected no {keyword} in an object")
    if "@value" not in found or member is None:
        return
    if typed is None:
        plain = member.scalar_kind == TEXT and member.suffix == '"' and member.datatype is None
        needless = plain and len(found) == 1
    else:
        datatype = typed.terms[0]
        needless = datatype in _NATIVE or datatype == f"<{member.datatype}>"
    if needless:
        raise _not_compact(f"expected {quoted(member.name)} to hold its value without an object around it")


def check_array(member: Member, items: list[JsonValue]) -> None:
    """Refuse an array around one value that counts as no in most languages, while the array counts as yes.

    Two of the same value are one in RDF, where an array is a set.
    """
    first = items[0]
    if first or isinstance(first, dict | list) or any(item != first for item in items):
        return
    term = member.context.terms.get(member.name)
    if term is None or not {"@set", "@list"} & set(term.container):
        raise _not_compact(f"expected {quoted(member.name)} to hold false, 0 and the empty text without an array")


def check_truth(member: Member) -> None:
    """Refuse a string under a term of type xsd:boolean."""
    raise _not_compact(f"expected {quoted(member.name)} to be true or false")


def check_local_context(member: Member | None) -> None:
    """Refuse a context within a node that is no document by itself: it would rename what the node says."""
    if member is not None:
        raise _not_compact(f"expected no @context under {quoted(member.name)}")


def check_described_once(node: JsonObject, other: JsonObject, context: ActiveContext) -> None:
    """Refuse two nodes of one identifier that say different things of it; type and identifier may stand alone."""
    names = {*context.id_keys, *context.type_keys}
    if node != other and node.keys() - names and other.keys() - names:
        raise _not_compact("expected what is said of one identifier to stand in one place")


def _not_compact(message: str) -> JsonLdError:
    return JsonLdError("not compact", message)

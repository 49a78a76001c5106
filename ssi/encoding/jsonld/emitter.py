"""Emit the quads of a compact document, in one walk and without expanding it.

Source:  JSON-LD 1.1 Processing Algorithms, 5.1.2 (expansion) and 8.1.2 (deserialize to RDF), fused; blank nodes are
         labelled in document order.
Input:   a document from the parse gate and the active context it starts in.
Shapes:  quads of canonical terms, see ``ssi.encoding.rdf``.
I/O:     none.
Errors:  JsonLdError, UnsupportedJsonLdError; messages name members, never values.

What expansion would drop (undefined terms, relative IRIs, null, empty arrays, nodes that say nothing) is refused: a
signature over quads holds only what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from ssi.encoding.jsonld import compact as form
from ssi.encoding.jsonld.keywords import RDF, is_iri, quoted
from ssi.encoding.jsonld.literals import double_text, json_literal, native_literal, text_literal
from ssi.encoding.jsonld.members import (
    DOUBLE,
    LINK,
    OTHER,
    SKIP,
    TEXT,
    TRUTH,
    WORD,
    Member,
    Typed,
    id_term,
    remember_iri,
    row_of,
    typed_of,
)
from ssi.encoding.jsonld.processing import Processor
from ssi.encoding.jsonld.special import dropped, graph_item, language_map, list_container, special
from ssi.encoding.jsonld.terms import ActiveContext, Work
from ssi.encoding.rdf import Quad
from ssi.errors import JsonLdError, UnsupportedJsonLdError
from ssi.types import JsonObject, JsonValue

MAX_DEPTH: Final = 64
"""Objects and arrays within each other; the gate lets in half of it."""

MAX_QUADS: Final = 50_000
"""Quads of a document, about; canonicalization takes no more."""

_TYPE: Final = f"<{RDF}type>"
_MAX_LOCALS: Final = 256
_MAX_KEY: Final = 1 << 14
_encode = msgspec.json.Encoder().encode


class Emitter:
    """Collects the quads of one document."""

    __slots__ = ("_count", "_depth", "_described", "_prefix", "_work", "compact", "explicit", "nodes", "quads")

    def __init__(
        self, work: Work, prefix: str = "_:b", nodes: list[JsonObject] | None = None, *, compact: bool = False
    ) -> None:
        self.quads: list[Quad] = []
        self.explicit: set[str] = set()
        """Blank node labels that the document itself gives."""
        self.nodes = nodes
        """Where node objects without identifier are listed, if anyone asks."""
        self.compact = compact
        """Whether the document must be written as ``ssi.encoding.jsonld.compact`` has it."""
        self._described: dict[tuple[str, str], JsonObject] = {}
        self._prefix = prefix
        self._count = 0
        self._depth = 0
        self._work = work

    def fresh(self) -> str:
        """Return a new blank node label."""
        count = self._count
        self._count = count + 1
        return f"{self._prefix}{count}"

    def generated(self, label: str) -> bool:
        """Tell whether ``label`` is one that this emitter made."""
        number = label.removeprefix(self._prefix)
        return number != label and number.isdecimal() and int(number) < self._count

    def at_top(self) -> bool:
        """Tell whether the object at hand is the document itself."""
        return self._depth == 1

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count one level of nesting. Raises JsonLdError if there are too many."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise JsonLdError("too large", f"expected documents nested at most {MAX_DEPTH} deep")
        yield
        self._depth -= 1

    def count(self, values: JsonObject | list[JsonValue]) -> None:
        """Raise JsonLdError if the quads there are and the values to come are too many."""
        if len(self.quads) + len(values) > MAX_QUADS:
            raise JsonLdError("too large", f"expected documents of at most {MAX_QUADS} quads")

    def document(self, document: JsonObject, context: ActiveContext) -> None:
        """Emit a whole document."""
        before = len(self.quads)
        term = self.object(document, context, "", None)
        self.count([])
        if term == "":
            return
        if type(term) is list or term[0] == '"' or (len(self.quads) == before and document.keys() - {"@context"}):
            raise JsonLdError("dropped value", "expected a document that is a node with properties")

    def object(self, node: JsonObject, context: ActiveContext, graph: str, member: Member | None) -> str | list[str]:
        """Emit ``node`` in ``graph`` and return its term; ``context`` is already that of the member it stands under.

        What comes back is a list for a set object, and "" for a document that is nothing but a default graph.
        """
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise JsonLdError("too large", f"expected documents nested at most {MAX_DEPTH} deep")
        self.count(node)
        if "@context" in node:
            if self.compact:
                form.check_local_context(member)
            context = self._local(context, node["@context"])
        typed: Typed | None = None
        for key in context.type_keys:
            if key in node:
                if typed is not None:
                    raise UnsupportedJsonLdError("several @type members")
                value = node[key]
                if type(value) is str:
                    typed = context.typed.get(value)
                typed = typed or typed_of(context, value, self._work)
                if self.compact:
                    form.check_types(value, context)
        inner = context if typed is None else typed.context
        if not inner.special_keys.isdisjoint(node):
            term = special(self, node, inner, typed, graph, member)
        else:
            term = self.node(node, inner, typed, graph)
        self._depth -= 1
        return term

    def node(self, node: JsonObject, context: ActiveContext, typed: Typed | None, graph: str) -> str:
        """Emit a node object (5.1.2, step 13) and return its subject."""
        append = self.quads.append
        subject = self._subject(node, context)
        if self.compact:
            form.check_members(node, context)
            if not node.keys().isdisjoint(context.id_keys):
                other = self._described.setdefault((graph, subject), node)
                if other is not node:
                    form.check_described_once(node, other, context)
        if typed is not None:
            if typed.blank:
                self.explicit.update(term for term in typed.terms if term[0] == "_")
            for term in typed.terms:
                if term[0] == "@":
                    raise JsonLdError("dropped value", "expected types of nodes that are IRIs")
                append((subject, _TYPE, term, graph))
        members = context.members
        for name, value in node.items():
            try:
                kind, predicate, suffix, member = members[name]
            except KeyError:
                kind, predicate, suffix, member = row_of(context, name, self._work)
            if value.__class__ is str:
                if kind == TEXT:
                    if value.isprintable() and '"' not in value and "\\" not in value:
                        append((subject, predicate, f'"{value}{suffix}', graph))
                    else:
                        append((subject, predicate, text_literal(value, suffix), graph))
                    continue
                if kind == LINK:
                    found = member.context.iris.get(value)
                    append((subject, predicate, found or self._link(member.context, value), graph))
                    continue
            if kind == SKIP:
                continue
            if kind != OTHER and value.__class__ is dict:
                child = self.object(value, self._inner(member, value), graph, member)
                if isinstance(child, str):
                    append((subject, predicate, child, graph))
                else:
                    self.quads += [(subject, predicate, each, graph) for each in child]
            else:
                self._values(member, value, subject, graph)
        return subject

    def _subject(self, node: JsonObject, context: ActiveContext) -> str:
        subject = ""
        for key in context.id_keys:
            if key in node:
                if subject:
                    raise JsonLdError("colliding keywords", "expected a node to have one @id")
                value = node[key]
                if type(value) is not str:
                    raise JsonLdError("invalid @id value", "expected @id to be a string")
                subject = context.iris.get(value) or self._link(context, value)
        if subject:
            return subject
        subject = self.fresh()
        if self.nodes is not None:
            self.nodes.append(node)
        return subject

    def _link(self, context: ActiveContext, value: str) -> str:
        terms = context.terms
        if is_iri(value) and value not in terms and value[: value.index(":")] not in terms:
            term = f"<{value}>"
        else:
            term = id_term(context, value, vocab=False)
        if term[0] == "_":
            self.explicit.add(term)
        else:
            remember_iri(context, value, term)
        return term

    def _values(self, member: Member, value: JsonValue, subject: str, graph: str) -> None:
        """Emit the quads that link ``subject`` to everything that ``value`` is."""
        if member.is_json:
            self.quads.append((subject, member.predicate, json_literal(value), graph))
        elif member.is_language_map and type(value) is dict:
            for term in language_map(member, value):
                self.quads.append((subject, member.predicate, term, graph))
        elif member.is_list:
            self.quads.append((subject, member.predicate, list_container(self, member, value, graph), graph))
        elif member.is_graph:
            for item in value if type(value) is list else (value,):
                name = self.fresh()
                self.quads.append((subject, member.predicate, name, graph))
                graph_item(self, item, member.inner, name)
            if value == []:
                raise dropped(member.name, "an empty array")
        else:
            for term in self.terms(member, value, graph):
                self.quads.append((subject, member.predicate, term, graph))

    def terms(self, member: Member, value: JsonValue, graph: str) -> list[str]:
        """Return the terms of a value, or of all values in an array; never none."""
        if type(value) is list:
            if not value:
                raise dropped(member.name, "an empty array")
            if self.compact:
                form.check_array(member, value)
            self.count(value)
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise JsonLdError("too large", f"expected documents nested at most {MAX_DEPTH} deep")
            terms = [term for item in value for term in self.terms(member, item, graph)]
            self._depth -= 1
            return terms
        found = self.term(member, value, graph)
        return [found] if isinstance(found, str) else found

    def term(self, member: Member, value: JsonValue, graph: str) -> str | list[str]:
        """Return the term of a value that is no array; several for a set object."""
        if type(value) is dict:
            return self.object(value, self._inner(member, value), graph, member)
        return self._scalar(member, value)

    def _inner(self, member: Member, value: JsonObject) -> ActiveContext:
        """Return the context that ``value`` starts in: types of the outer node end here, but for values and references
        (5.1.2, step 7)."""
        outer = member.outer
        if outer.previous is not None and (
            not outer.value_keys.isdisjoint(value) or (len(value) == 1 and not value.keys().isdisjoint(outer.id_keys))
        ):
            return member.context
        return member.inner

    def _scalar(self, member: Member, value: JsonValue) -> str:
        if type(value) is str:
            kind = member.scalar_kind
            if kind == TEXT:
                return text_literal(value, member.suffix)
            if kind == LINK:
                return member.context.iris.get(value) or self._link(member.context, value)
            if kind == DOUBLE:
                return double_text(value, member.name)
            if kind == TRUTH:
                if self.compact:
                    form.check_truth(member)
                return text_literal(value, member.suffix)
            if self.compact and kind == WORD:
                form.check_word(value, member.context, f"the value of {quoted(member.name)}")
            term = id_term(member.context, value, vocab=True)
            if term[0] == "_":
                self.explicit.add(term)
            return term
        if value is None:
            raise dropped(member.name, "null")
        if type(value) not in (bool, int, float):
            raise JsonLdError("invalid value", f"expected JSON under {quoted(member.name)}")
        return native_literal(value, member.datatype, member.name)

    def _local(self, context: ActiveContext, local: JsonValue) -> ActiveContext:
        """Return ``context`` with the value of ``@context`` applied, from what was processed before if it can be."""
        if type(local) is str:
            key: str | bytes = local
        else:
            try:
                key = _encode(local)
            except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as exc:
                raise JsonLdError("invalid local context", "expected JSON") from exc
        found = context.locals.get(key)
        if found is None:
            found = Processor(self._work).process(context, local)
            if len(context.locals) >= _MAX_LOCALS:
                context.locals.clear()
            if len(key) <= _MAX_KEY:
                context.locals[key] = found
                context.loader.remember(len(key) >> 6)
        return found

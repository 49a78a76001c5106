"""Compile what the members and types of a node mean under one active context.

Source:  JSON-LD 1.1 Processing Algorithms, 5.1.2 (expansion, steps 8 to 11 and 13) and 5.3.2 (value expansion).
Input:   an active context and the names that documents use in it.
Shapes:  a ``Member`` says what is done with the values under one name; a ``Typed`` what one value of ``@type`` means
         and which context holds inside. Both are kept in the active context and made once.
I/O:     none.
Errors:  JsonLdError (undefined term, relative IRI), UnsupportedJsonLdError.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from ssi.encoding.jsonld.keywords import KEYWORDS, XSD, has_scheme, is_blank_label, is_iri, is_language, quoted
from ssi.encoding.jsonld.processing import Processor
from ssi.encoding.jsonld.terms import UNSET, ActiveContext, Term, Work
from ssi.errors import JsonLdError, UnsupportedJsonLdError
from ssi.types import JsonValue

SKIP: Final = 0
"""A keyword: these are looked up by name, before the members."""
TEXT: Final = 1
"""A string is a literal."""
LINK: Final = 2
"""A string is an IRI."""
WORD: Final = 3
"""A string is a term, or an IRI."""
DOUBLE: Final = 4
"""A string spells a number of type xsd:double."""
OTHER: Final = 5
"""A container, or JSON."""
TRUTH: Final = 6
"""A string spells a value of type xsd:boolean."""

_MAX_TABLE: Final = 4096
"""Names and IRIs that one active context remembers."""
_MAX_LENGTH: Final = 200
"""Characters of a name, an IRI or the types of a node that are worth remembering."""


class Member:
    """What one member name means: how its values become quads, and in which contexts."""

    __slots__ = (
        "context",
        "datatype",
        "inner",
        "is_graph",
        "is_json",
        "is_language_map",
        "is_list",
        "kind",
        "name",
        "outer",
        "predicate",
        "scalar_kind",
        "suffix",
    )

    def __init__(self, kind: int, name: str, context: ActiveContext) -> None:
        self.kind = kind
        """What to do with a string right away: SKIP, TEXT, LINK, or look closer."""
        self.name = name
        self.context = context
        """The context of values that are no nodes: with the property's own context."""
        self.outer = context
        """The context of the node that has this member."""
        self.inner = context
        """The context of nodes: what held for the types of the outer node is left behind first."""
        self.predicate = ""
        self.scalar_kind = TEXT
        self.suffix = '"'
        """What follows the text of a string literal, closing quote included."""
        self.datatype: str | None = None
        self.is_list = self.is_graph = self.is_json = self.is_language_map = False


class Typed:
    """What one value of ``@type`` means: the terms of its types, and the context inside."""

    __slots__ = ("blank", "context", "is_json", "terms")

    def __init__(self, context: ActiveContext, terms: tuple[str, ...], is_json: bool) -> None:
        self.context = context
        self.terms = terms
        self.is_json = is_json
        self.blank = any(term[0] == "_" for term in terms)


Row: TypeAlias = tuple[int, str, str, Member]
"""A member as the walk wants it: kind, predicate and suffix in one look-up, and the rest."""


def row_of(context: ActiveContext, name: str, work: Work) -> Row:
    """Compile what ``name`` means in ``context``, and keep it in the table of its members."""
    member = _compile(context, name, work)
    row = member.kind, member.predicate, member.suffix, member
    if len(name) <= _MAX_LENGTH:
        if len(context.members) >= _MAX_TABLE:
            context.members.clear()
        context.members[name] = row
        context.loader.remember(5)
    return row


def _compile(context: ActiveContext, name: str, work: Work) -> Member:
    work.spend(10)
    iri = context.expand(name, vocab=True)
    if iri is None:
        raise JsonLdError("undefined term", f"expected member {quoted(name)} to be defined by the contexts")
    if iri in KEYWORDS:
        return Member(SKIP, name, context)
    if iri[:2] == "_:":
        raise UnsupportedJsonLdError("blank nodes as properties")
    if not has_scheme(iri):
        raise JsonLdError("undefined term", f"expected member {quoted(name)} to be defined by the contexts")
    if not is_iri(iri):
        raise JsonLdError("malformed IRI", f"expected member {quoted(name)} to stand for an IRI")
    term = context.terms.get(name)
    member = Member(TEXT, name, context)
    member.predicate = f"<{iri}>"
    if term is None:
        _inherit(member, context)
        _coerce(member, None)
        member.kind = member.scalar_kind
        return member
    _refuse(term)
    if term.context is UNSET:
        _inherit(member, context)
        _coerce(member, term)
    else:
        processor = Processor(work)
        member.context = processor.process(context, term.context, override=True)
        member.inner = member.context
        own = member.context.terms.get(name)
        redefined = own is not None and own is not term and own.context != term.context
        if redefined and own and (own.context is not UNSET or member.context.previous is not None):
            # The specification applies the outer one of two contexts; processors in use apply both, or none.
            raise UnsupportedJsonLdError("a term that its own scoped context redefines")
        if context.previous is not None:
            member.inner = processor.process(context.previous, term.context, override=True)
        _coerce(member, own)
    member.is_list = "@list" in term.container
    member.is_graph = "@graph" in term.container
    member.is_language_map = "@language" in term.container
    member.is_json = term.type == "@json"
    plain = not (member.is_list or member.is_graph or member.is_language_map or member.is_json)
    member.kind = member.scalar_kind if plain else OTHER
    return member


def _inherit(member: Member, context: ActiveContext) -> None:
    if context.previous is not None:
        member.inner = context.previous


def _refuse(term: Term) -> None:
    if term.type == "@json" and not term.container <= {"@set"}:
        raise UnsupportedJsonLdError("@type @json with a @container")
    if term.reverse:
        raise UnsupportedJsonLdError("@reverse")
    if term.nest is not None:
        raise UnsupportedJsonLdError("@nest")
    for word in ("@index", "@id", "@type"):
        if word in term.container:
            raise UnsupportedJsonLdError(f"@container {word}")


def recoerced(member: Member, context: ActiveContext) -> Member:
    """Return ``member`` for values inside an object of ``context``: only the coercion is looked up anew."""
    if context is member.context:
        return member
    other = Member(OTHER, member.name, context)
    other.predicate = member.predicate
    _inherit(other, context)
    _coerce(other, context.terms.get(member.name))
    return other


def _coerce(member: Member, term: Term | None) -> None:
    """Set what a string, and the datatype of any other scalar, becomes (5.3.2)."""
    coercion = None if term is None else term.type
    if coercion == "@id":
        member.scalar_kind = LINK
        return
    if coercion == "@vocab":
        member.scalar_kind = WORD
        return
    if coercion is not None and coercion not in ("@none", "@json"):
        if not is_iri(coercion):
            raise JsonLdError("malformed IRI", f"expected @type of {quoted(member.name)} to be an IRI")
        member.datatype = coercion
        if coercion == XSD + "double":
            member.scalar_kind = DOUBLE
        if coercion == XSD + "boolean":
            member.scalar_kind = TRUTH
        if coercion != XSD + "string":
            member.suffix = f'"^^<{coercion}>'
        return
    language = member.context.language
    if term is not None and term.language is not UNSET:
        language = term.language if type(term.language) is str else None
    if language is not None:
        if not is_language(language):
            raise JsonLdError("dropped value", f"expected the language of {quoted(member.name)} to be well formed")
        member.suffix = f'"@{language}'


def typed_of(context: ActiveContext, value: JsonValue, work: Work) -> Typed:
    """Return what ``value`` of ``@type`` means in ``context``, compiled on first use."""
    names = (value,) if type(value) is str else tuple(value) if type(value) is list else ()
    if not names or any(type(name) is not str for name in names):
        raise JsonLdError("invalid type value", "expected @type to be a string or an array of strings")
    key = value if type(value) is str else names
    typed = context.typed.get(key)
    if typed is None:
        typed = _compile_types(context, names, work)
        if sum(map(len, names)) <= _MAX_LENGTH:
            if len(context.typed) >= _MAX_TABLE:
                context.typed.clear()
            context.typed[key] = typed
            context.loader.remember(5)
    return typed


def _compile_types(context: ActiveContext, names: tuple[str, ...], work: Work) -> Typed:
    """Look types up in ``context`` as it is before any of them applies its own (5.1.2, steps 10 and 11)."""
    work.spend(10 * len(names))
    terms: list[str] = []
    for name in names:
        iri = context.expand(name, vocab=True)
        if iri == "@json" or iri == "@none":
            terms.append(iri)
        elif iri is None or iri[0] == "@":
            raise JsonLdError("undefined term", f"expected type {quoted(name)} to be defined by the contexts")
        elif iri[:2] == "_:":
            if not is_blank_label(iri):
                raise JsonLdError("malformed IRI", "expected blank node labels of letters, digits, - and .")
            terms.append(iri)
        elif not has_scheme(iri):
            raise JsonLdError("undefined term", f"expected type {quoted(name)} to be defined by the contexts")
        elif not is_iri(iri):
            raise JsonLdError("malformed IRI", f"expected type {quoted(name)} to stand for an IRI")
        else:
            terms.append(f"<{iri}>")
    inner = context
    processor = Processor(work)
    for name in sorted(names):
        term = context.terms.get(name)
        if term is not None and term.context is not UNSET:
            inner = processor.process(inner, term.context, propagate=False)
    return Typed(inner, tuple(terms), terms == ["@json"])


def remember_iri(context: ActiveContext, value: str, term: str) -> None:
    """Keep the term that an ``@id`` of ``value`` became."""
    if len(value) <= _MAX_LENGTH:
        if len(context.iris) >= _MAX_TABLE:
            context.iris.clear()
        context.iris[value] = term
        context.loader.remember(2)


def id_term(context: ActiveContext, value: str, *, vocab: bool) -> str:
    """Return the term of an IRI or blank node label that a document spells as ``value``. Raises JsonLdError."""
    iri = context.expand(value, vocab=vocab)
    if iri is None or iri[:1] == "@":
        raise JsonLdError("dropped value", "expected identifiers that are no keywords")
    if iri[:2] == "_:":
        if not is_blank_label(iri):
            raise JsonLdError("malformed IRI", "expected blank node labels of letters, digits, - and .")
        return iri
    if is_iri(iri):
        return f"<{iri}>"
    if has_scheme(iri):
        raise JsonLdError("malformed IRI", 'expected IRIs without spaces, controls or any of <>"{}|^`\\')
    raise JsonLdError("relative IRI", "expected identifiers to be absolute IRIs")

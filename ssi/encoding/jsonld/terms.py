"""What an active context knows: term definitions, the vocabulary, and the defaults.

Source:  JSON-LD 1.1 Processing Algorithms, 4.1 (active context, term definition) and 5.2 (IRI expansion).
Input:   none of its own; ``definition`` and ``processing`` fill these values.
Shapes:  an IRI mapping is an IRI, a blank node label, a keyword, or None (the term is switched off).
I/O:     none.
Errors:  JsonLdError (work limit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ssi.encoding.jsonld.keywords import KEYWORDS, has_scheme, is_like_keyword
from ssi.errors import JsonLdError
from ssi.types import JsonValue

if TYPE_CHECKING:
    from ssi.encoding.jsonld.members import Row, Typed

UNSET: Final = object()
"""Stands where a definition says nothing; None is a value that contexts write."""


class Term:
    """One term definition. A class of slots and no Struct, for thousands are made and compared."""

    __slots__ = (
        "container",
        "context",
        "direction",
        "index",
        "iri",
        "language",
        "nest",
        "prefix",
        "protected",
        "reverse",
        "type",
    )

    def __init__(self) -> None:
        self.iri: str | None = None
        self.type: str | None = None
        self.language: object = UNSET
        self.direction: object = UNSET
        self.container: frozenset[str] = frozenset()
        self.context: JsonValue = UNSET
        self.index: str | None = None
        self.nest: str | None = None
        self.prefix = False
        self.protected = False
        self.reverse = False

    def same_as(self, other: Term) -> bool:
        """Tell whether both define the same, whether protected or not (4.2.2, step 27)."""
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__ if name != "protected")


class Work:
    """What is left of the work that one document or context may cause."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, units: int) -> None:
        """Take ``units`` away: one for each term copied, and what a step costs in copies. Raises JsonLdError."""
        self.left -= units
        if self.left < 0:
            raise JsonLdError("too large", "expected contexts that are processed in bounded work")


class Loader(Protocol):
    """Where contexts by URL come from, and the bound on what is remembered of them."""

    def local_context(self, url: str) -> JsonValue:
        """Return what ``@context`` is in the document of ``url``. Raises JsonLdError if it is not allowed."""

    def remember(self, units: int) -> None:
        """Note that so much more is now kept, in terms of a context; all may be forgotten for it."""


_MAX_PLAIN: Final = 1_024
_MAX_PLAIN_LENGTH: Final = 64


class ActiveContext:
    """An active context, with the tables that are compiled from it as documents need them."""

    __slots__ = (
        "direction",
        "id_keys",
        "iris",
        "known",
        "language",
        "loader",
        "locals",
        "members",
        "plain",
        "previous",
        "special_keys",
        "terms",
        "type_keys",
        "typed",
        "value_keys",
        "vocab",
    )

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.terms: dict[str, Term] = {}
        self.vocab: str | None = None
        self.language: str | None = None
        self.direction: str | None = None
        self.previous: ActiveContext | None = None
        self.members: dict[str, Row] = {}
        self.typed: dict[str | tuple[str, ...], Typed] = {}
        self.locals: dict[str | bytes, ActiveContext] = {}
        self.iris: dict[str, str] = {}
        self.known: frozenset[str | None] | None = None
        self.plain: set[str] = {"@context"}
        self.id_keys: tuple[str, ...] = ("@id",)
        self.type_keys: tuple[str, ...] = ("@type",)
        self.value_keys: frozenset[str] = frozenset({"@value"})
        self.special_keys: frozenset[str] = _SPECIAL

    def copy(self) -> ActiveContext:
        """Return a context of the same definitions that may be changed; nothing compiled is taken along."""
        other = ActiveContext(self.loader)
        other.terms = self.terms.copy()
        other.vocab, other.language, other.direction = self.vocab, self.language, self.direction
        other.previous = self.previous
        return other

    def seal(self) -> ActiveContext:
        """Collect the aliases of keywords once the terms are final, and return the context itself."""
        aliases = [(name, term.iri) for name, term in self.terms.items() if term.iri is not None and term.iri[0] == "@"]
        self.id_keys = ("@id", *(name for name, iri in aliases if iri == "@id"))
        self.type_keys = ("@type", *(name for name, iri in aliases if iri == "@type" and name != "@type"))
        self.value_keys = frozenset({"@value", *(name for name, iri in aliases if iri == "@value")})
        self.special_keys = _SPECIAL.union(name for name, iri in aliases if iri in _SPECIAL)
        self.loader.remember(len(self.terms) + 20)
        return self

    def remember_plain(self, name: str) -> None:
        """Keep a member name without a term for which no term stands, so that it is looked at once."""
        if len(name) <= _MAX_PLAIN_LENGTH and len(self.plain) < _MAX_PLAIN:
            self.plain.add(name)
            self.loader.remember(1)

    def known_iris(self) -> frozenset[str | None]:
        """Return the IRIs that terms stand for, collected once."""
        if self.known is None:
            self.known = frozenset(term.iri for term in self.terms.values())
        return self.known

    def expand(self, value: str, *, vocab: bool) -> str | None:
        """Expand ``value`` to an IRI, blank node label or keyword (5.2.2); None if it is switched off or reserved.

        What comes back may still be relative: ``value`` is neither a term nor a compact or absolute IRI. With ``vocab``
        terms and the vocabulary are looked at, as for member names and types.
        """
        term = self.terms.get(value)
        if term is not None and (vocab or term.iri in KEYWORDS):
            return term.iri
        if value[:1] == "@":
            if value in KEYWORDS:
                return value
            if is_like_keyword(value):
                return None
        colon = value.find(":", 1)
        if colon > 0:
            prefix = value[:colon]
            if prefix == "_" or value.startswith("//", colon + 1):
                return value
            term = self.terms.get(prefix)
            if term is not None and term.prefix and term.iri is not None:
                return term.iri + value[colon + 1 :]
            if has_scheme(value):
                return value
        if vocab and self.vocab is not None:
            return self.vocab + value
        return value


_SPECIAL: Final = KEYWORDS - {"@id", "@type", "@context"}

"""Define one term of a local context.

Source:  JSON-LD 1.1 Processing Algorithms, 4.2 (create term definition); the error codes are those of 9.8.
Input:   a local context, of which terms may refer to terms further down.
I/O:     none; contexts by URL come from the loader of the active context.
Errors:  JsonLdError with the specification's code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ssi.encoding.jsonld.keywords import KEYWORDS, has_scheme, is_iri, is_like_keyword, quoted
from ssi.encoding.jsonld.terms import UNSET, ActiveContext, Term, Work
from ssi.errors import JsonLdError
from ssi.types import JsonObject, JsonValue

_DEFINITION_KEYS: Final = frozenset(
    {
        *("@id", "@reverse", "@container", "@context", "@direction", "@index", "@language", "@nest", "@prefix"),
        *("@protected", "@type"),
    }
)
_CONTEXT_KEYS: Final = frozenset(
    {"@base", "@direction", "@import", "@language", "@propagate", "@protected", "@version", "@vocab"}
)
_CONTAINERS: Final = frozenset({"@graph", "@id", "@index", "@language", "@list", "@set", "@type"})
_ends_like_prefix: Final = re.compile(r".*[:/?#\[\]@]", re.DOTALL).fullmatch
_looks_like_iri: Final = re.compile(r".+(?::[^:]|/)", re.DOTALL).match
MAX_MAPPING: Final = 256
"""Characters of the IRI that a term or vocabulary stands for: members repeat it, and prefixes add up."""
_COST: Final = 60
"""A definition costs about as much as copying so many terms."""


class Definer:
    """Defines the terms of ``local`` in ``active``, each after those that it is made of."""

    def __init__(
        self,
        active: ActiveContext,
        local: JsonObject,
        work: Work,
        validate: Callable[[ActiveContext, JsonValue], None],
    ) -> None:
        self._active = active
        self._local = local
        self._work = work
        self._validate = validate
        self._defined: dict[str, bool] = {}
        protected = local.get("@protected", False)
        if type(protected) is not bool:
            raise JsonLdError("invalid @protected value", "expected @protected to be true or false")
        self._protected = protected

    def define_all(self, *, override: bool) -> None:
        """Define every term; with ``override`` protected ones may be redefined."""
        for term in self._local:
            if term not in _CONTEXT_KEYS:
                self._define(term, override)

    def _define(self, name: str, override: bool) -> None:
        done = self._defined.get(name)
        if done:
            return
        if done is False:
            raise JsonLdError("cyclic IRI mapping", f"expected term {quoted(name)} not to be defined by itself")
        self._work.spend(_COST)
        self._defined[name] = False
        value = self._local[name]
        if name == "@type":
            _check_type_redefinition(value)
        elif name in KEYWORDS:
            raise JsonLdError("keyword redefinition", f"expected keyword {quoted(name)} not to be a term")
        elif is_like_keyword(name):
            return  # Reserved for later versions: ignored here, and refused as soon as a document uses it.
        elif not name:
            raise JsonLdError("invalid term definition", "expected terms that are not empty")
        previous = self._active.terms.pop(name, None)
        term = self._make(name, value)
        if term is None:
            if previous is not None:
                self._active.terms[name] = previous
            return
        if previous is not None and previous.protected and not override:
            if not term.same_as(previous):
                raise JsonLdError("protected term redefinition", f"expected {quoted(name)} to stay as it is defined")
            term = previous
        self._active.terms[name] = term
        self._defined[name] = True

    def _make(self, name: str, value: JsonValue) -> Term | None:
        """Return the definition of ``name``, or None if it is to be ignored."""
        simple = type(value) is str
        if simple or value is None:
            value = {"@id": value}
        if type(value) is not dict:
            raise JsonLdError("invalid term definition", f"expected {quoted(name)} to be a string, an object or null")
        if not value.keys() <= _DEFINITION_KEYS:
            raise JsonLdError("invalid term definition", f"expected {quoted(name)} to have no unknown members")
        term = Term()
        protected = value.get("@protected", self._protected)
        if type(protected) is not bool:
            raise JsonLdError("invalid @protected value", f"expected @protected of {quoted(name)} to be true or false")
        term.protected = protected
        if "@type" in value:
            term.type = self._type_mapping(name, value["@type"])
        if "@reverse" in value:
            term.reverse = True
            if "@id" in value or "@nest" in value:
                raise JsonLdError("invalid reverse property", f"expected {quoted(name)} to have no @id or @nest")
            target = value["@reverse"]
        else:
            target = value.get("@id", UNSET)
        if target is not UNSET and target is not None and type(target) is not str:
            raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to stand for an IRI")
        if type(target) is str and target not in KEYWORDS and is_like_keyword(target):
            return None
        self._map(name, term, target, simple)
        if term.iri is not None and len(term.iri) > MAX_MAPPING:
            raise JsonLdError("too large", f"expected {quoted(name)} to stand for at most {MAX_MAPPING} characters")
        self._details(name, term, value)
        return term

    def _map(self, name: str, term: Term, target: object, simple: bool) -> None:
        """Set the IRI mapping (steps 13 to 18)."""
        if target is None:
            return
        if type(target) is str and (target != name or term.reverse):
            iri = self._expand(target)
            if iri is None or not (iri in KEYWORDS or _is_absolute(iri)) or (term.reverse and iri in KEYWORDS):
                raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to stand for an absolute IRI")
            if iri in ("@context", "@preserve"):
                raise JsonLdError("invalid keyword alias", f"expected {quoted(name)} to be no alias of that keyword")
            if _looks_like_iri(name) and not term.reverse:
                self._defined[name] = True
                if self._expand(name) != iri:
                    raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to stand for what it spells")
                self._defined[name] = False
            term.iri = iri
            no_colon = ":" not in name[1:]
            term.prefix = simple and no_colon and (iri[:2] == "_:" or _ends_like_prefix(iri) is not None)
        elif ":" in name[1:]:
            prefix, _, suffix = name.partition(":")
            if prefix in self._local and prefix not in _CONTEXT_KEYS:
                self._define(prefix, False)
            known = self._active.terms.get(prefix)
            if known is not None and known.iri is None:
                raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to have a prefix that is in use")
            term.iri = name if known is None or known.iri is None else known.iri + suffix
            if not _is_absolute(term.iri):
                raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to stand for an absolute IRI")
        elif name == "@type":
            term.iri = "@type"
        elif self._active.vocab is not None:
            term.iri = self._active.vocab + name
        else:
            raise JsonLdError("invalid IRI mapping", f"expected {quoted(name)} to have an @id")

    def _expand(self, value: str) -> str | None:
        """Expand a name in this context, defining first what it is made of (5.2.2, steps 3 and 6.3)."""
        if value in KEYWORDS:
            return value
        if value in self._local and value not in _CONTEXT_KEYS and not self._defined.get(value):
            self._define(value, False)
        prefix, colon, suffix = value.partition(":")
        compact = bool(colon) and not suffix.startswith("//") and value not in self._active.terms
        if compact and prefix in self._local and prefix not in _CONTEXT_KEYS and not self._defined.get(prefix):
            self._define(prefix, False)
        return self._active.expand(value, vocab=True)

    def _type_mapping(self, name: str, value: JsonValue) -> str:
        iri = self._expand(value) if type(value) is str else None
        if iri in ("@id", "@json", "@none", "@vocab"):
            return iri
        if iri is None or iri[0] == "@" or not has_scheme(iri):
            raise JsonLdError("invalid type mapping", f"expected @type of {quoted(name)} to be an IRI")
        if len(iri) > MAX_MAPPING:
            raise JsonLdError("too large", f"expected @type of {quoted(name)} of at most {MAX_MAPPING} characters")
        return iri

    def _details(self, name: str, term: Term, value: JsonObject) -> None:
        """Set what follows the IRI mapping (steps 19 to 26)."""
        if "@container" in value:
            self._container(name, term, value["@container"])
        if "@index" in value:
            index = value["@index"]
            if "@index" not in term.container or type(index) is not str or index[:1] == "@":
                raise JsonLdError("invalid term definition", f"expected @index of {quoted(name)} to fit its container")
            term.index = index
        if "@context" in value:
            term.context = value["@context"]
            try:
                self._validate(self._active, term.context)
            except JsonLdError as exc:
                if exc.code in ("context not allowed", "unsupported", "too large"):
                    raise
                raise JsonLdError("invalid scoped context", f"term {quoted(name)}: {exc}") from exc
        if "@language" in value and "@type" not in value:
            language = value["@language"]
            if language is not None and type(language) is not str:
                raise JsonLdError("invalid language mapping", f"expected @language of {quoted(name)} to be a string")
            term.language = language if language is None else language.lower()
        if "@direction" in value and "@type" not in value:
            if value["@direction"] not in (None, "ltr", "rtl"):
                raise JsonLdError("invalid base direction", f"expected @direction of {quoted(name)} to be ltr or rtl")
            term.direction = value["@direction"]
        if "@nest" in value:
            term.nest = value["@nest"]
            if type(term.nest) is not str or (term.nest != "@nest" and term.nest[:1] == "@"):
                raise JsonLdError("invalid @nest value", f"expected @nest of {quoted(name)} to be a term")
        if "@prefix" in value:
            prefix = value["@prefix"]
            if type(prefix) is not bool:
                raise JsonLdError("invalid @prefix value", f"expected @prefix of {quoted(name)} to be true or false")
            if ":" in name or "/" in name or (prefix and term.iri in KEYWORDS):
                raise JsonLdError("invalid term definition", f"expected {quoted(name)} to be no prefix")
            term.prefix = prefix

    def _container(self, name: str, term: Term, value: JsonValue) -> None:
        words = value if type(value) is list else [value]
        found = frozenset(word for word in words if type(word) is str)
        rest = found - {"@set"}
        fits = found <= _CONTAINERS and len(found) == len(words) > 0
        if "@list" in found:
            fits = fits and len(found) == 1
        elif "@graph" in rest:
            fits = fits and rest <= {"@graph", "@id", "@index"} and len(rest) <= 2
        else:
            fits = fits and len(rest) <= 1
        if not fits:
            raise JsonLdError("invalid container mapping", f"expected @container of {quoted(name)} to be known words")
        if term.reverse and not found <= {"@set", "@index"}:
            raise JsonLdError("invalid reverse property", f"expected @container of {quoted(name)} to be @set or @index")
        if "@type" in found:
            term.type = term.type or "@id"
            if term.type not in ("@id", "@vocab"):
                raise JsonLdError("invalid type mapping", f"expected @type of {quoted(name)} to be @id or @vocab")
        term.container = found


def _check_type_redefinition(value: JsonValue) -> None:
    """Refuse what may not be said about ``@type`` itself (step 4)."""
    fits = (
        type(value) is dict
        and bool(value)
        and value.keys() <= {"@container", "@protected"}
        and value.get("@container", "@set") == "@set"
    )
    if not fits:
        raise JsonLdError("keyword redefinition", "expected @type to have no definition but @container and @protected")


def _is_absolute(iri: str) -> bool:
    return iri[:2] == "_:" or is_iri(iri) is not None

"""Process local contexts into active contexts.

Source:  JSON-LD 1.1 Processing Algorithms, 4.1 (context processing); JSON-LD 1.1, 4.1.8 and 4.1.9 (scoped contexts,
         propagation), 4.1.11 (protected terms).
Input:   the value of ``@context``: a URL on the allow-list, an object, null, or an array of these.
I/O:     none; a URL that the loader does not know is refused.
Errors:  JsonLdError with the specification's code; UnsupportedJsonLdError for ``@base`` and relative context URLs.
"""

from __future__ import annotations

from typing import Final

from ssi.encoding.jsonld.definition import MAX_MAPPING, Definer
from ssi.encoding.jsonld.keywords import has_scheme, quoted
from ssi.encoding.jsonld.terms import ActiveContext, Work
from ssi.errors import JsonLdError, UnsupportedJsonLdError
from ssi.types import JsonObject, JsonValue

_MAX_REMOTE: Final = 8
"""Contexts by URL that may refer to each other in a row."""


class Processor:
    """Processes local contexts; ``work`` is what they may cost together."""

    __slots__ = ("_remote", "_validate_scoped", "_work")

    def __init__(self, work: Work, remote: tuple[str, ...] = (), *, validate_scoped: bool = True) -> None:
        self._work = work
        self._remote = remote
        self._validate_scoped = validate_scoped

    def process(
        self, active: ActiveContext, local: JsonValue, *, override: bool = False, propagate: bool = True
    ) -> ActiveContext:
        """Return ``active`` with ``local`` applied to it (4.1.2). ``active`` is not changed.

        ``override`` lets protected terms be redefined or dropped, as a context within a property's definition may;
        without ``propagate`` the outcome remembers ``active`` for the nodes further down.
        """
        if type(local) is dict and "@propagate" in local:
            propagate = _propagate(local)
        result = active
        if not propagate and active.previous is None:
            result = self._copy(active)
            result.previous = active
        for context in local if type(local) is list else (local,):
            if context is None:
                result = self._nullified(result, override, propagate)
            elif type(context) is str:
                result = self._by_url(result, context, override)
            elif type(context) is dict:
                if type(local) is list and context.keys() == {"@context"} and type(context["@context"]) is dict:
                    context = context["@context"]  # Not in the specification; processors in use let it pass.
                if type(local) is list and "@propagate" in context:
                    raise UnsupportedJsonLdError("@propagate in an array of contexts")
                result = self._inline(result, context, override)
            else:
                raise JsonLdError("invalid local context", "expected contexts to be URLs, objects or null")
        return result if result is active else result.seal()

    def _copy(self, active: ActiveContext) -> ActiveContext:
        self._work.spend(len(active.terms) + 20)
        return active.copy()

    def _nullified(self, active: ActiveContext, override: bool, propagate: bool) -> ActiveContext:
        self._work.spend(20)
        if not override and any(term.protected for term in active.terms.values()):
            raise JsonLdError("invalid context nullification", "expected protected terms to stay defined")
        result = ActiveContext(active.loader)
        if not propagate:
            result.previous = active
        return result

    def _by_url(self, active: ActiveContext, url: str, override: bool) -> ActiveContext:
        if not has_scheme(url):
            raise UnsupportedJsonLdError("contexts by relative URL")
        if url in self._remote:
            if not self._validate_scoped:
                return active
            raise JsonLdError("recursive context inclusion", f"expected {quoted(url)} not to include itself")
        if len(self._remote) >= _MAX_REMOTE:
            raise JsonLdError("context overflow", f"expected at most {_MAX_REMOTE} contexts that include each other")
        local = active.loader.local_context(url)
        self._work.spend(20)
        inner = Processor(self._work, (*self._remote, url), validate_scoped=self._validate_scoped)
        return inner.process(active, local, override=override)

    def _inline(self, active: ActiveContext, context: JsonObject, override: bool) -> ActiveContext:
        if "@context" in context:
            raise JsonLdError("keyword redefinition", "expected contexts that hold no @context of their own")
        if "@version" in context and (type(context["@version"]) is bool or context["@version"] != 1.1):
            raise JsonLdError("invalid @version value", "expected @version to be 1.1")
        if "@import" in context:
            context = self._imported(active, context)
        result = self._copy(active)
        if "@base" in context and context["@base"] is not None:
            raise UnsupportedJsonLdError("@base")
        if "@propagate" in context:
            _propagate(context)
        self._defaults(result, context)
        Definer(result, context, self._work, self._validate).define_all(override=override)
        return result

    def _imported(self, active: ActiveContext, context: JsonObject) -> JsonObject:
        url = context["@import"]
        if type(url) is not str:
            raise JsonLdError("invalid @import value", "expected @import to be a URL")
        if not has_scheme(url):
            raise UnsupportedJsonLdError("contexts by relative URL")
        imported = active.loader.local_context(url)
        if type(imported) is not dict:
            raise JsonLdError("invalid remote context", "expected @import to name a single context")
        if "@import" in imported:
            raise JsonLdError("invalid context entry", "expected an imported context to import no other")
        self._work.spend(len(imported))
        return {name: value for name, value in (imported | context).items() if name != "@import"}

    def _defaults(self, result: ActiveContext, context: JsonObject) -> None:
        """Set vocabulary, language and direction (steps 5.8 to 5.10)."""
        if "@vocab" in context:
            vocab = context["@vocab"]
            if vocab is not None:
                vocab = result.expand(vocab, vocab=True) if type(vocab) is str else ""
                if vocab is None or vocab[:1] == "@":
                    raise JsonLdError("invalid vocab mapping", "expected @vocab to be an IRI or null")
                if not vocab or not (has_scheme(vocab) or vocab[:2] == "_:"):
                    if type(context["@vocab"]) is not str:
                        raise JsonLdError("invalid vocab mapping", "expected @vocab to be an IRI or null")
                    raise UnsupportedJsonLdError("a relative @vocab")
                if len(vocab) > MAX_MAPPING:
                    raise JsonLdError("too large", f"expected @vocab to have at most {MAX_MAPPING} characters")
            result.vocab = vocab
        if "@language" in context:
            language = context["@language"]
            if language is not None and type(language) is not str:
                raise JsonLdError("invalid default language", "expected @language to be a language tag or null")
            result.language = language if language is None else language.lower()
        if "@direction" in context:
            if context["@direction"] not in (None, "ltr", "rtl"):
                raise JsonLdError("invalid base direction", "expected @direction to be ltr, rtl or null")
            result.direction = context["@direction"]

    def _validate(self, active: ActiveContext, local: JsonValue) -> None:
        """Find out at its definition whether a scoped context can be processed (4.2.2, step 21)."""
        if local is not None:
            Processor(self._work, self._remote, validate_scoped=False).process(active, local, override=True)


def _propagate(context: JsonObject) -> bool:
    value = context["@propagate"]
    if type(value) is not bool:
        raise JsonLdError("invalid @propagate value", "expected @propagate to be true or false")
    return value

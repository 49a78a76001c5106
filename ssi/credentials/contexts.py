"""Which JSON-LD contexts a document may name, and what inline contexts may define.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.3 (contexts), 4.5 (types), 5.2 (extensibility) and
         appendix B.1 (base context); JSON-LD 1.1, 4.2.9 (protected terms).
Input:   the value of ``@context`` and the URLs that the caller knows. Nothing is fetched, no context is processed:
         what a known URL defines is the caller's knowledge, what is written inline is read here.
I/O:     none.
Errors:  InvalidInputError.

An inline context is chosen by whoever wrote the document, so it may add terms and never change one: redefining a term
of the base context, or a protected one, is refused, and so is every construct that would need JSON-LD processing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.credentials.values import is_url
from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

InlineContexts: TypeAlias = bool | Literal["processed"]
"""Whether objects may stand among contexts, and be read here. ``"processed"`` is for documents that JSON-LD processing
in safe mode has accepted before, by which every construct in such an object is decided already."""

VC_V1_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"
VC_V2_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"

# Top-level terms of the base context (appendix B.1). All of them are protected.
BASE_TYPES: Final = frozenset(
    {
        "VerifiableCredential",
        "EnvelopedVerifiableCredential",
        "VerifiablePresentation",
        "EnvelopedVerifiablePresentation",
        "JsonSchemaCredential",
        "JsonSchema",
        "BitstringStatusListCredential",
        "BitstringStatusList",
        "BitstringStatusListEntry",
        "DataIntegrityProof",
    }
)
BASE_TERMS: Final = BASE_TYPES | {
    *("id", "type", "description", "digestMultibase", "digestSRI", "mediaType", "name"),
    *("...", "_sd", "_sd_alg", "aud", "cnf", "exp", "iat", "iss", "jku", "kid", "nbf", "sub", "x5u"),
}
# Top-level terms of the base context of data model 1.1, all of them protected.
V1_BASE_TERMS: Final = frozenset(
    {
        *("id", "type", "proof", "VerifiableCredential", "VerifiablePresentation", "EcdsaSecp256k1Signature2019"),
        *("EcdsaSecp256r1Signature2019", "Ed25519Signature2018", "RsaSignature2018"),
    }
)
_CREDENTIAL_TERMS: Final = frozenset(
    {
        *("confidenceMethod", "credentialSchema", "credentialStatus", "credentialSubject", "description", "evidence"),
        *("issuer", "name", "proof", "refreshService", "relatedResource", "renderMethod", "termsOfUse"),
        *("validFrom", "validUntil", "@context"),
    }
)
BASE_CREDENTIAL_MEMBERS: Final = BASE_TERMS | _CREDENTIAL_TERMS
_INLINE_KEYWORDS: Final = frozenset({"@protected", "@vocab", "@version", "@language", "@direction"})


class DefinedTerms(msgspec.Struct, frozen=True):
    """What the contexts of a document define, as far as it can be known without processing them.

    ``names`` are the terms written inline; ``everything`` is True if a context by URL or an inline ``@vocab`` may
    define any term.
    """

    names: frozenset[str]
    everything: bool

    def __contains__(self, term: str) -> bool:
        return self.everything or term in self.names


_BASE_ONLY: Final = DefinedTerms(frozenset(), False)


def check_contexts(value: JsonValue, contexts: Collection[str], *, inline: InlineContexts = False) -> DefinedTerms:
    """Check ``@context`` against the allow-list ``contexts`` and return what it defines beside the base context.

    The first item is the VCDM 2.0 base context, which needs no entry in ``contexts``; each other item is a URL in
    ``contexts`` or, if ``inline`` is set, an object. A single string stands for a list of one, as the enveloped
    objects of 4.13.2 have it. Raises InvalidInputError.
    """
    return _check(value, VC_V2_CONTEXT, BASE_TERMS, contexts, inline)


def check_v1_contexts(value: JsonValue, contexts: Collection[str], *, inline: InlineContexts = False) -> DefinedTerms:
    """As ``check_contexts``, for a document of data model 1.1, whose base context is another."""
    return _check(value, VC_V1_CONTEXT, V1_BASE_TERMS, contexts, inline)


def _check(
    value: JsonValue, base: str, base_terms: frozenset[str], contexts: Collection[str], inline: InlineContexts
) -> DefinedTerms:
    items = value if type(value) is list else (value,)
    if not items or items[0] != base:
        raise InvalidInputError(f"expected @context to be a list that starts with {base}")
    if len(items) == 1:
        return _BASE_ONLY
    names: set[str] = set()
    protected = set(base_terms)
    everything = False
    for item in items[1:]:
        if type(item) is str:
            if item != base and item not in contexts:
                raise InvalidInputError("expected only contexts that the caller allows in @context")
            everything = everything or item != base
        elif type(item) is dict and inline == "processed":
            everything = True
        elif type(item) is dict and inline:
            defined, vocabulary = _check_inline(item, protected)
            names |= defined
            everything = vocabulary if vocabulary is not None else everything
        else:
            raise InvalidInputError("expected @context to hold URLs" + (" and objects" if inline else ", none inline"))
    return DefinedTerms(frozenset(names), everything)


def _check_inline(context: JsonObject, protected: set[str]) -> tuple[set[str], bool | None]:
    """Return the terms that ``context`` defines, and whether it sets (True) or clears (False) a vocabulary."""
    vocabulary: bool | None = None
    defined: set[str] = set()
    for term, definition in context.items():
        if term in protected:
            raise InvalidInputError("expected inline contexts that redefine no protected term")
        if term == "@vocab":
            if definition is not None and not is_url(definition):
                raise InvalidInputError("expected @vocab to be a URL or null")
            vocabulary = definition is not None
        elif term.startswith("@"):
            if term not in _INLINE_KEYWORDS:
                raise InvalidInputError("expected inline contexts without keywords that load or scope others")
        else:
            _check_definition(definition)
            defined.add(term)
    if context.get("@protected") is True:
        protected |= defined
    return defined, vocabulary


def _check_definition(definition: JsonValue) -> None:
    target = definition.get("@id") if type(definition) is dict else definition
    if type(definition) is dict and not definition.keys() <= {"@id", "@type", "@container", "@language"}:
        raise InvalidInputError("expected inline term definitions of @id, @type, @container and @language")
    if not is_url(target):
        raise InvalidInputError("expected inline terms that stand for absolute URLs")

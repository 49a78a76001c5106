"""Random credentials, presentations and DID documents over the bundled contexts; equal seeds make equal documents.

Source:  none; members and their shapes are read from the contexts themselves.
Input:   a ``random.Random``.
Shapes:  documents that name bundled contexts, some with an inline one; types are put together at random.
I/O:     reads the bundled contexts.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ssi.encoding.jsonld import BUNDLED, to_quads
from ssi.errors import JsonLdError
from tests.property.json_ld_documents import IRIS, LANGUAGES, NUMBERS, TEXTS, V1, V2

UNDEFINED = "https://www.w3.org/ns/credentials/undefined-terms/v2"
EXTENSIONS = [url for url in BUNDLED if url not in (V1, V2, UNDEFINED)]
INLINE = {
    "ext": "https://example.org/ext#",
    "score": "ext:score",
    "tags": {"@id": "ext:tags", "@container": "@set"},
    "steps": {"@id": "ext:steps", "@container": "@list"},
    "title": {"@id": "ext:title", "@container": "@language"},
    "home": {"@id": "ext:home", "@type": "@id"},
    "raw": {"@id": "ext:raw", "@type": "@json"},
}


def is_accepted(document: dict[str, Any]) -> bool:
    """Tell whether the contexts of a small document, and the one of its type, go together: some protect what others
    redefine."""
    try:
        to_quads(document)
    except JsonLdError:
        return False
    return True


FITTING = {
    base: [url for url in EXTENSIONS if is_accepted({"@context": [base, url], "@type": "VerifiableCredential"})]
    for base in (V1, V2)
}


def credential_document(rng: Random) -> dict[str, Any]:
    """Return a credential, a presentation, or a document of another kind."""
    kind = rng.random()
    if kind < 0.15:
        url = rng.choice(EXTENSIONS)
        types = Definitions([url])
        return {"@context": [url, {"extra": "https://example.org/extra"}], "extra": 1, **types.node(rng, 0)}
    base = V2 if rng.random() < 0.6 else V1
    if kind < 0.3:
        inner = [credential(rng, base) for _ in range(rng.randint(1, 2))]
        holder = {"holder": "did:example:holder"} if rng.random() < 0.7 else {}
        return {"@context": [base], "type": "VerifiablePresentation", **holder, "verifiableCredential": inner}
    return credential(rng, base)


def credential(rng: Random, base: str) -> dict[str, Any]:
    """Return a credential on ``base`` with one more context, sometimes a vocabulary, sometimes an inline one."""
    extension = rng.choice(FITTING[base])
    contexts: list[Any] = [base, extension]
    definitions = Definitions(contexts)
    inline = rng.random() < 0.5
    if inline:
        contexts.append(INLINE)
    vocabulary = rng.random() < 0.3
    if vocabulary:
        contexts.append(UNDEFINED)
    document: dict[str, Any] = {"@context": contexts, "type": ["VerifiableCredential"], "issuer": "did:example:issuer"}
    if rng.random() < 0.7:
        document["id"] = "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"
    if rng.random() < 0.5:
        document["issuer"] = {"id": "did:example:issuer", "type": rng.choice(definitions.types)}
    document["credentialSubject"] = [definitions.node(rng, 1) for _ in range(rng.randint(1, 2))]
    for member in ("credentialStatus", "credentialSchema", "evidence", "refreshService", "termsOfUse"):
        if rng.random() < 0.3:
            document[member] = definitions.node(rng, 2)
    if base == V2 and rng.random() < 0.5:
        document["name"] = {"@value": rng.choice(TEXTS), "@language": rng.choice(LANGUAGES), "@direction": "ltr"}
    for subject in document["credentialSubject"]:
        if inline:
            subject |= {"score": rng.choice(NUMBERS), "tags": rng.sample(TEXTS, 2), "steps": rng.sample(TEXTS, 2)}
            subject |= {"title": {"en": rng.choice(TEXTS)}, "home": rng.choice(IRIS), "raw": [{"b": 1, "a": None}]}
        if vocabulary:
            subject |= {"unheardOf": rng.choice(TEXTS), "also": {"unheardOf": rng.choice([True, *NUMBERS])}}
    return document


class Definitions:
    """What contexts define, as far as a document can be made of it."""

    def __init__(self, urls: list[Any]) -> None:
        self.terms: dict[str, Any] = {}
        for url in urls:
            self.terms |= terms_of(BUNDLED.document(url)["@context"])
        names = [name for name in self.terms if name[:1].isupper()]
        self.types = [name for name in names if is_accepted({"@context": urls, "@type": name})]

    def node(self, rng: Random, depth: int, *, inherited: Any = None) -> dict[str, Any]:
        """Return a node of a random type, with members that the type or ``inherited`` defines."""
        node: dict[str, Any] = {}
        if rng.random() < 0.6:
            node["@id"] = rng.choice(IRIS[:5])
        terms = {name: value for name, value in (inherited or {}).items() if not name[:1].isupper()}
        if self.types and (rng.random() < 0.9 or not terms):
            name = rng.choice(self.types)
            node["@type"] = name
            definition = self.terms[name]
            if isinstance(definition, dict) and isinstance(definition.get("@context"), dict):
                terms |= terms_of(definition["@context"])
        usable = [name for name in terms if is_property(terms[name]) and not name[:1].isupper()]
        for name in rng.sample(usable, min(len(usable), rng.randint(1, 5))):
            node[name] = self.value(rng, terms[name], depth)
        return node

    def value(self, rng: Random, definition: Any, depth: int) -> Any:
        """Return a value that fits ``definition``."""
        definition = definition if isinstance(definition, dict) else {}
        scoped = definition.get("@context")
        inherited = terms_of(scoped) if isinstance(scoped, dict) else {}
        kind = definition.get("@type")
        container = definition.get("@container")
        if container == "@graph" or (kind == "@id" and depth < 3 and rng.random() < 0.4):
            value: Any = self.node(rng, depth + 1, inherited=inherited)
        elif kind == "@id":
            value = rng.choice(IRIS[:5])
        elif kind == "@vocab":
            value = rng.choice([*(name for name in inherited if is_property(inherited[name])), *IRIS[:3]])
        elif kind == "@json":
            value = rng.choice([{"kty": "OKP", "x": ["a", 1.5, None]}, "text", 7])
        elif kind is not None:
            value = rng.choice(["2026-01-01T00:00:00Z", "text", 7, True])
        else:
            value = rng.choice([rng.choice(TEXTS), rng.choice(NUMBERS), {"@value": "x", "@language": "en"}, "text"])
        return [value] if rng.random() < 0.2 or container == "@list" else value


def terms_of(context: Any) -> dict[str, Any]:
    """Return the term definitions of a context, keywords left out."""
    parts = context if isinstance(context, list) else [context]
    return {k: v for part in parts if isinstance(part, dict) for k, v in part.items() if not k.startswith("@")}


def is_property(definition: Any) -> bool:
    """Tell whether a term stands for an IRI that is no namespace."""
    if isinstance(definition, dict) and "@context" in definition and definition["@context"] is None:
        return False  # Inside it, nothing is defined any more.
    iri = definition.get("@id") if isinstance(definition, dict) else definition
    return isinstance(iri, str) and not iri.startswith("@") and iri[-1] not in "#/:"

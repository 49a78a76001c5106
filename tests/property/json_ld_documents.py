"""Random JSON-LD documents, over contexts made up with them or over the bundled ones; equal seeds make equal documents.

Source:  none.
Input:   a ``random.Random``.
Shapes:  most documents are valid; a few hold what safe mode refuses.
I/O:     none.
"""

from __future__ import annotations

from random import Random
from typing import Any

EX = "https://example.org/vocabulary#"
XSD = "http://www.w3.org/2001/XMLSchema#"
V1, V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
TERMS = [f"t{number}" for number in range(8)]
TYPES = [f"T{number}" for number in range(4)]
TEXTS = [
    "",
    "plain",
    "two words",
    'quote "',
    "back\\slash",
    "line\nfeed\ttab\r",
    "\x00\x07\x7f",
    "Zürich",
    "日本",
    "😀",
    "a:b",
]
IRIS = [
    "did:example:a",
    "urn:uuid:1",
    "https://example.org/x?y=1#z",
    "ex:compact",
    "mailto:a@b.example",
    "_:named",
    "_:b0",
]
LANGUAGES = ["en", "de-CH", "zh-Hans", "EN-us"]
NUMBERS = [0, 1, -7, 2**53 - 1, 0.5, -2.25, 1e21, 1e-7, 5.0, -0.0, 123456.789, 1.5e300]


SHAPES = ["text", "text", "text", "link", "word", "typed", "json", "node", "node", "node", "map", "list", "graph"]


class Documents:
    """Makes one document; a term keeps its shape through all contexts of it, so that most values fit."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.shapes = {term: rng.choice(SHAPES) for term in TERMS}
        self.protected = rng.random() < 0.1

    def document(self) -> dict[str, Any]:
        """Return a document over contexts of its own."""
        rng = self.rng
        contexts: list[Any] = [self.base_context()]
        if rng.random() < 0.3:
            contexts.append(self.context(1))
        document = self.node(0)
        if rng.random() < 0.1:
            document = {"@graph": [self.node(1) for _ in range(rng.randint(1, 3))]}
        return {"@context": contexts if len(contexts) > 1 or rng.random() < 0.5 else contexts[0], **document}

    def base_context(self) -> dict[str, Any]:
        """Return a context that defines all terms and types."""
        rng = self.rng
        context: dict[str, Any] = {"ex": EX, "xsd": XSD, "id": "@id", "type": "@type"}
        if rng.random() < 0.3:
            context["@vocab"] = EX
        if rng.random() < 0.2:
            context["@language"] = rng.choice(LANGUAGES)
        if self.protected:
            context["@protected"] = True
        return self.defined(context, TERMS, TYPES, 0)

    def context(self, depth: int) -> dict[str, Any]:
        """Return a context that changes some terms and types."""
        rng = self.rng
        context: dict[str, Any] = {}
        if rng.random() < 0.5:
            context["@version"] = 1.1
        if rng.random() < 0.1:
            context["@language"] = rng.choice(LANGUAGES)
        if rng.random() < 0.1:
            context["@vocab"] = EX + "other/"
        terms = ["u0", "u1"] if self.protected else rng.sample(TERMS, rng.randint(1, 3))
        return self.defined(context, terms, [] if self.protected else rng.sample(TYPES, rng.randint(0, 2)), depth)

    def defined(self, context: dict[str, Any], terms: list[str], types: list[str], depth: int) -> dict[str, Any]:
        """Add definitions to ``context`` and return it with its members in any order."""
        rng = self.rng
        for term in terms:
            context[term] = self.definition(term, depth)
        for name in types:
            context[name] = f"ex:{name}"
            if depth < 2 and rng.random() < 0.3:
                scoped: Any = self.context(depth + 1)
                if rng.random() < 0.15:
                    scoped["@propagate"] = rng.random() < 0.5
                elif rng.random() < 0.1:
                    scoped = [scoped, self.context(2)]
                context[name] = {"@id": EX + name, "@context": scoped}
        names = list(context)
        rng.shuffle(names)
        return {name: context[name] for name in names}

    def definition(self, term: str, depth: int) -> Any:
        """Return a definition of ``term`` that fits its shape."""
        rng = self.rng
        iri = rng.choice([f"ex:{term}", EX + term, f"https://schema.example/{term}", f"ex:{rng.choice(TERMS)}"])
        shape = self.shapes.get(term, "text")
        definition: dict[str, Any] = {"@id": iri}
        if shape in ("link", "node", "graph") and rng.random() < (0.5 if shape == "node" else 1):
            definition["@type"] = "@id"
        elif shape == "word":
            definition["@type"] = "@vocab"
        elif shape == "typed":
            definition["@type"] = rng.choice(
                ["xsd:dateTime", XSD + "integer", "xsd:string", "xsd:boolean", EX + "type"]
            )
        elif shape == "json":
            definition["@type"] = "@json"
        elif shape in ("text", "list") and rng.random() < 0.3:
            definition["@language"] = rng.choice([*LANGUAGES, None])
        elif shape == "text" and rng.random() < 0.1:
            definition["@type"] = "@none"
        if shape == "map":
            definition["@container"] = rng.choice(["@language", ["@language", "@set"]])
        elif shape in ("list", "graph"):
            definition["@container"] = [f"@{shape}", "@set"] if shape == "graph" and rng.random() < 0.3 else f"@{shape}"
        elif rng.random() < 0.2:
            definition["@container"] = "@set"
        if depth < 2 and rng.random() < 0.15:
            definition["@context"] = scoped = self.context(depth + 1)
            if rng.random() < 0.8:
                scoped.pop(term, None)
            if depth == 0 and shape == "graph" and rng.random() < 0.2:
                definition["@context"] = [None, self.base_context_unscoped()]
        if rng.random() < 0.03:
            definition["@protected"] = not self.protected and rng.random() < 0.2
        return iri if definition.keys() == {"@id"} else definition

    def base_context_unscoped(self) -> dict[str, Any]:
        """Return a context for the inside of a term, after all others were dropped."""
        terms = {term: self.definition(term, 2) for term in TERMS}
        return {"ex": EX, "xsd": XSD, "id": "@id", "type": "@type", **{name: f"ex:{name}" for name in TYPES}, **terms}

    def node(self, depth: int) -> dict[str, Any]:
        """Return a node object with properties."""
        rng = self.rng
        node: dict[str, Any] = {}
        if rng.random() < 0.5:
            node[rng.choice(["id", "@id"])] = rng.choice(IRIS)
        if rng.random() < 0.5:
            types = rng.sample(TYPES, rng.randint(1, 2)) + (["ex:Other"] if rng.random() < 0.2 else [])
            node[rng.choice(["type", "@type"])] = types[0] if len(types) == 1 else types
        terms = [term for term in TERMS if depth < 3 or self.shapes[term] not in ("node", "graph")]
        for _ in range(rng.randint(1, 4)):
            name = rng.choice([*terms, *terms, *terms, "ex:compact", EX + "absolute"])
            node[name] = self.values(self.shapes.get(name, "text"), depth)
        if depth and rng.random() < 0.04:
            node["@context"] = self.context(2)
        names = list(node)
        rng.shuffle(names)
        return {name: node[name] for name in names}

    def values(self, shape: str, depth: int) -> Any:
        """Return one value or an array, for a term of ``shape``."""
        rng = self.rng
        if rng.random() < 0.003:
            return rng.choice([None, [], {"@value": None}, "loose", 5])
        if shape == "map":
            texts = [rng.choice(TEXTS), rng.sample(TEXTS, 2)]
            keys = rng.sample([*LANGUAGES, "@none"], rng.randint(1, 3))
            return {key: rng.choice(texts) for key in keys} if rng.random() < 0.9 else rng.choice(TEXTS)
        if shape == "list" and rng.random() < 0.1:
            return rng.choice([[], [["nested", 1], []], {"@list": ["x", 2]}])
        if rng.random() < 0.7:
            return self.value(shape, depth)
        return [self.value(shape, depth) for _ in range(rng.randint(1, 3))]

    def value(self, shape: str, depth: int) -> Any:
        """Return one value for a term of ``shape``."""
        rng = self.rng
        kind = rng.random()
        if shape == "graph":
            return self.node(depth + 1)
        if shape == "json":
            return rng.choice([*TEXTS, *NUMBERS, None, [], {"any": [rng.choice(NUMBERS), {"b": 1, "a": None}]}])
        if (shape == "node" and depth < 4) or (kind < 0.05 and depth < 4):
            return self.node(depth + 1)
        if shape in ("link", "word", "node") or kind < 0.1:
            return rng.choice([*IRIS[:4], *IRIS, *(TERMS + TYPES if shape == "word" else [])])
        if kind < 0.5:
            return rng.choice(TEXTS)
        if kind < 0.75:
            return rng.choice([*NUMBERS, True, False])
        if kind < 0.8:
            return {rng.choice(["id", "@id"]): rng.choice(IRIS)}
        if kind < 0.87:
            return {"@value": rng.choice([*TEXTS, *NUMBERS, True]), "@type": rng.choice(["xsd:date", EX + "datatype"])}
        if kind < 0.92:
            return {"@value": rng.choice(TEXTS), "@language": rng.choice(LANGUAGES)}
        if kind < 0.95:
            return {"@value": {"any": [rng.choice(NUMBERS), rng.choice(TEXTS), None]}, "@type": "@json"}
        if kind < 0.97 and shape != "list":
            return {rng.choice(["@list", "@set"]): [self.value("text", 4) for _ in range(rng.randint(1, 3))]}
        if kind < 0.985 and depth < 4:
            return {"@graph": [self.node(depth + 2)]}
        return {"@value": rng.choice(TEXTS)}

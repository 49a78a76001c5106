"""What becomes quads, what is refused and by which name, and in how much work."""

from __future__ import annotations

import itertools
import json
from hashlib import sha256
from typing import Any

import pytest

from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, Contexts, PinnedContext, label_blank_nodes, recorded_digests, to_quads
from ssi.errors import CanonicalizationError, InvalidInputError, JsonLdError, UnsupportedJsonLdError

V2 = "https://www.w3.org/ns/credentials/v2"
CRED = "https://www.w3.org/2018/credentials#"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
XSD = "http://www.w3.org/2001/XMLSchema#"
EX = "https://example.org/#"


def objects(member: Any, definition: Any = None, **context: Any) -> set[str]:
    """Return the objects of the one property of a document, under a term ``p`` that is defined so."""
    terms = {"p": EX + "p" if definition is None else definition} | {
        f"@{name}": value for name, value in context.items()
    }
    quads = to_quads({"@context": terms, "@id": "urn:a", "p": member}, contexts=Contexts())
    return {value for _, predicate, value, _ in quads if predicate == f"<{EX}p>"}


def test_a_credential_becomes_quads() -> None:
    document = {
        "@context": [V2, {"memberOf": "https://schema.org/memberOf"}],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"memberOf": ["one", 'two "quoted"\n']},
    }
    assert to_quads(document) == [
        ("<urn:uuid:1>", TYPE, f"<{CRED}VerifiableCredential>", ""),
        ("<urn:uuid:1>", f"<{CRED}issuer>", "<did:example:issuer>", ""),
        ("<urn:uuid:1>", f"<{CRED}validFrom>", f'"2026-01-01T00:00:00Z"^^<{XSD}dateTime>', ""),
        ("_:b0", "<https://schema.org/memberOf>", '"one"', ""),
        ("_:b0", "<https://schema.org/memberOf>", '"two \\"quoted\\"\\n"', ""),
        ("<urn:uuid:1>", f"<{CRED}credentialSubject>", "_:b0", ""),
    ]


@pytest.mark.parametrize(
    ("value", "definition", "expected"),
    [
        ("text", None, '"text"'),
        (5, None, f'"5"^^<{XSD}integer>'),
        (5.0, None, f'"5"^^<{XSD}integer>'),
        (5.5, None, f'"5.5E0"^^<{XSD}double>'),
        (-0.001, None, f'"-1.0E-3"^^<{XSD}double>'),
        (1e300, None, f'"1.0E300"^^<{XSD}double>'),
        (True, None, f'"true"^^<{XSD}boolean>'),
        (5, {"@id": EX + "p", "@type": XSD + "double"}, f'"5.0E0"^^<{XSD}double>'),
        (5, {"@id": EX + "p", "@type": XSD + "string"}, '"5"'),
        ("x", {"@id": EX + "p", "@type": XSD + "string"}, '"x"'),
        ("x", {"@id": EX + "p", "@type": EX + "t"}, f'"x"^^<{EX}t>'),
        ("x", {"@id": EX + "p", "@language": "EN-us"}, '"x"@en-us'),
        ({"@value": "x", "@language": "de", "@direction": "ltr"}, None, '"x"@de'),
        ({"@value": "x", "@type": EX + "t"}, None, f'"x"^^<{EX}t>'),
        ({"@value": None, "@type": "@json"}, None, '"null"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>'),
        ("did:example:1", {"@id": EX + "p", "@type": "@id"}, "<did:example:1>"),
        ("p", {"@id": EX + "p", "@type": "@vocab"}, f"<{EX}p>"),
        ([], {"@id": EX + "p", "@container": "@list"}, "<http://www.w3.org/1999/02/22-rdf-syntax-ns#nil>"),
        ({"@none": "x"}, {"@id": EX + "p", "@container": "@language"}, '"x"'),
        ({"De": ["x"]}, {"@id": EX + "p", "@container": ["@language", "@set"]}, '"x"@de'),
    ],
)
def test_values_become_terms(value: Any, definition: Any, expected: str) -> None:
    assert objects(value, definition) == {expected}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"x": "y"}, "undefined term"),
        ({"type": "Unknown"}, "undefined term"),
        ({"id": "relative"}, "relative IRI"),
        ({"id": "urn:a b"}, "malformed IRI"),
        ({"id": "urn:a"}, "dropped value"),
        ({"name": None}, "dropped value"),
        ({"name": []}, "dropped value"),
        ({"name": {"@value": None}}, "dropped value"),
        ({"name": {"@value": "x", "@language": "not a language"}}, "dropped value"),
        ({"name": {"@value": 0.1 + 0.2}}, "lossy number"),
        ({"@context": [V2, {"name": "https://example.org/other"}], "name": "x"}, "protected term redefinition"),
        ({"@context": [V2, "https://example.org/unknown"], "name": "x"}, "context not allowed"),
        ({"@context": [V2, None], "name": "x"}, "invalid context nullification"),
        ({"name": "x", "id": 5}, "invalid @id value"),
        ({"name": "x", "id": "urn:a", "@id": "urn:b"}, "colliding keywords"),
        ({"type": 5}, "invalid type value"),
        ({"name": "\ud800"}, "dropped value"),
    ],
)
def test_what_the_graph_would_not_hold_is_refused(document: dict[str, Any], code: str) -> None:
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": V2} | document)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("context", "member", "construct"),
    [
        ({"p": {"@reverse": EX + "p"}}, {"p": {"@id": "urn:b"}}, "@reverse"),
        ({"p": {"@id": EX + "p", "@container": "@index"}}, {"p": {"a": "b"}}, "@container @index"),
        ({"p": {"@id": EX + "p", "@container": "@id"}}, {"p": {"urn:b": {}}}, "@container @id"),
        ({"p": {"@id": EX + "p", "@container": "@type"}}, {"p": {"urn:b": {}}}, "@container @type"),
        ({"p": {"@id": EX + "p", "@nest": "n"}, "n": "@nest"}, {"n": {"p": "x"}}, "@nest in an object"),
        ({"@vocab": EX}, {"@included": []}, "@included in an object"),
        ({"@base": EX}, {}, "@base"),
        ({"@vocab": "relative"}, {}, "a relative @vocab"),
        ("relative", {}, "contexts by relative URL"),
        ({"p": "_:p"}, {"p": "x"}, "blank nodes as properties"),
    ],
)
def test_unsupported_constructs_are_named(context: Any, member: dict[str, Any], construct: str) -> None:
    with pytest.raises(UnsupportedJsonLdError) as caught:
        to_quads({"@context": context, "@id": "urn:a"} | member)
    assert caught.value.construct == construct
    assert isinstance(caught.value, CanonicalizationError)


def test_messages_never_hold_values() -> None:
    secret = "s3cret value"
    for member in (
        {"@value": secret, "x": 1},
        {"@value": secret, "@language": secret},
        {"@id": secret},
        [secret, None],
    ):
        with pytest.raises(JsonLdError) as caught:
            to_quads({"@context": V2, "id": "urn:a", "name": member})
        assert secret not in str(caught.value)


def test_scoped_contexts_end_where_they_should() -> None:
    context = {
        "@vocab": EX,
        "T": {"@id": EX + "T", "@context": {"a": EX + "typed"}},
        "s": {"@id": EX + "s", "@context": {"a": EX + "scoped"}},
        "a": EX + "a",
    }
    document = {
        "@context": context,
        "@type": "T",
        "a": "1",
        "plain": {"a": "2"},
        "s": {"a": "3", "plain": {"a": "4"}},
        "other": {"@context": {"@propagate": False, "a": EX + "once"}, "a": "5", "plain": {"a": "6"}},
    }
    found = {value: predicate for _, predicate, value, _ in to_quads(document, contexts=Contexts())}
    assert found['"1"'] == f"<{EX}typed>"
    assert found['"2"'] == f"<{EX}a>"
    assert found['"3"'] == found['"4"'] == f"<{EX}scoped>"
    assert found['"5"'] == f"<{EX}once>"
    assert found['"6"'] == f"<{EX}a>"


def test_credentials_in_a_presentation_are_graphs_of_their_own() -> None:
    credential = {"@context": V2, "type": "VerifiableCredential", "id": "urn:c", "issuer": "did:example:1"}
    quads = to_quads({"@context": V2, "type": "VerifiablePresentation", "verifiableCredential": [credential] * 2})
    assert {graph for subject, _, _, graph in quads if subject == "<urn:c>"} == {"_:b1", "_:b2"}


def test_labels_of_the_document_are_kept_and_never_met_by_ours() -> None:
    document = {"@context": {"@vocab": EX}, "p": {"@id": "_:b0", "q": "x"}, "r": {"q": "y"}}
    quads = to_quads(document)
    assert ("_:b0", f"<{EX}q>", '"x"', "") in quads
    assert len({subject for subject, _, _, _ in quads}) == 3


def test_blank_nodes_are_labelled_in_document_order() -> None:
    document = {"@context": V2, "type": "VerifiableCredential", "credentialSubject": [{"id": "urn:a"}, {"name": "x"}]}
    labelled = label_blank_nodes(document, prefix="u")
    assert labelled["@id"] == "_:u0"
    assert labelled["credentialSubject"] == [{"id": "urn:a"}, {"name": "x", "@id": "_:u1"}]
    assert "@id" not in document
    assert [quad[0] for quad in to_quads(labelled)][-1] in ("_:u0", "_:u1")
    with pytest.raises(JsonLdError, match="colliding"):
        label_blank_nodes({"@context": V2, "name": {"@id": "_:u0", "name": "x"}}, prefix="u")


def pin(document: Any) -> PinnedContext:
    raw = json.dumps(document).encode()
    return PinnedContext(raw, sha256(raw).hexdigest())


def test_contexts_are_pinned_by_digest() -> None:
    url = "https://example.org/context"
    document = {"@context": {"p": EX + "p"}}
    assert url not in BUNDLED
    for pinned in (pin(document), PinnedContext(document, sha256(jcs(document)).hexdigest())):
        contexts = BUNDLED.with_pinned({url: pinned})
        assert url in contexts
        assert V2 in contexts
        assert to_quads({"@context": [V2, url], "id": "urn:a", "p": "x"}, contexts=contexts)
    with pytest.raises(InvalidInputError, match="digest"):
        BUNDLED.with_pinned({url: PinnedContext(b'{"@context": {}}', "0" * 64)})
    with pytest.raises(InvalidInputError, match="bundled"):
        BUNDLED.with_pinned({V2: pin(document)})
    BUNDLED.with_pinned({V2: pin(BUNDLED.document(V2))})
    assert len(recorded_digests(V2)) >= 1
    assert recorded_digests(url) == ()


def test_contexts_load_only_what_is_allowed() -> None:
    one, two = "https://example.org/1", "https://example.org/2"
    contexts = Contexts(
        {
            one: pin({"@context": [two, {"@import": "https://example.org/3", "q": EX + "q"}]}),
            two: pin({"@context": {"p": {"@id": EX + "p", "@context": one}}}),
            "https://example.org/3": pin({"@context": {"q": EX + "overridden", "r": EX + "r"}}),
        }
    )
    quads = to_quads({"@context": one, "p": {"p": {"q": "x", "r": "y"}}}, contexts=contexts)
    assert {quad[1] for quad in quads} == {f"<{EX}{name}>" for name in "pqr"}
    for context in (
        {"@import": "https://example.org/4"},
        {"t": {"@id": EX + "t", "@context": "https://example.org/4"}},
    ):
        with pytest.raises(JsonLdError, match="context not allowed"):
            to_quads({"@context": context, "@id": "urn:a"}, contexts=contexts)


def test_contexts_that_include_each_other_are_refused() -> None:
    one, two = "https://example.org/1", "https://example.org/2"
    contexts = Contexts({one: pin({"@context": two}), two: pin({"@context": [one]})})
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": one, "@id": "urn:a"}, contexts=contexts)
    assert caught.value.code == "recursive context inclusion"


def nested(levels: int, inside: Any, name: str) -> Any:
    for _ in range(levels):
        inside = {name: inside}
    return inside


@pytest.mark.parametrize(
    "document",
    [
        {"@context": {"@vocab": EX}, "p": nested(100_000, "x", "p")},
        {"@context": nested(100_000, {}, "@context"), "p": "x"},
        {"@context": {"p": nested(100_000, EX, "@context")}, "p": "x"},
        {"@context": {"@vocab": EX}, "p": [nested(3000, "x", "@list")]},
    ],
)
def test_what_is_nested_too_deep_is_refused(document: Any) -> None:
    with pytest.raises(JsonLdError):
        to_quads(document)


def test_work_on_contexts_is_bounded() -> None:
    terms = {f"t{number}": {"@id": f"{EX}{number}", "@context": {"x": EX + "x"}} for number in range(20_000)}
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": terms, "t1": {"x": "y"}})
    assert caught.value.code == "too large"


def test_work_on_many_small_contexts_is_bounded() -> None:
    nodes = [{"@context": {f"t{number}": EX + "t"}, f"t{number}": "x"} for number in range(20_000)]
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": [V2, {"p": EX + "p"}], "p": nodes})
    assert caught.value.code == "too large"


@pytest.mark.parametrize(
    "context",
    [
        {"a0": EX, **{f"a{i}": {"@id": f"a{i - 1}:{'x' * 300}", "@prefix": True} for i in range(1, 900)}},
        {"@vocab": EX + "x" * 100_000},
        {"t": EX + "x" * 100_000},
        {"t": {"@id": EX + "t", "@type": EX + "x" * 100_000}},
    ],
)
def test_what_a_term_stands_for_is_bounded(context: dict[str, Any]) -> None:
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": context, "@id": "urn:a", "t": "x"})
    assert caught.value.code == "too large"


@pytest.mark.parametrize(
    "member",
    [
        {f"m{number}": "x" for number in range(60_000)},
        {"p": [str(number) for number in range(60_000)]},
        {"p": {"@list": list(range(60_000))}},
        {"p": [{"q": number} for number in range(30_000)]},
    ],
    ids=["members", "values", "list", "nodes"],
)
def test_documents_of_too_many_quads_are_refused(member: dict[str, Any]) -> None:
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": {"@vocab": EX}} | member)
    assert caught.value.code == "too large"


def test_contexts_that_multiply_at_each_step_are_bounded() -> None:
    urls = [f"https://example.org/{number}" for number in range(8)]
    pins = {urls[-1]: pin({"@context": {"a": EX + "a"}})}
    for url, inner in itertools.pairwise(urls):
        pins[url] = pin({"@context": [*[inner] * 20, {"a": {"@id": EX + "a", "@context": [inner] * 20}}]})
    with pytest.raises(JsonLdError) as caught:
        to_quads({"@context": urls[0], "@id": "urn:a", "a": "x"}, contexts=Contexts(pins))
    assert caught.value.code == "too large"


def test_compiled_contexts_are_forgotten_before_they_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssi.encoding.jsonld.contexts._MAX_KEPT", 20_000)
    contexts = Contexts(bundled=True)
    roots = []
    for number in range(100):
        inline = {f"t{term}": f"{EX}{number}-{term}" for term in range(100)}
        to_quads({"@context": [V2, inline], "t1": "x"}, contexts=contexts)
        if contexts.root not in roots:
            roots.append(contexts.root)
    assert 1 < len(roots) < 10
    assert len(contexts.root.locals) < 100

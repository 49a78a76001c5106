"""Documents become named lines, and label maps that do not fit are refused."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.jsonld import BUNDLED
from ssi.errors import InvalidInputError, VerificationError
from ssi.proofs.selective.grouping import canonicalize_and_group, disclosed_labels, named_lines, relative_indexes
from ssi.proofs.selective.labels import given_labels, hmac_labels, shuffled_labels
from ssi.types import JsonObject

KEY = bytes(range(32))
VOCAB = {"@vocab": "https://example.org/#"}
DOCUMENT: JsonObject = {
    "@context": ["https://www.w3.org/ns/credentials/v2", VOCAB],
    "type": ["VerifiableCredential"],
    "issuer": "https://example.org/issuer",
    "credentialSubject": {"name": "x", "parts": [{"size": 1, "kind": "k"}, {"size": 2, "kind": "k"}]},
}


def test_names_by_hmac_and_by_its_order() -> None:
    canonical = {"_:x": "c14n0", "_:y": "c14n1", "_:z": "c14n2"}
    by_hmac = hmac_labels(KEY)(canonical)
    assert all(name.startswith("u") and len(name) == 44 for name in by_hmac.values())
    shuffled = shuffled_labels(KEY)(canonical)
    assert sorted(shuffled.values()) == ["b0", "b1", "b2"]
    assert sorted(canonical, key=by_hmac.__getitem__) == sorted(canonical, key=shuffled.__getitem__)
    assert hmac_labels(bytes(32))(canonical) != by_hmac
    for factory in (hmac_labels, shuffled_labels):
        with pytest.raises(InvalidInputError):
            factory(KEY[:-1])


@pytest.mark.parametrize(
    "label_map",
    [{}, {"c14n0": "b0"}, {"c14n0": "b0", "c14n1": "b0"}, {"c14n0": "b0", "c14n1": "b1", "c14n2": "b2"}],
)
def test_a_label_map_names_each_node_once(label_map: dict[str, str]) -> None:
    with pytest.raises(VerificationError):
        given_labels(label_map)({"_:x": "c14n0", "_:y": "c14n1"})


def test_groups_and_what_a_verifier_makes_of_the_selection() -> None:
    pointers = {"none": [], "size": ["/credentialSubject/parts/1/size"], "all": [f"/{name}" for name in DOCUMENT]}
    grouped = canonicalize_and_group(DOCUMENT, pointers, shuffled_labels(KEY), contexts=BUNDLED)
    assert grouped.lines == tuple(sorted(grouped.lines))
    assert grouped.groups["none"] == ()
    assert grouped.groups["all"] == tuple(range(len(grouped.lines)))
    assert grouped.others("size") == tuple(i for i in grouped.groups["all"] if i not in grouped.groups["size"])
    assert grouped.text("size").count("#size>") == 1
    assert "#kind>" not in grouped.text("size")
    shown = {**DOCUMENT, "credentialSubject": {"parts": [{"size": 2}]}}
    del shown["issuer"]
    label_map = disclosed_labels(grouped, grouped.groups["size"])
    lines = named_lines(shown, given_labels(label_map), contexts=BUNDLED)
    assert list(lines) == [grouped.lines[index] for index in grouped.groups["size"]]
    assert relative_indexes([1, 5, 9], [0, 1, 2, 5]) == [1, 3]


def test_the_order_of_a_set_and_the_names_of_nodes_say_nothing() -> None:
    turned = {**DOCUMENT, "credentialSubject": {**DOCUMENT["credentialSubject"]}}
    turned["credentialSubject"]["parts"] = turned["credentialSubject"]["parts"][::-1]
    one, two = (
        canonicalize_and_group(document, {}, shuffled_labels(KEY), contexts=BUNDLED).lines
        for document in (DOCUMENT, turned)
    )
    assert one == two


def test_lists_are_refused() -> None:
    subject = {"parts": {"@list": [{"size": 1}, {"size": 2}]}}
    with pytest.raises(InvalidInputError):
        canonicalize_and_group({**DOCUMENT, "credentialSubject": subject}, {}, shuffled_labels(KEY), contexts=BUNDLED)


def test_blank_nodes_that_the_document_names_keep_their_identity() -> None:
    subject = [{"id": "_:own", "name": "x"}, {"id": "_:b0", "part": {"id": "_:own"}, "size": 1}]
    document = {**DOCUMENT, "credentialSubject": subject}
    pointers = {"some": ["/credentialSubject/1/part", "/credentialSubject/0/name"]}
    grouped = canonicalize_and_group(document, pointers, shuffled_labels(KEY), contexts=BUNDLED)
    label_map = disclosed_labels(grouped, grouped.groups["some"])
    del document["issuer"]
    shown = {**document, "credentialSubject": [subject[0], {"id": "_:b0", "part": {"id": "_:own"}}]}
    lines = named_lines(shown, given_labels(label_map), contexts=BUNDLED)
    assert list(lines) == [grouped.lines[index] for index in grouped.groups["some"]]
    taken = {**DOCUMENT, "credentialSubject": {"id": "_:node0", "part": {"size": 1}}}
    with pytest.raises(InvalidInputError):
        canonicalize_and_group(taken, {}, shuffled_labels(KEY), contexts=BUNDLED)


@pytest.mark.parametrize(
    "changed",
    [
        {"https://www.w3.org/2018/credentials#validUntil": "2020-01-01T00:00:00Z"},
        {"name": {"@value": "A name"}},
        {"credentialSubject": {"@context": {"@vocab": "https://a.example/"}, "id": "did:example:a", "size": 1}},
    ],
)
def test_another_way_of_writing_it_is_refused(changed: dict[str, Any]) -> None:
    """The lines would be the same, and who reads the members would be told something else."""
    for read in (
        lambda document: named_lines(document, given_labels({}), contexts=BUNDLED),
        lambda document: canonicalize_and_group(document, {}, shuffled_labels(KEY), contexts=BUNDLED),
    ):
        with pytest.raises(InvalidInputError, match="not compact"):
            read({**DOCUMENT, **changed})

"""JSON pointers select what they name, what identifies it, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import InvalidInputError
from ssi.proofs.selective.pointers import MAX_POINTERS, check_pointers, core_pointers, parse_pointer, select

DOCUMENT = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "urn:example:1",
    "type": ["VerifiableCredential"],
    "issuer": {"id": "did:example:issuer", "name": "Office"},
    "credentialSubject": {
        "type": "Person",
        "degrees": [{"name": "one", "year": 1}, {"id": "urn:two", "name": "two"}, {"type": "T", "name": "three"}],
        "a/b": {"m~n": 8, "": 9},
        "0": "zero",
    },
}
HEAD = {"@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:example:1", "type": ["VerifiableCredential"]}


def subject(*pointers: str) -> object:
    selected = select(DOCUMENT, [f"/credentialSubject{pointer}" for pointer in pointers])
    assert selected is not None
    assert {**selected, "credentialSubject": None} == {**HEAD, "credentialSubject": None}
    return selected["credentialSubject"]


def test_the_tokens_of_the_specification() -> None:
    for pointer, tokens in (("/a~1b", ("a/b",)), ("/m~0n", ("m~n",)), ("/", ("",)), ("/~01/x", ("~1", "x"))):
        assert parse_pointer(pointer) == tokens


def test_what_is_selected() -> None:
    assert select(DOCUMENT, []) is None
    assert select(DOCUMENT, ["/issuer"]) == {**HEAD, "issuer": DOCUMENT["issuer"]}
    assert select(DOCUMENT, ["/issuer/name"]) == {**HEAD, "issuer": DOCUMENT["issuer"]}
    assert select(DOCUMENT, ["/type"]) == HEAD
    assert select(DOCUMENT, ["/type/0", "/@context/0"]) == HEAD
    assert subject("/0") == {"type": "Person", "0": "zero"}
    assert subject("/a~1b/m~0n") == {"type": "Person", "a/b": {"m~n": 8}}
    assert subject("/a~1b/") == {"type": "Person", "a/b": {"": 9}}


def test_arrays_keep_their_order_and_lose_their_gaps() -> None:
    degrees = DOCUMENT["credentialSubject"]["degrees"]  # type: ignore[index]
    assert subject("/degrees/2", "/degrees/0/year") == {"type": "Person", "degrees": [{"year": 1}, degrees[2]]}
    assert subject("/degrees/1/name") == {"type": "Person", "degrees": [{"id": "urn:two", "name": "two"}]}
    assert subject("/degrees/0/name", "/degrees") == {"type": "Person", "degrees": degrees}
    assert subject("/degrees", "/degrees/0/name") == {"type": "Person", "degrees": degrees}


@pytest.mark.parametrize(
    "pointer",
    ["", "issuer", "#/issuer", "/issuer~", "/issuer~2", "/" + "x" * 5000, "/nothing", "/issuer/nothing", "/issuer/id/x"]
    + [f"/credentialSubject/degrees/{index}" for index in ("-", "3", "01", "-1", "+1", "1e0", "\u0661", "9" * 30, "")],
)
def test_pointers_that_name_nothing_are_refused(pointer: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        select(DOCUMENT, ["/issuer", pointer])
    assert "Office" not in str(refused.value)


def test_pointers_are_a_bounded_list_of_strings() -> None:
    assert check_pointers(["/a"]) == ("/a",)
    for value in (None, "/a", {"/a": 1}, [1], [None], ["a"], ["/a"] * (MAX_POINTERS + 1)):
        with pytest.raises(InvalidInputError):
            check_pointers(value)
    with pytest.raises(InvalidInputError):
        select(DOCUMENT, ("/issuer" for _ in range(MAX_POINTERS + 1)))


def test_the_core_of_a_credential() -> None:
    assert core_pointers(DOCUMENT) == ("/issuer",)
    document = {**DOCUMENT, "credentialStatus": {}, "validUntil": "", "name": "x", "expirationDate": ""}
    assert core_pointers(document) == ("/issuer", "/validUntil", "/expirationDate", "/credentialStatus")
    assert select(document, core_pointers(document)) is not None


VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab01-~/"), inner, max_size=3),
    max_leaves=12,
)


def pointers_of(value: object, prefix: str = "") -> list[str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for name, member in members:
        pointer = f"{prefix}/{str(name).replace('~', '~0').replace('/', '~1')}"
        found += [pointer, *pointers_of(member, pointer)]
    return found


@given(document=st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), data=st.data())
def test_a_selection_has_nothing_that_the_document_has_not(document: dict[str, object], data: st.DataObject) -> None:
    pointers = data.draw(st.lists(st.sampled_from(pointers_of(document)), min_size=1))
    selected = select(document, pointers)
    assert selected is not None
    assert select(document, [f"/{name}" for name in document]) == document
    assert select(document, [*pointers, *pointers]) == selected
    leaves = [str(document)]
    assert len(str(selected)) <= len(leaves[0])
    for name, member in selected.items():
        if f"/{name}" in pointers:
            assert member == document[name]

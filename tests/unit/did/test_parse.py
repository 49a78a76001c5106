"""DID and DID URL syntax."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.parse import MAX_DID_LENGTH, Did, DidUrl, parse_did, parse_did_url
from ssi.errors import InvalidDidError


@pytest.mark.parametrize(
    ("text", "method", "identifier"),
    [
        ("did:example:123456789abcdefghi", "example", "123456789abcdefghi"),
        ("did:web:example.com%3A3000:user:alice", "web", "example.com%3A3000:user:alice"),
        ("did:x1:::a", "x1", "::a"),
        ("did:key:z6Mk_-.", "key", "z6Mk_-."),
    ],
)
def test_a_did_is_read_and_written_back(text: str, method: str, identifier: str) -> None:
    did = parse_did(text)
    assert did == Did(method, identifier)
    assert str(did) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did",
        "did:",
        "did:example",
        "did:example:",
        "did:example:a:",
        "did::a",
        "DID:example:a",
        "did:Example:a",
        "did:exa-mple:a",
        "did:example:a/b",
        "did:example:a?b",
        "did:example:a#b",
        "did:example:a b",
        "did:example:a\n",
        " did:example:a",
        "did:example:%4",
        "did:example:%zz",
        "did:example:é",
        "did:example:\uff11",
        "not-a-did",
        "did:example:" + "a" * MAX_DID_LENGTH,
    ],
)
def test_what_is_no_did_is_refused(text: str) -> None:
    with pytest.raises(InvalidDidError):
        parse_did(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("did:example:123", DidUrl("did:example:123")),
        ("did:example:123/path", DidUrl("did:example:123", "/path")),
        ("did:example:123?versionId=1", DidUrl("did:example:123", "", "versionId=1")),
        ("did:example:123#key-1", DidUrl("did:example:123", "", None, "key-1")),
        ("did:example:123/a/b?q=/?#f/?", DidUrl("did:example:123", "/a/b", "q=/?", "f/?")),
        ("did:example:123?#", DidUrl("did:example:123", "", "", "")),
        ("did:a:b:c//", DidUrl("did:a:b:c", "//")),
    ],
)
def test_a_did_url_is_read_and_written_back(text: str, parts: DidUrl) -> None:
    assert parse_did_url(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize(
    "text", ["#key-1", "did:example:123#a#b", "did:example:1 2", "did:example:1:#a", "did:example:1#\x00"]
)
def test_what_is_no_did_url_is_refused(text: str) -> None:
    with pytest.raises(InvalidDidError):
        parse_did_url(text)


@pytest.mark.parametrize("value", [None, 1, b"did:example:a", ["did:example:a"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidDidError):
        parse_did(value)  # type: ignore[arg-type]


@given(st.text(max_size=20) | st.text(alphabet="did:example%/?#0aZ._-~ é", min_size=1).map(lambda rest: f"did:{rest}"))
def test_any_text_is_read_back_whole_or_refused(text: str) -> None:
    for parse in (parse_did, parse_did_url):
        try:
            parts = parse(text)
        except InvalidDidError:
            continue
        assert str(parts) == text


def test_reading_costs_linear_time() -> None:
    long = "did:example:" + "a:" * 8_000
    with pytest.raises(InvalidDidError):
        parse_did(long)
    with pytest.raises(InvalidDidError):
        parse_did_url("did:example:a" + "/%41" * 4_000 + "^")

"""ssi.credentials.vcdm and contexts: what is a credential, and what an issuer may sign."""

from __future__ import annotations

import copy
import hashlib
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.credentials.vcdm import check_credential, check_related_resources, check_validity, parse_credential
from ssi.errors import InvalidInputError, ValidityError, VerificationError

V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
MINIMAL: dict[str, Any] = {
    "@context": [V2],
    "type": ["VerifiableCredential"],
    "issuer": "did:example:issuer",
    "credentialSubject": {"id": "did:example:subject"},
}


def credential(**members: object) -> dict[str, Any]:
    """MINIMAL with ``members`` set; None as a value is null, ``...`` takes the member away."""
    merged = {**copy.deepcopy(MINIMAL), **{("@context" if k == "context" else k): v for k, v in members.items()}}
    return {name: value for name, value in merged.items() if value is not ...}


def test_the_members_of_a_credential_are_read() -> None:
    status = {"id": "https://a.example/1#7", "type": "BitstringStatusListEntry"}
    read = parse_credential(
        credential(
            id="urn:uuid:1",
            issuer={"id": "did:example:issuer", "name": "Town"},
            validFrom="2020-01-01T00:00:00.5Z",
            validUntil="2021-01-01T00:00:00.5Z",
            credentialStatus=status,
            credentialSchema=[{"id": "https://a.example/s", "type": "JsonSchema"}],
        ),
        contexts=(),
    )
    assert (read.id, read.issuer, read.types) == ("urn:uuid:1", "did:example:issuer", ("VerifiableCredential",))
    assert (read.valid_from, read.valid_until) == (1577836801, 1609459200), "a fraction never widens the period"
    assert read.status == (status,)
    assert read.subjects == ({"id": "did:example:subject"},)
    assert read.schemas[0]["type"] == "JsonSchema"


@pytest.mark.parametrize(
    "members",
    [
        {"context": ...},
        {"context": V2},
        {"context": []},
        {"context": [EXAMPLES, V2]},
        {"context": [EXAMPLES]},
        {"context": ["https://www.w3.org/2018/credentials/v1"]},
        {"context": [V2, "https://unknown.example/v1"]},
        {"context": [V2, 123]},
        {"context": [V2, None]},
        {"context": [V2, [EXAMPLES]]},
        {"context": [V2, {"Term": "https://example.org/#Term"}]},
        {"type": ...},
        {"type": []},
        {"type": ["Other"]},
        {"type": {"VerifiableCredential": 1}},
        {"issuer": ...},
        {"issuer": None},
        {"issuer": {}},
        {"issuer": True},
        {"issuer": 4},
        {"issuer": []},
        {"issuer": "fake-issuer"},
        {"issuer": {"id": None}},
        {"issuer": {"id": "did:example:1", "name": {"@value": "x", "url": "y"}}},
        {"credentialSubject": ...},
        {"credentialSubject": None},
        {"credentialSubject": True},
        {"credentialSubject": 4},
        {"credentialSubject": []},
        {"credentialSubject": "did:example:1"},
        {"credentialSubject": {}},
        {"credentialSubject": [{"id": "did:example:1"}, {}]},
        {"credentialSubject": [{"id": "did:example:1"}, "x"]},
        {"credentialSubject": {"id": ["did:example:1", "did:example:2"]}},
        {"credentialSubject": {"id": "not a url"}},
        {"credentialSubject": {"id": None}},
        {"id": None},
        {"id": ["https://example.org/1"]},
        {"id": "https ://not-a-url"},
        {"validFrom": None},
        {"validFrom": "2020-01-01T00:00:00"},
        {"validUntil": 1577836800},
        {"validFrom": "2020-01-01T00:00:00.2Z", "validUntil": "2020-01-01T00:00:00.1Z"},
        {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2020-01-01T00:00:00+01:00"},
        {"credentialStatus": {"id": "did:example:1"}},
        {"credentialStatus": {"type": 2}},
        {"credentialStatus": {"type": "T", "id": ["did:example:1"]}},
        {"credentialStatus": {"type": "T", "id": "https ://x"}},
        {"credentialStatus": []},
        {"credentialStatus": None},
        {"credentialStatus": "did:example:status"},
        {"credentialSchema": {"type": "JsonSchema"}},
        {"credentialSchema": {"id": "did:example:1"}},
        {"credentialSchema": {"id": "https ://x", "type": "JsonSchema"}},
        {"refreshService": {"id": "did:example:1"}},
        {"termsOfUse": {}},
        {"termsOfUse": [{"type": "T"}, {}]},
        {"evidence": {}},
        {"evidence": "seen"},
        {"renderMethod": {"id": "https://a.example"}},
        {"confidenceMethod": {}},
        {"name": {"@value": "x", "@language": "en", "url": "y"}},
        {"description": 5},
        {"proof": {"created": "2023-07-28T22:25:05Z"}},
        {"proof": []},
        {"proof": "z58D"},
    ],
    ids=str,
)
def test_a_malformed_member_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        parse_credential(credential(**members), contexts={EXAMPLES})


@pytest.mark.parametrize("value", [None, [], "x", 4, True, [MINIMAL]])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_credential(value, contexts=())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([*sorted(MINIMAL), "id", "validFrom", "credentialStatus", "relatedResource", "proof", "name"]),
    _json,
)
def test_any_value_in_any_member_is_read_or_refused(member: str, value: object) -> None:
    document = {**MINIMAL, member: value}
    before = copy.deepcopy(document)
    try:
        read = check_credential(document, contexts=(), inline_contexts=True)
    except InvalidInputError as exc:
        text = str(exc)
        assert not (isinstance(value, str) and len(value) > 4 and value in text), "a message never repeats a value"
    else:
        assert read.raw is document
    assert document == before


def test_inline_contexts_only_where_the_caller_allows_them() -> None:
    document = credential(
        context=[V2, {"@protected": True, "Residence": "https://example.org/#Residence"}],
        type=["VerifiableCredential", "Residence"],
    )
    with pytest.raises(InvalidInputError, match="inline"):
        check_credential(document, contexts=())
    assert check_credential(document, contexts=(), inline_contexts=True).types[1] == "Residence"


@pytest.mark.parametrize(
    "inline",
    [
        [{"VerifiableCredential": "https://example.org/#Other"}],
        [{"id": "https://example.org/#id"}],
        [{"@protected": True, "T": "https://example.org/#T"}, {"T": "https://example.org/#Other"}],
        [{"T": "https ://not-a-url#T"}],
        [{"T": None}],
        [{"T": {"@id": "relative"}}],
        [{"T": {"@id": "https://example.org/#T", "@context": {"x": "https://example.org/#x"}}}],
        [{"T": {"@reverse": "https://example.org/#T"}}],
        [{"@import": "https://example.org/context"}],
        [{"@propagate": False}],
        [{"@vocab": "not a url"}],
    ],
    ids=str,
)
def test_an_inline_context_that_changes_or_loads_something_is_refused(inline: list[object]) -> None:
    with pytest.raises(InvalidInputError):
        check_credential(credential(context=[V2, *inline]), contexts=(), inline_contexts=True)


@pytest.mark.parametrize(
    ("members", "refused"),
    [
        ({"type": ["VerifiableCredential", "Residence"]}, True),
        ({"type": ["VerifiableCredential", "https://example.org/#Residence"]}, False),
        ({"context": [V2, EXAMPLES], "type": ["VerifiableCredential", "Residence"]}, False),
        ({"context": [V2, {"@vocab": None}], "type": ["VerifiableCredential", "Residence"]}, True),
        ({"context": [V2, {"@vocab": "https://example.org/#"}], "type": ["VerifiableCredential", "Residence"]}, False),
        ({"credentialStatus": {"type": "CredentialStatusList2017"}}, True),
        ({"evidence": {"type": "DocumentVerification2018"}}, True),
        ({"credentialStatus": {"type": "BitstringStatusListEntry"}}, False),
        ({"extra": 1}, True),
        ({"context": [V2, EXAMPLES], "extra": 1}, False),
        ({"context": [V2, {"extra": "https://example.org/#extra"}], "extra": 1}, False),
        ({"statusEntry": {"type": "BitstringStatusListEntry"}}, True),
        ({"iat": 5, "cnf": {"kid": "did:example:1#k"}}, False),
    ],
    ids=str,
)
def test_an_issuer_signs_no_undefined_term(members: dict[str, object], refused: bool) -> None:
    document = credential(**members)
    parse_credential(document, contexts={EXAMPLES}, inline_contexts=True)
    if refused:
        with pytest.raises(InvalidInputError, match="context"):
            check_credential(document, contexts={EXAMPLES}, inline_contexts=True)
    else:
        check_credential(document, contexts={EXAMPLES}, inline_contexts=True)


def test_extensions_close_the_top_level() -> None:
    document = credential(context=[V2, EXAMPLES], extra=1)
    check_credential(document, contexts={EXAMPLES}, extensions={"extra"})
    with pytest.raises(InvalidInputError, match="top-level"):
        check_credential(document, contexts={EXAMPLES}, extensions=())


def test_the_validity_period_is_closed_at_both_ends() -> None:
    read = parse_credential(
        credential(validFrom="1970-01-01T00:01:00Z", validUntil="1970-01-01T00:02:00Z"), contexts=()
    )
    for now in (60, 90, 120):
        check_validity(read, now=now)
    for now in (59, 121):
        with pytest.raises(ValidityError):
            check_validity(read, now=now)
    check_validity(read, now=59, max_skew_seconds=1)
    with pytest.raises(ValidityError):
        check_validity(read, now=121, max_skew_seconds=60)
    check_validity(parse_credential(MINIMAL, contexts=()), now=0)


RESOURCE = b"a related resource"
SRI = "sha384-" + b64encode(hashlib.sha384(RESOURCE).digest()).decode()
BARE = "u" + urlsafe_b64encode(hashlib.sha256(RESOURCE).digest()).decode().rstrip("=")
MULTIHASH = "u" + urlsafe_b64encode(b"\x12\x20" + hashlib.sha256(RESOURCE).digest()).decode().rstrip("=")


@pytest.mark.parametrize("digest", [{"digestSRI": SRI}, {"digestMultibase": BARE}, {"digestMultibase": MULTIHASH}])
def test_a_related_resource_is_held_against_its_digest(digest: dict[str, str]) -> None:
    read = parse_credential(credential(relatedResource={"id": "https://a.example/r", **digest}), contexts=())
    assert check_related_resources(read, {"https://a.example/r": RESOURCE}) == ("https://a.example/r",)
    assert check_related_resources(read, {}) == ()
    with pytest.raises(VerificationError, match="digest"):
        check_related_resources(read, {"https://a.example/r": RESOURCE + b"."})


def test_every_digest_of_a_resource_has_to_hold() -> None:
    resource = {"id": "https://a.example/r", "digestSRI": SRI, "digestMultibase": "u" + "A" * 43}
    read = parse_credential(credential(relatedResource=resource), contexts=())
    with pytest.raises(VerificationError):
        check_related_resources(read, {"https://a.example/r": RESOURCE})


def test_a_weak_digest_does_not_stand_in_for_a_strong_one() -> None:
    weak = "sha256-" + b64encode(hashlib.sha256(b"other").digest()).decode()
    read = parse_credential(
        credential(relatedResource={"id": "https://a.example/r", "digestSRI": f"{weak} {SRI}"}), contexts=()
    )
    check_related_resources(read, {"https://a.example/r": RESOURCE})
    with pytest.raises(VerificationError):
        check_related_resources(read, {"https://a.example/r": b"other"})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        ["https://a.example/r"],
        {"digestSRI": SRI},
        {"id": "https://a.example/r"},
        {"id": "no url", "digestSRI": SRI},
        {"id": "https://a.example/r", "digestSRI": "md5-AAAA"},
        {"id": "https://a.example/r", "digestSRI": "sha384-AAAA"},
        {"id": "https://a.example/r", "digestSRI": "sha256-" + "A" * 64},
        {"id": "https://a.example/r", "digestSRI": ""},
        {"id": "https://a.example/r", "digestSRI": 7},
        {"id": "https://a.example/r", "digestMultibase": "uAAAA"},
        {"id": "https://a.example/r", "digestMultibase": "x" + "A" * 43},
        {"id": "https://a.example/r", "digestMultibase": "u" + "A" * 60},
        {"id": "https://a.example/r", "digestSRI": SRI, "mediaType": 5},
        [{"id": "https://a.example/r", "digestSRI": SRI}, {"id": "https://a.example/r", "digestMultibase": BARE}],
    ],
    ids=str,
)
def test_a_malformed_related_resource_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_credential(credential(relatedResource=value), contexts=())


@pytest.mark.parametrize(
    "digest",
    [
        # The final edition, and that of 2024-07 which the W3C's own test suite pins: w3c/vc-data-model, 8d0ee107.
        {"digestMultibase": "uWZVc7WaX1h4D8rJVb-vlMIqxaEKEb1tYbX8fet7JJzQ"},
        {"digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg"},
    ],
)
def test_a_context_may_be_pinned_in_any_edition_that_was_published(digest: dict[str, str]) -> None:
    read = parse_credential(credential(relatedResource={"id": V2, **digest}), contexts=())
    assert check_related_resources(read, {}) == (V2,)


@pytest.mark.parametrize(
    "digest", [{"digestMultibase": "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}, {"digestSRI": "sha384-" + "A" * 64}]
)
def test_a_digest_that_no_edition_has_is_refused(digest: dict[str, str]) -> None:
    read = parse_credential(credential(relatedResource={"id": V2, **digest}), contexts=())
    with pytest.raises(VerificationError, match="no edition"):
        check_related_resources(read, {})

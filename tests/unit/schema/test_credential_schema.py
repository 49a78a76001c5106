"""A credential's schemas: the three outcomes, digests, schema credentials, hostile documents."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ssi.credentials.vcdm import Credential, parse_credential
from ssi.errors import SchemaError
from ssi.schema.credential_schema import META_SCHEMA_DIGESTS, META_SCHEMAS, Outcome, check_schemas, evaluate_schemas

URL = "https://a.example/schemas/person"
SCHEMA: dict[str, Any] = {
    "$id": URL,
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"credentialSubject": {"required": ["familyName"]}},
}
HOLDER: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "https://a.example/credentials/1",
    "type": ["VerifiableCredential", "JsonSchemaCredential"],
    "issuer": "https://a.example/issuer",
    "credentialSchema": {"id": min(META_SCHEMAS), "type": "JsonSchema", "digestSRI": META_SCHEMA_DIGESTS[0]},
    "credentialSubject": {"id": URL, "type": "JsonSchema", "jsonSchema": SCHEMA},
}


def credential(entries: object, **subject: object) -> Credential:
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSchema": entries,
        "credentialSubject": subject or {"id": "did:example:1", "familyName": "Muster"},
    }
    return parse_credential(document, contexts=())


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def outcome(entry: dict[str, Any], document: object, **subject: object) -> Outcome:
    (result,) = evaluate_schemas(credential(entry, **subject), {entry["id"]: encoded(document)})
    return result.outcome


def test_each_entry_has_an_outcome_of_its_own() -> None:
    read = credential(
        [
            {"id": URL, "type": "JsonSchema"},
            {"id": "https://a.example/other", "type": "JsonSchema"},
            {"id": "https://a.example/t", "type": "Other"},
        ]
    )
    assert [item.outcome for item in evaluate_schemas(read, {URL: encoded(SCHEMA)})] == [
        Outcome.SUCCESS,
        Outcome.INDETERMINATE,
        Outcome.FAILURE,
    ]
    with pytest.raises(SchemaError, match="not here"):
        check_schemas(read, {URL: encoded(SCHEMA)})


def test_a_credential_that_does_not_match_names_the_path_and_no_value() -> None:
    with pytest.raises(SchemaError, match="/credentialSubject") as caught:
        check_schemas(credential({"id": URL, "type": "JsonSchema"}, nickname="Mimi"), {URL: encoded(SCHEMA)})
    assert "Mimi" not in str(caught.value)


def test_a_digest_binds_the_document() -> None:
    digest = f"sha256-{b64encode(sha256(encoded(SCHEMA)).digest()).decode()}"
    entry = {"id": URL, "type": "JsonSchema", "digestSRI": digest}
    assert outcome(entry, SCHEMA) is Outcome.SUCCESS
    assert outcome(entry, {**SCHEMA, "title": "another"}) is Outcome.FAILURE


def test_a_schema_credential_carries_the_schema() -> None:
    entry = {"id": HOLDER["id"], "type": "JsonSchemaCredential"}
    assert outcome(entry, HOLDER) is Outcome.SUCCESS
    assert outcome(entry, HOLDER, nickname="Mimi") is Outcome.FAILURE


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "https://a.example/credentials/2"},
        {"type": ["VerifiableCredential"]},
        {"type": ["VerifiableCredential", "JsonSchemaCredential", "Other"]},
        {"type": [1, {}]},
        {"credentialSchema": None},
        {"credentialSchema": {"id": URL, "type": "JsonSchema"}},
        {"credentialSchema": {"id": min(META_SCHEMAS), "type": "JsonSchema", "digestSRI": "sha384-" + "A" * 64}},
        {"credentialSchema": {"id": min(META_SCHEMAS), "type": "JsonSchema", "digestSRI": 7}},
        {"credentialSubject": [HOLDER["credentialSubject"]]},
        {"credentialSubject": {"type": "JsonSchema"}},
        {"credentialSubject": {"type": "JsonSchema", "jsonSchema": True}},
        {"credentialSubject": {"type": "JsonSchema", "jsonSchema": {"$id": URL}}},
    ],
)
def test_a_schema_credential_that_is_none_is_a_failure(changed: dict[str, Any]) -> None:
    assert outcome({"id": HOLDER["id"], "type": "JsonSchemaCredential"}, {**HOLDER, **changed}) is Outcome.FAILURE


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"$schema": "https://json-schema.org/draft-07/schema#"}, Outcome.SUCCESS),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, Outcome.SUCCESS),
        ({"$schema": "https://json-schema.org/draft/unknown/schema"}, Outcome.INDETERMINATE),
        ({"$schema": "draft"}, Outcome.FAILURE),
        ({"$id": "person"}, Outcome.FAILURE),
        ({"properties": {"credentialSubject": {"$ref": "https://elsewhere.example/s"}}}, Outcome.FAILURE),
        ({"properties": {"issuer": {"pattern": "(r+)+$"}}}, Outcome.SUCCESS),
    ],
)
def test_the_schema_itself(changed: dict[str, Any], expected: Outcome) -> None:
    assert outcome({"id": URL, "type": "JsonSchema"}, {**SCHEMA, **changed}) is expected


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(HOLDER)), _json)
@example("credentialSchema", {"id": [], "type": "JsonSchema"})
def test_no_document_makes_it_stumble(member: str, value: object) -> None:
    entry = {"id": HOLDER["id"], "type": "JsonSchemaCredential"}
    assert outcome(entry, {**HOLDER, member: value}) in Outcome

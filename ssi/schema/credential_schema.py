"""What ``credentialSchema`` says of a credential: does it hold, does it not, or can that not be told?

Source:  W3C Verifiable Credentials JSON Schema Specification (CR 2023-11-21, ED 2025-02), sections 2.1 (JsonSchema),
         2.2 (JsonSchemaCredential), 3.1 ($id and $schema), 4.1 and 4.2 (validation and its three outcomes); W3C
         Verifiable Credentials Data Model v2.0, 4.11.
Input:   a credential that was read, and the documents that its entries name, as the caller fetched or ships them: a
         JSON Schema, or a schema credential that was verified before (``opened``: what its securing gave).
Shapes:  ``success``: the credential matches; ``failure``: it does not, or the entry does not lead to a schema as these
         sections want it; ``indeterminate``: the schema is of a dialect that is not known, or its document is not here.
I/O:     none. Nothing is fetched.
Errors:  none leave ``evaluate_schemas``; ``check_schemas`` raises SchemaError for what is no success.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha384
from typing import Final

import msgspec

from ssi.credentials.integrity import check_digest_multibase, check_sri, parse_sri
from ssi.credentials.values import is_url, parse_types
from ssi.credentials.vcdm import Credential
from ssi.encoding.gate import parse_object
from ssi.errors import SchemaError, SsiError, VerificationError
from ssi.schema.json_schema import DEFAULT_DIALECT, DIALECTS, compile_schema
from ssi.types import JsonObject, JsonValue

JSON_SCHEMA: Final = "JsonSchema"
JSON_SCHEMA_CREDENTIAL: Final = "JsonSchemaCredential"

# A schema credential is held against this schema of the specification's, under the name that the text gives it now and
# under the one of 2023. Its rules are few and are written out below; its digest tells which edition was meant.
META_SCHEMAS: Final = (
    "https://www.w3.org/ns/credentials/json-schema/v2.json",
    "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json",
)
META_SCHEMA_DIGESTS: Final = (
    # w3c/vc-json-schema, schema/json-schema-credential-schema.json: SHA-384 of each edition that was published.
    "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW",  # 2023-08-21
    "sha384-MxSTmrAeOUbTNd9OBDVYSCFTRhCojnAbd39/aXv6Ww0zRKeeGwtgKFLfuZJDmFoH",  # 2025-02-04
    "sha384-FdPKzKLFNWo+3ZqV9vjuY8aNQk+636lvGRKKNzAfy93Q9jf+lNHD8j91g/KHWCBX",  # 2025-02-04, later that day
)


class Outcome(StrEnum):
    """The three outcomes of 4.2."""

    SUCCESS = "success"
    FAILURE = "failure"
    INDETERMINATE = "indeterminate"


class SchemaResult(msgspec.Struct, frozen=True):
    """What one ``credentialSchema`` entry came to; ``reason`` has no value of the credential in it."""

    id: str
    outcome: Outcome
    reason: str = ""


class _CannotTellError(Exception):
    """The outcome is indeterminate, for the reason given."""


def evaluate_schemas(
    credential: Credential, documents: Mapping[str, bytes], *, opened: Mapping[str, JsonObject] | None = None
) -> tuple[SchemaResult, ...]:
    """Return what each ``credentialSchema`` entry of ``credential`` comes to, in their order.

    ``documents`` are schemas and schema credentials by URL. A schema credential given here has been verified by the
    caller, who also knows whether its issuer may say what a credential looks like. ``opened`` are the credentials that
    this verification gave, by URL: then they are read, and one in an envelope does as well.
    """
    return tuple(_evaluate(credential, entry, documents, opened) for entry in credential.schemas)


def check_schemas(
    credential: Credential, documents: Mapping[str, bytes], *, opened: Mapping[str, JsonObject] | None = None
) -> tuple[SchemaResult, ...]:
    """As ``evaluate_schemas``. Raises SchemaError unless every entry is a success."""
    results = evaluate_schemas(credential, documents, opened=opened)
    for result in results:
        if result.outcome is not Outcome.SUCCESS:
            raise SchemaError(f"credentialSchema: {result.reason}")
    return results


def schema_credentials(credential: Credential) -> tuple[str, ...]:
    """Return the URLs of the schema credentials that ``credential`` names, each once."""
    return tuple(dict.fromkeys(entry["id"] for entry in credential.schemas if _is_credential(entry)))


def _is_credential(entry: JsonObject) -> bool:
    return JSON_SCHEMA_CREDENTIAL in parse_types(entry["type"], "credentialSchema.type")


def _evaluate(
    credential: Credential,
    entry: JsonObject,
    documents: Mapping[str, bytes],
    opened: Mapping[str, JsonObject] | None,
) -> SchemaResult:
    try:
        _hold(credential, entry, documents, opened)
    except _CannotTellError as exc:
        return SchemaResult(entry["id"], Outcome.INDETERMINATE, str(exc))
    except SsiError as exc:
        return SchemaResult(entry["id"], Outcome.FAILURE, str(exc))
    return SchemaResult(entry["id"], Outcome.SUCCESS)


def _hold(
    credential: Credential,
    entry: JsonObject,
    documents: Mapping[str, bytes],
    opened: Mapping[str, JsonObject] | None,
) -> None:
    types = parse_types(entry["type"], "credentialSchema.type")
    if JSON_SCHEMA not in types and JSON_SCHEMA_CREDENTIAL not in types:
        raise SchemaError(f"expected an entry of type {JSON_SCHEMA} or {JSON_SCHEMA_CREDENTIAL}")
    data = documents.get(entry["id"])
    if data is None:
        raise _CannotTellError("the document that the entry names is not here")
    _check_digests(data, entry)
    if JSON_SCHEMA_CREDENTIAL in types:
        document = parse_object(data) if opened is None else opened.get(entry["id"])
        if document is None:
            raise _CannotTellError("the schema credential that the entry names was not verified")
        if document.get("id") != entry["id"]:
            raise SchemaError("expected the schema credential that the entry names, got one with another id")
        schema = _schema_in(document)
    else:
        schema = parse_object(data)
        if schema.get("$id") != entry["id"]:
            raise SchemaError("expected the schema that the entry names, got one with another $id")
    _check_schema(schema)
    compile_schema(schema).validate(credential.raw)


def _check_digests(data: bytes, entry: JsonObject) -> None:
    if "digestSRI" in entry:
        check_sri(data, entry["digestSRI"])
    if "digestMultibase" in entry:
        check_digest_multibase(data, entry["digestMultibase"])


def _schema_in(document: JsonObject) -> JsonObject:
    """Return the schema that a schema credential carries (2.2)."""
    types = document.get("type")
    if type(types) is not list or sorted(map(str, types)) != [JSON_SCHEMA_CREDENTIAL, "VerifiableCredential"]:
        raise SchemaError(f"expected a schema credential of type {JSON_SCHEMA_CREDENTIAL} and no other")
    own = document.get("credentialSchema")
    if type(own) is not dict or own.get("type") != JSON_SCHEMA or own.get("id") not in META_SCHEMAS:
        raise SchemaError("expected a schema credential whose own credentialSchema is that of the specification")
    _check_meta_digest(own)
    subject = document.get("credentialSubject")
    if type(subject) is not dict or subject.get("type") != JSON_SCHEMA:
        raise SchemaError(f"expected a schema credential about one subject of type {JSON_SCHEMA}")
    schema = subject.get("jsonSchema")
    if type(schema) is not dict:
        raise SchemaError("expected a schema credential with a jsonSchema that is an object")
    return schema


def _check_meta_digest(own: JsonObject) -> None:
    if "digestSRI" not in own:
        return
    algorithm, digests = parse_sri(own["digestSRI"])
    known = {digest for text in META_SCHEMA_DIGESTS for digest in parse_sri(text)[1]}
    if algorithm != sha384().name or not digests & known:
        raise VerificationError("expected the digest of an edition of the specification's schema that was published")


def _check_schema(schema: JsonObject) -> None:
    """3.1: a URL as ``$id``, and a dialect, known or not."""
    if not is_url(schema.get("$id")):
        raise SchemaError("expected a schema whose $id is a URL")
    dialect: JsonValue = schema.get("$schema")
    if not is_url(dialect):
        raise SchemaError(f"expected a schema whose $schema is a URL, such as {DEFAULT_DIALECT}")
    if dialect.rstrip("#") not in DIALECTS:
        raise _CannotTellError("the schema is of a dialect that is not known here")


def read_result(results: tuple[SchemaResult, ...]) -> Outcome:
    """Return the outcome of all of ``results``: a failure counts before what cannot be told. Empty is a success."""
    outcomes = {result.outcome for result in results}
    return next((item for item in (Outcome.FAILURE, Outcome.INDETERMINATE) if item in outcomes), Outcome.SUCCESS)

"""W3C VC JSON Schema: every case of the test suite, for each dialect, with its outcome."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.credentials.vcdm import parse_credential
from ssi.schema.credential_schema import evaluate_schemas, read_result
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "w3c/test-suites/vc-json-schema"
count = VectorCount(FOLDER)
texts = VectorCount("w3c/vc-json-schema")

# The suite's own table (tests/testmapping.js): number of the credential, of the schema, and the outcome.
CASES = {
    "jsonschema": (
        *((1, 1, "success"), (1, 2, "failure"), (2, 1, "failure"), (1, 3, "failure"), (1, 4, "failure")),
        *((1, 5, "failure"), (1, 6, "failure"), (1, 7, "indeterminate")),
    ),
    "jsonschemacredential": (
        *((1, 1, "success"), (1, 2, "failure"), (2, 1, "failure"), (1, 3, "failure"), (1, 4, "failure")),
        *((1, 5, "failure"), (1, 6, "failure"), (1, 7, "failure"), (1, 8, "failure"), (1, 9, "failure")),
        *((1, 10, "failure"), (1, 11, "indeterminate")),
    ),
}


@pytest.mark.parametrize("dialect", ["2020-12", "2019-09", "Draft-7"])
@pytest.mark.parametrize("kind", list(CASES))
def test_every_case_of_the_suite_has_its_outcome(kind: str, dialect: str) -> None:
    folder = vectors_dir(f"{FOLDER}/input/{kind}/{dialect}")
    for credential, schema, outcome in CASES[kind]:
        document: dict[str, Any] = json.loads((folder / f"{credential}-credential.json").read_bytes())
        read = parse_credential(document, contexts={"https://www.w3.org/ns/credentials/examples/v2"})
        data = (folder / f"{schema}-schema.json").read_bytes()
        results = evaluate_schemas(read, {read.schemas[0]["id"]: data})
        assert read_result(results) == outcome, f"{kind} {dialect}: credential {credential}, schema {schema}: {results}"
        count.ran()


def test_the_schema_of_schema_credentials_has_the_digest_recorded() -> None:
    from base64 import b64encode
    from hashlib import sha384

    from ssi.schema.credential_schema import META_SCHEMA_DIGESTS

    data = (vectors_dir("w3c/vc-json-schema") / "schema/json-schema-credential-schema.json").read_bytes()
    assert f"sha384-{b64encode(sha384(data).digest()).decode()}" == META_SCHEMA_DIGESTS[-1]
    texts.ran()
    texts.left_out("an example in YAML, which no section makes a schema's form", 1)

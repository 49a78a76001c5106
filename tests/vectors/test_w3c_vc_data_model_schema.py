"""W3C VCDM 2.0: the JSON Schemas of the data model and their instances."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.gate import parse_object
from ssi.errors import SchemaError
from ssi.schema.json_schema import compile_schema
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "w3c/vc-data-model/schema"

model = VectorCount(FOLDER)


def test_the_instances_match_the_schemas_of_the_data_model() -> None:
    schemas = {
        name: parse_object((vectors_dir(FOLDER) / name / f"{name}-schema.json").read_bytes())
        for name in ("verifiable-credential", "verifiable-presentation")
    }
    resources = {schemas["verifiable-credential"]["$id"]: schemas["verifiable-credential"]}
    for folder in schemas:
        directory = vectors_dir(FOLDER) / folder
        schema = compile_schema(schemas[folder], resources=resources)
        for path in sorted(directory.glob("example-*.json")):
            document = parse_object(path.read_bytes())
            schema.validate(document)
            broken: dict[str, Any] = {**document, "type": 7}
            with pytest.raises(SchemaError):
                schema.validate(broken)
            model.ran()

"""The catalogue: what an entry may say, and which claims a holder may withhold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from issuer.catalogue import Catalogue, CredentialType
from ssi.errors import InvalidInputError, NotFoundError

SCHEMA = {"type": "object", "properties": {"given_name": {"type": "string"}, "address": {"type": "object"}}}


def entry(**changes: Any) -> CredentialType:
    plain: dict[str, Any] = {
        "name": "residence",
        "vct": "https://town.example/residence",
        "types": ("Residence",),
        "schema": SCHEMA,
        "validity_days": 30,
    }
    return CredentialType(**{**plain, **changes})


TOML = """
name = "residence"
vct = "https://town.example/residence"
types = ["Residence"]
validity_days = 30
formats = ["vc+jwt"]
always_shown = [["address", "country"]]
title = { en = "Residence certificate", fi = "Kotipaikkatodistus" }
"""


def test_load_with_the_schema_inside_or_beside(tmp_path: Path) -> None:
    path = tmp_path / "residence.toml"
    path.write_text(TOML + '[schema]\ntype = "object"\n[schema.properties.given_name]\ntype = "string"\n')
    loaded = CredentialType.load(path)
    assert loaded.formats == ("vc+jwt",)
    assert loaded.always_shown == (("address", "country"),)
    assert loaded.title["fi"] == "Kotipaikkatodistus"
    assert loaded.validity_seconds == 30 * 86_400
    path.write_text(TOML + 'schema = "residence.json"\n')
    (tmp_path / "residence.json").write_text('{"type":"object","properties":{"given_name":{"type":"string"}}}')
    assert CredentialType.load(path) == loaded


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        TOML,
        TOML + "schema = 3",
        TOML + 'schema = "../secret.json"',
        TOML + 'unknown = 1\nschema = { type = "object", properties = {} }',
        TOML.replace("30", '"30"') + 'schema = { type = "object", properties = {} }',
        TOML + 'cryptosuite = "rot13-2022"\nschema = { type = "object", properties = {} }',
        TOML.replace("vc+jwt", "jwt_vc_json") + 'schema = { type = "object", properties = {} }',
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError):
        CredentialType.load(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        CredentialType.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"types": ()},
        {"formats": ()},
        {"validity_days": 0},
        {"retention_days": -1},
        {"decoys": 101},
        {"schema": {}},
        {"schema": {"type": "object"}},
        {"schema": {"type": "object", "properties": {"iss": {}}}},
    ],
    ids=repr,
)
def test_an_entry_that_could_not_be_issued_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        entry(**changes)


def test_names_and_types_differ_within_a_catalogue() -> None:
    assert Catalogue([entry()]).get("residence") == entry()
    with pytest.raises(NotFoundError):
        Catalogue([entry()]).get("other")
    for twin in (entry(vct="https://town.example/other"), entry(name="other")):
        with pytest.raises(InvalidInputError):
            Catalogue([entry(), twin])


def test_every_member_but_those_always_shown_can_be_withheld() -> None:
    claims = {"given_name": "A", "address": {"country": "FI", "locality": "B"}, "names": [{"part": "C"}, "D"]}
    assert entry().withholdable(claims) == [
        ("given_name",),
        ("address",),
        ("address", "country"),
        ("address", "locality"),
        ("names",),
        ("names", 0, "part"),
    ]
    shown = entry(always_shown=(("address", "country"),)).withholdable(claims)
    assert shown == [("given_name",), ("address", "locality"), ("names",), ("names", 0, "part")]


def test_a_cryptosuite_is_one_that_there_is() -> None:
    schema = {"type": "object", "properties": {}}
    members = {"name": "a", "vct": "https://a.example/a", "types": ("A",), "schema": schema, "validity_days": 1}
    made = CredentialType(**members, formats=("ldp_vc",), cryptosuite="ecdsa-jcs-2019")  # type: ignore[arg-type]
    assert (made.formats, made.cryptosuite) == (("ldp_vc",), "ecdsa-jcs-2019")
    with pytest.raises(InvalidInputError, match="cryptosuite"):
        CredentialType(**members, cryptosuite="ecdsa-none-2019")  # type: ignore[arg-type]

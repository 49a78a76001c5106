"""ssi.schema.type_metadata: reading a type's document, and what extending may not change."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest

from ssi.errors import InvalidInputError, VerificationError
from ssi.schema.type_metadata import ClaimMetadata, TypeMetadata, merge_type_metadata, parse_type_metadata

VCT = "https://betelgeuse.example.com/education_credential/v42"
DOCUMENT: dict[str, Any] = {
    "vct": VCT,
    "name": "Education credential",
    "extends": "https://galaxy.example.com/v2",
    "extends#integrity": "sha256-ilOUJsTultOwLfz7QUcFALaRa3BP/jelX1ds04kB9yU=",
    "claims": [
        {"path": ["name"], "mandatory": True, "sd": "always", "display": [{"locale": "en", "label": "Name"}]},
        {"path": ["degrees", None, "type"]},
        {"path": ["nationalities", 0], "sd": "never"},
    ],
    "something": "unknown members are kept",
}


def parse(vct: str = VCT, **members: object) -> TypeMetadata:
    return parse_type_metadata(json.dumps({**DOCUMENT, **members}).encode(), vct=vct)


def test_a_document_is_read() -> None:
    data = json.dumps(DOCUMENT).encode()
    integrity = "sha256-" + b64encode(hashlib.sha256(data).digest()).decode()
    read = parse_type_metadata(data, vct=VCT, integrity=integrity)
    assert (read.vct, read.name, read.extends) == (VCT, "Education credential", "https://galaxy.example.com/v2")
    assert read.claims[0] == ClaimMetadata(("name",), True, "always")
    assert read.claims[1:] == (
        ClaimMetadata(("degrees", None, "type")),
        ClaimMetadata(("nationalities", 0), sd="never"),
    )
    with pytest.raises(VerificationError, match="digest"):
        parse_type_metadata(data + b" ", vct=VCT, integrity=integrity)


def test_another_types_document_is_refused() -> None:
    with pytest.raises(VerificationError):
        parse(vct="https://betelgeuse.example.com/other")


@pytest.mark.parametrize(
    "members",
    [
        {"name": 7},
        {"extends": ["x"]},
        {"extends#integrity": "md5-x"},
        {"claims": {}},
        {"claims": ["name"]},
        {"claims": [{}]},
        {"claims": [{"path": []}]},
        {"claims": [{"path": "name"}]},
        {"claims": [{"path": [-1]}]},
        {"claims": [{"path": [True]}]},
        {"claims": [{"path": [1.5]}]},
        {"claims": [{"path": ["a"]}, {"path": ["a"]}]},
        {"claims": [{"path": ["a"], "sd": "sometimes"}]},
        {"claims": [{"path": ["a"], "sd": ["always"]}]},
        {"claims": [{"path": ["a"], "mandatory": "yes"}]},
        {"claims": [{"path": ["a"]}] * 1001},
    ],
    ids=lambda members: str(members)[:50],
)
def test_a_malformed_document_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        parse(**members)


def one(vct: str, extends: str | None, *claims: ClaimMetadata) -> TypeMetadata:
    return TypeMetadata(vct, {}, extends=extends, claims=claims)


def test_a_type_inherits_and_replaces_claims() -> None:
    far = one("far", None, ClaimMetadata(("a",)), ClaimMetadata(("b",), True, "always"))
    near = one("near", "far", ClaimMetadata(("a",), True, "never"), ClaimMetadata(("c",)))
    assert merge_type_metadata([near, far]) == (
        ClaimMetadata(("a",), True, "never"),
        ClaimMetadata(("b",), True, "always"),
        ClaimMetadata(("c",)),
    )


@pytest.mark.parametrize(
    "chain",
    [
        [],
        [one("near", "far"), one("other", None)],
        [one("a", "a"), one("a", "a")],
        [one(str(i), str(i + 1)) for i in range(9)],
        [one("near", "far", ClaimMetadata(("a",))), one("far", None, ClaimMetadata(("a",), True))],
        [one("near", "far", ClaimMetadata(("a",), sd="never")), one("far", None, ClaimMetadata(("a",), sd="always"))],
        [one("near", "far", ClaimMetadata(("a",))), one("far", None, ClaimMetadata(("a",), sd="never"))],
    ],
    ids=lambda chain: str(len(chain)),
)
def test_a_chain_that_is_none_or_loosens_is_refused(chain: list[TypeMetadata]) -> None:
    with pytest.raises(VerificationError):
        merge_type_metadata(chain)

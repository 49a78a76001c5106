"""Examples printed in RFC 9901 and the SD-JWT VC draft, transcribed so that no clone is without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.sd_jwt import (
    KeyBindingPolicy,
    parse_sd_jwt,
    read_sd_jwt_vc,
    verify_key_binding,
    verify_sd_jwt,
    verify_sd_jwt_vc,
)
from ssi.credentials.sd_jwt.disclosure import read_disclosures
from ssi.credentials.sd_jwt.hashing import digest_of, digests_of
from ssi.errors import SsiError
from ssi.keys import PublicKey
from tests.unit.credentials.sd_jwt.conftest import TYPES

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "rfc9901.json").read_text("utf-8"))
ISSUER, HOLDER = (PublicKey.from_jwk(EXAMPLES["keys"][name]) for name in ("issuer", "holder"))


@pytest.mark.parametrize("example", EXAMPLES["digests"], ids=lambda example: example["section"])
def test_digests(example: dict[str, Any]) -> None:
    text = example["disclosure"]
    assert digest_of(text.encode(), "sha-256") == example["digest"]
    assert digests_of([text] * 3, "sha-256") == [example["digest"]] * 3
    name = example["contents"][1] if len(example["contents"]) == 3 else None
    assert read_disclosures([text]) == [(text, name, example["contents"][-1])]


@pytest.mark.parametrize("hash_name", ["sha-256", "sha-384", "sha-512"])
def test_digests_at_once_are_digests_one_by_one(hash_name: str) -> None:
    for count in range(7):
        texts = [chr(65 + number) * number for number in range(count)]
        assert digests_of(texts, hash_name) == [digest_of(text.encode(), hash_name) for text in texts]


def test_the_presentation_of_section_5_2() -> None:
    example = EXAMPLES["sd_jwt_kb"]
    verified = verify_sd_jwt(parse_sd_jwt(example["serialized"]), ISSUER, typ=TYPES)
    assert verified.claims == example["claims"]
    binding = verify_key_binding(
        verified, nonce=example["nonce"], audience=example["aud"], now=example["iat"], max_age_seconds=1
    )
    assert binding.key == HOLDER


def test_the_presentation_of_an_sd_jwt_vc_and_each_altered_byte() -> None:
    example = EXAMPLES["sd_jwt_vc_kb"]
    policy = KeyBindingPolicy(nonce=example["nonce"], audience=example["aud"], max_age_seconds=1)

    def verify(text: str) -> Any:
        return verify_sd_jwt_vc(read_sd_jwt_vc(text), ISSUER, now=example["iat"], key_binding=policy)

    text: str = example["serialized"]
    verified = verify(text)
    assert verified.vct == example["vct"]
    assert sorted(verified.disclosed_paths) == [tuple(path) for path in example["disclosed"]]
    for at in range(len(text)):
        with pytest.raises(SsiError):
            verify(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])

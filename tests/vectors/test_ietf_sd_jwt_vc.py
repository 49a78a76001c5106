"""The examples of the SD-JWT VC draft: printed credentials, and specifications run from issuer to verifier.

Source: vectors/ietf/sd-jwt-vc: draft-vectors.json (compact SD-JWT VCs of the text) and the three example folders.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.credentials.sd_jwt import (
    KeyBindingPolicy,
    VerifiedSdJwtVc,
    bind,
    issue_sd_jwt_vc,
    present,
    read_sd_jwt_vc,
    verify_sd_jwt_vc,
)
from ssi.errors import SsiError
from ssi.keys import KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from tests.vectors.sd_jwt_cases import read_settings, read_yaml
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "ietf/sd-jwt-vc"
AT = 1_787_325_881


def _published() -> list[dict[str, Any]]:
    content = json.loads((vectors_dir(FOLDER) / "draft-vectors.json").read_text())
    return [{**vector, "keys": content["keys"]} for vector in content["vectors"]]


def _verify(serialized: str, vector: dict[str, Any]) -> VerifiedSdJwtVc:
    jwk = {name: value for name, value in vector["keys"]["issuer"].items() if name != "d"}
    payload = vector.get("kb_payload")
    policy = payload and KeyBindingPolicy(nonce=payload["nonce"], audience=payload["aud"], max_age_seconds=60)
    return verify_sd_jwt_vc(read_sd_jwt_vc(serialized), PublicKey.from_jwk(jwk), now=AT, key_binding=policy)


@pytest.mark.parametrize("vector", _published(), ids=lambda vector: vector["block"])
def test_the_examples_of_the_draft_verify_and_no_altered_byte_does(vector: dict[str, Any]) -> None:
    count = VectorCount(FOLDER)
    verified = _verify(vector["serialized"], vector)
    assert verified.vct == vector["payload"]["vct"]
    assert sorted(verified.sd_jwt.disclosed.values()) == sorted(each["encoded"] for each in vector["disclosures"])
    blocks = json.loads((vectors_dir(FOLDER) / "draft-text-examples.json").read_text())["blocks"]
    if vector["section"].endswith("Presentation"):
        assert verified.claims in [json.loads(block["text"]) for block in blocks if _is_json(block["text"])]
    count.ran()
    serialized: str = vector["serialized"]
    for at in range(0, len(serialized), 7):
        altered = serialized[:at] + ("A" if serialized[at] != "A" else "B") + serialized[at + 1 :]
        with pytest.raises(SsiError):
            _verify(altered, vector)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("folder", ["01", "02", "03-pid"])
async def test_example_specifications_run_from_issuer_to_verifier(folder: str) -> None:
    count = VectorCount(FOLDER)
    root = vectors_dir(FOLDER)
    case = read_yaml(root / folder / "specification.yml")
    settings = read_settings(root / "settings.yml")
    kms = MemoryKms()
    issuer = await kms.add("issuer", PrivateKey.from_jwk(settings["issuer_key"]), purpose=KeyPurpose.CREDENTIAL)
    holder = await kms.add("holder", PrivateKey.from_jwk(settings["holder_key"]), purpose=KeyPurpose.HOLDER)
    named = {"vct", "iss"}
    issued = await issue_sd_jwt_vc(
        {name: value for name, value in case.claims.items() if name not in named},
        vct=case.claims["vct"],
        issuer=case.claims.get("iss", "https://issuer.example"),
        kid=case.header.get("kid", "doc-signer"),
        disclosable=case.disclosable,
        kms=kms,
        label="issuer",
        issued_at=1_683_000_000,
        valid_until=1_883_000_000,
        holder_key=holder if case.key_binding else None,
    )
    presentation = present(issued.compact, case.shown)
    policy = None
    if case.key_binding:
        presentation = await bind(presentation, kms=kms, label="holder", nonce="n", audience="v", now=AT)
        policy = KeyBindingPolicy(nonce="n", audience="v", max_age_seconds=60)
    verified = verify_sd_jwt_vc(read_sd_jwt_vc(presentation), issuer, now=AT, key_binding=policy)
    added = {"iss", "iat", "exp", "cnf"} - set(case.claims)
    assert {name: value for name, value in verified.claims.items() if name not in added} == case.expected
    assert (verified.key_binding is not None) == case.key_binding
    count.ran()

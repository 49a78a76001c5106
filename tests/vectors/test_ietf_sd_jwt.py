"""RFC 9901's own examples, its example specifications, and the cases of two other implementations.

Source: vectors/ietf/sd-jwt: rfc9901-vectors.json (the compact SD-JWTs printed in the text), rfc9901-examples and
sd-jwt-python (YAML: claims with ``!sd`` tags, what the holder shows), sd-jwt-js (the same as JSON frames).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.sd_jwt import (
    ClaimPath,
    VerifiedSdJwt,
    bind,
    issue_sd_jwt,
    parse_sd_jwt,
    present,
    verify_key_binding,
    verify_sd_jwt,
)
from ssi.errors import SsiError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from tests.vectors.sd_jwt_cases import container_paths, read_frame, read_json, read_settings, read_yaml, shown_paths
from tests.vectors.support import VectorCount, vectors_dir

TYPES = frozenset({"example+sd-jwt", "dc+sd-jwt"})
FOLDER = "ietf/sd-jwt"


def _published() -> list[dict[str, Any]]:
    return [
        {**vector, "keys": content["keys"]}
        for content in [json.loads((vectors_dir(FOLDER) / "rfc9901-vectors.json").read_text())]
        for vector in content["vectors"]
    ]


def _verify(serialized: str, keys: dict[str, Any], kb_payload: dict[str, Any] | None) -> VerifiedSdJwt:
    verified = verify_sd_jwt(parse_sd_jwt(serialized), PublicKey.from_jwk(_public(keys["issuer"])), typ=TYPES)
    if kb_payload is not None:
        binding = verify_key_binding(
            verified,
            nonce=kb_payload["nonce"],
            audience=kb_payload["aud"],
            now=kb_payload["iat"],
            max_age_seconds=60,
        )
        assert binding.key == PublicKey.from_jwk(_public(keys["holder"]))
    return verified


def _public(jwk: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if name != "d"}


@pytest.mark.parametrize("vector", _published(), ids=lambda vector: vector["block"])
def test_the_examples_of_the_rfc_verify_and_no_altered_byte_does(vector: dict[str, Any]) -> None:
    count = VectorCount(FOLDER)
    serialized: str = vector["serialized"]
    verified = _verify(serialized, vector["keys"], vector.get("kb_payload"))
    assert sorted(verified.disclosed.values()) == sorted(each["encoded"] for each in vector["disclosures"])
    assert not {"_sd", "_sd_alg"} & set(verified.claims)
    count.ran()
    for at in range(0, len(serialized), 7):
        altered = serialized[:at] + ("A" if serialized[at] != "A" else "B") + serialized[at + 1 :]
        with pytest.raises(SsiError):
            _verify(altered, vector["keys"], vector.get("kb_payload"))


def test_the_processed_payload_of_the_rfc_is_what_it_prints() -> None:
    """RFC 9901 section 5.2 and A.1: the payload that the verifier ends with."""
    count = VectorCount(FOLDER)
    blocks = json.loads((vectors_dir(FOLDER) / "rfc9901-text-examples.json").read_text())["blocks"]
    printed = [json.loads(block["text"]) for block in blocks if _is_json_object(block["text"])]
    for vector in _published():
        if vector["kb_jwt"] is not None:
            claims = _verify(vector["serialized"], vector["keys"], None).claims
            assert claims in printed, vector["section"]
            count.ran()


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _yaml_cases() -> list[Any]:
    root = vectors_dir(FOLDER)
    files = sorted(root.glob("*/**/specification.yml"))
    return [pytest.param(file, id=str(file.parent.relative_to(root))) for file in files]


@pytest.mark.parametrize("file", _yaml_cases())
async def test_example_specifications_run_from_issuer_to_verifier(file: Path) -> None:
    root = vectors_dir(FOLDER)
    count = VectorCount(f"{FOLDER}/{file.relative_to(root).parts[0]}")
    case = read_yaml(file)
    settings = read_settings(next(p / "settings.yml" for p in file.parents if (p / "settings.yml").exists()))
    for decoys in ({}, dict.fromkeys(container_paths(case.claims), 2)):
        shown = await _round_trip(
            case.claims,
            case.disclosable,
            case.shown,
            decoys=decoys,
            keys=settings,
            key_binding=case.key_binding,
            header=case.header,
        )
        assert shown == case.expected
    if case.json_serialization:
        count.left_out("JWS JSON serialization (the claims ran in the compact form)")
    else:
        count.ran()


def _frame_cases() -> list[Any]:
    root = vectors_dir(FOLDER) / "sd-jwt-js"
    return [pytest.param(file, id=str(file.relative_to(root))) for file in sorted(root.rglob("*.json"))]


@pytest.mark.parametrize("file", _frame_cases())
async def test_frames_of_sd_jwt_js_run_from_issuer_to_verifier(file: Path) -> None:
    count = VectorCount(f"{FOLDER}/sd-jwt-js")
    case = read_json(file)
    disclosable, decoys = read_frame(case["disclosureFrame"])
    paths = shown_paths(case["claims"], case["presentationFrames"])
    shown = await _round_trip(case["claims"], disclosable, paths, decoys=decoys)
    if file.stem == "array_none_disclosed":
        assert shown == {"is_over": {}}
        count.left_out("expects an emptied object to vanish; RFC 9901 section 7.1 step 3.e keeps it as {}")
    else:
        assert shown == case["presentedClaims"]
        count.ran()


async def _round_trip(
    claims: dict[str, Any],
    disclosable: list[ClaimPath],
    shown: list[ClaimPath],
    *,
    decoys: dict[ClaimPath, int],
    keys: dict[str, Any] | None = None,
    key_binding: bool = True,
    header: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Issue, present ``shown``, bind, verify; return the verified claims without the ``cnf`` that we added."""
    key_binding = key_binding and "cnf" not in claims  # some cases bring an RSA key of their own
    kms = MemoryKms()
    issuer = PrivateKey.from_jwk(keys["issuer_keys"][0]) if keys else PrivateKey.generate(Curve.P256)
    holder = PrivateKey.from_jwk(keys["holder_key"]) if keys else PrivateKey.generate(Curve.P256)
    await kms.add("issuer", issuer, purpose=KeyPurpose.CREDENTIAL)
    await kms.add("holder", holder, purpose=KeyPurpose.HOLDER)
    issued = await issue_sd_jwt(
        claims,
        disclosable=disclosable,
        typ="example+sd-jwt",
        header={name: value for name, value in (header or {}).items() if name != "typ"},
        kms=kms,
        label="issuer",
        holder_key=holder.public_key if key_binding else None,
        decoys=decoys,
    )
    everything = verify_sd_jwt(parse_sd_jwt(issued.compact), issuer.public_key, typ=TYPES)
    assert _without_cnf(everything, key_binding) == claims
    assert set(everything.disclosed) == set(disclosable)
    presentation = present(issued.compact, shown)
    nonce, audience = "1234567890", "https://verifier.example.org"
    if key_binding:
        presentation = await bind(presentation, kms=kms, label="holder", nonce=nonce, audience=audience, now=1_000)
    verified = verify_sd_jwt(parse_sd_jwt(presentation), issuer.public_key, typ=TYPES)
    if key_binding:
        verify_key_binding(verified, nonce=nonce, audience=audience, now=1_000, max_age_seconds=60)
    return _without_cnf(verified, key_binding)


def _without_cnf(verified: VerifiedSdJwt, added: bool) -> dict[str, Any]:
    return {name: value for name, value in verified.claims.items() if name != "cnf" or not added}

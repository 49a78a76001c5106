"""W3C VC-JOSE-COSE: the test suite's 35 cases, and the examples of the specification."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.cose import read_vc_cose, read_vp_cose, sign_vc_cose, sign_vp_cose, verify_vc_cose, verify_vp_cose
from ssi.credentials.jose import (
    read_vc_jwt,
    read_vp_jwt,
    sign_vc_jwt,
    sign_vp_jwt,
    verify_vc_jwt,
    verify_vp_jwt,
)
from ssi.credentials.presentation import ENVELOPED_PRESENTATION, Envelope, parse_envelope, parse_presentation
from ssi.credentials.vc_sd_jwt import read_vc_sd_jwt, sign_vc_sd_jwt, verify_vc_sd_jwt
from ssi.credentials.vcdm import check_credential, parse_credential
from ssi.credentials.vp_sd_jwt import read_vp_sd_jwt, sign_vp_sd_jwt, verify_vp_sd_jwt
from ssi.encoding.base64url import b64_decode
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError, VerificationError
from ssi.keys import KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from tests.vectors.support import VectorCount, vectors_dir

SUITE = "w3c/test-suites/vc-jose-cose"
SPECIFICATION = "w3c/vc-jose-cose"
EXAMPLES = {"https://www.w3.org/ns/credentials/examples/v2"}
NOW = 1734311060
"""December 2024: the suite's presentations expire one day after they were made."""

suite = VectorCount(SUITE)
specification = VectorCount(SPECIFICATION)

# tests/test-mapping.js of the suite: number, what is done, input, key, whether it succeeds.
CASES = [
    (1, "issue credential", "credential-minimal.json", "p256", True),
    (2, "issue credential", "credential-full.json", "p384", True),
    (3, "issue presentation", "presentation-single.json", "p256", True),
    (4, "issue presentation", "presentation-multiple.json", "p521", True),
    (5, "issue credential", "credential-unknown-extensions.json", "p521", False),
    (6, "verify credential", "credential-jose-minimal.txt", "p256", True),
    (7, "verify presentation", "presentation-jose-multiple.txt", "p384", True),
    (8, "verify credential", "credential-issuer-match-signed.txt", "ed25519", True),
    (9, "verify credential", "credential-jose-unknown-extensions.txt", "ed25519", False),
    (10, "verify credential", "credential-minimal.json", "ed25519", False),
    (11, "verify presentation", "presentation-single.json", "ed25519", False),
    (12, "verify credential", "credential-jose-bad-signature.txt", "ed25519", False),
    (13, "verify credential", "credential-jose-bad-media-type.txt", "ed25519", False),
    (14, "verify presentation", "presentation-jose-bad-media-type.txt", "ed25519", False),
    (15, "verify credential", "credential-jose-vc-vp-claims.txt", "ed25519", False),
    (16, "verify presentation", "presentation-jose-bad-credential.txt", "ed25519", False),
]


def read(name: str) -> str:
    return (vectors_dir(f"{SUITE}/input") / name).read_text(encoding="utf-8").strip()


def verification_method(name: str) -> dict[str, Any]:
    return parse_object(read(f"vm-{name}.json"))


def verify(what: str, text: str, key: PublicKey) -> None:
    if what == "credential":
        verify_vc_jwt(read_vc_jwt(text), key, now=NOW, contexts=EXAMPLES)
        return
    rules: dict[str, Any] = {"audience": None, "nonce": None, "max_age_seconds": None}
    shown = verify_vp_jwt(read_vp_jwt(text), key, now=NOW, contexts=EXAMPLES, **rules)
    assert shown.credentials


async def issue(what: str, text: str, method: dict[str, Any]) -> str:
    document = parse_object(text)
    if what == "credential":
        credential = check_credential(document, contexts=EXAMPLES, extensions=())
    else:
        presentation = parse_presentation(document, contexts=EXAMPLES)
    private = PrivateKey.from_jwk(method["secretKeyJwk"])
    kms = MemoryKms()
    purpose = KeyPurpose.CREDENTIAL if what == "credential" else KeyPurpose.HOLDER
    await kms.add("k", private, purpose=purpose)
    if what == "credential":
        return await sign_vc_jwt(credential, kms=kms, label="k", kid=method["id"])
    return await sign_vp_jwt(
        [item for item in presentation.credentials if isinstance(item, Envelope)],
        kms=kms,
        label="k",
        kid=method["id"],
        holder=presentation.holder,
        audience=None,
        nonce=None,
        issued_at=NOW,
        identifier=presentation.id,
    )


@pytest.mark.parametrize(("number", "action", "name", "key", "succeeds"), CASES, ids=lambda case: str(case))
async def test_the_suite(number: int, action: str, name: str, key: str, succeeds: bool) -> None:
    function, what = action.split()
    method, text = verification_method(key), read(name)
    if function == "verify":
        public = PublicKey.from_jwk(method["publicKeyJwk"])
        if succeeds:
            verify(what, text, public)
        else:
            with pytest.raises(SsiError):
                verify(what, text, public)
    elif succeeds:
        verify(what, await issue(what, text, method), PublicKey.from_jwk(method["publicKeyJwk"]))
    else:
        with pytest.raises(InvalidInputError, match="top-level members"):
            await issue(what, text, method)
    suite.ran()


@pytest.mark.parametrize(
    ("what", "name", "key"),
    [
        ("credential", "credential-jose-minimal.txt", "p256"),
        ("credential", "credential-issuer-match-signed.txt", "ed25519"),
        ("presentation", "presentation-jose-multiple.txt", "p384"),
    ],
)
def test_each_signed_input_is_refused_with_a_byte_altered(what: str, name: str, key: str) -> None:
    text = read(name)
    public = PublicKey.from_jwk(verification_method(key)["publicKeyJwk"])
    verify(what, text, public)
    for position in {*range(0, len(text), 7), *range(len(text) - 90, len(text))}:
        altered = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(SsiError):
            verify(what, altered, public)
    suite.ran()


def test_a_transcribed_input_holds_in_a_clone_without_the_vectors() -> None:
    kept = json.loads((Path(__file__).parent / "vc_jose_minimal.json").read_text(encoding="utf-8"))
    verify("credential", kept["compact"], PublicKey.from_jwk(kept["publicKeyJwk"]))
    with pytest.raises(SsiError):
        verify("credential", kept["compact"][:-2] + "AA", PublicKey.from_jwk(kept["publicKeyJwk"]))


# The same for SD-JWT, with the paths that the issuer conceals.
SD_JWT_CASES = [
    (17, "credential-selective.json", "p384", [("credentialSubject", "firstName"), ("credentialSubject", "lastName")]),
    (
        18,
        "credential-nested-selective.json",
        "p521",
        [
            ("credentialSubject", "address", "street"),
            ("credentialSubject", "address", "city"),
            ("credentialSubject", "phoneNumbers", 0),
        ],
    ),
    (19, "presentation-selective.json", "p384", [("holder",), ("verifiableCredential", 0)]),
    (20, "credential-sdjwt-selective.txt", "p384", True),
    (21, "credential-sdjwt-nested.txt", "p521", True),
    (22, "presentation-sdjwt-selective.txt", "p384", True),
    (23, "credential-sdjwt-bad-signature.txt", "p384", False),
    (24, "credential-sdjwt-bad-media-type.txt", "ed25519", False),
    (25, "presentation-sdjwt-bad-media-type.txt", "ed25519", False),
    (26, "presentation-sdjwt-bad-credential.txt", "p521", False),
]


def verify_sd(name: str, text: str, key: PublicKey) -> tuple[object, ...]:
    if name.startswith("credential"):
        return verify_vc_sd_jwt(read_vc_sd_jwt(text), key, now=NOW, contexts=EXAMPLES, key_binding=None).disclosed_paths
    rules: dict[str, Any] = {"audience": None, "nonce": None, "max_age_seconds": None}
    verified = verify_vp_sd_jwt(read_vp_sd_jwt(text), key, now=NOW, contexts=EXAMPLES, **rules)
    return verified.disclosed_paths


async def issue_sd(name: str, method: dict[str, Any], paths: list[Any]) -> str:
    document = parse_object(read(name))
    kms = MemoryKms()
    purpose = KeyPurpose.CREDENTIAL if name.startswith("credential") else KeyPurpose.HOLDER
    await kms.add("k", PrivateKey.from_jwk(method["secretKeyJwk"]), purpose=purpose)
    rules: dict[str, Any] = {"kms": kms, "label": "k", "disclosable": paths, "kid": method["id"]}
    if name.startswith("credential"):
        credential = check_credential(document, contexts=EXAMPLES, extensions=())
        return (await sign_vc_sd_jwt(credential, **rules)).compact
    presentation = parse_presentation(document, contexts=EXAMPLES)
    return (await sign_vp_sd_jwt(presentation, audience=None, nonce=None, issued_at=NOW, **rules)).compact


@pytest.mark.parametrize(("number", "name", "key", "expected"), SD_JWT_CASES, ids=lambda case: str(case)[:60])
async def test_the_suite_with_sd_jwt(number: int, name: str, key: str, expected: Any) -> None:
    method = verification_method(key)
    if expected is False:
        with pytest.raises(SsiError):
            verify_sd(name, read(name), public(method))
    elif expected is True:
        text = read(name)
        assert verify_sd(name, text, public(method))
        for position in range(0, len(text) - 1, 5):
            altered = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
            with pytest.raises(SsiError):
                verify_sd(name, altered, public(method))
    else:
        assert set(verify_sd(name, await issue_sd(name, method, expected), public(method))) == set(expected)
    suite.ran()


def public(method: dict[str, Any]) -> PublicKey:
    return PublicKey.from_jwk(method["publicKeyJwk"])


COSE_CASES = [
    (27, "issue", "credential-minimal.json", "did-ed25519", True),
    (28, "issue", "presentation-single.json", "p384", True),
    (29, "verify", "credential-cose-minimal.txt", "p256", True),
    (30, "verify", "credential-cose-minimal-not-base64.txt", "p256", InvalidInputError),
    (31, "verify", "presentation-cose-single.txt", "p384", True),
    (32, "verify", "credential-cose-bad-signature.txt", "ed25519", InvalidSignatureError),
    (33, "verify", "credential-cose-bad-media-type.txt", "p384", VerificationError),
    (34, "verify", "presentation-cose-bad-media-type.txt", "p256", VerificationError),
    (35, "verify", "presentation-cose-bad-credential.txt", "p256", InvalidInputError),
]


def verify_cose(name: str, data: str | bytes, key: PublicKey) -> None:
    if name.startswith("credential"):
        verify_vc_cose(read_vc_cose(data), key, now=NOW, contexts=EXAMPLES)
        return
    rules: dict[str, Any] = {"audience": None, "nonce": None, "max_age_seconds": None}
    assert verify_vp_cose(read_vp_cose(data), key, now=NOW, contexts=EXAMPLES, **rules).credentials


async def issue_cose(name: str, method: dict[str, Any]) -> bytes:
    """As the suite's inputs, by the key's thumbprint; the verification method is not always the issuer's."""
    document = parse_object(read(name))
    purpose = KeyPurpose.CREDENTIAL if name.startswith("credential") else KeyPurpose.HOLDER
    kms = MemoryKms()
    await kms.add("k", PrivateKey.from_jwk(method["secretKeyJwk"]), purpose=purpose)
    rules: dict[str, Any] = {"kms": kms, "label": "k", "kid": public(method).thumbprint(), "issued_at": NOW}
    if name.startswith("credential"):
        return await sign_vc_cose(check_credential(document, contexts=EXAMPLES, extensions=()), **rules)
    presentation = parse_presentation(document, contexts=EXAMPLES)
    return await sign_vp_cose(presentation, audience=None, nonce=None, **rules)


@pytest.mark.parametrize(("number", "action", "name", "key", "expected"), COSE_CASES, ids=lambda case: str(case)[:60])
async def test_the_suite_with_cose(number: int, action: str, name: str, key: str, expected: Any) -> None:
    method = verification_method(key)
    if expected is not True:
        with pytest.raises(expected):
            verify_cose(name, read(name), public(method))
    elif action == "issue":
        verify_cose(name, await issue_cose(name, method), public(method))
    else:
        text = read(name)
        verify_cose(name, text, public(method))
        data = b64_decode(text)
        for position in range(0, len(data), 3):
            altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            with pytest.raises(SsiError):
                verify_cose(name, altered, public(method))
    suite.ran()


def test_the_examples_of_the_specification_are_read() -> None:
    path = vectors_dir(SPECIFICATION) / "pr-2025-03-20-examples.json"
    for block in json.loads(path.read_text(encoding="utf-8"))["blocks"]:
        text = re.sub(r"\s", "", block["text"])
        if (
            text.startswith(("data:application/vc+sd-jwt", "data:application/vp+sd-jwt"))
            or "sd-jwt" in block["container"]
        ):
            specification.left_out("SD-JWT as decoded text, or signed by a key that is not published")
        elif text.startswith("data:application/vp+cose;base64,"):
            unverified = read_vp_cose(text.partition(",")[2])
            assert unverified.sign1.alg == -35
            assert unverified.payload["type"] == "VerifiablePresentation"  # its credential has a space in its URL
            specification.ran()
        elif block["section"].endswith("COSE Examples"):
            specification.left_out("COSE in diagnostic notation, its byte strings abridged")
        elif not _read_block(block["text"].replace(" ~", "~")):  # a wrap of the rendered page
            specification.left_out("neither a credential nor a presentation (headers, controller documents)")
        else:
            specification.ran()


def _read_block(text: str) -> bool:
    try:
        document = parse_object(text)
    except InvalidInputError:
        return False
    types = document.get("type", ())
    if "VerifiableCredential" in types:
        parse_credential(document, contexts=EXAMPLES)
    elif types == ENVELOPED_PRESENTATION:
        envelope = parse_envelope(document, contexts=EXAMPLES, kind=ENVELOPED_PRESENTATION)
        if envelope.media_type == "application/vp+jwt":
            assert read_vp_jwt(envelope.data).kid
    elif "VerifiablePresentation" in types:
        for item in parse_presentation(document, contexts=EXAMPLES).credentials:
            assert isinstance(item, Envelope)
            if item.media_type == "application/vc+jwt" and ";" not in item.data and "..." not in item.data:
                assert read_vc_jwt(item.data).issuer
    else:
        return False
    return True

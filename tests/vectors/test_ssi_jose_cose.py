"""``ssi jose-cose`` on all 35 cases of W3C's suite, as its runner calls it; test_w3c_vc_jose_cose.py counts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.program import ssi
from tests.vectors.support import vectors_dir

AT = "2024-12-16T01:04:20Z"
"""The suite's presentations expire one day after they were made."""

# tests/test-mapping.js of the suite: feature, function, input, key, what the holder may withhold, result.
CASES: list[tuple[str, str, str, str, list[str] | None, bool]] = [
    ("credential_jose", "issue", "credential-minimal.json", "p256", None, True),
    ("credential_jose", "issue", "credential-full.json", "p384", None, True),
    ("presentation_jose", "issue", "presentation-single.json", "p256", None, True),
    ("presentation_jose", "issue", "presentation-multiple.json", "p521", None, True),
    ("credential_jose", "issue", "credential-unknown-extensions.json", "p521", None, False),
    ("credential_jose", "verify", "credential-jose-minimal.txt", "p256", None, True),
    ("presentation_jose", "verify", "presentation-jose-multiple.txt", "p384", None, True),
    ("credential_jose", "verify", "credential-issuer-match-signed.txt", "ed25519", None, True),
    ("credential_jose", "verify", "credential-jose-unknown-extensions.txt", "ed25519", None, False),
    ("credential_jose", "verify", "credential-minimal.json", "ed25519", None, False),
    ("presentation_jose", "verify", "presentation-single.json", "ed25519", None, False),
    ("credential_jose", "verify", "credential-jose-bad-signature.txt", "ed25519", None, False),
    ("credential_jose", "verify", "credential-jose-bad-media-type.txt", "ed25519", None, False),
    ("presentation_jose", "verify", "presentation-jose-bad-media-type.txt", "ed25519", None, False),
    ("credential_jose", "verify", "credential-jose-vc-vp-claims.txt", "ed25519", None, False),
    ("presentation_jose", "verify", "presentation-jose-bad-credential.txt", "ed25519", None, False),
    (
        *("credential_sdjwt", "issue", "credential-selective.json", "p384"),
        ["credentialSubject.firstName", "credentialSubject.lastName"],
        True,
    ),
    (
        *("credential_sdjwt", "issue", "credential-nested-selective.json", "p521"),
        ["credentialSubject.address.street", "credentialSubject.address.city", "credentialSubject.phoneNumbers[0]"],
        True,
    ),
    (
        *("presentation_sdjwt", "issue", "presentation-selective.json", "p384"),
        ["holder", "verifiableCredential[0]"],
        True,
    ),
    ("credential_sdjwt", "verify", "credential-sdjwt-selective.txt", "p384", None, True),
    ("credential_sdjwt", "verify", "credential-sdjwt-nested.txt", "p521", None, True),
    ("presentation_sdjwt", "verify", "presentation-sdjwt-selective.txt", "p384", None, True),
    ("credential_sdjwt", "verify", "credential-sdjwt-bad-signature.txt", "p384", None, False),
    ("credential_sdjwt", "verify", "credential-sdjwt-bad-media-type.txt", "ed25519", None, False),
    ("presentation_sdjwt", "verify", "presentation-sdjwt-bad-media-type.txt", "ed25519", None, False),
    ("presentation_sdjwt", "verify", "presentation-sdjwt-bad-credential.txt", "p521", None, False),
    ("credential_cose", "issue", "credential-minimal.json", "did-ed25519", None, True),
    ("presentation_cose", "issue", "presentation-single.json", "p384", None, True),
    ("credential_cose", "verify", "credential-cose-minimal.txt", "p256", None, True),
    ("credential_cose", "verify", "credential-cose-minimal-not-base64.txt", "p256", None, False),
    ("presentation_cose", "verify", "presentation-cose-single.txt", "p384", None, True),
    ("credential_cose", "verify", "credential-cose-bad-signature.txt", "ed25519", None, False),
    ("credential_cose", "verify", "credential-cose-bad-media-type.txt", "p384", None, False),
    ("presentation_cose", "verify", "presentation-cose-bad-media-type.txt", "p384", None, False),
    ("presentation_cose", "verify", "presentation-cose-bad-credential.txt", "p256", None, False),
]


def run(folder: Path, function: str, feature: str, name: Path, key: str, *more: str) -> dict[str, Any]:
    """Call the program as the runner does, and return what it wrote."""
    output = folder / "out.json"
    method = vectors_dir("w3c/test-suites/vc-jose-cose/input") / f"vm-{key}.json"
    arguments = ("--input", name, "--key", method, "--feature", feature, *more, "--output", output, "--at", AT)
    done = ssi("jose-cose", function, *arguments)
    assert done.code == 0, done
    result: dict[str, Any] = json.loads(output.read_text())
    assert result.keys() == {"result", "data"}
    assert type(result["data"]) is str
    return result


@pytest.mark.parametrize("case", CASES, ids=[str(number) for number in range(1, len(CASES) + 1)])
def test_the_suite(case: tuple[str, str, str, str, list[str] | None, bool], tmp_path: Path) -> None:
    feature, function, name, key, disclosable, succeeds = case
    path = vectors_dir("w3c/test-suites/vc-jose-cose/input") / name
    more = () if disclosable is None else ("--sd", json.dumps(disclosable))
    made = run(tmp_path, function, feature, path, key, *more)
    assert made["result"] == ("success" if succeeds else "failure"), made
    if not succeeds:
        return
    if function == "verify":
        assert json.loads(made["data"])["@context"][0] == "https://www.w3.org/ns/credentials/v2"
        return
    secured = tmp_path / "secured.txt"
    secured.write_text(made["data"])
    document = json.loads(path.read_text())
    again = run(tmp_path, "verify", feature, secured, key)
    assert again["result"] == "success", again
    assert document.items() <= json.loads(again["data"]).items()
    secured.write_text(made["data"][:-40] + ("A" if made["data"][-40] != "A" else "B") + made["data"][-39:])
    assert run(tmp_path, "verify", feature, secured, key)["result"] == "failure"


def test_the_input_of_case_9_is_refused_for_its_key_alone(tmp_path: Path) -> None:
    """It was signed without the members that case 5 adds: under the key that signed it there is nothing to refuse."""
    path = vectors_dir("w3c/test-suites/vc-jose-cose/input") / "credential-jose-unknown-extensions.txt"
    made = run(tmp_path, "verify", "credential_jose", path, "p521")
    assert made["result"] == "success"
    assert "badExtension" not in json.loads(made["data"])

"""``ssi jose-cose``: its options, paths and errors; the published cases are in tests/vectors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.jose_cose import FEATURES, parse_paths
from ssi.encoding import cbor
from ssi.errors import InvalidInputError
from ssi.keys import Curve, PrivateKey
from ssi.keys.curves import JOSE_CURVES
from tests.unit.cli.program import Done, ssi

ISSUER = "https://agency.example/issuer"
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "credentialSubject": {"id": "did:example:1", "name": "resident"},
}
PRESENTATION: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiablePresentation"],
    "holder": ISSUER,
    "verifiableCredential": [
        {
            "@context": "https://www.w3.org/ns/credentials/v2",
            "type": "EnvelopedVerifiableCredential",
            "id": "data:application/vc+jwt,a.b.c",
        }
    ],
}


class Bench:
    """A folder with a key and a document."""

    def __init__(self, folder: Path, curve: Curve = Curve.P256, controller: str = ISSUER) -> None:
        private = PrivateKey.generate(curve)
        self.method = {
            "id": f"{controller}#1",
            "type": "JsonWebKey",
            "controller": controller,
            "publicKeyJwk": private.public_key.to_jwk(),
            "secretKeyJwk": private.to_jwk(),
        }
        self.folder = folder
        (folder / "key.json").write_text(json.dumps(self.method))

    def run(self, function: str, feature: str, content: object, *more: object) -> Done:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / "in").write_text(text)
        (self.folder / "out").unlink(missing_ok=True)
        files = ("--input", self.folder / "in", "--key", self.folder / "key.json", "--output", self.folder / "out")
        return ssi("jose-cose", function, *files, "--feature", feature, *more)

    def result(self, function: str, feature: str, content: object, *more: object) -> Any:
        done = self.run(function, feature, content, *more)
        assert done.code == 0, done
        return json.loads((self.folder / "out").read_text())


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("curve", JOSE_CURVES)
@pytest.mark.parametrize("controller", [ISSUER, "did:example:other"])
def test_each_feature_with_each_key(feature: str, curve: Curve, controller: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, curve, controller)
    document = CREDENTIAL if feature.startswith("credential") else PRESENTATION
    made = bench.result("issue", feature, document)
    assert made["result"] == "success", made
    verified = bench.result("verify", feature, f"{made['data']}\n")
    assert document.items() <= json.loads(verified["data"]).items()
    for other in FEATURES:
        if other != feature:
            assert bench.result("verify", other, made["data"])["result"] == "failure"


def test_the_clock(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    document = {**CREDENTIAL, "validUntil": "2025-01-01T00:00:00Z"}
    secured = bench.result("issue", "credential_cose", document)["data"]
    assert bench.result("verify", "credential_cose", secured, "--at", "2024-12-31T00:00:00Z")["result"] == "success"
    late = bench.result("verify", "credential_cose", secured, "--at", "2025-01-02T00:00:00Z")
    assert late["result"] == "failure"
    assert "valid until" in late["data"]


@pytest.mark.parametrize("feature", FEATURES)
def test_members_and_contexts_are_allowed_by_name(feature: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    document = CREDENTIAL if feature.startswith("credential") else PRESENTATION
    more = {**document, "extra": 1, "@context": [*document["@context"], "https://town.example/context"]}
    allowed = ("--context", "https://town.example/context", "--extension", "extra")
    secured = bench.result("issue", feature, more, *allowed)["data"]
    assert bench.result("verify", feature, secured, *allowed)["result"] == "success"
    for some in ((), allowed[:2], allowed[2:]):
        assert bench.result("issue", feature, more, *some)["result"] == "failure"
        assert bench.result("verify", feature, secured, *some)["result"] == "failure"


def test_what_may_be_withheld(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    made = bench.result("issue", "credential_sdjwt", CREDENTIAL, "--sd", '["credentialSubject.name"]')
    issuer, disclosure, rest = made["data"].split("~")
    assert rest == ""
    assert disclosure
    withheld = json.loads(bench.result("verify", "credential_sdjwt", f"{issuer}~")["data"])
    assert withheld["credentialSubject"] == {"id": "did:example:1"}
    assert bench.result("issue", "credential_sdjwt", CREDENTIAL, "--sd", '["issuer"]')["result"] == "failure"
    assert bench.run("issue", "credential_jose", CREDENTIAL, "--sd", "[]").code == 2


def test_paths() -> None:
    assert parse_paths('["a", "a.b", "a[0]", "a.b[10].c", "@x.y-z"]') == [
        ("a",),
        ("a", "b"),
        ("a", 0),
        ("a", "b", 10, "c"),
        ("@x", "y-z"),
    ]
    for text in ("", "{}", "[1]", '[""]', '["a."]', '[".a"]', '["a[x]"]', '["a[-1]"]', '["a[0"]', '["a..b"]'):
        with pytest.raises(InvalidInputError):
            parse_paths(text)


def test_what_is_wrong_with_the_command_is_no_result(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.run("issue", "credential_xml", CREDENTIAL).code == 2
    assert bench.run("issue", "credential_jose", CREDENTIAL, "--output", tmp_path / "no" / "out").code == 3
    public = {name: value for name, value in bench.method.items() if name != "secretKeyJwk"}
    for method in (public, {}, {**bench.method, "secretKeyJwk": {"kty": "EC"}}):
        (tmp_path / "key.json").write_text(json.dumps(method))
        assert bench.run("issue", "credential_jose", CREDENTIAL).code == 2
        assert not (tmp_path / "out").exists()
    (tmp_path / "key.json").unlink()
    assert bench.run("verify", "credential_jose", "a.b.c").code == 2


def test_any_input_is_a_failure(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for feature in FEATURES:
        for content in ("", "é", "{}", "a.b.c", "a.b.c~", "00", "[]", '{"a": 1, "a": 2}'):
            for function in ("issue", "verify"):
                assert bench.result(function, feature, content)["result"] == "failure"


def test_without_cbor2_nothing_is_said_of_cose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    secured = bench.result("issue", "credential_cose", CREDENTIAL)["data"]
    monkeypatch.setitem(sys.modules, "cbor2", None)
    cbor._decoder.cache_clear()
    assert bench.result("verify", "credential_cose", secured)["result"] == "indeterminate"
    cbor._decoder.cache_clear()

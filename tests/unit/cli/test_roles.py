"""The commands of issuers and holders: each act by name, repeatable, with state untouched by a refusal."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from ssi.keys import Curve, PrivateKey
from tests.unit.cli.program import AUDIENCE, CLAIMS, NONCE, TYPE, Town, ssi

SD_JWT = "sd-jwt.presentation"


def did_of(town: Town, name: str) -> str:
    import tomllib

    did: str = tomllib.loads((town / "ssi.toml").read_text())["organisations"][name]["did"]
    return did


def test_a_did_is_updated_rotated_resolved_and_deactivated_on_the_ledger(town: Town, tmp_path: Path) -> None:
    did = did_of(town, "town")
    service = {"id": f"{did}#desk", "type": "Desk", "serviceEndpoint": "https://town.example/desk"}
    (tmp_path / "service.json").write_text(json.dumps(service))
    updated = town.ok(
        "did", "update", "town", "--service", tmp_path / "service.json", "--also-known-as", "did:web:t.example"
    )
    assert updated["versionId"].startswith("2-")
    assert updated["entry"] is not None
    resolved = town.ok("did", "resolve", did, "--no-network")
    assert resolved["didDocument"]["service"] == [service]
    assert resolved["didResolutionMetadata"]["source"] == "ledger"
    assert town.ok("did", "rotate", "town")["versionId"].startswith("3-")
    rotated = town.ok("did", "rotate", "town", "--purpose", "credential")
    assert rotated["kid"] == f"{did}#credential-2"
    log = (town / "town.did.jsonl").read_bytes()
    assert len(log.splitlines()) == 4, "the file that is served keeps up with the ledger"
    first = town.ok("did", "resolve", did, "--no-network", "--version-id", json.loads(log.splitlines()[0])["versionId"])
    assert "service" not in first["didDocument"]
    town.ok("did", "update", "town", "--remove-service", f"{did}#desk")
    assert "service" not in town.ok("did", "resolve", did, "--no-network")["didDocument"]
    town.ok("did", "deactivate", "town", "--yes")
    assert town.ok("did", "resolve", did, "--no-network")["didDocumentMetadata"]["deactivated"] is True
    assert town.ssi("did", "rotate", "town").code == 1


def test_a_did_without_a_ledger_lives_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("p")
    project = [
        "--project",
        tmp_path / "ssi.toml",
        "--keys",
        tmp_path / "keys",
        "--passphrase-file",
        tmp_path / "passphrase",
    ]
    made = ssi("did", "create", "shop", "--domain", "shop.example", "--path", "main", *project, "--json")
    assert made.document["did"].endswith(":shop.example:main")
    assert ssi("did", "create", "shop", "--domain", "shop.example", *project).code == 1
    assert ssi("did", "create", "a/b", "--domain", "shop.example", *project).code == 2
    assert ssi("did", "create", "b", "--domain", "127.0.0.1", *project).code == 2
    assert ssi("did", "rotate", "shop", *project).code == 0
    assert ssi("did", "update", "shop", *project).code == 2
    assert ssi("did", "update", "nobody", "--ttl", "60", *project).code == 2
    assert len((tmp_path / "shop.did.jsonl").read_bytes().splitlines()) == 2


def test_a_did_that_is_a_key_needs_nothing() -> None:
    key = PrivateKey.generate(Curve.ED25519).public_key.to_multikey()
    done = ssi("did", "resolve", f"did:key:{key}")
    assert done.code == 0
    assert json.loads(done.stdout)["id"] == f"did:key:{key}"
    assert ssi("did", "resolve", "did:key:z6MkNoSuchKey").code == 2
    assert ssi("did", "resolve", "did:nothing:x").code == 2


def test_issue_is_repeatable_by_reference(town: Town, tmp_path: Path) -> None:
    key = PrivateKey.generate(Curve.P256).public_key
    (tmp_path / "holder.json").write_text(json.dumps(key.to_jwk()))
    arguments = ["issue", "residence", "--claims", town / "claims.json", "--reference", "case-99"]
    first = town.ok(*arguments, "--holder", key.to_multikey())
    again = town.ok(*arguments, "--holder", tmp_path / "holder.json")
    assert first["id"] == again["id"]
    (tmp_path / "other.json").write_text(json.dumps({**CLAIMS, "given_name": "Onni"}))
    other = town.ssi("issue", "residence", "--claims", tmp_path / "other.json", "--reference", "case-99", "--json")
    assert (other.code, other.document["check"]) == (1, "conflict")
    out = tmp_path / "credential"
    done = town.ssi(*arguments, "--holder", key.to_multikey(), "--out", out)
    assert done.code == 0
    assert out.stat().st_mode & 0o077 == 0, "a credential is nobody else's to read"


@pytest.mark.parametrize("claims", [{"given_name": 3}, {}, {"given_name": "A", "iss": "me"}, [], "text"])
def test_claims_that_do_not_fit_are_two_and_named_by_path(town: Town, tmp_path: Path, claims: object) -> None:
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    done = town.ssi("issue", "residence", "--claims", tmp_path / "claims.json", "--reference", "case-5", "--json")
    assert (done.code, done.document["outcome"]) == (2, "bad input")
    assert town.ssi("revoke", "--reference", "case-5").code == 2, "nothing was kept"


def test_a_private_key_is_no_holder(town: Town, tmp_path: Path) -> None:
    (tmp_path / "jwk").write_text(json.dumps(PrivateKey.generate(Curve.P256).to_jwk()))
    arguments = ["--claims", town / "claims.json", "--reference", "case-6", "--holder", tmp_path / "jwk"]
    assert town.ssi("issue", "residence", *arguments).code == 2


def test_suspend_unsuspend_and_reissue(town: Town, tmp_path: Path) -> None:
    town.ok("suspend", "--reference", "case-17", "--reason", "under review", "--by", "registry office")
    town.export()
    assert town.verify(town / SD_JWT).code == 1
    town.ok("unsuspend", "--reference", "case-17")
    town.export()
    assert town.verify(town / SD_JWT).code == 0
    assert town.ssi("reissue", "--reference", "case-17").code == 2, "the type keeps no claims"
    made = town.ok("reissue", "--reference", "case-17", "--claims", town / "claims.json", "--out", tmp_path / "new")
    assert [each["reference"] for each in made["reissued"]] == ["case-17"]
    assert len(list((tmp_path / "new").iterdir())) == 1
    town.export()
    assert town.verify(town / SD_JWT).code == 1, "the one before is revoked by it"
    assert town.ssi("suspend").code == 2, "an act on everything is not said by leaving out what"
    assert town.ssi("revoke", "--reference", "no such case").code == 2


def test_publish_signs_the_lists_of_a_replaced_key_again(town: Town) -> None:
    before = {file.name: file.read_bytes() for file in (town / "offline" / "lists").glob("*.jwt")}
    town.ok("did", "rotate", "town", "--purpose", "list")
    town.export()
    assert {file.name: file.read_bytes() for file in (town / "offline" / "lists").glob("*.jwt")} != before
    assert town.verify(town / SD_JWT).code == 0
    assert all(each["anchored"] for each in town.ok("publish", "--everything")["lists"])


def test_a_replaced_credential_key_needs_a_policy_that_takes_it(town: Town) -> None:
    town.ok("did", "rotate", "town", "--purpose", "credential")
    town.export()
    done = town.verify(town / SD_JWT)
    assert (done.code, done.document["check"]) == (1, "signature")


def test_the_wallet_shows_what_it_holds_and_what_it_showed(town: Town, tmp_path: Path) -> None:
    cards = town.ok("wallet", "list")["cards"]
    assert {card["type"] for card in cards} == {TYPE, "ResidenceCertificate"}
    (tmp_path / "wanted.json").write_text(json.dumps({"address.locality": "Kerava"}))
    assert len(town.ok("wallet", "search", "--claims", tmp_path / "wanted.json")["cards"]) == 2
    found = town.ok("wallet", "search", "--type", TYPE, "--claims", tmp_path / "wanted.json")["cards"]
    (card,) = [each["card"] for each in found]
    shown = town.ok("wallet", "show", card[:8])
    assert shown["claims"]["given_name"] == CLAIMS["given_name"]
    history = town.ok("wallet", "history", card)["history"]
    assert [(each["audience"], each["paths"]) for each in history] == [(AUDIENCE, ["address.locality"])]
    assert town.ssi("wallet", "show", "ffffffff").code == 2
    arguments = ["wallet", "present", card, "--audience", AUDIENCE, "--nonce", NONCE]
    assert town.ssi(*arguments, "--claim", "no.such.claim").code == 2
    assert town.ssi(*arguments, "--whole", "--claim", "given_name").code == 2
    assert town.ssi(*arguments, "--whole").code == 2, "an SD-JWT VC is shown claim by claim"
    assert len(town.ok("wallet", "history", card)["history"]) == 1, "what was refused was not shown"
    assert town.ok("wallet", "delete", card, "--yes")["deleted"] == card
    assert len(town.ok("wallet", "list")["cards"]) == 1
    assert len(town.ok("wallet", "history")["history"]) == 2


def test_the_wallet_takes_only_what_its_issuer_signed(town: Town, tmp_path: Path) -> None:
    key = town.ok("wallet", "new-key")["key"]
    arguments = ["--claims", town / "claims.json", "--reference", "case-30", "--holder", key]
    credential = town.ok("issue", "residence", *arguments)["credential"]
    head, dot, rest = credential.partition("~")
    altered = head[:-20] + ("A" if head[-20] != "A" else "B") + head[-19:] + dot + rest
    (tmp_path / "altered").write_text(altered)
    assert town.ssi("wallet", "add", tmp_path / "altered").code == 1
    foreign = town.ok(
        *("issue", "residence", "--claims", town / "claims.json", "--reference", "case-31"),
        *("--holder", PrivateKey.generate(Curve.P256).public_key.to_multikey()),
    )
    done = town.ssi("wallet", "add", "-", "--json", stdin=foreign["credential"])
    assert (done.code, done.document["check"]) == (1, "key binding")
    assert len(town.ok("wallet", "list")["cards"]) == 2


def test_a_wallet_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("p")
    done = ssi("wallet", "list", "--wallet", tmp_path / "none.db", "--passphrase-file", tmp_path / "p")
    assert done.code == 2
    assert not (tmp_path / "none.db").exists()


def test_no_claim_stands_in_any_file_of_the_agency(built_town: Town) -> None:
    for name in ("issuer.db", "ledger.db", "town.did.jsonl", "keys.json"):
        assert b"Aino" not in (built_town / name).read_bytes()
    connection = sqlite3.connect(built_town / "wallet.db")
    connection.close()
    assert b"Aino" not in (built_town / "wallet.db").read_bytes()

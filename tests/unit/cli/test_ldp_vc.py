"""Credentials, presentations and lists with embedded proofs, from command to command as JSON files."""

from __future__ import annotations

import json

from tests.unit.cli.program import CLAIMS, Town


def test_issued_kept_shown_verified_and_revoked(town: Town) -> None:
    project = town / "ssi.toml"
    project.write_text(project.read_text().replace("[issuer]", "[issuer]\nlist_embedded_proof = true"))
    key = town.ok("wallet", "new-key", "--curve", "Ed25519")["key"]
    file = town / "credential.json"
    claims = ("--claims", town / "claims.json", "--reference", "case-40", "--holder", key)
    issued = town.ok("issue", "residence", *claims, "--format", "ldp_vc", "--out", file)
    assert issued["format"] == "ldp_vc"
    assert json.loads(file.read_text())["proof"]["cryptosuite"] == "ecdsa-jcs-2019"
    card = town.ok("wallet", "add", file)
    assert (card["format"], card["can be withheld"]) == ("ldp_vc", [])
    assert town.ssi("wallet", "present", card["card"], "--claim", "given_name", "--audience", "a", "--nonce", "n").code
    shown = town.present(card["card"])
    assert json.loads(shown.read_text())["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    town.export()
    done = town.verify(shown)
    assert done.code == 0, done
    assert CLAIMS.items() <= done.document["credentials"][0]["claims"].items()
    lists = [path for path in (town / "lists").glob("*.jwt") if path.read_bytes().startswith(b"{")]
    assert len(lists) == 2
    shown.write_text(shown.read_text().replace("Aino-Kaarina", "Mallory"))
    done = town.verify(shown)
    assert (done.code, done.document["check"]) == (1, "signature")
    assert "Mallory" not in done.stdout + done.stderr
    town.ok("revoke", "--reference", "case-40")
    town.export()
    done = town.verify(town.present(card["card"]))
    assert (done.code, done.document["check"]) == (1, "status")


def test_reissued_files_are_json(town: Town) -> None:
    town.issue("case-41", "--format", "ldp_vc")
    out = town / "new"
    made = town.ok("reissue", "--reference", "case-41", "--claims", town / "claims.json", "--out", out)["reissued"]
    assert [entry["file"].rpartition(".")[2] for entry in made] == ["json"]
    card = town.ok("wallet", "add", made[0]["file"])["card"]
    town.export()
    assert town.verify(town.present(card)).code == 0

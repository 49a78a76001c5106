"""The issuance book by the program: switched on in the project file, proofs go from agency to wallet to verifier."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.unit.cli.program import AUDIENCE, NONCE, Town

BOOK = """
[issuer.issuance]
store = "sqlite:issued.db"
period_seconds = 1
"""


def shown(town: Town, card: str, name: str, *more: object) -> Path:
    out = town / f"{name}.presentation"
    arguments = ("--claim", "given_name", "--audience", AUDIENCE, "--nonce", NONCE, "--out", out)
    town.ok("wallet", "present", card, *arguments, *more)
    return out


def issued(town: Town, reference: str) -> tuple[Path, str]:
    key = town.ok("wallet", "new-key")["key"]
    out = town / f"{reference}.credential"
    arguments = ("--claims", town / "claims.json", "--reference", reference, "--holder", key, "--out", out)
    town.ok("issue", "residence", *arguments)
    return out, town.ok("wallet", "add", out)["card"]


@pytest.mark.slow
def test_a_proof_goes_along_and_counts_after_the_key_was_stolen(town: Town, tmp_path: Path) -> None:
    with (town / "ssi.toml").open("a") as file:
        file.write(BOOK)
    proven, card = issued(town, "case-50")
    _, other_card = issued(town, "case-51")
    proof = tmp_path / "proof"
    early = town.ssi("issuer", "proof", proven, "--out", proof)
    assert early.code == 2, "no batch with it is anchored"
    time.sleep(1.1)
    town.ok("publish")
    town.ok("issuer", "proof", proven, "--out", proof)
    assert town.ssi("wallet", "keep-proof", other_card, proof).code == 1, "it is of another credential"
    assert (
        town.ssi(
            "wallet",
            "present",
            card,
            "--claim",
            "given_name",
            "--audience",
            AUDIENCE,
            "--nonce",
            NONCE,
            "--proof-out",
            tmp_path / "none",
        ).code
        == 2
    )
    town.ok("wallet", "keep-proof", card, proof)
    time.sleep(1.1)
    run = town.ok("runbook", "compromised-key", town / "theft", "--limit", "0")
    assert run["step"] == "reissue"
    along = tmp_path / "along"
    first = shown(town, card, "proven", "--proof-out", along)
    assert along.read_bytes() == proof.read_bytes()
    second = shown(town, other_card, "unproven")
    town.export()
    policy = town / "lenient.toml"
    policy.write_text("accept_proven_before_compromise = true\n" + (town / "policy.toml").read_text())

    def verify(file: Path, *more: object) -> tuple[int, str]:
        arguments = ("--policy", policy, "--nonce", NONCE, "--offline", town / "offline", "--json")
        done = town.ssi("verify", file, *arguments, *more)
        return done.code, json.dumps(done.document)

    assert verify(first, "--issuance-proof", along)[0] == 0
    for refused in (verify(first), verify(second), verify(second, "--issuance-proof", along)):
        assert refused[0] == 1
        assert "compromised" in refused[1]


def test_without_a_book_there_are_no_proofs(town: Town) -> None:
    out, _ = issued(town, "case-52")
    done = town.ssi("issuer", "proof", out)
    assert (done.code, "issuer.issuance" in done.stderr) == (2, True)


def test_a_book_is_of_an_organisation(town: Town) -> None:
    project = (town / "ssi.toml").read_text()
    (town / "ssi.toml").write_text(project.replace('organisation = "town"\n', ""))
    assert town.ssi("publish").code == 2
    outside = '[issuer.outside]\ndid = "did:web:t.example"\ncredential = ["a", "b"]\nlist = ["a", "b"]\n'
    (town / "ssi.toml").write_text(project.replace('organisation = "town"\n', "") + BOOK + outside)
    done = town.ssi("publish")
    assert (done.code, "cannot anchor" in done.stderr) == (2, True)


def test_a_restored_store_is_refused_until_it_is_recovered(town: Town) -> None:
    store = town / "issuer.db"
    assert town.ok("issuer", "check")["newest"] is True
    kept = store.read_bytes()
    issued(town, "case-60")
    town.ok("publish", "--everything", "--out", town / "www")
    store.write_bytes(kept)
    assert town.ssi("issuer", "check").code == 1
    refused = town.ssi("issue", "residence", "--claims", town / "claims.json", "--reference", "case-61", "--json")
    assert (refused.code, refused.document["check"]) == (1, "restored store")
    assert town.ssi("publish").code == 1
    done = town.ok("issuer", "recover", "--lists", town / "www", "--reason", "the disk was lost")
    assert done["anchored"]
    assert len(done["closed"]) == 2
    town.ok("issue", "residence", "--claims", town / "claims.json", "--reference", "case-61")
    assert town.ssi("issuer", "check").code == 0


def test_what_waits_in_the_outbox_is_shown_and_brought_to_the_ledger(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ssi.errors import UnavailableError
    from ssi.registry import Registry

    issued(town, "case-60")
    assert town.ok("issuer", "reconcile")["intents"] == []

    async def away(*_: object) -> None:
        raise UnavailableError("the ledger is away")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "submit", away)
        town.ok("revoke", "--reference", "case-60")
        assert town.ssi("issuer", "reconcile", "--json").code == 3
    size = town.ok("ledger", "show")["size"]
    shown = town.ok("issuer", "reconcile", "--dry-run")
    assert [(each["state"], each["what"]) for each in shown["intents"]] == [("pending", "would be submitted")]
    assert town.ok("ledger", "show")["size"] == size
    done = town.ok("issuer", "reconcile")
    assert [(each["state"], each["entry"]) for each in done["intents"]] == [("done", size)]
    assert town.ok("issuer", "reconcile")["settled"]

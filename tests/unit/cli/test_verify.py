"""``ssi verify``: each exit code, online data from a folder alone, and nothing of the claims in a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.program import NONCE, Town, ssi

BOTH = ("sd-jwt.presentation", "vp-jwt.presentation")


@pytest.fixture(scope="module")
def built_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose credentials were shown just now: a key binding holds for five minutes only."""
    return Town(tmp_path_factory.mktemp("town")).build().shown()


@pytest.mark.parametrize("name", BOTH)
def test_accepted_is_zero_with_the_claims_and_the_checks(built_town: Town, name: str) -> None:
    done = built_town.verify(built_town / name)
    assert done.code == 0, done
    credential = done.document["credentials"][0]
    assert credential["claims"]["address"]["locality"] == "Kerava"
    assert ("given_name" in credential["claims"]) == (name == "vp-jwt.presentation")
    outcomes = {check["name"]: check["outcome"] for check in done.document["report"]["checks"]}
    assert done.document["outcome"] == "accepted"
    assert {outcomes[name] for name in ("signature", "holder", "trust", "status")} == {"passed"}


def test_people_see_tables(built_town: Town) -> None:
    arguments = ["--policy", built_town / "policy.toml", "--nonce", NONCE, "--offline", built_town / "offline"]
    done = ssi("verify", built_town / BOTH[0], *arguments)
    assert done.code == 0
    assert done.stdout.startswith("accepted\n")
    assert "Kerava" in done.stdout
    assert "anchored, newest" in " ".join(done.stdout.split())


def test_a_presentation_may_come_from_standard_input(built_town: Town) -> None:
    text = (built_town / BOTH[0]).read_text()
    arguments = ["--policy", built_town / "policy.toml", "--nonce", NONCE, "--offline", built_town / "offline"]
    assert ssi("verify", "-", *arguments, stdin=f"{text}\n").code == 0


@pytest.mark.parametrize("name", BOTH)
def test_refused_is_one_and_names_the_check_and_no_claim(built_town: Town, name: str) -> None:
    done = ssi(
        *("verify", built_town / name, "--policy", built_town / "policy.toml", "--nonce", "another"),
        *("--offline", built_town / "offline", "--json"),
    )
    assert done.code == 1
    assert (done.document["outcome"], done.document["check"]) == ("refused", "holder")
    assert "Kerava" not in done.stdout
    assert "Aino" not in done.stdout


def test_a_revoked_credential_is_refused_by_its_status(town: Town) -> None:
    assert town.ok("revoke", "--reference", "case-17", "--reason", "moved")["references"] == ["case-17"]
    before = town.verify(town / BOTH[0])
    assert before.code == 0, "the folder of before the revocation does not know it"
    town.export()
    done = town.verify(town / BOTH[0])
    assert (done.code, done.document["check"]) == (1, "status")
    assert town.verify(town / BOTH[1]).code == 0


def test_an_old_list_beside_a_new_ledger_is_refused(town: Town) -> None:
    old = {file.name: file.read_bytes() for file in (town / "offline" / "lists").glob("*.jwt")}
    town.ok("revoke", "--reference", "case-17")
    town.export()
    for name, body in old.items():
        (town / "offline" / "lists" / name).write_bytes(body)
    done = town.verify(town / BOTH[0])
    assert (done.code, done.document["check"]) == (1, "status")
    assert "newer one is anchored" in done.document["reason"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no credential", b"a.b.c", b"{}", b"~", b"\x00" * 100])
def test_what_is_no_presentation_is_two(built_town: Town, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    done = built_town.verify(tmp_path / "file")
    assert (done.code, done.document["outcome"]) == (2, "bad input")


def test_a_missing_nonce_file_policy_or_option_is_two(built_town: Town, tmp_path: Path) -> None:
    policy, file, offline = built_town / "policy.toml", built_town / BOTH[0], built_town / "offline"
    assert ssi("verify", file, "--policy", policy, "--offline", offline).code == 2
    assert ssi("verify", tmp_path / "none", "--policy", policy, "--nonce", "n", "--offline", offline).code == 2
    assert ssi("verify", file, "--policy", tmp_path / "none", "--nonce", "n", "--offline", offline).code == 2
    assert ssi("verify", file, "--nonce", "n", "--offline", offline).code == 2
    assert ssi("verify", file, "--policy", policy, "--nonce", "n", "--offline", tmp_path / "none").code == 2
    assert ssi("verify", file, "--policy", policy, "--at", "yesterday").code == 2
    (tmp_path / "policy.toml").write_text('audience = "https://verifier.example"\n')
    done = ssi("verify", file, "--policy", tmp_path / "policy.toml", "--nonce", "n", "--json")
    assert done.code == 2, "a policy that leaves something out is none"
    assert "holder_binding" in done.document["reason"]


def test_a_folder_without_the_list_or_the_ledger_is_three(town: Town) -> None:
    for file in (town / "offline" / "lists").iterdir():
        file.unlink()
    done = town.verify(town / BOTH[0])
    assert (done.code, done.document["outcome"], done.document["check"]) == (3, "could not check", "status")
    (town / "offline" / "ledger" / "entries.jsonl").unlink()
    done = town.verify(town / BOTH[0])
    assert (done.code, done.document["outcome"]) == (3, "could not check")


def test_at_asks_about_another_time(built_town: Town) -> None:
    at = int((built_town / BOTH[0]).stat().st_mtime)
    assert built_town.verify(built_town / BOTH[0], "--at", str(at + 200)).code == 0
    late = built_town.verify(built_town / BOTH[0], "--at", str(at + 1_000))
    assert (late.code, late.document["check"]) == (1, "holder"), "a key binding holds for five minutes"
    early = built_town.verify(built_town / BOTH[0], "--at", "2020-01-01T00:00:00Z")
    assert early.code == 1


def test_every_byte_of_the_folder_s_ledger_is_covered(town: Town) -> None:
    """An entry exchanged, dropped, added or moved, and a checkpoint of another key, make the folder unbelievable."""
    entries, notes = town / "offline" / "ledger" / "entries.jsonl", town / "offline" / "checkpoints"
    lines = entries.read_text().splitlines()
    note = next(iter(notes.iterdir()))
    signed = note.read_bytes()
    altered = [
        [*lines[:3], lines[4], lines[3], *lines[5:]],
        lines[1:],
        lines[:-1],
        [*lines[:2], json.dumps("AAAA"), *lines[3:]],
    ]
    for broken in altered:
        entries.write_text("\n".join(broken) + "\n")
        done = town.verify(town / BOTH[0])
        assert (done.code, done.document["check"]) == (1, "inclusion proof"), done
    entries.write_text("\n".join([*lines, json.dumps("AAAA")]) + "\n")
    assert town.verify(town / BOTH[0]).code == 0, "what the checkpoint does not cover has no effect"
    entries.write_text("\n".join(["nothing", *lines[1:]]) + "\n")
    assert town.verify(town / BOTH[0]).code == 2
    entries.write_text("\n".join(lines) + "\n")
    for position in range(0, len(signed), 5):
        note.write_bytes(signed[:position] + bytes([signed[position] ^ 1]) + signed[position + 1 :])
        assert town.verify(town / BOTH[0]).code != 0, position

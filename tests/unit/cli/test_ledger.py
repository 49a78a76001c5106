"""``ssi ledger``: an audit that names the broken entry, proofs that can be checked, the search for people."""

from __future__ import annotations

import asyncio
import csv
import hmac
import json
import sqlite3
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from ssi.ledger import open_ledger
from tests.unit.cli.program import Town, ssi
from tests.unit.registry.world import Witness, approval


def vkey(town: Town) -> str:
    key: str = tomllib.loads((town / "ssi.toml").read_text())["ledger"]["checkpoint_keys"][0]
    return key


def test_a_whole_ledger_is_zero(built_town: Town) -> None:
    report = built_town.ok("ledger", "audit")
    assert report["broken"] == []
    assert report["entries"]["DidLogEntry"] == 2
    assert report["checkpoint"] == f"signed at size {report['size']}"


@pytest.mark.parametrize("index", [0, 2, 4])
def test_one_byte_of_a_stored_entry_changed_is_named(town: Town, index: int) -> None:
    connection = sqlite3.connect(town / "ledger.db")
    (body,) = connection.execute("SELECT body FROM entries WHERE idx = ?", (index,)).fetchone()
    middle = len(body) // 2
    broken = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    connection.execute("UPDATE entries SET body = ? WHERE idx = ?", (broken, index))
    connection.commit()
    connection.close()
    done = town.ssi("ledger", "audit", "--json")
    assert done.code == 1
    assert (done.document["outcome"], done.document["entry"]) == ("refused", index)
    shown = town.ssi("ledger", "audit")
    assert shown.code == 1
    assert f"entry {index}" in " ".join((shown.stdout + shown.stderr).split())


def test_a_byte_changed_in_the_file_is_named(town: Town) -> None:
    """As an attacker with a disk editor does it, through no database."""
    connection = sqlite3.connect(town / "ledger.db")
    (body,) = connection.execute("SELECT body FROM entries WHERE idx = 1").fetchone()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray((town / "ledger.db").read_bytes())
    position = data.find(body[-60:])
    assert position > 0
    data[position + 30] ^= 1
    (town / "ledger.db").write_bytes(data)
    done = town.ssi("ledger", "audit", "--json")
    assert (done.code, done.document["entry"]) == (1, 1)


def test_a_kept_checkpoint_tells_a_rewritten_log(town: Town, tmp_path: Path) -> None:
    note = tmp_path / "kept.note"
    assert town.ok("ledger", "checkpoint", "--out", note)["signature"] == "holds"
    assert town.ok("ledger", "audit", "--checkpoint", note)["compared with"].startswith("a kept checkpoint")
    other = Town(tmp_path)
    other.build()
    done = ssi(
        *("ledger", "audit", "--ledger", other / "ledger.db", "--checkpoint", note, "--vkey", vkey(town), "--json"),
        *("--root", other.ok("ledger", "show")["entries"][0]["by"]),
    )
    assert done.code == 1
    assert {each["kind"] for each in done.document["broken"]} == {"checkpoint"}
    forged = note.read_bytes().replace(b"log.example\n", b"log.exampla\n", 1)
    note.write_bytes(forged)
    assert town.ssi("ledger", "audit", "--checkpoint", note).code == 1


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = ssi("ledger", "audit", "--ledger", tmp_path / "none.db", "--root", "did:web:a.example")
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text.db").write_text("this is no database, though it has a fitting name")
    assert ssi("ledger", "audit", "--ledger", tmp_path / "text.db", "--root", "did:web:a.example").code in (1, 2, 3)


def test_a_receipt_is_made_and_checked(town: Town, tmp_path: Path) -> None:
    receipt, entry = tmp_path / "receipt.json", tmp_path / "entry"
    proof = town.ok("ledger", "proof", "2", "--out", receipt)["proof"]
    assert proof["entry_index"] == 2
    assert town.ok("ledger", "proof", "--check", receipt)["entry"] == 2
    connection = sqlite3.connect(town / "ledger.db")
    (body,) = connection.execute("SELECT body FROM entries WHERE idx = 2").fetchone()
    connection.close()
    entry.write_bytes(body)
    assert ssi("ledger", "proof", "--check", receipt, "--entry", entry, "--vkey", vkey(town)).code == 0
    entry.write_bytes(body + b" ")
    done = ssi("ledger", "proof", "--check", receipt, "--entry", entry, "--vkey", vkey(town), "--json")
    assert (done.code, done.document["check"]) == (1, "inclusion proof")
    assert town.ssi("ledger", "proof", "999").code == 2
    assert town.ssi("ledger", "proof").code == 2


def test_that_the_log_only_grew_is_proved(town: Town, tmp_path: Path) -> None:
    note = tmp_path / "old.note"
    size = town.ok("ledger", "checkpoint", "--out", note)["size"]
    town.ok("revoke", "--reference", "case-17")
    proof = town.ok("ledger", "proof", "--since", note)["proof"]
    assert (proof["old_size"], proof["size"]) == (size, size + 1)


def test_a_checkpoint_is_signed_anew(town: Town) -> None:
    before = town.ok("ledger", "checkpoint")
    after = town.ok("ledger", "checkpoint", "--sign")
    assert (after["size"], after["root"]) == (before["size"], before["root"])
    assert after["time"] >= before["time"]


PEOPLE = [
    {"name": "Aino-Kaarina Saari", "number": "131052-308T", "street": "Aleksis Kiven tie 12"},
    {"name": "Onni Virtanen", "number": "010190-123A", "street": "Kauppakaari 4"},
]


def write_people(path: Path, form: str) -> Path:
    if form == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, PEOPLE[0])
            writer.writeheader()
            writer.writerows(PEOPLE)
    elif form == "json":
        path.write_text(json.dumps(PEOPLE))
    else:
        path.write_text("".join(f"{json.dumps(person)}\n" for person in PEOPLE))
    return path


def plant(town: Town, entry: bytes) -> None:
    """Write past the guard, as an operator could."""

    async def write() -> None:
        ledger = open_ledger(f"sqlite://{town / 'ledger.db'}")
        await ledger.append([entry])
        await ledger.close()

    asyncio.run(write())


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_nobody_is_found_on_an_honest_ledger(built_town: Town, tmp_path: Path, form: str) -> None:
    found = built_town.ok("ledger", "privacy-check", "--people", write_people(tmp_path / "people", form))
    assert (found["people"], found["findings"]) == (2, [])


def test_a_planted_hash_without_salt_is_found_by_row_and_column(town: Town, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people.csv", "csv")
    size = town.ok("ledger", "audit")["size"]
    plant(town, json.dumps({"subject": sha256(b"131052-308T").hexdigest()}).encode())
    done = town.ssi("ledger", "privacy-check", "--people", people, "--json")
    assert done.code == 1
    found = done.document["findings"]
    assert {(each["entry"], each["row"], each["field"]) for each in found} == {(size, 1, "number")}
    assert "sha256" in {each["form"] for each in found}
    shown = town.ssi("ledger", "privacy-check", "--people", people)
    assert shown.code == 1
    assert "131052" not in done.stdout + shown.stdout + shown.stderr, "a finding never repeats the value"
    assert town.ssi("ledger", "privacy-check", "--people", people, "--ignore", "number").code == 0
    assert town.ssi("ledger", "audit").code == 1, "what was written past the guard is no statement"


def test_a_hash_under_a_known_key_is_found_with_the_key(town: Town, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people.csv", "csv")
    plant(town, hmac.digest(b"pepper", b"010190-123A", "sha256").hex().encode())
    assert town.ssi("ledger", "privacy-check", "--people", people).code == 0
    (tmp_path / "keys").write_text("salt\npepper\n")
    done = town.ssi("ledger", "privacy-check", "--people", people, "--known-keys", tmp_path / "keys", "--json")
    assert done.code == 1
    assert {(each["row"], each["form"]) for each in done.document["findings"]} == {(2, "hmac-sha256")}


@pytest.mark.parametrize("content", ["", "a,b\n1\n", "[1, 2]", '{"a": ', "\x00", "a,b\n"])
def test_what_is_no_register_is_two(built_town: Town, tmp_path: Path, content: str) -> None:
    (tmp_path / "people").write_text(content)
    assert built_town.ssi("ledger", "privacy-check", "--people", tmp_path / "people").code == 2


def test_an_unknown_column_is_two(built_town: Town, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people.csv", "csv")
    assert built_town.ssi("ledger", "privacy-check", "--people", people, "--field", "nome").code == 2


def test_witness_proofs_are_put_on_the_ledger_if_their_line_stands_there(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "did-witness.json"
    file.write_text("[]")
    assert town.ok("ledger", "witness", file)["entries"] == []
    version_id = json.loads((town / "town.did.jsonl").read_bytes().splitlines()[0])["versionId"]
    for named, words in (("1-" + "1" * 46, "G07"), (version_id, "G10")):
        file.write_text(f"[{approval(named, Witness()).decode()}]")
        refused = town.ssi("ledger", "witness", file)
        assert refused.code != 0
        assert words in str(refused)

"""A DID that has witnesses from its first line: one command, whether they answer now, later, or by file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from urllib.parse import urlsplit

import pytest

from ssi.cli.session import Session
from ssi.did.webvh import verify_log
from ssi.errors import VerificationError
from ssi.net import HttpDoor
from tests.unit.cli.program import Town, ssi
from tests.unit.net.tls_server import Authority, make_authority

SSI = [sys.executable, "-m", "ssi.cli", "witness"]


class Witness:
    """A witness with a key of its own, which serves while it is up."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "passphrase").write_text("of this witness")
        self.folder = folder
        self.keys = ["--keys", str(folder / "keys.json"), "--passphrase-file", str(folder / "passphrase")]
        self.did = ssi("witness", "key", *self.keys).stdout.strip()

    @contextmanager
    def serving(self, authority: Authority) -> Iterator[str]:
        tls = ["--tls-cert", str(authority.certificate_file), "--tls-key", str(authority.key_file)]
        store = ["--store", str(self.folder / "seen.db"), "--anybody", "--port", "0"]
        process = subprocess.Popen(
            [*SSI, "serve", *store, *tls, *self.keys], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[-1]
        finally:
            process.kill()
            process.wait()
            process.stderr.close()

    def approve(self, log: Path, did: str) -> Path:
        """Approve from file to file, as a witness without network does."""
        out = self.folder / "approval.json"
        done = ssi("witness", "approve", log, "--did", did, "--store", self.folder / "own.db", "--out", out, *self.keys)
        assert done.code == 0, done
        return out


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path, names=["localhost"], addresses=["127.0.0.1"])


@pytest.fixture
def witnesses(tmp_path: Path) -> list[Witness]:
    return [Witness(tmp_path / f"witness{number}") for number in range(3)]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path / "town")
    made.folder.mkdir()
    (made / "passphrase").write_text("of the keys\n")
    made.ok(
        *("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example"),
        *("--keys", made / "keys.json", "--passphrase-file", made / "passphrase"),
    )
    return made


def open_door(monkeypatch: pytest.MonkeyPatch, authority: Authority, *urls: str) -> None:
    """Let the door, as it is, out to these addresses of this machine."""
    places = [(parts.hostname or "", parts.port or 0) for parts in map(urlsplit, urls)]
    monkeypatch.setattr(Session, "door", lambda _: HttpDoor(ca_file=authority.ca_file, loopback=places))


def named(witnesses: list[Witness], threshold: int) -> list[object]:
    return [part for each in witnesses for part in ("--witness", each.did)] + ["--threshold", threshold]


def test_in_one_command_where_they_answer(
    town: Town, witnesses: list[Witness], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with witnesses[0].serving(authority) as first, witnesses[1].serving(authority) as second:
        open_door(monkeypatch, authority, first, second)
        asked = ("--ask", first, "--ask", second)
        made = town.ok("did", "create", "port", "--domain", "port.example", *named(witnesses, 2), *asked)
        assert (made["approved"], (town / "port.candidate.jsonl").exists()) == (True, False)
        served, proofs = (town / "port.did.jsonl").read_bytes(), (town / "port.did-witness.json").read_bytes()
        log = verify_log(served, did=made["did"], now=int(time()), witness_proofs=proofs)
        assert (log.head.witness.threshold, len(log.head.witness.ids)) == (2, 3)
        with pytest.raises(VerificationError):
            verify_log(served, did=made["did"], now=int(time()), witness_proofs=None)
        town.ok("ledger", "enrol", "port", "--by", "ministry")
        shown = town.ok("did", "resolve", made["did"], "--no-network")["didDocumentMetadata"]
        assert shown["versionId"].startswith("1-")
        # The servers stand in the project file: the next line is approved by them without being told again.
        town.ok("did", "rotate", "port")
        assert (town / "port.candidate.jsonl").exists()
        assert town.ok("did", "witness", "port")["approved"] is True
        town.ok("ledger", "witness", town / "port.did-witness.json")
        shown = town.ok("did", "resolve", made["did"], "--no-network")["didDocumentMetadata"]
        assert shown["versionId"].startswith("2-")


def test_it_waits_for_those_who_do_not_answer(
    town: Town, witnesses: list[Witness], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with witnesses[0].serving(authority) as first:
        open_door(monkeypatch, authority, first, "https://127.0.0.1:1")
        asked = ("--ask", first, "--ask", "https://127.0.0.1:1")
        done = town.ssi("did", "create", "port", "--domain", "port.example", *named(witnesses, 2), *asked, "--json")
    assert (done.code, "no approval from https://127.0.0.1:1" in done.stderr) == (0, True)
    made = done.document
    assert (made["approved"], made["candidate"]) == (False, str(town / "port.candidate.jsonl"))
    assert not (town / "port.did.jsonl").exists()
    # Nothing is done with a DID that its witnesses have not approved.
    assert "waits for its witnesses" in town.ssi("did", "rotate", "port", "--json").document["reason"]
    assert town.ssi("ledger", "enrol", "port", "--by", "ministry").code == 1
    # The third witness has no network: its approval comes as a file.
    approval = witnesses[2].approve(town / "port.candidate.jsonl", made["did"])
    altered = town / "altered.json"
    altered.write_bytes(approval.read_bytes().replace(b'"proofValue":"z', b'"proofValue":"z2'))
    assert town.ssi("did", "witness", "port", altered).code in (1, 2)
    assert not (town / "port.did.jsonl").exists()
    assert town.ok("did", "witness", "port", approval)["approved"] is True
    held = json.loads((town / "port.did-witness.json").read_bytes())
    assert len(held[0]["proof"]) == 2
    town.ok("ledger", "enrol", "port", "--by", "ministry")


def test_without_servers_it_begins_with_a_file_that_waits(town: Town, witnesses: list[Witness]) -> None:
    made = town.ok("did", "create", "port", "--domain", "port.example", *named(witnesses[:1], 1))
    assert made["approved"] is False
    assert town.ssi("did", "witness", "port").code == 2
    approval = witnesses[0].approve(town / "port.candidate.jsonl", made["did"])
    assert town.ok("did", "witness", "port", approval)["approved"] is True


@pytest.mark.parametrize(
    "options",
    [
        ("--threshold", 1),
        ("--ask", "https://w.example"),
        ("--witness", "did:web:w.example"),
        ("--witness", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "--threshold", 2),
    ],
)
def test_a_rule_that_is_none_makes_nothing(town: Town, options: tuple[object, ...]) -> None:
    assert town.ssi("did", "create", "port", "--domain", "port.example", *options).code == 2
    assert not list(town.folder.glob("port.*"))
    town.ok("did", "create", "port", "--domain", "port.example")

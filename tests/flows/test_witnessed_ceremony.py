"""A ceremony that names witnesses: machines share files only, ledger and web come to one answer."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from examples import ceremony
from examples.ceremony import OFFICERS, Place
from ssi.did.resolver import system_clock
from ssi.did.webvh import verify_log
from ssi.errors import VerificationError

pytestmark = pytest.mark.slow  # some seventy starts of the program


class Hall:
    """Everybody's folder, the charter handed out, and three witnesses with machines of their own."""

    def __init__(self, folder: Path) -> None:
        self.online, self.offline = Place(folder / "online", network=True), Place(folder / "offline", network=False)
        self.officers = {name: Place(folder / name, network=False) for name in OFFICERS[:2]}
        self.witnesses = [Place(folder / f"witness-{number}", network=False) for number in range(3)]
        self.stranger = Place(folder / "stranger", network=False)
        keys = {name: place.ssi("ceremony", "key", name)["key"] for name, place in self.officers.items()}
        named = [text for name in keys for text in ("--officer", f"{name}={keys[name]}")]
        coordinator = self.online.ssi("ceremony", "key", "coordinator")["key"]
        machine = self.offline.ssi("ceremony", "key", "machine")["key"]
        self.online.ssi(
            *("ceremony", "charter", "town", "--coordinator", coordinator, "--machine", machine, *named),
            *("--threshold", "2", "--out", "charter.json"),
        )
        self.online.give("charter.json", self.offline, self.stranger, *self.officers.values())
        self.ids = [place.ssi("witness", "key")["witness"] for place in self.witnesses]
        self.number = 0

    @property
    def rule(self) -> list[str]:
        return [*(text for each in self.ids for text in ("--witness", each)), "--threshold", "2"]

    def hold(self, *prepare: str) -> dict[str, str]:
        self.number += 1
        return ceremony.hold(self.online, self.offline, self.officers, self.number, *prepare)

    def approve(self, did: str, witnesses: Sequence[int]) -> list[str]:
        """Carry the log that waits to the witnesses, and their approvals back; return the files."""
        files = []
        for number in witnesses:
            self.online.give("town.candidate.jsonl", self.witnesses[number])
            out = f"approval-{number}.json"
            approve = ("witness", "approve", "town.candidate.jsonl", "--did", did, "--store", "seen.db", "--out", out)
            self.witnesses[number].ssi(*approve)
            self.witnesses[number].give(out, self.online)
            files.append(out)
        return files

    def found(self) -> None:
        self.online.ssi("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "m.example")

    def version(self, did: str) -> int:
        said = self.online.ssi("did", "resolve", did, "--no-network")
        metadata: dict[str, str] = said["didDocumentMetadata"]  # type: ignore[assignment]
        return int(metadata["versionId"].partition("-")[0])

    def check_transcripts(self) -> None:
        for number in range(1, self.number + 1):
            self.online.give(f"transcript-{number}.json", self.stranger)
            after = ("--after", f"transcript-{number - 1}.json") if number > 1 else ()
            verify = ("ceremony", "verify", f"transcript-{number}.json", "--charter", "charter.json", *after)
            assert str(self.stranger.ssi(*verify)["ceremony"]) == str(number)
        altered = self.stranger.folder / f"transcript-{self.number}.json"
        altered.write_bytes(altered.read_bytes().replace(self.ids[0].encode(), self.ids[1].encode()))
        self.stranger.ssi("ceremony", "verify", altered.name, "--charter", "charter.json", refused=True)


def test_witnesses_for_a_did_that_is_on_a_ledger(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    online = hall.online
    did = hall.hold("first-line", "--domain", "town.example")["did"]
    hall.found()
    online.ssi("ledger", "enrol", "town", "--by", "ministry")
    made = hall.hold("witnesses", *hall.rule)
    assert "entry" in made
    assert hall.version(did) == 1
    assert len((online.folder / "town.did.jsonl").read_bytes().splitlines()) == 1

    # Until the witnesses have approved, nothing else is prepared: the machine would refuse it as a fork.
    request = ("--charter", "charter.json", "--after", "transcript-2.json", "--out", "request.json")
    refused = online.ssi("ceremony", "prepare", "next-key", *request, refused=True)
    assert "signed last" in refused["reason"]

    one = hall.approve(did, [0])
    online.ssi("ledger", "witness", *one)
    assert hall.version(did) == 1
    assert str(online.ssi("did", "witness", "town", *one)["approved"]) == "False"
    two = hall.approve(did, [2])
    online.ssi("ledger", "witness", *two)
    assert hall.version(did) == 2
    assert str(online.ssi("did", "witness", "town", *two)["approved"]) == "True"
    assert not (online.folder / "town.candidate.jsonl").exists()

    # What the web would serve is what the ledger has, and without approvals it is nothing.
    served = (online.folder / "town.did.jsonl").read_bytes()
    proofs = (online.folder / "town.did-witness.json").read_bytes()
    now = system_clock()
    assert verify_log(served, did=did, now=now, witness_proofs=proofs).head.number == 2
    with pytest.raises(VerificationError, match="0 witnesses approved"):
        verify_log(served, did=did, now=now)

    # The next line is theirs to approve as well, and a witness that saw another one of its number refuses.
    hall.hold("next-key")
    assert hall.version(did) == 2
    online.ssi("ledger", "witness", hall.approve(did, [0])[0])
    online.ssi("ledger", "witness", hall.approve(did, [1])[0])
    assert hall.version(did) == 3
    witness = hall.witnesses[0]
    shutil.copy(online.folder / "town.did.jsonl", witness.folder / "older.jsonl")
    approve = ("witness", "approve", "older.jsonl", "--did", did, "--store", "seen.db", "--out", "no.json")
    assert "cut back" in witness.ssi(*approve, refused=True)["reason"]
    assert online.ssi("ledger", "audit")["outcome"] == "ok"
    hall.check_transcripts()


def test_a_first_line_with_witnesses_is_enrolled_with_their_proofs(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    online = hall.online
    did = hall.hold("first-line", "--domain", "town.example", *hall.rule)["did"]
    assert not (online.folder / "town.did.jsonl").exists()
    hall.found()
    size = online.ssi("ledger", "show")["size"]
    few = hall.approve(did, [0])
    enrol = ("ledger", "enrol", "town", "--by", "ministry", "--type", "https://town.example/residence")
    for more in ((), ("--witness-proofs", *few)):
        assert "must" in online.ssi(*enrol, *more, refused=True)["reason"]
    assert online.ssi("ledger", "show")["size"] == size, "refused before anything was written"
    online.ssi("did", "witness", "town", *few, *hall.approve(did, [1]))
    online.ssi(*enrol)
    assert hall.version(did) == 1
    assert online.ssi("ledger", "audit")["outcome"] == "ok"

    # Somebody else's ledger takes it from the two files that are served.
    other = Place(tmp_path / "other", network=False)
    for name in ("did.jsonl", "did-witness.json"):
        shutil.copy(online.folder / f"town.{name}", other.folder / name)
    other.ssi("ledger", "found", "--origin", "other.example", "--name", "ministry", "--domain", "m.example")
    other.ssi("ledger", "enrol", "did.jsonl", "--by", "ministry", "--witness-proofs", "did-witness.json")
    found = other.ssi("did", "resolve", did, "--no-network")
    assert found["didResolutionMetadata"]["source"] == "ledger"  # type: ignore[index]
    hall.check_transcripts()

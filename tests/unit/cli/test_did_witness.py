"""A DID with witnesses is changed by the program: its lines wait, in a file for the witnesses and on the ledger."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from ssi.did.webvh import WitnessRule, update_did, verify_log
from ssi.keys import open_kms
from tests.unit.cli.program import Town, ssi


def witnessed(town: Town, witness: str) -> str:
    """Make the organisation ``port``, whose second line names a witness and waits for it; return its DID."""
    did: str = town.ok("did", "create", "port", "--domain", "port.example")["did"]
    kms = open_kms(f"file:{town / 'keys.json'}", passphrase=b"of the keys")
    log = verify_log((town / "port.did.jsonl").read_bytes(), did=did, now=int(time.time()))

    async def line() -> bytes:
        rule = WitnessRule(1, (witness,))
        return (await update_did(log, kms=kms, name="port", now=int(time.time()), witness=rule)).log.log

    (town / "port.candidate.jsonl").write_bytes(asyncio.run(line()))
    return did


def test_lines_wait_for_their_witness(town: Town, tmp_path: Path) -> None:
    own = ("--keys", f"file:{tmp_path}/witness.json", "--passphrase-file", town / "passphrase")
    did = witnessed(town, ssi("witness", "key", *own).stdout.strip())
    approval, store = tmp_path / "approval.json", tmp_path / "seen.db"

    def approve(*more: object) -> int:
        log = town / "port.candidate.jsonl"
        return ssi("witness", "approve", log, "--did", did, "--store", store, "--out", approval, *own, *more).code

    def version() -> str:
        said: str = town.ok("did", "resolve", did, "--no-network")["didDocumentMetadata"]["versionId"]
        return said.partition("-")[0]

    assert approve() == 0
    assert town.ok("did", "witness", "port", approval)["approved"] is True
    town.ok("ledger", "enrol", "port", "--by", "ministry")
    assert version() == "2"

    served = (town / "port.did.jsonl").read_bytes()
    assert town.ok("did", "rotate", "port", "--purpose", "credential")["kid"] == f"{did}#credential-2"
    assert (town / "port.did.jsonl").read_bytes() == served
    assert version() == "2"
    assert town.ssi("did", "witness", "port", town / "passphrase").code == 2
    assert town.ok("did", "witness", "port", approval)["approved"] is False  # it was for the version before
    assert approve() == 0
    assert approve() == 0  # asked again, it approves again
    town.ok("ledger", "witness", approval)
    assert version() == "3"
    assert town.ok("did", "witness", "port", approval)["approved"] is True
    assert (town / "port.did.jsonl").read_bytes().startswith(served)
    assert not (town / "port.candidate.jsonl").exists()

    # Another line of a number that it approved, somebody else's log, and what is no log.
    (town / "port.candidate.jsonl").write_bytes(served)
    assert approve() == 1
    other = ("witness", "approve", town / "town.did.jsonl", "--did", did, "--store", store, "--out", approval)
    assert ssi(*other, *own).code == 1
    assert town.ssi("did", "witness", "town", approval).code == 1
    (town / "port.candidate.jsonl").write_bytes(b"rubbish\n")
    assert approve() == 2

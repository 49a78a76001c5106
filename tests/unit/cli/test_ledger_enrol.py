"""``ssi ledger enrol`` of a DID whose first line has witnesses: with their proofs, or nothing is written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from ssi.did.webvh import WitnessRule, build_document, create_did
from ssi.did.webvh.witnessing import build_witness_file, sign_witness_proof, witness_id
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from tests.unit.cli.program import Town


class Papers(NamedTuple):
    """A log that names two witnesses, both of whom must approve, and the files that they gave."""

    did: str
    log: Path
    both: Path
    one: Path


@pytest.fixture
async def papers(tmp_path: Path) -> Papers:
    kms, now = MemoryKms(), int(time.time())
    keys = [await kms.generate(f"w{n}", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS) for n in range(2)]
    made = await create_did(
        kms=kms,
        name="harbour",
        domain="harbour.example",
        document=lambda did: build_document(did, keys=[]),
        now=now,
        witness=WitnessRule(2, tuple(witness_id(key) for key in keys)),
    )
    version = made.version.entry.version_id
    proofs = [await sign_witness_proof(version, kms=kms, label=f"w{n}", now=now) for n in range(2)]
    files = {"did.jsonl": made.log.log}
    files["both.json"] = build_witness_file({version: proofs})
    files["one.json"] = build_witness_file({version: proofs[:1]})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return Papers(made.did, tmp_path / "did.jsonl", tmp_path / "both.json", tmp_path / "one.json")


def test_enrolled_with_the_proofs(town: Town, papers: Papers) -> None:
    enrol = ("ledger", "enrol", papers.log, "--by", "ministry", "--witness-proofs", papers.both)
    entries = town.ok(*enrol)["entries"]
    assert len(entries) == 3  # accreditation, line, proofs
    found = town.ok("did", "resolve", papers.did, "--no-network")
    assert found["didResolutionMetadata"]["source"] == "ledger"
    assert town.ok(*enrol)["entries"][1:] == entries[1:], "asked again, line and proofs keep their place"


def test_the_file_beside_the_log_is_taken(town: Town, papers: Papers) -> None:
    papers.both.rename(papers.log.with_name("did-witness.json"))
    assert len(town.ok("ledger", "enrol", papers.log, "--by", "ministry")["entries"]) == 3


def test_without_enough_proofs_nothing_is_written(town: Town, papers: Papers) -> None:
    size = town.ok("ledger", "show")["size"]
    other = papers.log.with_name("other.json")
    item = msgspec.json.decode(papers.both.read_bytes())[0]
    other.write_bytes(msgspec.json.encode([{**item, "versionId": "1-" + item["versionId"][3:] + "Q"}]))
    rubbish = papers.log.with_name("rubbish.json")
    rubbish.write_bytes(b"{}")
    enrol = ("ledger", "enrol", papers.log, "--by", "ministry", "--json")
    for more, code in (
        ((), 1),
        (("--witness-proofs", papers.one), 1),
        (("--witness-proofs", other), 1),
        (("--witness-proofs", rubbish), 2),
        (("--witness-proofs", papers.log.with_name("absent.json")), 2),
    ):
        assert town.ssi(*enrol, *more).code == code, more
    assert town.ok("ledger", "show")["size"] == size

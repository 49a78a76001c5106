"""Bundles and offline folders take along logs that are on the web only, and the approvals of their witnesses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from ssi.cli.session import Session
from ssi.encoding.archive import parse_archive
from ssi.testing.sources import MemoryFetch
from tests.flows.witnessed_office import HOST, Witnessed
from tests.unit.cli.program import Town


class Office(NamedTuple):
    """A log on the web, its did-witness.json, and one from before its newest version."""

    did: str
    log: bytes
    proofs: bytes
    older: bytes


@pytest.fixture
async def office() -> Office:
    made = await Witnessed.make(now=int(time.time()))
    return Office(made.did, made.log.log, await made.proofs(), await made.proofs(2))


def test_from_files(built_town: Town, office: Office, tmp_path: Path) -> None:
    log, proofs, older = tmp_path / "did.jsonl", tmp_path / "did-witness.json", tmp_path / "older.json"
    log.write_bytes(office.log)
    proofs.write_bytes(office.proofs)
    older.write_bytes(office.older)
    make = ("bundle", "make", tmp_path / "field.zip", "--issuer", office.did, "--did-log", f"{office.did}={log}")
    for more, code in (((), 1), (("--did-witness", f"{office.did}={older}"), 1), (("--did-witness", "rubbish"), 2)):
        assert built_town.ssi(*make, *more).code == code, more
    built_town.ok(*make, "--did-witness", f"{office.did}={proofs}")
    members = parse_archive((tmp_path / "field.zip").read_bytes())
    assert [body for name, body in members.items() if name.endswith("did-witness.json")] == [proofs.read_bytes()]
    export = ("ledger", "export", tmp_path / "folder", "--did-log", f"{office.did}={log}")
    assert built_town.ssi(*export).code == 1
    built_town.ok(*export, "--did-witness", f"{office.did}={proofs}")
    assert len(list((tmp_path / "folder" / "logs").glob("*.did-witness.json"))) == 1


def test_from_the_web(built_town: Town, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = MemoryFetch({f"https://{HOST}/.well-known/did.jsonl": office.log})
    monkeypatch.setattr(Session, "fetch", lambda _: web)
    make = ("bundle", "make", tmp_path / "field.zip", "--issuer", office.did, "--fetch-log", office.did)
    assert built_town.ssi(*make).code == 1
    web.pages[f"https://{HOST}/.well-known/did-witness.json"] = office.proofs
    built_town.ok(*make)
    assert sum(name.endswith("did-witness.json") for name in parse_archive((tmp_path / "field.zip").read_bytes())) == 1
    web.down = True
    assert built_town.ssi(*make).code == 3

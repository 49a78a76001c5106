"""The commands on a PostgreSQL ledger: who writes names the head's file, who reads needs none and makes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.contracts.postgres import server
from tests.unit.cli.program import Town, ssi
from tests.unit.ledger.postgres_log import Log


@pytest.fixture
def office(tmp_path: Path) -> Town:
    (tmp_path / "passphrase").write_text("of the keys\n")
    return Town(tmp_path)


def test_from_the_project_file(office: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = Log(server())
    url = f"{log.server.base()}?schema={log.schema}&head=log.head"
    found = ("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example")
    keys = ("--keys", office / "keys.json", "--passphrase-file", office / "passphrase")
    founded = office.ok(*found, *keys, "--ledger", url)
    office.ok("did", "create", "town", "--domain", "town.example")
    office.ok("ledger", "enrol", "town", "--by", "ministry")
    # The head lies beside the project file, from wherever a command is run.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    size = office.ok("ledger", "audit")["size"]
    office.ok("ledger", "tiles", tmp_path / "public")
    assert office.ok("ledger", "watch")["alarms"] == []
    assert (tmp_path / "log.head").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    # An auditor elsewhere has no head file, and its commands make no tables.
    reader = ("--root", founded["root"], "--vkey", founded["checkpoint_key"], "--json")
    bare = f"{log.server.base()}?schema={log.schema}"
    assert ssi("ledger", "audit", "--ledger", bare, *reader).document["size"] == size
    assert ssi("ledger", "watch", "--ledger", bare, *reader).document["alarms"] == []
    absent = Log(log.server)
    gone = ssi("ledger", "audit", "--ledger", f"{log.server.base()}?schema={absent.schema}", *reader)
    assert gone.code == 2
    schemas = asyncio.run(log.sql("SELECT nspname FROM pg_namespace"))
    assert absent.schema not in [row["nspname"] for row in schemas]

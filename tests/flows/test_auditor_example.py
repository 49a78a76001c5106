"""The example of an auditor runs, and each of its questions can come out otherwise."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from examples import auditor
from ssi.audit import AuditedLedger
from ssi.errors import InvalidInputError, NotFoundError
from ssi.testing import TestFederation
from verifier import Policy


@pytest.fixture
async def policy(tmp_path: Path) -> Policy:
    """The policy of the example, whose ledger and checkpoint lie in the folder."""
    town, policy, _ = await auditor.town_and_presentation(f"sqlite://{tmp_path}/ledger.db", tmp_path)
    await town.close()
    return policy


async def opened(folder: Path, policy: Policy, **changes: object) -> AuditedLedger:
    assert policy.registry is not None
    options = {"roots": policy.registry.roots, "keys": policy.registry.keys, "checkpoint": folder / "trusted.note"}
    return await AuditedLedger.open(f"sqlite://{folder}/ledger.db", **{**options, **changes})  # type: ignore[arg-type]


async def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await auditor.main(tmp_path)
    printed = capsys.readouterr().out
    assert "status: passed, by https://kerava.example/status/1" in printed
    assert "evidence, years later: accepted, ledger whole, anchors given" in printed
    assert "audit: holds, compared with a checkpoint at" in printed
    assert "people on the ledger: 0" in printed
    assert "Kerava" not in printed


async def test_a_changed_entry_is_named(tmp_path: Path, policy: Policy) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        (body,) = connection.execute("SELECT body FROM entries WHERE idx = 2").fetchone()
        connection.execute("UPDATE entries SET body = ? WHERE idx = 2", (body[:-1] + bytes([body[-1] ^ 1]),))
        connection.commit()
    async with await opened(tmp_path, policy) as log:
        report = await log.audit()
    assert not report.ok
    assert report.first is not None
    assert report.first.index == 2


async def test_another_log_does_not_continue_the_kept_checkpoint(tmp_path: Path, policy: Policy) -> None:
    federation = await TestFederation.found()
    await federation.enrol("village", types=["Residence"])
    note = federation.registry.checkpoint
    assert note is not None
    keys = [(await federation.registry.note_key()).vkey]
    async with await opened(tmp_path, policy, keys=keys, checkpoint=note) as log:
        assert not (await log.audit()).ok


async def test_people_are_found(tmp_path: Path, policy: Policy) -> None:
    async with await opened(tmp_path, policy) as log:
        (tmp_path / "register.csv").write_text("name,home\nAino,kerava.example\n")
        found = await log.search_people(tmp_path / "register.csv")
        assert {(finding.person, finding.field) for finding in found} == {(0, "home")}
        assert await log.search_people([{"name": "Aino", "home": "kerava.example"}], fields=["name"]) == ()
        with pytest.raises(NotFoundError):
            await log.search_people(tmp_path / "absent.csv")
        (tmp_path / "empty.csv").write_text("name\n")
        with pytest.raises(InvalidInputError, match="no rows"):
            await log.search_people(tmp_path / "empty.csv")


async def test_what_an_auditor_must_say(tmp_path: Path, policy: Policy) -> None:
    with pytest.raises(InvalidInputError, match="under the keys"):
        await opened(tmp_path, policy, keys=())
    with pytest.raises(InvalidInputError, match="root accreditor"):
        await opened(tmp_path, policy, roots=())
    with pytest.raises(NotFoundError, match=r"absent\.note"):
        await opened(tmp_path, policy, checkpoint=tmp_path / "absent.note")
    with pytest.raises(NotFoundError, match="no ledger"):
        await AuditedLedger.open(f"sqlite://{tmp_path}/absent.db", roots=["did:web:ministry.example"])
    assert not (tmp_path / "absent.db").exists()

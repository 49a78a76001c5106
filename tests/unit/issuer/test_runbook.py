"""Runbooks: a key is replaced and everything issued again, however often the run is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from issuer import Issuer
from issuer.runbook import Runbook, read_claims
from issuer.store import Selection
from ssi.credentials.sd_jwt import parse_sd_jwt
from ssi.durable import replace_file
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.status.lists import CredentialState
from tests.unit.issuer.agency import CLAIMS, Agency, kind

COUNT = 5


async def issued(agency: Agency, count: int = COUNT, **changes: Any) -> Issuer:
    issuer = await agency.issuer(kind(**changes))
    for number in range(count):
        await issuer.issue("residence", CLAIMS, reference=f"case-{number}", holder=agency.holder.key)
    agency.clock.advance(60)
    return issuer


async def test_a_run_is_paused_limited_and_resumed(agency: Agency, tmp_path: Path) -> None:
    issuer, folder = await issued(agency), tmp_path / "run"
    old = (await issuer.organisation.key(KeyPurpose.CREDENTIAL)).label
    book = await Runbook.start(folder, issuer, kind="rotate-key", now=agency.clock())
    progress = await book.run(issuer, claims=lambda _: CLAIMS, limit=2)
    assert (progress.step, progress.done, progress.total) == ("reissue", 2, COUNT)
    seen: list[int] = []

    def advance(count: int) -> None:
        seen.append(count)
        book.pause()

    progress = await book.run(issuer, claims=lambda _: CLAIMS, advance=advance)
    assert seen == [1]
    assert Runbook.open(folder).progress.paused
    progress = await Runbook.open(folder).run(issuer, claims=lambda _: CLAIMS)
    assert (progress.step, progress.done, progress.left_out) == ("done", COUNT, {})
    assert len(list((folder / "credentials").iterdir())) == COUNT
    rows = [await issuer._store.find(f"case-{number}") for number in range(COUNT)]
    assert {row.key for row in rows} == {(await issuer.organisation.key(KeyPurpose.CREDENTIAL)).label} != {old}
    files = sorted((folder / "credentials").iterdir())
    kids = {parse_sd_jwt(file.read_text()).issuer_jws.header["kid"] for file in files}
    assert kids == {(await issuer.organisation.key(KeyPurpose.CREDENTIAL)).kid}
    assert await Runbook.open(folder).run(issuer) == progress
    with pytest.raises(ConflictError, match="has a run already"):
        await Runbook.start(folder, issuer, kind="rotate-key", now=agency.clock())
    for written in ("plan.json", "journal"):
        assert b"Aino" not in (folder / written).read_bytes()


class Killed(BaseException):
    """As a power cut: nothing catches it."""


@pytest.mark.parametrize("at", range(14))
async def test_a_run_that_is_killed_at_any_write_goes_on(
    agency: Agency,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    """Before or after each durable write of the run, and in the middle of a journal line."""
    import issuer.runbook as runbook

    issuer, folder = await issued(agency, 3), tmp_path / "run"
    book = await Runbook.start(folder, issuer, kind="compromised-key", now=agency.clock())
    count = 0

    def dying(function: Any, half: Any) -> Any:
        def write(path: Path, data: bytes) -> None:
            nonlocal count
            count += 1
            if count == at + 1 and at % 2:
                half(path, data)
            if count == at + 1:
                raise Killed
            function(path, data)

        return write

    def half(path: Path, data: bytes) -> None:
        if path.name == "journal":
            with path.open("ab") as file:
                file.write(data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(runbook, "replace_file", dying(replace_file, lambda path, data: None))
        patch.setattr(runbook, "_append", dying(runbook._append, half))
        with pytest.raises(Killed):
            await book.run(issuer, claims=lambda _: CLAIMS)
    progress = await Runbook.open(folder).run(issuer, claims=lambda _: CLAIMS)
    assert (progress.step, progress.done, progress.left_out) == ("done", 3, {})
    rows = [await issuer._store.find(f"case-{number}") for number in range(3)]
    assert [row.number for row in rows] == [4, 5, 6], "each case was issued again once"
    ids = {parse_object((folder / "issued.jsonl").read_bytes().splitlines()[each])["id"] for each in range(3)}
    old = await issuer._store.select(Selection(numbers=(1, 2, 3)))
    assert ids == {row.id for row in old}
    assert all(row.state is CredentialState.REVOKED for row in old)
    endings = agency.federation.registry.view().compromised_since(book._plan.kid, at=agency.clock())
    assert endings is not None


async def test_what_cannot_be_issued_again_is_left_out_by_name(agency: Agency, tmp_path: Path) -> None:
    issuer, folder = await issued(agency, 3), tmp_path / "run"
    book = await Runbook.start(folder, issuer, kind="rotate-key", now=agency.clock())
    lines = tmp_path / "claims.jsonl"
    lines.write_text(
        '{"reference": "case-0", "claims": {"given_name": "Aino"}}\n{"reference": "case-2", "claims": {}}\n'
    )
    await book.run(issuer, limit=0)
    await issuer.revoke(reference="case-0")
    progress = await book.run(issuer, claims=read_claims(lines))
    assert progress.step == "done"
    assert list(progress.left_out) == ["1", "2", "3"]
    assert progress.left_out["1"] == "the credential is revoked"
    assert progress.left_out["2"] == "the file of claims has no line for this case"
    assert "required" in progress.left_out["3"]


async def test_a_port_that_is_away_stops_the_run_and_nothing_else(
    agency: Agency,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer = await issued(agency, 2)
    book = await Runbook.start(tmp_path / "run", issuer, kind="rotate-key", now=agency.clock())

    async def away(entry: bytes) -> Any:
        raise UnavailableError("the ledger is away")

    with monkeypatch.context() as patch:
        patch.setattr(agency.federation.registry, "submit", away)
        with pytest.raises(UnavailableError):
            await book.run(issuer, claims=lambda _: CLAIMS)
    assert (await book.run(issuer, claims=lambda _: CLAIMS)).done == 2


async def test_types_that_keep_claims_need_none(agency: Agency, tmp_path: Path) -> None:
    issuer = await issued(agency, 2, retention_days=30)
    book = await Runbook.start(tmp_path / "run", issuer, kind="rotate-key", now=agency.clock())
    assert (await book.run(issuer)).done == 2


async def test_folders_that_hold_no_run(agency: Agency, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Runbook.open(tmp_path)
    (tmp_path / "plan.json").write_text('{"v": 1}')
    with pytest.raises(InvalidInputError):
        Runbook.open(tmp_path)
    with pytest.raises(NotFoundError):
        read_claims(tmp_path / "absent")
    (tmp_path / "claims").write_text('{"reference": 1, "claims": {}}\n')
    with pytest.raises(InvalidInputError, match="line 1"):
        read_claims(tmp_path / "claims")

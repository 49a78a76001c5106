"""``ssi evidence`` and ``ssi bundle``: exit codes, files, passphrases."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.program import run
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.testing import TestWorld
from tests import needs
from tests.flows.evidence_world import again, anchors_of, kept
from verifier.anchors import Anchors
from verifier.bundle import make_bundle
from verifier.evidence import MANIFEST, Evidence


async def _kept() -> tuple[Evidence, Anchors, bytes]:
    world = await TestWorld.open()
    evidence = (await kept(world)).evidence(keep="P1Y")
    bundle = await make_bundle([world.town.did], now=world.clock(), registry=world.registry)
    return evidence, await anchors_of(world), bundle


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evidence:
    monkeypatch.chdir(tmp_path)
    made, anchors, bundle = asyncio.run(_kept())
    made.save("case.evidence")
    Path("field.zip").write_bytes(bundle)
    assert anchors.registry is not None
    Path("anchors").mkdir()
    Path("anchors/anchors.toml").write_text(
        f"roots = {list(anchors.registry.roots)}\nkeys = {list(anchors.registry.keys)}\n"
    )
    return made


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def forged(evidence: Evidence, name: str, **members: Any) -> None:
    body = jcs({**parse_object(evidence.members[name]), **members})
    Path("forged.evidence").write_bytes(again(evidence.to_bytes(), MANIFEST, {name: body}))


def test_the_same_result(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = call(capsys, "evidence", "recheck", "case.evidence", "--anchors", "anchors")
    assert (code, said["outcome"], said["recorded"], said["anchors"]) == (0, "same", "accepted", "given")
    assert run(["evidence", "recheck", "case.evidence"]) == 0
    assert "believed under the recorded roots and keys" in capsys.readouterr().out


def test_another_result_is_refused_with_its_check(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    forged(evidence, "request.json", nonce="another")
    code, said = call(capsys, "evidence", "recheck", "forged.evidence")
    assert (code, said["outcome"], said["check"]) == (1, "refused", "holder")
    assert "report" in said


def test_bad_input(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rubbish").write_bytes(b"PK\x03\x04rubbish")
    for file in ("rubbish", "nowhere", "field.zip"):
        code, said = call(capsys, "evidence", "recheck", file)
        assert (code, said["outcome"]) == (2, "bad input")
    for arguments in (("--anchors", "nowhere"), ("--policy", "nowhere")):
        assert call(capsys, "evidence", "recheck", "case.evidence", *arguments)[0] == 2


def test_what_is_missing_could_not_be_checked(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    lists: dict[str, bytes | None] = {name: None for name in evidence.members if name.startswith("world/lists/")}
    Path("forged.evidence").write_bytes(again(evidence.to_bytes(), MANIFEST, lists))
    code, said = call(capsys, "evidence", "recheck", "forged.evidence")
    assert (code, said["outcome"], said["check"]) == (3, "could not check", "status")


def test_sealed(evidence: Evidence, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    evidence.save("sealed.evidence", passphrase="open sesame")
    assert call(capsys, "evidence", "recheck", "sealed.evidence")[0] == 2
    monkeypatch.setenv("EVIDENCE", "open sesame")
    assert call(capsys, "evidence", "recheck", "sealed.evidence", "--passphrase-env", "EVIDENCE")[0] == 0
    monkeypatch.setenv("EVIDENCE", "open barley")
    assert call(capsys, "evidence", "recheck", "sealed.evidence", "--passphrase-env", "EVIDENCE")[0] == 1


def test_time_stamp_request(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    needs.module("rfc3161_client")
    assert call(capsys, "evidence", "timestamp-request", "case.evidence", "request.tsq")[0] == 0
    assert Path("request.tsq").read_bytes().startswith(b"\x30")
    assert call(capsys, "evidence", "stamp", "case.evidence", "request.tsq")[0] == 2
    assert stat.S_IMODE(Path("case.evidence").stat().st_mode) == 0o600


def test_bundle_show(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = call(capsys, "bundle", "show", "field.zip")
    assert (code, said["ledger"]) == (0, "whole")
    data = bytearray(Path("field.zip").read_bytes())
    data[len(data) // 2] ^= 1
    Path("field.zip").write_bytes(data)
    assert call(capsys, "bundle", "show", "field.zip")[0] == 2
    assert call(capsys, "bundle", "show", "case.evidence")[0] == 2
    assert call(capsys, "bundle", "make", "out.zip", "--issuer", "did:web:town.example", "--excerpt")[0] == 2

"""The quickstart as a user runs it, and the three commands that it ends with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("quickstart")
    done = run(sys.executable, "-m", "examples.quickstart", ".demo", folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def commands(text: str) -> list[list[str]]:
    """Return the commands at the end, run through this interpreter."""
    found = [shlex.split(line)[1:] for line in text.splitlines() if re.match(r"\s+\S*ssi (ledger|verify)", line)]
    return [[sys.executable, "-m", "ssi.cli", *arguments] for arguments in found]


def test_every_scene_is_told(story: tuple[str, Path]) -> None:
    text, _ = story
    for words in (
        '{"address": {"locality": "Kerava"}}',
        "replaced keys until tomorrow: superseded key, accepted by policy",
        "a copy in which Kerava became Espoo: refused, signature",
        "signed by somebody else: refused, status",
        "before the revocation: refused, status: expected the newest status list",
        "its issuer's list says revoked",
        "0 hits",
    ):
        assert words in text
    assert text.count("refused,") == 5


def test_the_files_it_leaves_hold_no_claim_in_plain(story: tuple[str, Path]) -> None:
    _, folder = story
    for name in ("ledger.db", "town.db", "wallet.db", "keys.json"):
        content = (folder / ".demo" / name).read_bytes()
        assert not [word for word in (b"Aino", b"Saari", b"1990-05-17", b"Aleksis") if word in content], name


def test_the_three_commands_do_what_they_promise(story: tuple[str, Path]) -> None:
    text, folder = story
    audit, privacy, verify = commands(text)
    assert run(*audit, folder=folder).returncode == 0
    searched = run(*privacy, folder=folder)
    assert searched.returncode == 0, searched.stdout
    accepted = run(*verify, folder=folder)
    assert accepted.returncode == 0, accepted.stderr
    assert "Kerava" in accepted.stdout
    assert "Saari" not in accepted.stdout


def test_a_planted_hash_is_found(story: tuple[str, Path]) -> None:
    """A hash of a name, without a salt, in a file that is searched as the ledger's entries are."""
    from hashlib import sha256

    from ssi.registry import privacy_check

    planted = b'{"x":"' + sha256(b"Saari").hexdigest().encode() + b'"}'
    found = privacy_check([b"{}", planted], [{"family_name": "Saari"}])
    assert {(finding.entry, finding.field) for finding in found} == {(1, "family_name")}

"""The example of a key ceremony: two folders share nothing but files, and a stranger verifies the transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import ceremony
from ssi.keys import KeyPurpose, open_kms


@pytest.mark.slow
async def test_two_folders_share_files_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ceremony.main(tmp_path / "ceremony")
    printed = capsys.readouterr().out
    assert printed.count("refused, missing approvals: 1 of the 2 needed") == 3
    assert printed.count("refused, replayed") == 3
    assert "version 2 is entry" in printed
    assert "ceremony 3: 2 of 3 needed, approved by aalto, borg" in printed
    assert "audit: ok" in printed
    stranger = tmp_path / "ceremony" / "stranger"
    assert {path.name for path in stranger.iterdir()} == {
        "charter.json", "passphrase", "ssi.toml", "transcript-1.json", "transcript-2.json", "transcript-3.json",
    }  # fmt: skip
    folders = {name: tmp_path / "ceremony" / name for name in ("online", "offline")}
    stores = {
        name: open_kms(f"file:{folder / 'keys.json'}", passphrase=(folder / "passphrase").read_bytes())
        for name, folder in folders.items()
    }
    purposes = (KeyPurpose.DID_UPDATE, KeyPurpose.DID_NEXT)
    labels = {name: [label for each in purposes for label in await kms.labels(each)] for name, kms in stores.items()}
    assert labels["offline"] == ["town/update/2", "town/next/3"]
    assert not any(label.startswith("town/") for label in labels["online"])


def test_the_offline_machine_could_not_connect(tmp_path: Path) -> None:
    place = ceremony.Place(tmp_path / "offline", network=False)
    place._program = ceremony.NO_NETWORK + "import socket; socket.create_connection(('127.0.0.1', 9))"
    with pytest.raises(AssertionError, match="this machine has no network"):
        place.ssi()

"""Files are replaced as a whole, and nothing that waits beside them is written through or removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssi import durable
from ssi.durable import replace_file
from ssi.errors import UnavailableError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    for data in (b"old", b"new"):
        replace_file(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_that_waits_under_the_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "token_hex", lambda _: "guessed")
    victim, waiting = tmp_path / "victim", tmp_path / "file.guessed.new"
    victim.write_bytes(b"theirs")
    waiting.symlink_to(victim)
    with pytest.raises(UnavailableError):
        replace_file(tmp_path / "file", b"ours")
    assert victim.read_bytes() == b"theirs"
    assert waiting.is_symlink()
    assert not (tmp_path / "file").exists()

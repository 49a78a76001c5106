"""A backend that another distribution brings: found by its entry point, held to what all backends are held to."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ssi.errors import InvalidInputError, UnavailableError
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.backends.sqlite import SqliteLedger
from tests.contracts.ledger import LedgerContract, closing
from tests.docs.commands import REPOSITORY, blocks, start

DOCUMENT = REPOSITORY / "docs" / "ledger-backends.md"


def install(site: Path, name: str, entry_points: dict[str, str], module: str = "") -> None:
    """Put a distribution into a folder as an installer does."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{scheme} = {value}" for scheme, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[countersigned.ledgers]", *lines, ""]))
    if module:
        (site / f"{name.replace('-', '_')}.py").write_text(module)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder with the distribution of the documentation, on the path."""
    shown = [block for block in blocks(DOCUMENT.read_text(encoding="utf-8")) if block.language == "python"]
    assert len(shown) == 1
    folder = tmp_path / "site"
    install(folder, "lines-ledger", {"lines": "lines_ledger:open_lines"}, "\n".join(shown[0].lines))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("lines_ledger", None)
        importlib.invalidate_caches()


class TestLines(LedgerContract):
    @pytest.fixture
    async def ledger(self, site: Path, tmp_path: Path) -> AsyncIterator[Ledger]:
        async for ledger in closing(open_ledger(f"lines:{tmp_path / 'log.jsonl'}")):
            yield ledger


async def test_what_was_acknowledged_is_there_again(site: Path, tmp_path: Path) -> None:
    url = f"lines:{tmp_path / 'log.jsonl'}"
    first = open_ledger(url)
    await first.append([b"a", b"b"])
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(b'{"entry": "Yy')  # killed in the middle of a line
    again = open_ledger(url)
    assert list(await again.read(0, await again.size())) == [b"a", b"b"]
    assert list(await again.append([b"c"])) == [2]


async def test_a_file_that_cannot_be_written_costs_nothing(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(f"lines:{tmp_path / 'log.jsonl'}")
    await ledger.append([b"a"])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UnavailableError):
            await ledger.append([b"b"])
    assert list(await ledger.append([b"b"])) == [1]


def test_the_commands_take_it_by_its_url(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = tmp_path / "office"
    office.mkdir()
    (office / "passphrase").write_text("of the keys")
    paths = [str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), str(REPOSITORY)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    def ssi(*arguments: str) -> subprocess.CompletedProcess[str]:
        return start([sys.executable, "-m", "ssi.cli", "ledger", *arguments], office)

    keys = ("--keys", "keys.json", "--passphrase-file", "passphrase", "--ledger", "lines:log.jsonl")
    founded = ssi("found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example", *keys)
    assert founded.returncode == 0, founded.stdout
    audited = ssi("audit")
    assert (audited.returncode, "the log holds" in audited.stdout) == (0, True), audited.stdout
    assert ssi("tiles", "public").returncode == 0
    assert ssi("audit", "--ledger", "pencil:log.jsonl").returncode == 2


async def test_what_is_no_backend_is_said(site: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"'pencil'; known are memory, .*, and lines from installed packages"):
        open_ledger("pencil:x")
    with pytest.raises(InvalidInputError, match="lines:PATH"):
        open_ledger("lines:")
    broken = {
        "absent": "not_there:open",
        "nameless": "lines_ledger:not_there",
        "nothing": "lines_ledger:nothing",
        "wrong": "lines_ledger:wrong",
        "sqlite": "lines_ledger:wrong",
    }
    install(site, "broken-ledger", broken)
    (site / "lines_ledger.py").write_text(
        (site / "lines_ledger.py").read_text()
        + "\n\ndef nothing(url):\n    return None\n\n\ndef wrong(url):\n    1 / 0\n"
    )
    sys.modules.pop("lines_ledger", None)
    importlib.invalidate_caches()
    for scheme, reason in [("absent", "cannot be loaded"), ("nameless", "cannot be loaded"), ("nothing", "no ledger")]:
        with pytest.raises(InvalidInputError, match=reason):
            open_ledger(f"{scheme}:x")
    with pytest.raises(UnavailableError, match="ZeroDivisionError"):
        open_ledger("wrong:x")
    own = open_ledger(f"sqlite://{tmp_path / 'own.db'}")
    await own.close()
    assert isinstance(own, SqliteLedger)  # the library's own scheme stays its own
    install(site, "second-ledger", {"lines": "lines_ledger:nothing"})
    importlib.invalidate_caches()
    with pytest.raises(InvalidInputError, match="2 installed packages"):
        open_ledger("lines:x")

"""Acknowledged means synchronised: the order of the system calls of a process that appends, seen by strace."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ssi.errors import InclusionProofError
from ssi.ledger.backends.sqlite import SqliteLedger
from tests.tools.strace import Call, acknowledges, traced

# Appends, says so on standard output; signs a head, says so. With "off" SQLite is told not to synchronise, so that the
# check below is seen to fail.
CHILD = """
import asyncio, os, sys
from ssi.ledger import merkle
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.keys import Curve, PrivateKey
from ssi.ledger.checkpoint import NoteKey
from tests.contracts.ledger import unsigned

async def main(path, synchronous):
    ledger = SqliteLedger(path)
    ledger._writer._db.execute("PRAGMA synchronous=" + synchronous)
    key = NoteKey("ledger.example/log", PrivateKey.generate(Curve.ED25519).public_key)
    note = None
    for number in range(3):
        await asyncio.gather(*(ledger.append([b"%d/%d" % (number, i)]) for i in range(5)))
        os.write(1, b"ACK append\\n")
        size = await ledger.size()
        new = unsigned(size, await merkle.root(ledger, size), key)
        await ledger.put_checkpoint(note, new)
        os.write(1, b"ACK head\\n")
        note = new
    os._exit(0)

asyncio.run(main(*sys.argv[1:]))
"""

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("durability")


@pytest.fixture(scope="module")
def calls(place: Path) -> list[Call]:
    """The calls of one process that appends and signs heads, under the settings that the ledger has."""
    return traced(CHILD, str(place / "log.db"), "FULL", calls=CALLS)


HEAD = r"log\.db\.head\.[0-9a-f]{16}\.new"


def unsynchronised(calls: list[Call], suffix: str) -> list[str]:
    """Return the acknowledgements given while bytes of the file ending in ``suffix`` were written, not synchronised.

    ``suffix`` is a regular expression.
    """
    file = re.compile(f"{suffix}>")
    assert any(file.search(rest) for _, rest in calls)
    dirty = False
    early = []
    for name, rest in calls:
        if name in ("write", "pwrite64") and file.search(rest):
            dirty = True
        elif name in ("fsync", "fdatasync") and file.search(rest):
            dirty = False
        elif acknowledges((name, rest)) and dirty:
            early.append(rest)
    return early


def test_an_append_is_acknowledged_after_fsync(calls: list[Call]) -> None:
    acknowledged = [i for i, (name, rest) in enumerate(calls) if name == "write" and '"ACK append' in rest]
    assert len(acknowledged) == 3
    before = 0
    for position in acknowledged:
        names = [name for name, rest in calls[before:position] if "log.db-wal>" in rest]
        assert "pwrite64" in names
        assert names[-1] in ("fsync", "fdatasync")
        before = position
    assert unsynchronised(calls, "log.db-wal") == []


def test_a_head_is_acknowledged_after_its_file_and_directory_are_synchronised(place: Path, calls: list[Call]) -> None:
    assert unsynchronised(calls, HEAD) == []
    before = 0
    for position in [i for i, (name, rest) in enumerate(calls) if name == "write" and '"ACK head' in rest]:
        steps = []
        for name, rest in calls[before:position]:
            if re.search(HEAD, rest):
                steps.append(name)
            elif name == "fsync" and f"<{place}>" in rest and "rename" in steps:
                steps.append("directory")
            elif name in ("fsync", "fdatasync") and "log.db-wal>" in rest and "directory" in steps:
                steps.append("commit")
        assert steps == ["write", "fsync", "rename", "directory", "commit"]
        before = position


def test_the_check_itself_notices_a_missing_fsync(tmp_path: Path) -> None:
    assert unsynchronised(traced(CHILD, str(tmp_path / "log.db"), "OFF", calls=CALLS), "log.db-wal")


async def test_a_cut_write_ahead_log_is_noticed(tmp_path: Path) -> None:
    """What was signed is held against the head file, even where the database lost it without a trace."""
    path = tmp_path / "log.db"
    command = [sys.executable, "-c", CHILD, str(path), "FULL"]
    subprocess.run(command, cwd=Path(__file__).parents[3], check=True, capture_output=True, timeout=60)  # noqa: ASYNC221
    wal = path.with_name("log.db-wal")
    assert wal.stat().st_size > 0  # the child ended without closing
    wal.write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    with pytest.raises(InclusionProofError, match="older than the last signed head"):
        SqliteLedger(path)

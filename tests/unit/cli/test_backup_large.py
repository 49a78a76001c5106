"""A backup of a large database takes little memory, and so does restoring it; measured in processes of their own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTES = 200
MEASURED = """
import resource, sys
from ssi.cli.program import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


def peak(*arguments: object) -> int:
    """Run the program and return its largest resident size in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return int(done.stderr.split()[-1])


def project(folder: Path, megabytes: int) -> Path:
    folder.mkdir()
    connection = sqlite3.connect(folder / "big.db")
    connection.execute("CREATE TABLE blobs (body BLOB)")
    connection.executemany("INSERT INTO blobs VALUES (randomblob(1048576))", [()] * megabytes)
    connection.commit()
    connection.close()
    (folder / "ssi.toml").write_text('[wallet]\nstore = "sqlite:big.db"\n')
    (folder / "secret").write_text("of the backup")
    return folder / "ssi.toml"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_database(tmp_path: Path) -> None:
    peaks: dict[int, list[int]] = {}
    for megabytes in (1, MEGABYTES):
        folder = tmp_path / str(megabytes)
        made, secret = project(folder, megabytes), ("--passphrase-file", folder / "secret")
        kept, target = folder / "kept", tmp_path / f"restored-{megabytes}"
        peaks[megabytes] = [
            peak("backup", kept, "--project", made, *secret),
            peak("backup", kept, "--rehearse", "--project", made, *secret),
            peak("restore", kept, "--to", target, *secret),
        ]
        assert (target / "big.db").stat().st_size >= megabytes << 20
    print(f"peak memory in MiB (backup, rehearsal, restore): {peaks}")
    for small, large in zip(*peaks.values(), strict=True):
        assert large < small + 40

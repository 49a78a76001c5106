"""A few rounds of the crash tool, and proof that it would notice a loss. ``make crash`` runs 1,000."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ssi.ledger import open_ledger
from tests import needs
from tests.tools.workloads.append import Workload

ROOT = Path(__file__).parents[3]


def test_nothing_acknowledged_is_lost_when_processes_are_killed() -> None:
    needs.fork()
    command = [sys.executable, "-m", "tests.tools.crash", "--workload", "append", "--rounds", "12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "12 rounds, 24 processes killed" in done.stdout


async def test_the_tool_notices_what_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite://{tmp_path}/log.db")
    await ledger.append([b"1/0/0", b"1/0/1", b"1/1/1", b"1/0/3"])
    await ledger.close()
    assert await Workload().check(tmp_path, ["entry 1 1/0/1"], thorough=False) == []
    lost = ["entry 0 1/0/1", "entry 9 1/0/9", "head 3"]
    assert await Workload().check(tmp_path, lost, thorough=False) == [
        "acknowledged and lost: entry 0 1/0/1",
        "acknowledged and lost: entry 9 1/0/9",
        "a head of size 3 was acknowledged, 0 is stored",
    ]
    assert await Workload().check(tmp_path, [], thorough=True) == [
        "entry 2 is 1/1/1, number 0 was next",
        "entry 3 is 1/0/3, number 2 was next",
    ]
    (tmp_path / "log.db").write_bytes(b"damage" * 1000)
    assert "does not open" in (await Workload().check(tmp_path, [], thorough=True))[0]

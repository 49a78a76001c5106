"""A few rounds of the crash tool on the wallet, and proof that it would notice a loss. ``make crash`` runs 1,000."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests import needs
from tests.tools.workloads.wallet import Workload

ROOT = Path(__file__).parents[3]


def test_nothing_acknowledged_is_lost_when_processes_are_killed() -> None:
    needs.fork()
    command = [sys.executable, "-m", "tests.tools.crash", "--workload", "wallet", "--rounds", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "10 rounds, 20 processes killed" in done.stdout


async def test_the_tool_notices_what_is_lost_or_back(tmp_path: Path) -> None:
    workload = Workload()
    assert await workload.check(tmp_path, [], thorough=True) == []
    lines = ["key k", "card c digest", "shown https://a.example"]
    assert await workload.check(tmp_path, lines, thorough=True) == [
        "acknowledged and lost: c",
        "key acknowledged and lost: k",
        "not in the history: https://a.example",
    ]
    assert "does not open" in (await workload.check(tmp_path, ["revision 7"], thorough=False))[0]
    (tmp_path / "wallet.db").write_bytes(b"damage" * 1000)
    assert "does not open" in (await Workload().check(tmp_path, [], thorough=False))[0]

"""A few rounds of the agency's crash workloads, and proof that they would notice a loss. ``make crash`` runs 1,000."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from issuer.stores.sqlite import SqliteIssuerStore
from tests import needs
from tests.tools.workloads import make

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("workload", ["issue", "revoke"])
def test_nothing_acknowledged_is_lost_when_processes_are_killed(workload: str) -> None:
    needs.fork()
    command = [sys.executable, "-m", "tests.tools.crash", "--workload", workload, "--rounds", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 rounds, 8 processes killed" in done.stdout


def test_the_tool_notices_what_is_lost_or_doubled(tmp_path: Path) -> None:
    import asyncio

    workload = make("issue")
    lines: list[str] = []

    async def some() -> None:
        async with workload.open(tmp_path) as agency:  # type: ignore[attr-defined]
            for reference in ("a", "b"):
                issued = await workload.issue(agency, reference)  # type: ignore[attr-defined]
                row = await agency.store.find(reference)
                lines.append(f"{reference} {issued.id} https://town.example/status/{row.family}#{row.index}")

    async def damage(statement: str) -> None:
        store = await SqliteIssuerStore.open(tmp_path / "issuer.db")
        await store._database.write(lambda connection: connection.execute(statement))
        await store.close()

    asyncio.run(some())
    assert asyncio.run(workload.check(tmp_path, lines, thorough=True)) == []
    other = [lines[0].rpartition("#")[0] + "#1", lines[1]]
    assert "and has" in asyncio.run(workload.check(tmp_path, other, thorough=False))[0]
    asyncio.run(damage("UPDATE credentials SET state = 1 WHERE reference = 'a'"))
    assert asyncio.run(workload.check(tmp_path, [], thorough=True)) == ["a is REVOKED, its list says VALID"]
    asyncio.run(damage("DELETE FROM credentials WHERE reference = 'b'"))
    assert "does not open or resume" in asyncio.run(workload.check(tmp_path, lines, thorough=False))[0]

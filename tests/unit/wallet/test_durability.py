"""What the holder is told is on disk: the order of the system calls of a process that adds a card, seen by strace.

With a rollback journal a change is only final once the journal's removal is on disk: else a power cut brings the
journal back, and the next opening undoes what was acknowledged.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.strace import Call, acknowledges, traced

CHILD = """
import asyncio, os, sys
from tests.unit.wallet.parties import AUDIENCE, NONCE, Town, opened

async def main(path, synchronous):
    wallet = await opened("sqlite:" + path)
    database = wallet._store._database
    if synchronous:
        # Outside of a transaction, on the connection's own thread.
        connection = database._connection
        await asyncio.get_running_loop().run_in_executor(
            database._executor, connection.execute, "PRAGMA synchronous=" + synchronous
        )
    town = await Town.make()
    for number in range(2):
        key = await wallet.new_key()
        os.write(1, b"ACK key\\n")
        card = await wallet.add(await town.sd_jwt(key))
        os.write(1, b"ACK card\\n")
        await wallet.present(card.id, [], audience=AUDIENCE, nonce=NONCE)
        os.write(1, b"ACK shown\\n")
    os._exit(0)

asyncio.run(main(*sys.argv[1:]))
"""
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "unlink", "unlinkat")


def _trace(tmp_path: Path, synchronous: str) -> list[Call]:
    folder = tmp_path / "folder"
    folder.mkdir()
    return traced(CHILD, str(folder / "wallet.db"), synchronous, calls=CALLS)


def early(calls: list[Call]) -> list[str]:
    """Return the acknowledgements given while something was not on disk: the database, or the journal's removal."""
    pending: set[str] = set()
    found = []
    for name, rest in calls:
        if name == "pwrite64" and "wallet.db>" in rest:
            pending.add("database")
        elif name in ("unlink", "unlinkat") and "wallet.db-journal" in rest:
            pending.add("removal")
        elif name in ("fsync", "fdatasync") and "wallet.db>" in rest:
            pending.discard("database")
        elif name in ("fsync", "fdatasync") and "folder>" in rest:
            pending.discard("removal")
        elif acknowledges((name, rest)) and pending:
            found.append(f"{rest} with {sorted(pending)}")
    return found


def test_an_act_is_acknowledged_when_it_cannot_be_undone(tmp_path: Path) -> None:
    calls = _trace(tmp_path, "")
    assert sum(map(acknowledges, calls)) == 6
    assert sum(name in ("unlink", "unlinkat") for name, rest in calls if "wallet.db-journal" in rest) >= 7
    assert early(calls) == []


@pytest.mark.parametrize(("synchronous", "missing"), [("OFF", "database"), ("FULL", "removal")])
def test_the_trace_notices_what_is_missing(tmp_path: Path, synchronous: str, missing: str) -> None:
    assert any(missing in line for line in early(_trace(tmp_path, synchronous)))

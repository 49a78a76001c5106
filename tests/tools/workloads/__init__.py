"""What ``tests.tools.crash`` kills: one file per workload, and the interface between them.

A workload runs in child processes that are killed at any moment. What it tells the outside world it writes as a line
through ``acknowledge``; afterwards ``check`` holds the files against all lines that got out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

Acknowledge = Callable[[str], None]

# Name to module; each module has a class ``Workload`` without arguments.
WORKLOADS = {
    "append": "tests.tools.workloads.append",
    "append-postgres": "tests.tools.workloads.append_postgres",
    "cosign": "tests.tools.workloads.cosign",
    "issue": "tests.tools.workloads.issue",
    "publish": "tests.tools.workloads.publish",
    "revoke": "tests.tools.workloads.revoke",
    "wallet": "tests.tools.workloads.wallet",
    "evm": "tests.tools.workloads.evm",
}
# Takes a node from npm.
ON_REQUEST = frozenset({"evm"})


class Workload(Protocol):
    """One kind of work on one directory. An object lives as long as its directory, in the parent process.

    It may have ``longest_run_seconds``, after which its processes are killed at the latest, and ``close``.
    """

    async def run(self, directory: Path, *, seed: int, acknowledge: Acknowledge) -> None:
        """Work until killed, from whatever state the directory is in. Runs in a child; ``seed`` differs each time.

        Call ``acknowledge`` with one line (no newline, below 4,000 bytes) only when a caller would be told.
        """

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        """Return what is wrong, as lines; ``acknowledged`` are the lines of the last round's processes.

        ``thorough`` asks for a whole audit. Opening must need no help: an error here is a finding, too.
        """


def make(name: str) -> Workload:
    """Return a fresh workload. Raises KeyError for a name that is none."""
    workload: Workload = import_module(WORKLOADS[name]).Workload()
    return workload

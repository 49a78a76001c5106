"""Append entries and sign heads on an EVM chain, from several tasks of processes that share a mirror and an account.

The node outlives the processes, as a chain does. Each block is final at once, so that a round is not spent waiting.
"""

from __future__ import annotations

import asyncio
import atexit
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from ssi.ledger import Ledger
from ssi.ledger.backends.evm.contract import Mode
from tests.evm.ledger import deployed, opened
from tests.evm.node import Node, node
from tests.tools.workloads import append


@cache
def running() -> Node:
    """Return the node, started once for all directories and stopped with this process."""
    stack = ExitStack()
    chain = stack.enter_context(node())
    atexit.register(stack.close)
    return chain


class Workload(append.Workload):
    """The workload ``append`` on another backend; each directory has a contract of its own."""

    longest_run_seconds = 1.5

    def __init__(self) -> None:
        super().__init__()
        self._address = asyncio.run(deployed(running(), Mode.LEAVES))

    def open(self, directory: Path) -> Ledger:
        """Open the log with the mirror of a directory."""
        return opened(running(), directory, self._address, Mode.LEAVES, finality=0, stuck=1)

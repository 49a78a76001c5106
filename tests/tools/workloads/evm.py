"""Append entries and sign heads on an EVM chain, from several tasks of processes that share a mirror and an account.

The node outlives the processes, as a chain does. Directories take turns: leaf hashes or whole entries on chain, blocks
that are final at once, or blocks that are final below FINALITY others while the newest are replaced again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

# Before the fork: each child would need as long for these as it lives.
import aiohttp  # noqa: F401
import eth_abi.abi  # noqa: F401
import eth_keys.datatypes  # noqa: F401

from ssi.errors import UnavailableError
from ssi.ledger import Ledger
from ssi.ledger.backends.evm.contract import Mode
from tests.evm.ledger import deployed, opened
from tests.evm.node import KEPT, node
from tests.tools.workloads import append

FINALITY = 4
BLOCK_SECONDS = 0.015
ATTEMPTS = 20
_TURNS = itertools.cycle(itertools.product((FINALITY, 0), (Mode.LEAVES, Mode.ENTRIES)))


class Workload(append.Workload):
    """The workload ``append`` on another backend; each directory has a node and a contract of its own."""

    longest_run_seconds = 0.4

    def __init__(self) -> None:
        super().__init__()
        self._finality, self._mode = next(_TURNS)
        self._stack = contextlib.ExitStack()
        self._node = self._stack.enter_context(node(*KEPT))
        self._address = asyncio.run(deployed(self._node, self._mode))
        self._node.mine(FINALITY)
        self._miner = self._blocks() if self._finality else 0

    def open(self, directory: Path) -> Ledger:
        """Open the log with the mirror of a directory."""
        return opened(self._node, directory, self._address, self._mode, finality=self._finality, stuck=1)

    async def check(self, directory: Path, acknowledged: Sequence[str], *, thorough: bool) -> Sequence[str]:
        if self._miner and os.waitpid(self._miner, os.WNOHANG)[0]:  # noqa: ASYNC222  (it does not wait)
            self._miner = 0
            return ["no blocks are added any more"]
        for _ in range(ATTEMPTS):
            with contextlib.suppress(UnavailableError):  # Just now a block was taken out of the chain.
                return await super().check(directory, acknowledged, thorough=thorough)
        return [f"the chain was not to be read in {ATTEMPTS} attempts"]

    def _blocks(self) -> int:
        """Fork a process that adds blocks as time does, and replaces newest ones: never as many as FINALITY.

        It is one process, and is not killed with the others: of two replacements at once the second would begin where
        the first has taken blocks away, and reach below what is final.
        """
        pid = os.fork()
        if pid:
            return pid
        rng = random.Random(self._address)
        try:
            while True:
                time.sleep(BLOCK_SECONDS)
                if rng.random() < 0.1:
                    self._node.rpc("anvil_reorg", rng.randint(1, FINALITY - 1), [])
                else:
                    self._node.mine()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def close(self) -> None:
        """Stop the node."""
        if self._miner:
            os.kill(self._miner, signal.SIGKILL)
            os.waitpid(self._miner, 0)
        self._stack.close()

"""The EVM backend, for the contract suite: a real node, a contract for each round, and what happens to either.

Rounds take turns by their seed between leaf hashes and whole entries on chain. All ledgers of a round share one mirror
and one account, as several processes of one agency may.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from ssi.ledger import Ledger
from tests.contracts import evm_mirror
from tests.contracts.backends import Backend
from tests.contracts.evm_forks import DEEP, SHALLOW
from tests.contracts.evm_nodes import NODES, mode_of, other_code
from tests.evm.ledger import deployed, opened
from tests.evm.node import Node, node

# Held here, for a forked process forgets what is to be done at exit (Python 3.13): that must not end the node.
_RUNNING = ExitStack()
atexit.register(_RUNNING.close)


def backend() -> Backend:
    running()  # or skip
    kept: dict[Path, bytes] = {}

    async def on_chain(place: Path, seed: int) -> Ledger:
        mode = mode_of(seed)
        if place not in kept:
            kept[place] = await deployed(running(), mode)
        return opened(running(), place, kept[place], mode, finality=0)

    return Backend(
        name="evm",
        open=on_chain,
        scenes={**NODES, **SHALLOW},
        native={**DEEP, "other code": other_code, **evm_mirror.FAULTS},
        cost=2,
    )


@cache
def running() -> Node:
    """Return the node of the rounds with faults at the port, stopped with this process."""
    return _RUNNING.enter_context(node())

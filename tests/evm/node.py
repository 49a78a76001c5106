"""A real node on this machine: anvil, started for a test and stopped with it.

Source:  the help text of anvil 1.7.1.
Input:   options of the node.
Shapes:  ``url`` is http on a port that the system chose; accounts are the node's own, with known keys and much money.
I/O:     starts a process; ``rpc`` speaks to it without any code of ours.
Errors:  ``tests.needs`` if the node is not to be had; AssertionError for what the node refuses.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.evm import npm

CHAIN_ID = 31337
# The first accounts of the mnemonic that every such node has ("test test … junk").
KEYS = tuple(
    bytes.fromhex(text)
    for text in (
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    )
)
# The node has the state of some 500 blocks at hand; a fork from below would leave a chain without contracts.
KEPT = ("--prune-history", "5000")


class Node:
    """A running node."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self.url = f"http://{address}"
        self.process = process

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of one call."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """Add empty blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def height(self) -> int:
        """Return the number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    @contextmanager
    def mining(self, seconds: float = 0.02, *, step: Callable[[], object] | None = None) -> Iterator[None]:
        """Add an empty block again and again, as time does on a real chain; or take another ``step``."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(seconds):
                (step or self.mine)()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def node(*options: str) -> Iterator[Node]:
    """Run a node; ``finalized`` is the newest block less two, as with epochs of one slot."""
    command = [str(npm.anvil()), "--port", "0", "--slots-in-an-epoch", "1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"Listening on (127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError("the node did not start: " + "".join(said[-5:]))
        # Whatever it says from now on is read away, so that it never waits for a reader.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Node(found[1], process)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()

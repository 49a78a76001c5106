"""Nodes that lose, repeat, hold back, lie, leave out, forget or are of another chain, for the contract suite.

Each round has a node of its own, with a proxy before it in which the fault sits. Blocks are final below two others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from ssi.errors import VerificationError
from ssi.ledger import Ledger
from ssi.ledger.backends.evm.contract import Mode
from ssi.net.evm.values import keccak, to_hex
from tests.contracts.backends import Outcome, Setting
from tests.contracts.scenes import Scene
from tests.evm.ledger import deployed, opened
from tests.evm.log import raw_log
from tests.evm.node import Node, node
from tests.evm.proxy import Forward, Lost, Proxy, Refused, proxy
from tests.tools import proxy as wire

FINALITY: Final = 2
OPTIONS: Final[Mapping[str, Any]] = {"finality": FINALITY, "stuck": 0.3, "wait": 20}
OTHER_CHAIN: Final = 4711


def mode_of(seed: int) -> Mode:
    """Return what is on chain in the round of a seed."""
    return list(Mode)[seed % len(Mode)]


class NodeFault:
    """What a node does to the calls of its clients, while ``active``."""

    lies: ClassVar[bool] = False
    automine: ClassVar[bool] = True

    def __init__(self, chain: Node, seed: int) -> None:
        self.chain = chain
        self.rng = Random(seed)
        self.active = False
        self.injected = 0

    def __call__(self, method: str, params: list[Any], forward: Forward) -> Any:
        return self.answer(method, params, forward) if self.active else forward()

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        """Return what the client gets, or raise as the proxy says; a node without a fault of its own is honest."""
        return forward()

    def strikes(self, rate: float) -> bool:
        """Return whether it happens now, and count it."""
        if self.rng.random() >= rate:
            return False
        self.injected += 1
        return True


class LostAcknowledgement(NodeFault):
    """The node takes a transaction, and its answer never arrives."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if method == "eth_sendRawTransaction" and self.strikes(0.5):
            raise Lost
        return result


class Duplicate(NodeFault):
    """Each transaction reaches the node twice; the second answer comes back."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if method == "eth_sendRawTransaction" and self.strikes(0.5):
            forward()
        return forward()


class Reorder(NodeFault):
    """Transactions are taken at once and reach the pool later, each after a time of its own."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if method != "eth_sendRawTransaction" or not self.strikes(0.5):
            return forward()

        def late() -> None:
            time.sleep(self.rng.uniform(0, 0.08))
            try:
                forward()
            except (Refused, OSError):
                return  # its nonce is used by now, or the node is gone

        threading.Thread(target=late, daemon=True).start()
        return to_hex(keccak(bytes.fromhex(params[0][2:])))


class Delay(NodeFault):
    """Answers take their time, and overtake each other."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if self.strikes(0.25):
            time.sleep(self.rng.uniform(0, 0.04))
        return forward()


class ClockJump(NodeFault):
    """The chain's clock leaps by up to two days with the next block."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if method == "eth_sendRawTransaction" and self.strikes(0.5):
            self.chain.rpc("evm_increaseTime", self.rng.randint(1, 2 * 86_400))
        return forward()


class Stuck(NodeFault):
    """Transactions wait for a block, and the pool forgets them while they wait."""

    automine = False

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if method == "eth_sendRawTransaction" and self.strikes(0.4):
            self.chain.rpc("anvil_dropAllTransactions")
        return result


class Gaps(NodeFault):
    """Events are left out of what the node tells."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if method != "eth_getLogs":
            return result
        return [log for log in result if not self.strikes(0.3)]


class Pruned(NodeFault):
    """The node knows neither state nor events of any but the newest blocks."""

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if method == "eth_getLogs" and int(params[0]["fromBlock"], 16) < self.chain.height() - 40:
            self.injected += 1
            raise Refused("history is not available")
        if method == "eth_call" and self.strikes(0.1):
            raise Refused("missing trie node")
        return forward()


class Liar(NodeFault):
    """The node tells another head, another root, other events, or the state of another block than was pinned."""

    lies = True
    rate: ClassVar[float] = 0.15

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if not result or method in ("eth_chainId", "eth_sendRawTransaction") or not self.strikes(self.rate):
            return result
        if method == "eth_call" and self.rng.random() < 0.4:
            return self._of_another_block(params, result)
        if method == "eth_getLogs":
            place = self.rng.randrange(len(result))
            changed = result[place] | {"data": self._changed(result[place]["data"])}
            return [*result[:place], changed, *result[place + 1 :]]
        if method == "eth_getBlockByNumber":
            return result | {"hash": self._changed(result["hash"])}
        if method == "eth_getTransactionReceipt":
            return result | {"status": "0x0" if result["status"] == "0x1" else "0x1"}
        if method in ("eth_blockNumber", "eth_getTransactionCount"):
            return hex(max(0, int(result, 16) + self.rng.choice((-3, -1, 1, 3))))
        return self._changed(result) if isinstance(result, str) else result

    def _of_another_block(self, params: list[Any], result: Any) -> Any:
        earlier = self.chain.rpc("eth_getBlockByNumber", hex(self.rng.randrange(1, self.chain.height())), False)
        return self.chain.rpc("eth_call", params[0], {"blockHash": earlier["hash"]})

    def _changed(self, text: str) -> str:
        """Return other hexadecimal digits of the same length."""
        if len(text) <= 2:
            return text
        place = self.rng.randrange(2, len(text))
        return text[:place] + ("1" if text[place] == "0" else "0") + text[place + 1 :]


class AlwaysLiar(Liar):
    """A node that lies in every second answer, between others that do not."""

    rate = 0.5


class WrongChain(NodeFault):
    """Calls end up at a node of another chain, with a log of the same contract at the same address."""

    lies = True

    def __init__(self, chain: Node, seed: int) -> None:
        super().__init__(chain, seed)
        self.stack = ExitStack()
        self.other = self.stack.enter_context(node("--chain-id", str(OTHER_CHAIN)))

    def answer(self, method: str, params: list[Any], forward: Forward) -> Any:
        if not self.strikes(0.15):
            return forward()
        try:
            return self.other.rpc(method, *params)
        except AssertionError as exc:
            raise Refused(exc.args[0]) from exc


class ChainScene(Scene):
    """A log on a node of its own, and a proxy with a fault before it."""

    pause = 0.02

    def __init__(self, place: Path, mode: Mode, fault: NodeFault, between: Proxy, others: str = "") -> None:
        super().__init__(self._plain)
        self.lies = fault.lies and not others
        self.fault = fault
        self._place, self._mode, self._between, self._others = place, mode, between, others
        self.address = b""

    async def _plain(self) -> Ledger:
        return opened(self.fault.chain, self._place, self.address, self._mode, **OPTIONS)

    async def troubled(self) -> Ledger:
        more = {"rpc": self._others, "agree": 2} if self._others else {}
        return opened(self._between, self._place, self.address, self._mode, **OPTIONS, **more)

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        self.fault.active = True
        yield
        self.fault.active = False
        self.injected = self.fault.injected


@asynccontextmanager
async def _before(kind: type[NodeFault], place: Path, seed: int, *, agree: bool = False) -> AsyncIterator[Scene]:
    with ExitStack() as stack:
        chain, mode = stack.enter_context(node()), mode_of(seed + len(kind.__name__))  # both modes in one seed
        fault = kind(chain, seed)
        address = await deployed(chain, mode)
        if isinstance(fault, WrongChain):
            stack.push(fault.stack)
            assert await deployed_elsewhere(fault.other, mode) == address
        chain.rpc("evm_setAutomine", fault.automine)
        between = stack.enter_context(proxy(chain))
        between.answer = fault
        honest = [stack.enter_context(proxy(chain)).url for _ in range(2)] if agree else []
        scene = ChainScene(place, mode, fault, between, "&rpc=".join(honest))
        scene.address = address
        stack.enter_context(chain.mining())
        yield scene


async def deployed_elsewhere(chain: Node, mode: Mode) -> bytes:
    """Deploy a contract on a chain of another id; return its address."""
    async with raw_log(chain, mode, chain_id=OTHER_CHAIN) as log:
        return log.address


class CutScene(ChainScene):
    """Connections that break at any byte of a question or an answer."""

    wire: wire.Proxy

    async def troubled(self) -> Ledger:
        chain = Node(f"127.0.0.1:{self.wire.port}", self.fault.chain.process)
        return opened(chain, self._place, self.address, self._mode, **OPTIONS)

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        async def cut() -> None:
            while True:
                self.wire.cut(self.fault.rng.choice(("up", "down")), self.fault.rng.randrange(4000))
                await asyncio.sleep(0.02)

        cutting = asyncio.create_task(cut())
        yield
        cutting.cancel()
        self.wire.calm()
        self.injected = self.wire.cuts


@asynccontextmanager
async def _cut(place: Path, seed: int) -> AsyncIterator[Scene]:
    with node() as chain, proxy(chain) as between, wire.Proxy(int(chain.address.rpartition(":")[2])) as line:
        scene = CutScene(place, mode_of(seed), NodeFault(chain, seed), between)
        scene.wire = line
        scene.address = await deployed(chain, mode_of(seed))
        with chain.mining():
            yield scene


async def other_code(place: Path, seed: int) -> Outcome:
    """At the address of the log is another contract: nothing of it is believed, and nothing is sent to it."""
    problems = []
    with node() as chain:
        mode, other = mode_of(seed), mode_of(seed + 1)
        async with raw_log(chain, other) as log:
            await log.append(0, [bytes(32)])
            chain.mine(3)
            before = await log.account.nonce()
            ledger = opened(chain, place, log.address, mode, **OPTIONS)
            try:
                for call in (ledger.size(), ledger.append([b"entry"])):
                    try:
                        problems.append(f"it was taken for the log: {await call}")
                    except VerificationError:
                        continue
            finally:
                await ledger.close()
            if await log.account.nonce() != before:
                problems.append("a transaction was sent to a contract that is none of ours")
    return Outcome(problems=problems, injected=1, alarms=2)


NODES: Final[Mapping[str, Setting]] = {
    "lost acknowledgement": partial(_before, LostAcknowledgement),
    "duplicate": partial(_before, Duplicate),
    "reorder": partial(_before, Reorder),
    "delay": partial(_before, Delay),
    "cut": _cut,
    "clock jump": partial(_before, ClockJump),
    "lying RPC": partial(_before, Liar),
    "lying RPC, two of three agree": partial(_before, AlwaysLiar, agree=True),
    "log gaps": partial(_before, Gaps),
    "wrong chain": partial(_before, WrongChain),
    "stuck transaction": partial(_before, Stuck),
    "pruned node": partial(_before, Pruned),
}

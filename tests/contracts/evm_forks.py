"""Reorganisations of 1 to 64 blocks, for the contract suite: above what is final, and below it.

Input:   a chain whose blocks come several at a time, so that a deep finality is soon reached.
Shapes:  ``finality`` blocks lie above a final one; a fork that takes away fewer blocks must cost nothing and alarm
         nobody, and one that takes away what was acknowledged must be refused by every call that asks the chain.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from ssi.errors import InclusionProofError, SsiError
from ssi.ledger import Ledger, merkle
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLedger
from tests.contracts.backends import Outcome, Play, Setting
from tests.contracts.evm_nodes import mode_of
from tests.contracts.scenes import Scene
from tests.evm.ledger import deployed, opened
from tests.evm.log import RawLog, raw_log
from tests.evm.node import KEPT, Node, node

DEEPEST: Final = 64


class ForkScene(Scene):
    """A log on a chain whose newest blocks are replaced by empty ones again and again."""

    pause = 0.02

    def __init__(self, chain: Node, place: Path, mode: Mode, rng: Random, *, depth: int, finality: int) -> None:
        super().__init__(self._opened)
        self.address = b""
        self.forking = False
        self._chain, self._place, self._mode, self._rng = chain, place, mode, rng
        self._depth, self._finality = depth, finality

    async def _opened(self) -> Ledger:
        return opened(self._chain, self._place, self.address, self._mode, finality=self._finality, stuck=0.3, wait=20)

    def step(self) -> None:
        """Add blocks, or replace the newest: one after the other, so that no fork begins where one is under way."""
        if self.forking and self._rng.random() < 0.2:
            self.injected += 1
            self._chain.rpc("anvil_reorg", self._rng.randint(1, self._depth), [])
        else:
            self._chain.mine(1 + self._finality // 4)

    @asynccontextmanager
    async def trouble(self) -> AsyncIterator[None]:
        self.forking = True
        yield
        self.forking = False


@asynccontextmanager
async def reorganised(place: Path, seed: int, *, acknowledges_early: bool = False) -> AsyncIterator[Scene]:
    """Replace as many blocks as may not be final; ``acknowledges_early`` takes each block to be final at once."""
    rng, mode = Random(seed), mode_of(seed)
    depth = rng.randint(1, DEEPEST)
    with node(*KEPT) as chain:
        finality = 0 if acknowledges_early else depth + 1
        scene = ForkScene(chain, place, mode, rng, depth=depth, finality=finality)
        scene.address = await deployed(chain, mode)
        chain.mine(2 * DEEPEST)
        # Blocks come by time alone: a transaction waits for one, and a fork in between takes away what was in it.
        chain.rpc("evm_setAutomine", False)
        with chain.mining(0.01, step=scene.step):
            yield scene


async def below_what_is_final(place: Path, seed: int) -> Outcome:
    """Take away blocks that were final, with or without another history in their place; ask for the log again."""
    rng, mode = Random(seed), mode_of(seed)
    with node(*KEPT) as chain:
        async with raw_log(chain, mode) as log:
            finality = rng.randint(1, DEEPEST // 2)
            chain.mine(DEEPEST)
            before = chain.height()
            ledger = opened(chain, place, log.address, mode, finality=finality)
            try:
                with chain.mining(0.005, step=lambda: chain.mine(1 + finality // 4)):
                    entries = [b"%d" % number for number in range(rng.randint(1, 4))]
                    for entry in entries:
                        await ledger.append([entry])
                gone = chain.height() - before
                chain.rpc("anvil_reorg", gone, [])
                written = await _another_history(log, rng, mode, len(entries))
                chain.mine(finality + 1)
                problems, alarms = await _asked_again(ledger, entries)
                if (await log.head()).size != written:
                    problems.append("it went on with another history")
            finally:
                await ledger.close()
    return Outcome(problems=problems, injected=1, acknowledged=len(entries), alarms=alarms)


async def _another_history(log: RawLog, rng: Random, mode: Mode, count: int) -> int:
    """Write fewer, as many or more other entries; return how many."""
    written = rng.randint(0, 2 * count)
    others = [b"other %d" % number for number in range(written)]
    log.account.forget_nonce()
    if written:
        items = [merkle.leaf_hash(other) for other in others] if mode is Mode.LEAVES else others
        assert (await log.append(0, items)).succeeded
    return written


async def _asked_again(ledger: EvmLedger, entries: list[bytes]) -> tuple[list[str], int]:
    problems: list[str] = []
    alarms = 0
    for call in (ledger.size(), ledger.append([b"new"]), ledger.put_checkpoint(None, b"note"), ledger.refresh()):
        try:
            problems.append(f"another history was taken for this one: {await call!r}")
        except InclusionProofError:
            alarms += 1
        except SsiError as exc:
            problems.append(f"the alarm is none: {exc}")
    if list(await ledger.read(0, len(entries))) != entries:
        problems.append("the mirror lost the evidence")
    return problems, alarms


SHALLOW: Final[Mapping[str, Setting]] = {"reorg": partial(reorganised)}
DEEP: Final[Mapping[str, Play]] = {"reorg below finality": below_what_is_final}

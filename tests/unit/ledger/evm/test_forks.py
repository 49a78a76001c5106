"""Reorganisations: what was acknowledged is there once, in order, and a fork below what is final is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InclusionProofError
from ssi.ledger import merkle
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLedger
from ssi.ledger.storage import verify_storage
from ssi.net.evm.values import to_hex
from tests.evm.log import RawLog, account, raw_log
from tests.evm.node import Node, node
from tests.evm.proxy import Forward, proxy
from tests.unit.ledger.evm.closing import ledger_of

MODES = pytest.mark.parametrize("mode", list(Mode))
FINAL = 65


@pytest.fixture
def chain_node() -> Iterator[Node]:
    with node() as running:
        yield running


async def newest(log: RawLog, size: int) -> None:
    """Wait until the log has ``size`` entries in the newest block."""
    async with asyncio.timeout(20):
        while (await log.head()).size < size:  # noqa: ASYNC110  (the node tells nobody)
            await asyncio.sleep(0.01)


async def stored(ledger: EvmLedger) -> list[Any]:
    return list(await ledger.read(0, await ledger.size()))


async def all_once(ledger: EvmLedger, appended: dict[bytes, asyncio.Task[Any]]) -> None:
    """Every acknowledged entry is where the acknowledgement said, once, and nothing else is there."""
    answers = {entry: (await task)[0] for entry, task in appended.items()}
    entries = await stored(ledger)
    assert sorted(answers.values()) == list(range(len(appended)))
    assert all(entries[index] == entry for entry, index in answers.items())
    assert len(entries) == len(appended)
    await verify_storage(ledger)


def appending(ledger: EvmLedger, *entries: bytes) -> dict[bytes, asyncio.Task[Any]]:
    return {entry: asyncio.create_task(ledger.append([entry])) for entry in entries}


DEPTHS = [1, 2, 3, 7, 32, 63, 64]
ALL_DEPTHS = [pytest.param(d, marks=[] if d in DEPTHS else pytest.mark.slow) for d in range(1, 65)]


@pytest.mark.parametrize("depth", ALL_DEPTHS)
async def test_a_fork_that_takes_entries_away_costs_none(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, depth: int
) -> None:
    async with raw_log(chain_node, Mode.LEAVES) as log:
        chain_node.mine(70)
        ledger = await ledger_of(stack, chain_node, tmp_path, log.address, Mode.LEAVES, finality=FINAL, stuck=0.5)
        appended = appending(ledger, b"first")
        await newest(log, 1)
        appended |= appending(ledger, b"second", b"third")
        await newest(log, 3)
        chain_node.mine(max(0, depth - 2))
        chain_node.rpc("evm_setAutomine", False)
        # Empty blocks in place of the newest: what was in them is in no block and in no pool any more.
        chain_node.rpc("anvil_reorg", depth, [])
        assert (await log.head()).size < 3
        assert await ledger.size() == 0
        assert not any(task.done() for task in appended.values())
        with chain_node.mining(0.001):
            await all_once(ledger, appended)


@MODES
async def test_others_may_come_first_on_the_fork(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, mode: Mode
) -> None:
    async with raw_log(chain_node, mode) as log:
        other = account(log.chain, 1)
        await log.send(contract.set_writer_payload(other.signer.address, allowed=True))
        chain_node.mine(20)
        ledger = await ledger_of(stack, chain_node, tmp_path, log.address, mode, finality=10, stuck=0.5)
        appended = appending(ledger, b"ours", b"ours, too")
        await newest(log, 2)
        theirs = merkle.leaf_hash(b"theirs") if mode is Mode.LEAVES else b"theirs"
        payload = contract.append_payload(mode, 0, [theirs])
        request = {"from": to_hex(other.signer.address), "to": to_hex(log.address), "data": to_hex(payload)}
        chain_node.rpc("anvil_reorg", 1, [[request, 0]])
        with chain_node.mining(0.005):
            answers = [(await task)[0] for task in appended.values()]
        assert await ledger.size() == 3
        if mode is Mode.ENTRIES:
            assert sorted(await stored(ledger)) == [b"ours", b"ours, too", b"theirs"]
        assert [list(await ledger.read(i, i + 1)) for i in answers] == [[b"ours"], [b"ours, too"]]


async def test_a_fork_between_head_and_events_is_noticed(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack
) -> None:
    async with raw_log(chain_node, Mode.ENTRIES) as log:
        await log.append(0, [b"old fork"])
        with proxy(chain_node) as between:
            forked: list[bool] = []

            def answer(called: str, params: list[Any], forward: Forward) -> Any:
                if called == "eth_getLogs" and not forked:
                    forked.append(True)
                    payload = contract.append_payload(Mode.ENTRIES, 0, [b"new fork"])
                    sender = to_hex(log.account.signer.address)
                    request = {"from": sender, "to": to_hex(log.address), "data": to_hex(payload)}
                    chain_node.rpc("anvil_reorg", 1, [[request, 0]])
                return forward()

            between.answer = answer
            ledger = await ledger_of(stack, between, tmp_path, log.address, Mode.ENTRIES, finality=0)
            assert await ledger.size() == 1
            assert forked
            assert await stored(ledger) == [b"new fork"]


@MODES
async def test_a_fork_below_what_is_final_is_refused(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, mode: Mode
) -> None:
    async with raw_log(chain_node, mode) as log:
        chain_node.mine(10)
        ledger = await ledger_of(stack, chain_node, tmp_path, log.address, mode, finality=2)
        with chain_node.mining(0.005):
            await ledger.append([b"a"])
            await ledger.append([b"b"])
        chain_node.rpc("anvil_reorg", min(60, chain_node.height() - 5), [])
        chain_node.mine(70)
        for call in (ledger.size(), ledger.append([b"c"])):
            with pytest.raises(InclusionProofError, match="were final before"):
                await call
        # What was read stays readable: it is the evidence.
        assert list(await ledger.read(0, 2)) == [b"a", b"b"]


async def test_another_log_of_the_same_size_is_refused(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    async with raw_log(chain_node, Mode.ENTRIES) as log:
        chain_node.mine(10)
        before = chain_node.rpc("evm_snapshot")
        await log.append(0, [b"a"])
        chain_node.mine(5)
        ledger = await ledger_of(stack, chain_node, tmp_path, log.address, Mode.ENTRIES)
        assert await ledger.size() == 1
        chain_node.rpc("evm_revert", before)
        log.account.forget_nonce()
        await log.append(0, [b"b"])
        chain_node.mine(6)
        with pytest.raises(InclusionProofError, match="another tree head"):
            await ledger.size()
        log.account.forget_nonce()
        await log.append(1, [b"c"])
        chain_node.mine(5)
        with pytest.raises(InclusionProofError, match="do not give the tree head"):
            await ledger.size()
        assert await ledger.mirror.size() == 1

"""Nodes that lie, leave out, refuse or are away: the ledger tells what is true, or says that it does not know."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InclusionProofError, SsiError, UnavailableError, VerificationError
from ssi.ledger.backends.evm.contract import Mode, event_topic, selector
from ssi.ledger.backends.evm.ledger import EvmLedger
from ssi.net.evm.values import to_hex
from tests.evm.ledger import opened
from tests.evm.log import raw_log
from tests.evm.node import Node, node
from tests.evm.proxy import Forward, Lost, Proxy, Refused, proxy

ENTRIES = [b"entry %d" % i for i in range(12)]
HEAD = to_hex(selector("head()"))


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running:
        yield running


@pytest.fixture
def liar(chain_node: Node) -> Iterator[Proxy]:
    with proxy(chain_node) as running:
        yield running


@pytest.fixture
async def address(chain_node: Node) -> bytes:
    """A log on which twelve entries are final, in four blocks that are not neighbours."""
    async with raw_log(chain_node, Mode.ENTRIES) as log:
        for start in range(0, len(ENTRIES), 3):
            await log.append(start, ENTRIES[start : start + 3])
            chain_node.mine(2)
        chain_node.mine(3)
        return log.address


@pytest.fixture
async def ledgers() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def reading(stack: AsyncExitStack, *arguments: Any, **options: Any) -> EvmLedger:
    ledger = opened(*arguments, key_file=None, **options)
    stack.push_async_callback(ledger.close)
    return ledger


def only(method: str, change: Any) -> Any:
    """Return an answer function that changes the results of one method."""

    def answer(called: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        return change(params, result) if called == method else result

    return answer


def changed_head(params: list[Any], result: Any) -> Any:
    return result[:-2] + ("00" if result[-2:] != "00" else "11") if params[0]["data"] == HEAD else result


def changed_entry(params: list[Any], result: Any) -> Any:
    return [log | {"data": log["data"].replace(b"entry 7".hex(), b"entry X".hex())} for log in result]


def left_out(params: list[Any], result: Any) -> Any:
    return [log for log in result if b"entry 7".hex() not in log["data"]]


async def test_an_honest_node_is_believed(liar: Proxy, address: bytes, tmp_path: Path, ledgers: AsyncExitStack) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    assert await ledger.size() == 12
    assert list(await ledger.read(0, 12)) == ENTRIES


@pytest.mark.parametrize("lie", [changed_head, changed_entry])
async def test_entries_that_do_not_give_the_head_are_refused(
    liar: Proxy, address: bytes, tmp_path: Path, ledgers: AsyncExitStack, lie: Any
) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    liar.answer = only("eth_call" if lie is changed_head else "eth_getLogs", lie)
    with pytest.raises(InclusionProofError, match="tree head"):
        await ledger.size()
    assert await ledger.mirror.size() == 0
    liar.answer = only("", None)
    assert await ledger.size() == 12


async def test_left_out_events_are_looked_for_and_never_passed_over(
    liar: Proxy, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    liar.answer = only("eth_getLogs", left_out)
    with pytest.raises(UnavailableError, match="gap"):
        await ledger.size()
    assert await ledger.mirror.size() == 0
    # Left out of ranges only: the way from entry to entry finds it.
    liar.answer = only("eth_getLogs", lambda p, r: r if p[0]["fromBlock"] == p[0]["toBlock"] else left_out(p, r))
    assert await ledger.size() == 12
    assert list(await ledger.read(0, 12)) == ENTRIES


async def test_a_second_node_makes_up_for_the_first(
    liar: Proxy, chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    for number, lie in enumerate((changed_entry, left_out)):
        liar.answer = only("eth_getLogs", lie)
        ledger = await reading(
            ledgers, liar, tmp_path, address, Mode.ENTRIES, rpc=chain_node.url, mirror=f"{number}.db"
        )
        assert await ledger.size() == 12
        assert list(await ledger.read(0, 12)) == ENTRIES


async def test_ranges_that_a_node_finds_too_long_are_halved(
    liar: Proxy, chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    def answer(called: str, params: list[Any], forward: Forward) -> Any:
        if called == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 5:
            raise Refused("query returned more than 10000 results")
        return forward()

    chain_node.mine(100)
    liar.answer = answer
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    assert await ledger.size() == 12
    assert liar.calls["eth_getLogs"] < 60


async def test_history_that_nodes_forgot_is_in_the_mirror(
    liar: Proxy, chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    assert await ledger.size() == 12
    pruned = chain_node.height()

    def answer(called: str, params: list[Any], forward: Forward) -> Any:
        if called == "eth_getLogs" and int(params[0]["fromBlock"], 16) < pruned - 3:
            raise Refused("history is not available")
        return forward()

    liar.answer = answer
    async with raw_log(chain_node, Mode.ENTRIES) as other:
        other.address = address
        await other.append(12, [b"new"])
    chain_node.mine(3)
    assert await ledger.size() == 13
    assert list(await ledger.read(0, 13)) == [*ENTRIES, b"new"]
    late = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES, mirror="late.db")
    with pytest.raises(UnavailableError):
        await late.size()


async def test_a_node_on_another_chain_is_noticed(
    chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    ledger = await reading(ledgers, chain_node, tmp_path, address, Mode.ENTRIES, chain_id=1)
    with pytest.raises(VerificationError, match="on chain 31337, chain 1 is expected"):
        await ledger.size()


async def test_a_contract_with_other_code_is_noticed(
    chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    for name, other, mode in (("a", address, Mode.LEAVES), ("b", bytes(19) + b"\x01", Mode.ENTRIES)):
        ledger = await reading(ledgers, chain_node, tmp_path, other, mode, mirror=name)
        with pytest.raises(VerificationError, match="not the contract"):
            await ledger.size()


async def test_a_young_contract_is_an_empty_log_until_it_is_final(
    chain_node: Node, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    async with raw_log(chain_node, Mode.ENTRIES) as log:
        ledger = await reading(ledgers, chain_node, tmp_path, log.address, Mode.ENTRIES)
        assert await ledger.size() == 0
        await log.append(0, [b"a"])
        assert await ledger.size() == 0
        chain_node.mine(3)
        assert await ledger.size() == 1


@pytest.mark.parametrize("agree", [1, 2, 3])
async def test_so_many_nodes_must_agree(
    chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack, agree: int
) -> None:
    with proxy(chain_node) as first, proxy(chain_node) as second:
        others = f"{first.url}&rpc={second.url}"
        ledger = await reading(ledgers, chain_node, tmp_path, address, Mode.ENTRIES, rpc=others, agree=agree)
        first.answer = only("eth_call", changed_head)
        if agree < 3:
            assert await ledger.size() == 12
        else:
            with pytest.raises(UnavailableError, match="2 of 3 nodes agree, 3 are needed"):
                await ledger.size()
        second.answer = only("eth_getBlockByNumber", lambda p, r: r | {"hash": "0x" + "11" * 32})
        if agree == 2:
            first.answer = only("eth_getBlockByNumber", lambda p, r: r | {"hash": "0x" + "22" * 32})
            with pytest.raises(UnavailableError, match="1 of 3 nodes agree, 2 are needed"):
                await ledger.size()


async def test_nodes_may_be_away_as_long_as_enough_answer(
    chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    def away(called: str, params: list[Any], forward: Forward) -> Any:
        raise Lost

    with proxy(chain_node) as first, proxy(chain_node) as second:
        others = f"{first.url}&rpc={second.url}"
        ledger = await reading(ledgers, chain_node, tmp_path, address, Mode.ENTRIES, rpc=others, agree=2)
        first.answer = away
        assert await ledger.size() == 12
        second.answer = away
        with pytest.raises(UnavailableError, match="1 of 3 nodes answer, 2 are needed"):
            await ledger.size()
        assert list(await ledger.read(0, 12)) == ENTRIES  # the mirror needs no node


async def test_a_node_that_lags_changes_nothing(
    liar: Proxy, chain_node: Node, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    assert await ledger.size() == 12
    early = chain_node.rpc("eth_getBlockByNumber", "0x1", False)
    liar.answer = only("eth_getBlockByNumber", lambda p, r: early)
    assert await ledger.size() == 12
    liar.answer = only("eth_getBlockByNumber", lambda p, r: early if p[0] != "finalized" else r)
    with pytest.raises(UnavailableError, match="another block"):
        await ledger.size()


JUNK: list[Any] = [None, True, 7, "", "0x", "0x0g", "0x1", "0x" + "00" * 31, "0x" + "ff" * 96, "0x" + "f" * 65, "text"]
JUNK += [[], [None], {}, {"number": "0x1"}, [{"topics": []}], {"number": "0x1", "hash": "0x12"}, [[[[]]]]]


async def test_any_answer_gives_the_truth_or_an_error_of_ours(
    liar: Proxy, address: bytes, tmp_path: Path, ledgers: AsyncExitStack
) -> None:
    draw = random.Random(1186)
    methods = ["eth_chainId", "eth_getBlockByNumber", "eth_call", "eth_getCode", "eth_getLogs", "eth_blockNumber"]
    refused = 0
    for number in range(30):
        method, junk = draw.choice(methods), draw.choice(JUNK)
        liar.answer = lambda called, params, forward, m=method, j=junk: j if called == m else forward()  # type: ignore[misc]
        ledger = opened(liar, tmp_path, address, Mode.ENTRIES, key_file=None, mirror=f"{number}.db")
        try:
            assert await ledger.size() in (0, 12)
        except SsiError:
            refused += 1
        assert await ledger.mirror.size() in (0, 12)
        await ledger.close()
    assert refused > 15


def event(first: int, body: bytes, block: str) -> dict[str, Any]:
    """An event that the contract never sent."""
    words = [to_hex(event_topic(Mode.ENTRIES)), *("0x" + number.to_bytes(32, "big").hex() for number in (first, 0))]
    data = (32).to_bytes(32, "big") + len(body).to_bytes(32, "big") + body.ljust(32, b"\0")
    return {"topics": words, "data": to_hex(data), "blockNumber": block, "logIndex": "0x0", "removed": False}


@pytest.mark.parametrize("change", [{"address": "0x" + "11" * 20}, {"removed": True}, {"blockNumber": "0xffffffff"}])
async def test_events_that_were_not_asked_for_are_no_answer(
    liar: Proxy, address: bytes, tmp_path: Path, ledgers: AsyncExitStack, change: Any
) -> None:
    ledger = await reading(ledgers, liar, tmp_path, address, Mode.ENTRIES)
    made_up = event(0, b"made up", "0x1") | {"address": to_hex(address)} | change
    liar.answer = only("eth_getLogs", lambda p, r: [made_up, *r])
    with pytest.raises(UnavailableError):
        await ledger.size()

"""Appending under bad conditions: every acknowledged entry is there, once; asking again is always safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import (
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    UnavailableError,
    UsageError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import merkle
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLedger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.storage import verify_storage
from tests.evm.ledger import deployed, opened
from tests.evm.log import account, raw_log
from tests.evm.node import KEYS, Node, node
from tests.evm.proxy import Forward, Lost, Proxy, proxy
from tests.unit.ledger.evm.closing import ledger_of

MODES = pytest.mark.parametrize("mode", list(Mode))


@pytest.fixture
def chain_node() -> Iterator[Node]:
    with node() as running:
        yield running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  (the node tells nobody)
            await asyncio.sleep(0.01)


def pooled(chain_node: Node) -> list[dict[str, Any]]:
    """Return the transactions that are in no block."""
    return [sent for by in chain_node.rpc("txpool_content")["pending"].values() for sent in by.values()]


async def test_what_is_stuck_is_sent_again_and_pays_more(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack
) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    chain_node.rpc("evm_setAutomine", False)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES, stuck=0.3)
    appending = asyncio.create_task(ledger.append([b"a"]))
    await until(lambda: bool(pooled(chain_node)))
    (first,) = pooled(chain_node)
    await until(lambda: pooled(chain_node)[0]["hash"] != first["hash"])
    (second,) = pooled(chain_node)  # in place of the first: the nonce is the same
    assert second["nonce"] == first["nonce"]
    for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert int(second[fee], 16) >= int(first[fee], 16) * 1.1
    with chain_node.mining():
        assert list(await appending) == [0]
    assert await ledger.size() == 1


async def test_no_fee_goes_over_its_bound(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    chain_node.rpc("evm_setAutomine", False)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES, stuck=0.05, max_fee_gwei=3, wait=1.5)
    with pytest.raises(UnavailableError, match=r"not final after 1\.5 seconds"):
        await ledger.append([b"a"])
    (last,) = pooled(chain_node)
    assert int(last["maxFeePerGas"], 16) <= 3 * 10**9
    with chain_node.mining():
        assert list(await ledger.append([b"a"])) == [0]  # asked again; what was sent first counts
    assert await ledger.size() == 1


async def test_what_nodes_forget_is_sent_again(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    chain_node.rpc("evm_setAutomine", False)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES, stuck=0.2)
    appending = asyncio.create_task(ledger.append([b"a"]))
    await until(lambda: bool(pooled(chain_node)))
    chain_node.rpc("anvil_dropAllTransactions")
    await until(lambda: bool(pooled(chain_node)))
    with chain_node.mining():
        assert list(await appending) == [0]


def lose_answers(every: int) -> Any:
    """Return an answer function that lets transactions through and loses the answer to most."""
    count = 0

    def answer(called: str, params: list[Any], forward: Forward) -> Any:
        nonlocal count
        result = forward()
        if called == "eth_sendRawTransaction":
            count += 1
            if count % every:
                raise Lost
        return result

    return answer


def send_twice(called: str, params: list[Any], forward: Forward) -> Any:
    """The node gets each transaction twice; what it says to the second one comes back."""
    if called == "eth_sendRawTransaction":
        forward()
    return forward()


@MODES
@pytest.mark.parametrize("fault", ["lost", "twice"])
async def test_lost_answers_and_repeated_transactions_write_nothing_twice(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, mode: Mode, fault: str
) -> None:
    address = await deployed(chain_node, mode)
    with proxy(chain_node) as between, chain_node.mining(0.005):
        between.answer = lose_answers(3) if fault == "lost" else send_twice
        ledger = await ledger_of(stack, between, tmp_path, address, mode)
        entries = [b"%d" % i for i in range(30)]

        async def write(mine: list[bytes]) -> list[int]:
            return [(await ledger.append([entry]))[0] for entry in mine]

        answers = await asyncio.gather(*(write(entries[start::6]) for start in range(6)))
        assert sorted(index for answer in answers for index in answer) == list(range(30))
        assert sorted(await ledger.read(0, await ledger.size())) == sorted(entries)  # type: ignore[type-var]
        await verify_storage(ledger)


@MODES
async def test_two_accounts_and_their_mirrors_see_one_log(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, mode: Mode
) -> None:
    async with raw_log(chain_node, mode) as log:
        await log.send(contract.set_writer_payload(account(log.chain, 1).signer.address, allowed=True))
        chain_node.mine(3)
        other_key = tmp_path / "other"
        other_key.touch(mode=0o600)
        other_key.write_text(KEYS[1].hex())
        one = await ledger_of(stack, chain_node, tmp_path, log.address, mode)
        two = await ledger_of(stack, chain_node, tmp_path, log.address, mode, key_file=other_key, mirror="two.db")
        await race(chain_node, one, two)
        size = await one.size()
        assert [await merkle.root(ledger, size) for ledger in (one, two)] == [(await log.head()).root] * 2
        if mode is Mode.LEAVES:
            gone = list(await one.missing())
            assert len(gone) == 20  # of what both appended, both kept the body
            with pytest.raises(UnavailableError, match=f"body of entry {gone[0]} "):
                await one.read(0, size)
            bodies = [body for i in gone for body in await two.read(i, i + 1)]
            assert await one.supply([*bodies, b"not in the log"]) == 20  # type: ignore[list-item]
        assert list(await one.read(0, size)) == list(await two.read(0, size)) if mode is Mode.ENTRIES else True
        await verify_storage(one)


async def test_no_leaf_hash_is_sent_before_its_body_is_durable(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES)
    await ledger.size()
    admit, failures = ledger.mirror.admit, 3

    async def failing(*arguments: Any, **named: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise UnavailableError("the disk did not synchronise")
        return await admit(*arguments, **named)

    monkeypatch.setattr(ledger.mirror, "admit", failing)
    with chain_node.mining():
        answers = await asyncio.gather(*(ledger.append([b"%d" % number]) for number in range(3)))
    assert failures == 0
    assert sorted(index for answer in answers for index in answer) == [0, 1, 2]
    assert await ledger.missing() == []
    assert sorted(await ledger.read(0, 3)) == [b"0", b"1", b"2"]  # type: ignore[type-var]


async def test_two_that_share_an_account_write_nothing_twice(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack
) -> None:
    address = await deployed(chain_node, Mode.ENTRIES)
    one = await ledger_of(stack, chain_node, tmp_path, address, Mode.ENTRIES)
    two = await ledger_of(stack, chain_node, tmp_path, address, Mode.ENTRIES, mirror="two.db")
    await race(chain_node, one, two)


async def test_two_that_share_a_mirror_write_nothing_twice(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack
) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    one = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES)
    two = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES)
    await race(chain_node, one, two)
    assert len(list(await one.read(0, await one.size()))) == 43


async def race(chain_node: Node, one: EvmLedger, two: EvmLedger) -> None:
    """Twenty entries from each, and three that both append, one by one from several tasks."""

    async def write(ledger: EvmLedger, name: str, part: int) -> dict[bytes, int]:
        entries = [
            *(f"{name} {number}".encode() for number in range(part, 20, 4)),
            *(b"x", b"y", b"z")[part : part + 1],
        ]
        return {entry: (await ledger.append([entry]))[0] for entry in entries}

    with chain_node.mining(0.005):
        writers = [write(ledger, name, part) for ledger, name in ((one, "1"), (two, "2")) for part in range(4)]
        answers = await asyncio.gather(*writers)
    indexes = {(entry, index) for answer in answers for entry, index in answer.items()}
    assert sorted(index for _, index in indexes) == list(range(43))
    assert await one.size() == await two.size() == 43
    await verify_storage(one) if one.options.mode is Mode.ENTRIES else None


@MODES
async def test_a_process_that_ends_before_an_answer_may_ask_again(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, mode: Mode
) -> None:
    address = await deployed(chain_node, mode)
    for number in range(4):
        ledger = opened(chain_node, tmp_path, address, mode)
        appending = asyncio.create_task(ledger.append([b"a", b"b"]))
        await asyncio.sleep(0.06 * number)
        await ledger.close()
        with pytest.raises(UnavailableError, match="the ledger is closed"):
            await appending
    ledger = await ledger_of(stack, chain_node, tmp_path, address, mode)
    with chain_node.mining():
        assert list(await ledger.append([b"a", b"b"])) == [0, 1]
    assert list(await ledger.read(0, await ledger.size())) == [b"a", b"b"]


async def test_an_outage_ends_or_is_told(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(called: str, params: list[Any], forward: Forward) -> Any:
        raise Lost

    address = await deployed(chain_node, Mode.LEAVES)
    with proxy(chain_node) as between, chain_node.mining():
        ledger = await ledger_of(stack, between, tmp_path, address, Mode.LEAVES)
        await ledger.append([b"a"])
        assert ledger._writer is not None
        ledger._writer._outage_seconds = 0.5
        between.answer = away
        with pytest.raises(UnavailableError, match="did not answer"):
            await ledger.append([b"b"])
        waiting = asyncio.create_task(ledger.append([b"b"]))
        await asyncio.sleep(0.2)
        between.answer = Proxy(chain_node).answer
        assert list(await waiting) == [1]


async def test_an_append_of_any_length_keeps_its_order(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    for mode, count, length in ((Mode.LEAVES, 3000, 10), (Mode.ENTRIES, 6, 60_000)):
        address = await deployed(chain_node, mode)
        ledger = await ledger_of(stack, chain_node, tmp_path, address, mode, mirror=mode)
        entries = [i.to_bytes(length, "big") for i in range(count)]
        with chain_node.mining():
            with pytest.raises(InvalidInputError, match="fits one transaction"):
                await ledger.append(entries, expected_size=0)
            assert list(await ledger.append(entries)) == list(range(count))
        assert list(await ledger.read(0, count)) == entries


async def test_an_expected_size_is_held_against_what_others_appended(
    chain_node: Node, tmp_path: Path, stack: AsyncExitStack
) -> None:
    async with raw_log(chain_node, Mode.LEAVES) as log:
        chain_node.mine(3)
        ledger = await ledger_of(stack, chain_node, tmp_path, log.address, Mode.LEAVES)
        assert await ledger.size() == 0
        await log.append(0, [merkle.leaf_hash(b"theirs")])
        with chain_node.mining(), pytest.raises(ConflictError):
            await ledger.append([b"ours"], expected_size=0)
        assert await ledger.size() == 1


async def test_who_may_not_write_is_told_why(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    stranger = tmp_path / "stranger"
    stranger.touch(mode=0o600)
    stranger.write_text(KEYS[1].hex())
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES, key_file=stranger)
    with pytest.raises(VerificationError, match="the account is not a writer"):
        await ledger.append([b"a"])
    poor = tmp_path / "poor"
    poor.touch(mode=0o600)
    poor.write_text("77" * 32)
    reader = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES, key_file=None, mirror="r.db")
    with pytest.raises(UsageError):
        await reader.append([b"a"])
    assert await ledger.size() == await reader.size() == 0


async def test_a_mirror_is_made_again_from_the_chain(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.ENTRIES)
    ledger = opened(chain_node, tmp_path, address, Mode.ENTRIES)
    kms = MemoryKms()
    await kms.generate("checkpoint", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    with chain_node.mining():
        await ledger.append([b"a", b"b"])
        note = await sign_checkpoint(ledger, kms=kms, label="checkpoint", origin="ledger.example/log")
        await ledger.put_checkpoint(None, note)
    await ledger.close()
    for path in tmp_path.glob("mirror.db*"):
        if not path.name.endswith(".head"):
            path.unlink()
    again = await ledger_of(stack, chain_node, tmp_path, address, Mode.ENTRIES)
    assert await again.size() == 2
    assert list(await again.read(0, 2)) == [b"a", b"b"]
    assert await again.checkpoint() == note  # the last signed head was kept beside it
    # A chain that is younger than the last signed head is another one.
    other = await deployed(chain_node, Mode.ENTRIES)
    head = tmp_path / "mirror.db.head"
    older = await ledger_of(stack, chain_node, tmp_path, other, Mode.ENTRIES, mirror="older.db", head=head)
    with pytest.raises(InclusionProofError, match="older than the last signed head"):
        await older.size()
    with pytest.raises(InclusionProofError, match="another log"):
        opened(chain_node, tmp_path, other, Mode.ENTRIES)


async def test_a_cancelled_append_harms_nobody(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES)
    lost = asyncio.create_task(ledger.append([b"a"]))
    kept = asyncio.create_task(ledger.append([b"b"]))
    await asyncio.sleep(0.05)
    lost.cancel()
    with chain_node.mining():
        assert list(await kept) == [1]
        assert list(await ledger.append([b"a"])) == [0]


async def test_a_closed_ledger_says_so(chain_node: Node, tmp_path: Path) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    ledger = opened(chain_node, tmp_path, address, Mode.LEAVES)
    assert await ledger.size() == 0
    await ledger.close()
    await ledger.close()
    for call in (ledger.append([b"a"]), ledger.size(), ledger.checkpoint()):
        with pytest.raises(UnavailableError):
            await call


async def test_many_loops_may_use_one_ledger(chain_node: Node, tmp_path: Path, stack: AsyncExitStack) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    ledger = await ledger_of(stack, chain_node, tmp_path, address, Mode.LEAVES)

    def in_its_own_loop(writer: int) -> list[int]:
        async def write() -> list[int]:
            return [(await ledger.append([b"%d/%d" % (writer, i)]))[0] for i in range(5)]

        return asyncio.run(write())

    with chain_node.mining():
        answers = await asyncio.gather(*(asyncio.to_thread(in_its_own_loop, i) for i in range(4)))
    assert sorted(index for answer in answers for index in answer) == list(range(20))

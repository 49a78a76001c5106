"""The contract on a real node: its code is what its source compiles to, and its tree is ours at every size."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from scripts.compile_contracts import CONTRACTS, NAMES, compile_contracts, text
from ssi.errors import RpcError, UnavailableError, VerificationError
from ssi.ledger import merkle
from ssi.ledger.backends.evm import contract
from ssi.ledger.backends.evm.contract import Head, Mode
from ssi.ledger.backends.evm.deploy import deploy
from ssi.ledger.backends.memory import MemoryLedger
from ssi.net.evm.account import Account
from ssi.net.evm.chain import Log
from ssi.net.evm.signer import LocalSigner
from ssi.net.evm.values import keccak
from tests.evm import gas, npm
from tests.evm.log import account, raw_log
from tests.evm.node import CHAIN_ID, KEYS, Node

MODES = pytest.mark.parametrize("mode", list(Mode))


@pytest.mark.slow
def test_the_packaged_code_is_what_the_source_compiles_to() -> None:
    documents = compile_contracts(npm.installed())
    for name in NAMES:
        assert (CONTRACTS / f"{name}.json").read_text(encoding="utf-8") == text(documents[name])


@pytest.mark.slow
def test_the_gas_in_the_documentation_is_what_a_node_charges() -> None:
    assert gas.main(["--check"]) == 0


@MODES
def test_the_artefact_agrees_with_itself(mode: Mode) -> None:
    code = contract.artefact(mode)
    assert keccak(code.runtime) == code.code_hash
    assert code.bytecode.endswith(code.runtime)
    events = {item["name"]: item for item in code.abi if item["type"] == "event"}
    name, last = ("Leaves", "bytes32[]") if mode is Mode.LEAVES else ("Entry", "bytes")
    assert [item["type"] for item in events[name]["inputs"]] == ["uint64", "uint64", last]
    assert [item["indexed"] for item in events[name]["inputs"]] == [True, True, False]


def items(mode: Mode, entries: Sequence[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in entries] if mode is Mode.LEAVES else list(entries)


@MODES
async def test_every_tree_head_is_that_of_the_log_in_memory(chain_node: Node, mode: Mode) -> None:
    draw, ledger = random.Random(6962), MemoryLedger()
    async with raw_log(chain_node, mode) as log:
        assert await log.head() == Head(0, 0, merkle.EMPTY_ROOT)
        roots, stored = [merkle.EMPTY_ROOT], []
        # One by one, then in pieces that begin and end at every kind of place.
        for count in [*[1] * 40, 2, 3, 4, 5, 7, 8, 9, 16, 1, 17, 33, 64, 15, *(draw.randint(1, 40) for _ in range(8))]:
            entries = [draw.randbytes(draw.randint(0, 500)) for _ in range(count)]
            size = await ledger.size()
            receipt = await log.append(size, items(mode, entries))
            assert receipt.succeeded
            await ledger.append(entries)
            head = await log.head()
            assert head == Head(size + count, receipt.block, await merkle.root(ledger, size + count))
            stored += entries
            roots.append(head.root)
        read = [leaf for batch in await log.batches() for leaf in batch.leaves]
        assert read == [merkle.leaf_hash(entry) for entry in stored]
        if mode is Mode.ENTRIES:
            assert [body for batch in await log.batches() for body in batch.bodies] == stored
        # What the chain keeps as its root is what our proofs verify against.
        size = len(stored)
        for index in range(0, size, 7):
            path = await merkle.inclusion_proof(ledger, index, size)
            merkle.verify_inclusion(index, size, read[index], path, head.root)
        for old in range(1, 41):
            path = await merkle.consistency_proof(ledger, old, size)
            merkle.verify_consistency(old, size, path, roots[old], head.root)


@MODES
async def test_each_event_names_the_block_of_the_entry_before(chain_node: Node, mode: Mode) -> None:
    async with raw_log(chain_node, mode) as log:
        for size in range(3):
            chain_node.mine(size)
            await log.append(size, items(mode, [bytes([size])]))
        batches = await log.batches()
        assert [batch.first for batch in batches] == [0, 1, 2]
        assert [batch.previous_block for batch in batches] == [0, batches[0].block, batches[1].block]
        assert (await log.head()).last_block == batches[2].block
        newest = await log.chain.newest()
        assert await contract.deployed_at(log.chain, log.address, newest) < batches[0].block


async def refused(sender: Account, to: bytes, payload: bytes) -> str | None:
    with pytest.raises(RpcError) as caught:
        await sender.estimate(to, payload)
    return contract.refusal(caught.value)


@MODES
async def test_what_the_contract_refuses_changes_nothing(chain_node: Node, mode: Mode) -> None:
    async with raw_log(chain_node, mode) as log:
        entry = items(mode, [b"a"])
        append = contract.append_payload
        assert (await log.append(0, entry)).succeeded
        assert not (await log.append(0, entry)).succeeded  # the same transaction again
        stranger = account(log.chain, 1)
        assert await refused(log.account, log.address, append(mode, 0, entry)) == (
            "the log has 1 entries, 0 were expected"
        )
        assert await refused(log.account, log.address, append(mode, (1 << 64) - 1, entry)) is not None
        assert await refused(log.account, log.address, append(mode, 1, [])) == "there is nothing to append"
        assert await refused(stranger, log.address, append(mode, 1, entry)) == "the account is not a writer"
        named = contract.set_writer_payload(stranger.signer.address, allowed=True)
        assert await refused(stranger, log.address, named) == "the account is not the owner"
        if mode is Mode.ENTRIES:
            assert await refused(log.account, log.address, append(mode, 1, [b"x" * 65_536])) == "an entry is too long"
            assert (await log.append(1, [b"x" * 65_535])).succeeded
        else:
            assert (await log.append(1, entry)).succeeded
        assert (await log.head()).size == 2


@MODES
async def test_the_owner_names_and_dismisses_writers(chain_node: Node, mode: Mode) -> None:
    async with raw_log(chain_node, mode) as log:
        other = account(log.chain, 1)
        for allowed in (True, False):
            payload = contract.set_writer_payload(other.signer.address, allowed=allowed)
            assert (await log.send(payload)).succeeded
            size = (await log.head()).size
            assert (await log.append(size, items(mode, [b"b"]), account=other)).succeeded is allowed


@MODES
async def test_a_new_log_is_made_and_belongs_to_whom_was_said(chain_node: Node, mode: Mode) -> None:
    payer, owner = LocalSigner(KEYS[0]), LocalSigner(KEYS[1])
    address = await deploy(
        chain_node.url, chain_id=CHAIN_ID, signer=payer, mode=mode, owner=owner.address, poll_seconds=0.01
    )
    async with raw_log(chain_node, mode) as log:
        log.address = address
        assert (await log.append(0, items(mode, [b"a"]))).succeeded
        dismissed = contract.set_writer_payload(payer.address, allowed=False)
        assert not (await log.send(dismissed)).succeeded
        assert (await log.send(dismissed, account=account(log.chain, 1))).succeeded
        assert not (await log.append(1, items(mode, [b"b"]))).succeeded
    with pytest.raises(VerificationError, match="chain 1 is expected"):
        await deploy(chain_node.url, chain_id=1, signer=payer)


async def test_other_code_is_noticed(chain_node: Node) -> None:
    async with raw_log(chain_node, Mode.LEAVES) as log:
        newest = await log.chain.newest()
        await contract.check_code(log.chain, log.address, Mode.LEAVES, newest)
        for mode, address in ((Mode.ENTRIES, log.address), (Mode.LEAVES, bytes(20))):
            with pytest.raises(VerificationError, match="not the contract"):
                await contract.check_code(log.chain, address, mode, newest)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("payload", [b"", bytes(64), b"\x00" * 31 + b"\x20" + b"\xff" * 32, b"\x00" * 31 + b"\x20\x00"])
def test_an_event_of_another_shape_is_no_answer(mode: Mode, payload: bytes) -> None:
    topics = (contract.event_topic(mode), bytes(32), bytes(32))
    with pytest.raises(UnavailableError):
        contract.parse_event(mode, Log(1, 0, topics, payload))
    with pytest.raises(UnavailableError):
        contract.parse_event(mode, Log(1, 0, topics[:2], payload))

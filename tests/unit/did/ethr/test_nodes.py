"""Nodes that lie, leave out, repeat, forget or are somewhere else."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ssi.did.backends.ethr import EthrRegistry
from ssi.did.backends.ethr_controller import EthrController
from ssi.did.ethr.changes import AddDelegate, ChangeOwner, payload
from ssi.did.ethr.identifier import ethr_did, keccak
from ssi.did.ethr.networks import EthrNetwork
from ssi.did.ethr.publish import publish_service
from ssi.did.methods.ethr import DidEthr
from ssi.did.resolver import Resolution
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.net.evm.chain import Chain
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import LocalSigner
from tests.evm.node import CHAIN_ID, Node
from tests.evm.proxy import Answer, Forward, Lost, proxy
from tests.evm.registry import NAME, connected, controller, signer

CHANGED = "0x" + keccak(b"changed(address)")[:4].hex()
OWNER = "0x" + keccak(b"identityOwner(address)")[:4].hex()


class Told:
    """A DID with four changes, the first two in one block, and what is said of it through a node that may lie."""

    def __init__(self, node: Node, network: EthrNetwork, did: str, blocks: list[int]) -> None:
        self.node = node
        self.network = network
        self.did = did
        self.blocks = blocks

    async def through(self, answer: Answer, *, honest: int = 0, agree: int = 1, **options: Any) -> Resolution:
        with proxy(self.node) as between:
            between.answer = answer
            urls = [between.url, *[self.node.url + "/" * n for n in range(honest)]]
            async with connected(self.network, *urls, agree=agree, **options) as registry:
                return await DidEthr([registry]).resolve(self.did)


@pytest.fixture
async def told(chain_node: Node, network: EthrNetwork) -> Told:
    account = signer(chain_node, secrets.token_bytes(31).rjust(32, b"\1"))
    did = ethr_did(account.address, network=NAME)
    async with connected(network, chain_node.url) as registry:
        ours = controller(registry, account)
        blocks = [await two_in_one_block(chain_node, ours, account, did)]
        for change in (
            publish_service("Inbox", "https://agency.example/", seconds=999),
            ChangeOwner(bytes(19) + b"\7"),
        ):
            chain_node.mine()
            blocks.append(int((await ours.apply(did, change)).version_id))
    return Told(chain_node, network, did, blocks)


async def two_in_one_block(node: Node, ours: EthrController, account: LocalSigner, did: str) -> int:
    node.rpc("evm_setAutomine", False)
    try:
        to = ours.registry.network.registry
        calls = [payload(AddDelegate("veriKey", bytes(19) + bytes([n]), 999), account.address) for n in (1, 2)]
        sent = [await ours.account.send(to, call, gas=200_000) for call in calls]
        node.mine()
    finally:
        node.rpc("evm_setAutomine", True)
    return (await ours.account.wait(sent[-1], poll_seconds=0.002)).block


def honest(method: str, params: list[Any], forward: Forward) -> Any:
    return forward()


async def test_an_honest_node_is_believed(told: Told) -> None:
    found = await told.through(honest)
    assert len(found.document.verification_methods) == 3
    assert found.metadata.version_id == str(told.blocks[-1])


def logs(change: Any, *, block: int | None = None) -> Answer:
    """A node whose logs go through a function, those of one block only if it is named."""

    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if method == "eth_getLogs" and (block is None or (result and int(result[0]["blockNumber"], 16) == block)):
            return change(result)
        return result

    return answer


def word(of: str, index: int, value: int) -> str:
    """Return data with one word replaced; a negative index counts from the end."""
    words = [of[start : start + 64] for start in range(2, len(of), 64)]
    words[index] = f"{value:064x}"
    return "0x" + "".join(words)


LIES: dict[str, Any] = {
    "nothing": lambda found: [],
    "no list": lambda found: {"logs": found},
    "one left out in front": lambda found: found[1:],
    "a log of another contract": lambda found: [{**found[0], "address": "0x" + "11" * 20}],
    "a log of another identity": lambda found: [{**found[0], "topics": [found[0]["topics"][0], "0x" + "00" * 32]}],
    "a log of another kind": lambda found: [{**found[0], "topics": ["0x" + "22" * 32, found[0]["topics"][1]]}],
    "a log without topics": lambda found: [{**found[0], "topics": []}],
    "a log of another block": lambda found: [{**found[0], "blockNumber": hex(int(found[0]["blockNumber"], 16) - 1)}],
    "a log that was removed": lambda found: [{**found[0], "removed": True}],
    "the same log twice": lambda found: [found[0], found[0]],
    "the same change twice": lambda found: [found[0], {**found[0], "logIndex": "0x99"}],
    "a log that is cut off": lambda found: [{**found[0], "data": found[0]["data"][:-64]}],
    "a log that is too long": lambda found: [{**found[0], "data": found[0]["data"] + "00" * 32}],
    "no hexadecimal data": lambda found: [{**found[0], "data": "0xzz"}],
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_about_logs_is_refused(told: Told, lie: str) -> None:
    answer = logs(LIES[lie], block=told.blocks[0] if lie == "one left out in front" else None)
    with pytest.raises(UnavailableError):
        await told.through(answer)
    # Two honest nodes outvote it.
    assert (await told.through(answer, honest=2, agree=2)).metadata.version_id == str(told.blocks[-1])


@pytest.mark.parametrize("step", [0, 1, 1000, 2**63])
async def test_links_lead_back_and_never_on(told: Told, step: int) -> None:
    """A change that follows on itself, or on one of the future, would be walked for ever."""
    last = told.blocks[-1]
    with pytest.raises(UnavailableError, match="linked"):
        await told.through(
            logs(lambda found: [{**found[0], "data": word(found[0]["data"], 1, last + step)}], block=last)
        )


async def test_a_link_that_skips_a_change_is_noticed_by_the_owner(told: Told) -> None:
    """The change of the owner is left out, and the contract's state says otherwise."""
    with pytest.raises(UnavailableError, match="another owner"):
        await told.through(calls(CHANGED, told.blocks[1]))
    with pytest.raises(UnavailableError, match="another owner"):
        await told.through(calls(CHANGED, 0))
    with pytest.raises(UnavailableError, match="another owner"):
        await told.through(calls(OWNER, 5))
    with pytest.raises(UnavailableError, match="more than 20 bytes"):
        await told.through(calls(OWNER, 2**200))


def calls(selector: str, value: int) -> Answer:
    """A node that answers one function of the contract with a number of its own."""

    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        if method == "eth_call" and params[0]["data"].startswith(selector):
            return f"0x{value:064x}"
        return forward()

    return answer


async def test_a_newest_change_of_the_future_is_refused(told: Told) -> None:
    with pytest.raises(UnavailableError, match="not before"):
        await told.through(calls(CHANGED, 2**40))


async def test_a_node_without_the_registry_is_no_source(told: Told) -> None:
    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        return "0x" if method == "eth_call" else forward()

    with pytest.raises(VerificationError, match="no registry"):
        await told.through(answer)

    def shapeless(method: str, params: list[Any], forward: Forward) -> Any:
        return "0x00" if method == "eth_call" else forward()

    with pytest.raises(UnavailableError, match="shape"):
        await told.through(shapeless)


async def test_a_node_on_another_chain_is_refused(told: Told) -> None:
    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        return "0x1" if method == "eth_chainId" else forward()

    with pytest.raises(VerificationError, match=f"chain 1, chain {CHAIN_ID} is expected"):
        await told.through(answer)


async def test_a_chain_that_changes_meanwhile_is_asked_again(told: Told) -> None:
    seen: list[str] = []

    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        result = forward()
        if method == "eth_getBlockByNumber" and result is not None:
            seen.append(result["number"])
            if len(seen) > 4:
                return {**result, "hash": "0x" + "33" * 32}
        return result

    with pytest.raises(UnavailableError):
        await told.through(answer)


async def test_a_node_that_falls_silent(told: Told) -> None:
    def answer(method: str, params: list[Any], forward: Forward) -> Any:
        if method == "eth_getLogs":
            raise Lost
        return forward()

    with pytest.raises(UnavailableError):
        await told.through(answer)
    assert (await told.through(answer, honest=1)).metadata.version_id == str(told.blocks[-1])


async def test_a_long_history_is_bounded(told: Told) -> None:
    with pytest.raises(InvalidInputError, match="more often than 3 times"):
        await told.through(honest, max_changes=3)
    assert (await told.through(honest, max_changes=4)).metadata.version_id == str(told.blocks[-1])


async def test_what_is_not_final_is_not_read(told: Told) -> None:
    above = told.node.height() - told.blocks[-1]
    assert (await told.through(honest, finality=above)).metadata.version_id == str(told.blocks[-1])
    assert (await told.through(honest, finality=above + 1)).metadata.version_id == str(told.blocks[1])
    told.node.mine(2)
    assert (await told.through(honest, finality="finalized")).metadata.version_id == str(told.blocks[-1])


def test_nodes_are_of_the_network_and_different(network: EthrNetwork) -> None:
    url = "https://node.example/"
    chain = Chain([Endpoint(url)], chain_id=1, agree=1, finality=0)
    with pytest.raises(InvalidInputError, match="the chain is"):
        EthrRegistry(chain, network)
    with pytest.raises(InvalidInputError, match="twice"):
        EthrRegistry.connect([url, url], network, agree=2)

"""Registries of DIDs on a test node, deployed from the packages that publish them.

Input:   a running node; the npm packages ethr-did-registry 1.3.0, and 0.0.3 for the contract of 2018.
Shapes:  the node's chain is a network of its own, ``dev``.
I/O:     JSON-RPC to that node.
Errors:  ``tests.needs`` if the packages are not to be had.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ssi.did.backends.ethr import EthrRegistry
from ssi.did.backends.ethr_controller import EthrController
from ssi.did.ethr.networks import EthrNetwork
from ssi.net.evm.account import Account
from ssi.net.evm.chain import Chain, Finality
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner, LocalSigner
from tests.evm import npm
from tests.evm.node import CHAIN_ID, KEYS, Node

NAME = "dev"
GAS = 5_000_000
POLL = 0.002
_ARTEFACTS = {
    False: Path("ethr-did-registry", "artifacts", "contracts", "EthereumDIDRegistry.sol", "EthereumDIDRegistry.json"),
    True: Path("ethr-did-registry-legacy", "build", "contracts", "EthereumDIDRegistry.json"),
}


def artefact(*, legacy: bool = False) -> dict[str, Any]:
    """Return the published artefact: ``abi`` and ``bytecode``."""
    found: dict[str, Any] = json.loads((npm.installed() / "node_modules" / _ARTEFACTS[legacy]).read_bytes())
    return found


async def deployed(node: Node, *, legacy: bool = False) -> EthrNetwork:
    """Deploy a registry; return the network that it makes."""
    chain = Chain([Endpoint(node.url)], chain_id=CHAIN_ID, agree=1, finality=0)
    try:
        account = Account(chain, LocalSigner(KEYS[0]))
        code = bytes.fromhex(artefact(legacy=legacy)["bytecode"].removeprefix("0x"))
        receipt = await account.wait(await account.send(b"", code, gas=GAS), poll_seconds=POLL)
        assert receipt.succeeded
        assert receipt.contract is not None
        return EthrNetwork(chain_id=CHAIN_ID, registry=receipt.contract, name=NAME, legacy_nonce=legacy)
    finally:
        await chain.close()


@asynccontextmanager
async def connected(network: EthrNetwork, *urls: str, **options: Any) -> AsyncIterator[EthrRegistry]:
    """Read a registry through some nodes; every block is final unless the options say otherwise."""
    finality: Finality = options.pop("finality", 0)
    registry = EthrRegistry.connect(urls, network, finality=finality, **options)
    try:
        yield registry
    finally:
        await registry.close()


def controller(registry: EthrRegistry, signer: EvmSigner) -> EthrController:
    """Return a controller whose account has money."""
    return EthrController(registry, Account(registry.chain, signer), poll_seconds=POLL, wait_seconds=20)


def signer(node: Node, secret: bytes) -> LocalSigner:
    """Return the signer of a key, whose account now has money."""
    made = LocalSigner(secret)
    node.rpc("anvil_setBalance", "0x" + made.address.hex(), hex(10**20))
    return made

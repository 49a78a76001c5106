"""The networks that did:ethr is known on: where each one's registry is, and how it counts nonces.

Source:  ``deployments.json`` beside this file, which says where its facts are from; ETHR DID Method Specification,
         "Method Specific Identifier".
Input:   the network of a DID, or what an operator configures for a chain of its own.
Shapes:  addresses have 20 bytes.
I/O:     reads package data once. No node is known here: who resolves names its own.
Errors:  InvalidInputError (a network that nobody described).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import msgspec

from ssi.did.ethr.identifier import MAINNET, EthrDid
from ssi.errors import InvalidInputError


class EthrNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A chain with an ERC-1056 registry."""

    chain_id: int
    registry: bytes
    name: str | None = None
    """What DIDs call it, beside its chain id in hexadecimal."""
    legacy_nonce: bool = False
    """Whether the registry counts the nonces of signed changes as it was deployed in 2018."""

    def has(self, did: EthrDid) -> bool:
        """Return whether ``did`` is on this network."""
        if did.chain_id is not None:
            return did.chain_id == self.chain_id
        return did.network == self.name or (did.network == MAINNET and self.chain_id == 1)


@cache
def known_networks() -> tuple[EthrNetwork, ...]:
    """Return the networks of the method's own list."""
    text = files("ssi.did.ethr").joinpath("deployments.json").read_text(encoding="utf-8")
    return tuple(
        EthrNetwork(
            chain_id=each["chain_id"],
            registry=bytes.fromhex(each["registry"][2:]),
            name=each["name"],
            legacy_nonce=each["legacy_nonce"],
        )
        for each in json.loads(text)["deployments"]
    )


def known_network(which: str | int) -> EthrNetwork:
    """Return a network by its name or chain id. Raises InvalidInputError if the list does not have it."""
    for network in known_networks():
        if which in (network.name, network.chain_id, hex(network.chain_id)):
            return network
    raise InvalidInputError("the network is none of the known ones: describe it, with its registry and chain id")


def same_address_elsewhere(network: EthrNetwork) -> tuple[EthrNetwork, ...]:
    """Return the other known networks with a registry at the same address.

    A signed change names the registry and no chain, so that it can be sent on all of them.
    """
    return tuple(
        other for other in known_networks() if other.registry == network.registry and other.chain_id != network.chain_id
    )

"""did:ethr on one chain for both sides: a node, a registry, and what their documents come to in today's terms.

Source:  ETHR DID Method Specification (2026-08), sections named at each difference.
Input:   answers of the npm package ethr-did-resolver 11.1.3, which follows the text before its key types changed.
Shapes:  documents and metadata as JSON objects.
I/O:     starts a node; deploys the published registry.
Errors:  PeerAbsent if node or packages are not to be had.
"""

from __future__ import annotations

import base64
import copy
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ssi.did.backends.ethr import EthrRegistry
from ssi.did.ethr.attributes import key_material
from ssi.did.ethr.networks import EthrNetwork
from ssi.did.methods.ethr import DidEthr
from ssi.protocols.did_resolution import build_metadata
from tests.evm import npm, registry
from tests.evm.node import CHAIN_ID, Node, node
from tests.interop.exchanges import _npm
from tests.interop.matrix import PeerAbsent

_ALGORITHMS = {
    "EcdsaSecp256k1VerificationKey2019": "Secp256k1",
    "Ed25519VerificationKey2018": "Ed25519",
    "X25519KeyAgreementKey2019": "X25519",
    "Multikey": "Multikey",
}
"""Types of the peer whose keys have another type or form now ("Known Key Types")."""


class Chain:
    """A chain with a registry, read by both sides."""

    def __init__(self, running: Node, network: EthrNetwork, ours: EthrRegistry) -> None:
        self.node = running
        self.network = network
        self.registry = ours

    @property
    def place(self) -> dict[str, Any]:
        """Where the peer finds it."""
        return {"url": self.node.url, "chainId": CHAIN_ID, "registry": "0x" + self.network.registry.hex()}

    def theirs(self, dids: Sequence[str]) -> list[dict[str, Any]]:
        """Return what the peer resolves."""
        found: list[dict[str, Any]] = _npm.ask_ethr(action="resolve", dids=list(dids), **self.place)
        return found

    async def same(self, did: str, versions: Sequence[str | None] = (None,)) -> list[dict[str, Any]]:
        """Compare the versions of a DID; return our documents."""
        urls = [did if version is None else f"{did}?versionId={version}" for version in versions]
        ours = []
        for version, theirs in zip(versions, self.theirs(urls), strict=True):
            found = await DidEthr([self.registry]).resolve(did, version_id=version)
            metadata = build_metadata(found)
            if "nextVersionId" in metadata:
                # They say it of the last version only; DID Resolution 4.3 has it of a DID, and so of every version.
                metadata.pop("deactivated", None)
            assert theirs["didDocument"] is not None, theirs
            assert metadata == theirs["didDocumentMetadata"], (version, metadata, theirs["didDocumentMetadata"])
            expected, document = todays(theirs["didDocument"]), comparable(found.document.raw)
            assert document == expected, (version, document, expected)
            ours.append(found.document.raw)
        return ours


@asynccontextmanager
async def chain() -> AsyncIterator[Chain]:
    """Start a chain whose time began a day ago, so that it never runs ahead of the peer's clock."""
    _npm.installed()
    try:
        npm.find_anvil()
    except npm.Absent as exc:
        raise PeerAbsent(str(exc)) from exc
    with node("--timestamp", str(int(time.time()) - 86_400)) as running:
        running.rpc("anvil_setBlockTimestampInterval", 1)  # each block has a time of its own
        network = await registry.deployed(running)
        async with registry.connected(network, running.url) as ours:
            yield Chain(running, network, ours)


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without its contexts, with key agreement in any order."""
    found = copy.deepcopy(document)
    # The contexts follow the key types: "JSON-LD Context Definition", and "Delete (Revoke)" for a deactivated DID.
    del found["@context"]
    if "keyAgreement" in found:
        found["keyAgreement"] = sorted(found["keyAgreement"])
    return found


def todays(document: dict[str, Any]) -> dict[str, Any]:
    """Return the peer's document in the form that the text of today gives it."""
    found = comparable(document)
    found["verificationMethod"] = [_method(method) for method in found["verificationMethod"]]
    if "keyAgreement" in found:
        # The peer revokes a key and leaves the reference to it ("Update": revoked elements go).
        there = {method["id"] for method in found["verificationMethod"]}
        found["keyAgreement"] = [each for each in found["keyAgreement"] if each in there]
        if not found["keyAgreement"]:
            del found["keyAgreement"]
    return found


def _method(method: dict[str, Any]) -> dict[str, Any]:
    algorithm = _ALGORITHMS.get(method["type"])
    if algorithm is None:
        return method
    encoded = method.get("publicKeyBase64")
    value = bytes.fromhex(method["publicKeyHex"]) if encoded is None else base64.b64decode(encoded)
    material = key_material(algorithm, None, value)
    assert material is not None
    return {"id": method["id"], "controller": method["controller"], **material}

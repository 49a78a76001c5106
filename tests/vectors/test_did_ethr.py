"""The examples of the did:ethr specification, and the method's list of networks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ssi.did.document import parse_document
from ssi.did.ethr.changes import (
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
    Signature,
    payload,
)
from ssi.did.ethr.document import DID_CONTEXT, RECOVERY_CONTEXT
from ssi.did.ethr.events import ATTRIBUTE_TOPIC, DELEGATE_TOPIC, OWNER_TOPIC, Event, OwnerChanged
from ssi.did.ethr.identifier import NO_ADDRESS, keccak
from ssi.did.ethr.networks import known_networks
from ssi.did.methods.ethr import DidEthr
from ssi.did.resolver import Resolution
from ssi.encoding.multibase import multibase_decode
from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError
from ssi.keys import Curve, PublicKey
from ssi.protocols.did_resolution import build_metadata
from tests.unit.did.ethr.histories import StatedHistory, attribute, delegate
from tests.vectors.support import VectorCount, load_json

count = VectorCount("did/did-ethr")
EXAMPLES: list[dict[str, Any]] = load_json("did/did-ethr", "method-spec-examples.json")["blocks"]
SUBJECT = "did:ethr:0xf3beac30c498d9e26865f34fcaa57dbb935b0d74"
COMPRESSED = "02b97c30de767f084ce3080168ee293053ba33b235d7116a3263d29f1450936b71"


def example(number: int) -> Any:
    assert EXAMPLES[number]["lang"] == "json"
    return json.loads(EXAMPLES[number]["text"])


async def resolved(did: str, *events: Event, **asked: Any) -> Resolution:
    return await DidEthr([StatedHistory(events)]).resolve(did, **asked)


def lower(document: Any) -> Any:
    """The specification allows the checksum in the letters of an account, which its examples do not use."""
    return json.loads(re.sub(r"eip155:1:0x[0-9a-fA-F]{40}", lambda found: found[0].lower(), json.dumps(document)))


async def test_the_document_of_an_account_that_nobody_changed() -> None:
    expected = example(1)
    found = await resolved(expected["id"])
    assert lower(found.document.raw) == expected
    assert found.metadata.version_id is None
    count.ran()


async def test_the_document_of_a_key_that_nobody_changed() -> None:
    """The account that the text prints is that of the example before it: the key is the curve's generator."""
    expected = example(2)
    found = lower((await resolved(expected["id"])).document.raw)
    account = expected["verificationMethod"][0]["blockchainAccountId"]
    assert account == example(1)["verificationMethod"][0]["blockchainAccountId"]
    own = found["verificationMethod"][0]["blockchainAccountId"]
    assert own == "eip155:1:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    assert json.loads(json.dumps(found).replace(own, account)) == expected
    count.left_out("the account that the text prints is not that of the key in the DID")


def test_the_contexts_of_every_document() -> None:
    assert example(0)["@context"] == [DID_CONTEXT, RECOVERY_CONTEXT]
    count.ran()


@pytest.mark.parametrize(("number", "topic"), [(3, OWNER_TOPIC), (4, DELEGATE_TOPIC), (6, ATTRIBUTE_TOPIC)])
def test_the_topics_of_the_events(number: int, topic: bytes) -> None:
    name, arguments = re.fullmatch(r"event (\w+)\((.*)\);", " ".join(EXAMPLES[number]["text"].split())).groups()  # type: ignore[union-attr]
    types = [argument.split()[0].replace("uint", "uint256") for argument in arguments.split(",")]
    assert keccak(f"{name}({','.join(types)})".encode()) == topic
    count.ran()


async def test_the_entry_of_a_delegate() -> None:
    expected = example(5)
    account = bytes.fromhex(expected["blockchainAccountId"].rpartition("0x")[2])
    found = await resolved(SUBJECT, delegate("veriKey", account))
    assert lower(found.document.raw)["verificationMethod"][1] == expected
    assert found.document.raw["assertionMethod"] == [f"{SUBJECT}#controller", expected["id"]]
    count.ran()


KEYS: dict[int, tuple[str, str]] = {
    8: ("did/pub/CustomKeyType/veriKey/hex", COMPRESSED),
    9: ("did/pub/Ed25519/veriKey", "c642b35757cc36906fa75fa0338bf33e5210c5bce4769324801fd64276d69d07"),
    10: ("did/pub/X25519/enc", "118557777ffb078774371a52b00fed75561dcf975e61c47553e664a617661052"),
    11: (
        "did/pub/Multikey/veriKey",
        "eb01b3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a1118"
        "1f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c",
    ),
    12: ("did/pub/Multikey/veriKey", f"e701{COMPRESSED}"),
}
"""The names and values that the text beside each example gives."""


@pytest.mark.parametrize("number", KEYS)
async def test_the_entry_of_a_key(number: int) -> None:
    name, value = KEYS[number]
    found = await resolved(SUBJECT, attribute(name, bytes.fromhex(value)))
    assert found.document.raw["verificationMethod"][1] == example(number)
    altered = bytearray.fromhex(value)
    altered[-1] ^= 1
    other = await resolved(SUBJECT, attribute(name, bytes(altered)))
    assert example(number) not in other.document.raw["verificationMethod"]
    count.ran()


async def test_the_entry_of_a_secp256k1_key() -> None:
    """The JWK that the text prints is no point of the curve, so it cannot be the key that stands beside it."""
    expected = example(7)
    found = await resolved(SUBJECT, attribute("did/pub/Secp256k1/veriKey", bytes.fromhex(COMPRESSED)))
    entry = found.document.raw["verificationMethod"][1]
    assert {**entry, "publicKeyJwk": None} == {**expected, "publicKeyJwk": None}
    key = found.key(f"{SUBJECT}#delegate-1", "assertionMethod")
    assert (key.curve, key.to_raw().hex()) == (Curve.SECP256K1, COMPRESSED)
    with pytest.raises(InvalidInputError, match="point"):
        PublicKey.from_jwk(expected["publicKeyJwk"])
    count.left_out("the JWK that the text prints is no point of secp256k1")


async def test_the_entry_of_a_post_quantum_key() -> None:
    expected = example(14)
    found = await resolved(
        SUBJECT, attribute("did/pub/Multikey/veriKey", multibase_decode(expected["publicKeyMultibase"]))
    )
    assert found.document.raw["verificationMethod"][1] == expected
    count.ran()


@pytest.mark.parametrize("number", [13, 15])
def test_keys_that_the_text_cuts_short(number: int) -> None:
    assert "..." in example(number)["publicKeyMultibase"]
    count.left_out("the key is cut short in the text")


async def test_the_entry_of_a_service() -> None:
    value = bytes.fromhex("68747470733a2f2f687562732e75706f72742e6d65")
    found = await resolved(SUBJECT, attribute("did/svc/HubService", value))
    assert found.document.raw["service"] == [example(16)]
    count.ran()


async def test_the_document_of_a_deactivated_did() -> None:
    expected = example(17)
    found = await resolved(SUBJECT, OwnerChanged(1, 1, NO_ADDRESS))
    assert found.document.raw == {**expected["didDocument"], "id": SUBJECT}
    assert build_metadata(found)["deactivated"] is expected["didDocumentMetadata"]["deactivated"]
    parse_document(found.document.raw, did=SUBJECT)
    count.ran()


@pytest.mark.parametrize(
    ("number", "asked"),
    [(18, {}), (20, {"version_id": "12101682"}), (21, {"version_time": 1616436869})],
)
async def test_the_metadata_of_a_version(number: int, asked: dict[str, Any]) -> None:
    expected = example(number)["didDocumentMetadata"]
    events: list[Event] = [
        OwnerChanged(int(expected["versionId"]), parse_seconds(expected["updated"]), bytes(19) + b"\1")
    ]
    if "nextVersionId" in expected:
        block, time = int(expected["nextVersionId"]), parse_seconds(expected["nextUpdate"])
        events.append(OwnerChanged(block, time, bytes(19) + b"\2"))
    assert build_metadata(await resolved(SUBJECT, *events, **asked)) == expected
    count.ran()


def test_what_the_http_binding_says_itself() -> None:
    assert example(19) == {"didResolutionMetadata": {"contentType": "application/did+ld+json"}}
    count.left_out("the content type is that of the representation, which DID Resolution v1 names differently")


def test_the_networks_are_those_of_the_list() -> None:
    listed = load_json("did/did-ethr", "deployments.json")
    assert [
        {"chainId": n.chain_id, "registry": f"0x{n.registry.hex()}", "name": n.name, "legacyNonce": n.legacy_nonce}
        for n in known_networks()
    ] == [{**each, "registry": each["registry"].lower()} for each in listed]
    count.ran(len(listed))


CHANGES: list[Change] = [
    ChangeOwner(bytes(20)),
    AddDelegate("veriKey", bytes(20), 1),
    RevokeDelegate("veriKey", bytes(20)),
    SetAttribute("did/svc/Inbox", b"https://agency.example/", 1),
    RevokeAttribute("did/svc/Inbox", b"https://agency.example/"),
]


def test_calls_have_the_selectors_of_the_registry() -> None:
    found = VectorCount("did/did-ethr/registry-npm-1.3.0")
    known = load_json("did/did-ethr/registry-npm-1.3.0", "build-settings.json")["methodIdentifiers"]
    functions = {selector: name for name, selector in known.items()}
    seen = set()
    for change in CHANGES:
        for signature, ending in ((None, ""), (Signature(27, 1, 1), "Signed")):
            selector = payload(change, bytes(20), signature=signature)[:4].hex()
            assert functions[selector].partition("(")[0].lower() == f"{type(change).__name__}{ending}".lower()
            seen.add(selector)
    reading = {name for name in ("changed(address)", "identityOwner(address)", "nonce(address)") if name in known}
    for name in reading:
        assert keccak(name.encode())[:4].hex() == known[name]
    found.ran(len(seen) + len(reading))
    assert (len(seen), len(reading)) == (10, 3)
    found.left_out("a function that is not called here", len(known) - len(seen) - len(reading))


def test_the_legacy_registry_has_the_same_functions() -> None:
    found = VectorCount("did/did-ethr/registry-legacy")
    abi = load_json("did/did-ethr/registry-legacy", "LegacyEthereumDIDRegistry.json")["abi"]
    today = load_json("did/did-ethr/registry-npm-1.3.0", "EthereumDIDRegistry.json")["abi"]

    def shapes(items: list[dict[str, Any]]) -> set[tuple[str, ...]]:
        return {(item["type"], item["name"], *(each["type"] for each in item["inputs"])) for item in items}

    assert shapes(abi) == shapes(today)
    found.ran(len(abi))

"""The program makes, changes, resolves and ends a did:ethr on a real node."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ssi.did.ethr.networks import EthrNetwork
from ssi.keys import Curve, PrivateKey
from ssi.net.evm.signer import LocalSigner
from ssi.net.evm.values import format_address
from tests.evm.node import CHAIN_ID, Node, node
from tests.evm.registry import deployed, signer
from tests.unit.cli.program import ssi

KEY = secrets.token_bytes(31).rjust(32, b"\1")
ADDRESS = "0x" + LocalSigner(KEY).address.hex()
DID = f"did:ethr:dev:{ADDRESS}"


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running:
        yield running


@pytest.fixture(scope="module")
def network(chain_node: Node) -> EthrNetwork:
    return asyncio.run(deployed(chain_node))


@pytest.fixture
def project(chain_node: Node, network: EthrNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project file that describes the network, and the key of an account with money."""
    signer(chain_node, KEY)
    key = tmp_path / "account.key"
    key.write_text(KEY.hex())
    key.chmod(0o600)
    (tmp_path / "ssi.toml").write_text(
        f"""
[[ethr]]
network = "dev"
nodes = ["{chain_node.url}"]
finality = 0
chain_id = {CHAIN_ID}
registry = "{format_address(network.registry)}"
key_file = "account.key"
"""
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ok(*arguments: object) -> dict[str, Any]:
    done = ssi(*arguments, "--json")
    assert done.code == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_did_from_its_first_day_to_its_last(project: Path) -> None:
    assert ok("did", "ethr", "create", "--network", "dev")["did"] == DID
    key = PrivateKey.generate(Curve.ED25519).public_key
    first = ok("did", "ethr", "publish-key", DID, "--multikey", key.to_multikey(), "--days", 7)
    assert first["chain"] == CHAIN_ID
    (project / "key.json").write_text(json.dumps(PrivateKey.generate(Curve.SECP256K1).public_key.to_jwk()))
    ok("did", "ethr", "publish-key", DID, "--jwk", project / "key.json", "--purpose", "sigAuth")
    ok("did", "ethr", "publish-service", DID, "Inbox", "https://agency.example/inbox")
    ok("did", "ethr", "delegate", DID, "0x" + "11" * 20)
    ok("did", "ethr", "delegate", DID, "0x" + "11" * 20, "--revoke")
    ok("did", "ethr", "publish-service", DID, "Inbox", "https://agency.example/inbox", "--revoke")
    found = ok("did", "resolve", DID)
    document = found["didDocument"]
    assert [m["id"].partition("#")[2] for m in document["verificationMethod"]] == [
        "controller",
        "delegate-1",
        "delegate-2",
    ]
    assert "service" not in document
    assert found["didResolutionMetadata"]["source"] == "ledger"
    old = ok("did", "resolve", DID, "--version-id", first["versionId"])
    assert old["didDocumentMetadata"]["versionId"] == first["versionId"]
    assert len(old["didDocument"]["verificationMethod"]) == 2
    method = ok("did", "resolve", f"{DID}#delegate-1")
    assert method["contentStream"]["publicKeyMultibase"] == key.to_multikey()

    assert ssi("did", "ethr", "rotate", DID, "0x" + "00" * 20, "--yes").code == 2
    ok("did", "ethr", "deactivate", DID, "--yes")
    assert ok("did", "resolve", DID)["didDocumentMetadata"]["deactivated"] is True
    assert ssi("did", "ethr", "publish-service", DID, "Inbox", "https://agency.example/").code != 0


def test_a_did_is_handed_over(project: Path, chain_node: Node) -> None:
    first, heir = (secrets.token_bytes(31).rjust(32, b"\1") for _ in range(2))
    for name, secret in (("first.key", first), ("heir.key", heir)):
        signer(chain_node, secret)
        file = os.open(project / name, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(file, secret.hex().encode())
        os.close(file)
    did = ok("did", "ethr", "create", "--network", "dev", "--key-file", "first.key")["did"]
    ok("did", "ethr", "rotate", did, format_address(LocalSigner(heir).address), "--yes", "--key-file", "first.key")
    refused = ssi("did", "ethr", "deactivate", did, "--yes", "--key-file", "first.key")
    assert refused.code != 0
    assert "another account" in refused.stderr
    ok("did", "ethr", "deactivate", did, "--yes", "--key-file", "heir.key")


def test_nodes_that_are_named_must_all_agree(project: Path, chain_node: Node) -> None:
    did = f"did:ethr:dev:0x{'22' * 20}"
    assert ok("did", "resolve", did, "--evm-node", chain_node.url)["didDocument"]["id"] == did
    assert ssi("did", "resolve", did, "--evm-node", chain_node.url, "--evm-node", "http://127.0.0.1:1/").code == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("did", "resolve", f"did:ethr:sepolia:{ADDRESS}"), "no node is configured"),
        (("did", "resolve", f"did:ethr:dev:{ADDRESS}", "--no-network"), "not among the methods"),
        (("did", "resolve", f"did:ethr:dev:{ADDRESS}", "--no-network", "--evm-node", "https://n.example/"), "not both"),
        (("did", "resolve", "did:web:a.example", "--evm-node", "https://n.example/"), "for a did:ethr"),
        (("did", "resolve", f"did:ethr:far:{ADDRESS}", "--evm-node", "https://n.example/"), "none of the known"),
        (("did", "resolve", DID, "--evm-node", "http://n.example/secret"), "https"),
        (("did", "ethr", "create", "--network", "sepolia"), "no account"),
        (("did", "ethr", "publish-key", DID), "--multikey or --jwk"),
        (("did", "ethr", "deactivate", f"did:ethr:{ADDRESS}", "--yes"), "no node"),
        (("did", "ethr", "publish-service", DID, "Person", "mailto:ada@agency.example"), "G12"),
    ],
)
def test_what_is_refused_says_why(project: Path, arguments: tuple[str, ...], says: str) -> None:
    done = ssi(*arguments)
    assert done.code in (1, 2)
    assert says in done.stderr + done.stdout
    assert "secret" not in done.stderr + done.stdout

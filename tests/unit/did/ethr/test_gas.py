"""What changes cost is what docs/did-ethr.md says, but for the bytes of keys, some of which are zero."""

from __future__ import annotations

import re

import pytest

from ssi.did.backends.ethr_controller import sign_change
from ssi.did.ethr.changes import AddDelegate, ChangeOwner, RevokeDelegate
from ssi.did.ethr.identifier import ethr_did
from ssi.did.ethr.networks import EthrNetwork
from ssi.did.ethr.publish import publish_key, publish_service
from ssi.keys import Curve, PrivateKey
from ssi.net.evm.signer import LocalSigner
from tests.evm.node import Node
from tests.evm.registry import NAME, connected, controller, signer
from tests.vectors.support import REPOSITORY

PAGE = REPOSITORY / "docs" / "did-ethr.md"


def documented() -> dict[str, int]:
    """Return the table of the page."""
    rows = re.findall(r"^\| ([^|]+?) \| ([0-9,]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: int(gas.replace(",", "")) for name, gas in rows}


async def test_changes_cost_what_the_page_says(chain_node: Node, network: EthrNetwork) -> None:
    first, heir = signer(chain_node, b"\x51" * 32), signer(chain_node, b"\x52" * 32)
    own, poor = ethr_did(first.address, network=NAME), LocalSigner(b"\x53" * 32)
    key = publish_key(PrivateKey.from_raw(Curve.ED25519, b"\x54" * 32).public_key, seconds=86_400)
    service = publish_service("Inbox", "https://agency.example/inbox", seconds=86_400)
    delegate = b"\x55" * 20
    async with connected(network, chain_node.url) as registry:
        ours = controller(registry, first)
        found = {"the first change of a DID, an Ed25519 key": (await ours.apply(own, key)).gas_used}
        for name, change in (
            ("a further key", publish_key(PrivateKey.from_raw(Curve.ED25519, b"\x56" * 32).public_key, seconds=86_400)),
            ("a service", service),
            ("the end of that service", service.undone),
            ("a delegate", AddDelegate("veriKey", delegate, 86_400)),
            ("the end of that delegate", RevokeDelegate("veriKey", delegate)),
            ("another owner, the first time", ChangeOwner(heir.address)),
        ):
            found[name] = (await ours.apply(own, change)).gas_used
        signed = await sign_change(registry, ethr_did(poor.address, network=NAME), key, poor)
        found["the first change of a DID, signed and sent by a relay"] = (await ours.relay(signed)).gas_used
    assert documented().keys() == found.keys(), str(found)
    for name, gas in found.items():
        assert gas == pytest.approx(documented()[name], rel=0.02), str(found)

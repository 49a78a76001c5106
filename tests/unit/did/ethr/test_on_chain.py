"""A real node, the published registries: what is written is read, and what the contract says holds."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

from ssi.did.backends.ethr import EthrRegistry
from ssi.did.backends.ethr_controller import sign_change
from ssi.did.ethr.changes import (
    DEACTIVATE,
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
    payload,
)
from ssi.did.ethr.identifier import ethr_did
from ssi.did.ethr.networks import EthrNetwork, known_network
from ssi.did.ethr.publish import publish_agreement_key, publish_key, publish_service
from ssi.did.ethr.signed import SignedChange, build_signed_change, parse_signed_change
from ssi.did.methods.ethr import DidEthr
from ssi.did.resolver import Resolution, Resolver
from ssi.errors import ConflictError, GuardError, InvalidInputError, UnavailableError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import parse_jws, sign_jws, verify_jws
from ssi.net.evm.signer import LocalSigner
from tests.evm.node import CHAIN_ID, Node
from tests.evm.registry import NAME, connected, controller, signer

DAY = 86_400
INBOX = "https://agency.example/inbox"


def fresh(node: Node) -> LocalSigner:
    return signer(node, secrets.token_bytes(31).rjust(32, b"\1"))


def did_of(account: LocalSigner | bytes | PublicKey) -> str:
    return ethr_did(account.address if isinstance(account, LocalSigner) else account, network=NAME)


async def resolved(registry: EthrRegistry, did: str, **asked: Any) -> Resolution:
    return await DidEthr([registry]).resolve(did, **asked)


def fragments(found: Resolution) -> list[str]:
    methods = [method.id.partition("#")[2] for method in found.document.verification_methods]
    return methods + [str(service.id).partition("#")[2] for service in found.document.services]


async def test_a_did_from_its_first_day_to_its_last(chain_node: Node, network: EthrNetwork) -> None:
    first, second, delegate = fresh(chain_node), fresh(chain_node), fresh(chain_node)
    did, key = did_of(first), PrivateKey.generate(Curve.ED25519)
    async with connected(network, chain_node.url) as registry:
        assert fragments(await resolved(registry, did)) == ["controller"]
        ours = controller(registry, first)
        signing = publish_key(key.public_key, seconds=DAY)
        versions = [(await ours.apply(did, signing)).version_id]
        for change in (
            AddDelegate("sigAuth", delegate.address, DAY),
            publish_service("Inbox", INBOX, seconds=DAY),
            publish_agreement_key(bytes(31) + b"\1", seconds=DAY),
            publish_key(PrivateKey.generate(Curve.P256).public_key, seconds=DAY, purpose="sigAuth"),
            RevokeDelegate("sigAuth", delegate.address),
            signing.undone,
            ChangeOwner(second.address),
        ):
            versions.append((await ours.apply(did, change)).version_id)
        expected = [
            ["controller", "delegate-1"],
            ["controller", "delegate-1", "delegate-2"],
            ["controller", "delegate-1", "delegate-2", "service-1"],
            ["controller", "delegate-1", "delegate-2", "delegate-3", "service-1"],
            ["controller", "delegate-1", "delegate-2", "delegate-3", "delegate-4", "service-1"],
            ["controller", "delegate-1", "delegate-3", "delegate-4", "service-1"],
            ["controller", "delegate-3", "delegate-4", "service-1"],
            ["controller", "delegate-3", "delegate-4", "service-1"],
        ]
        for number, (version, entries) in enumerate(zip(versions, expected, strict=True)):
            found = await resolved(registry, did, version_id=version)
            assert fragments(found) == entries
            assert found.metadata.version_id == version
            following = versions[number + 1] if number + 1 < len(versions) else None
            assert found.metadata.next_version_id == following
        assert (await resolved(registry, did, version_id=versions[0])).key(f"{did}#delegate-1", "assertionMethod")
        with pytest.raises(ConflictError, match="another account"):
            await ours.apply(did, DEACTIVATE)
        theirs = controller(registry, second)
        assert (await resolved(registry, did)).document.raw["verificationMethod"][0]["blockchainAccountId"].lower() == (
            f"eip155:{CHAIN_ID}:0x{second.address.hex()}"
        )
        await theirs.apply(did, DEACTIVATE)
        assert (await resolved(registry, did)).metadata.deactivated
        # The contract would take it from the first account again: nobody would read it.
        for account in (ours, theirs):
            with pytest.raises(ConflictError, match="deactivated"):
                await account.apply(did, signing)


async def test_what_the_contract_lets_through_after_the_end_is_not_read(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    async with connected(network, chain_node.url) as registry:
        ours = controller(registry, account)
        await ours.apply(did, DEACTIVATE)
        call = payload(ChangeOwner(account.address), account.address)
        receipt = await ours.account.wait(
            await ours.account.send(network.registry, call, gas=200_000), poll_seconds=0.002
        )
        assert receipt.succeeded
        found = await resolved(registry, did)
        assert found.metadata.deactivated
        assert found.document.raw["verificationMethod"] == []


async def test_the_key_of_a_did_signs_es256k(chain_node: Node, network: EthrNetwork) -> None:
    kms = MemoryKms()
    secret = PrivateKey.generate(Curve.SECP256K1)
    await kms.add("agency", secret, purpose=KeyPurpose.CREDENTIAL)
    did = did_of(secret.public_key)
    async with connected(network, chain_node.url) as registry:
        resolver = Resolver([DidEthr([registry])])
        header = {"typ": "vc+jwt", "kid": f"{did}#controllerKey"}
        token = await sign_jws(header, b"{}", kms=kms, label="agency", purpose=KeyPurpose.CREDENTIAL)
        key = await resolver.key(f"{did}#controllerKey", "assertionMethod")
        assert verify_jws(parse_jws(token), key, typ=("vc+jwt",)).header["alg"] == "ES256K"
        with pytest.raises(VerificationError, match="no public key"):
            await resolver.key(f"{did}#controller", "assertionMethod")


async def test_entries_end_by_themselves(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    async with connected(network, chain_node.url) as registry:
        made = await controller(registry, account).apply(did, AddDelegate("veriKey", bytes(19) + b"\5", 3))
        began = await registry.block_time(int(made.version_id))
        for after, entries in ((0, 2), (3, 2), (4, 1)):
            assert len(fragments(await resolved(registry, did, version_time=began + after))) == entries
        now = DidEthr([registry], now=lambda: began + 4)
        assert len(fragments(await now.resolve(did))) == 1


async def test_several_changes_in_one_block(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    async with connected(network, chain_node.url) as registry:
        ours = controller(registry, account)
        await ours.apply(did, publish_service("Inbox", INBOX, seconds=DAY))
        chain_node.rpc("evm_setAutomine", False)
        try:
            sent = []
            for number in range(3):
                call = payload(AddDelegate("veriKey", bytes(19) + bytes([number + 1]), DAY), account.address)
                sent.append(await ours.account.send(network.registry, call, gas=200_000))
            chain_node.mine()
        finally:
            chain_node.rpc("evm_setAutomine", True)
        blocks = {(await ours.account.wait(each, poll_seconds=0.002)).block for each in sent}
        assert len(blocks) == 1
        found = await resolved(registry, did)
        assert fragments(found) == ["controller", "delegate-1", "delegate-2", "delegate-3", "service-1"]
        assert found.metadata.version_id == str(blocks.pop())


async def test_a_relay_pays_for_what_the_owner_signed(chain_node: Node, network: EthrNetwork) -> None:
    owner, heir, relay = LocalSigner(secrets.token_bytes(31).rjust(32, b"\1")), fresh(chain_node), fresh(chain_node)
    did = did_of(owner)
    key = publish_key(PrivateKey.generate(Curve.ED25519).public_key, seconds=DAY)
    changes: list[Change] = [
        key,
        AddDelegate("veriKey", heir.address, DAY),
        RevokeDelegate("veriKey", heir.address),
        key.undone,
        ChangeOwner(heir.address),
    ]
    async with connected(network, chain_node.url) as registry:
        paying = controller(registry, relay)
        for number, change in enumerate(changes):
            signed = await sign_change(registry, did, change, owner)
            assert signed.nonce == number
            await paying.relay(parse_signed_change(build_signed_change(signed)))
            with pytest.raises(ConflictError):
                await paying.relay(signed)
        found = await resolved(registry, did)
        assert fragments(found) == ["controller"]
        # The nonces of the account that controls it now are its own.
        after = await sign_change(registry, did, publish_service("Inbox", INBOX, seconds=DAY), heir)
        assert after.nonce == 0
        await paying.relay(after)
        assert fragments(await resolved(registry, did)) == ["controller", "service-1"]
        with pytest.raises(ConflictError, match="another account"):
            await sign_change(registry, did, key, owner)


async def test_a_signature_for_something_else_is_refused(chain_node: Node, network: EthrNetwork) -> None:
    owner, relay = fresh(chain_node), fresh(chain_node)
    did = did_of(owner)
    async with connected(network, chain_node.url) as registry:
        paying = controller(registry, relay)
        signed = await sign_change(registry, did, ChangeOwner(relay.address), owner)

        def altered(**members: Any) -> SignedChange:
            return SignedChange(**{**{name: getattr(signed, name) for name in signed.__struct_fields__}, **members})

        for other in (altered(change=DEACTIVATE), altered(did=did_of(relay)),
                      altered(signature=type(signed.signature)(27, 1, 1))):  # fmt: skip
            with pytest.raises(VerificationError, match="would refuse"):
                await paying.relay(other)
        for other in (altered(chain_id=1), altered(registry=bytes(20))):
            with pytest.raises(InvalidInputError, match="another network"):
                await paying.relay(other)
        assert fragments(await resolved(registry, did)) == ["controller"]


async def test_legacy_nonces(chain_node: Node, legacy: EthrNetwork) -> None:
    owner, heir, relay = fresh(chain_node), fresh(chain_node), fresh(chain_node)
    did = did_of(owner)
    service = publish_service("Inbox", INBOX, seconds=DAY)
    async with connected(legacy, chain_node.url) as registry:
        paying = controller(registry, relay)
        await paying.relay(await sign_change(registry, did, service, owner))
        await paying.relay(await sign_change(registry, did, ChangeOwner(heir.address), owner))
        # Attributes read the identity's nonce, and count it.
        undone = await sign_change(registry, did, service.undone, heir)
        assert undone.nonce == 2
        await paying.relay(undone)
        # The others read the new owner's nonce, which nothing counts: such a signature could be sent for ever.
        adding = AddDelegate("veriKey", relay.address, DAY)
        with pytest.raises(InvalidInputError, match="sent again"):
            await sign_change(registry, did, adding, heir)
        again = await sign_change(registry, did, adding, heir, accept_replay=True)
        assert again.nonce == 0
        await paying.relay(again)
        await paying.relay(again)
        assert fragments(await resolved(registry, did)) == ["controller", "delegate-2"]


async def test_a_signature_that_counts_elsewhere_is_refused(chain_node: Node, network: EthrNetwork) -> None:
    """A node that says it is sepolia, with the code of the registry at its address there."""
    sepolia = known_network("sepolia")
    owner = fresh(chain_node)
    code = chain_node.rpc("eth_getCode", "0x" + network.registry.hex(), "latest")
    own = EthrNetwork(chain_id=CHAIN_ID, registry=sepolia.registry, name=NAME)
    chain_node.rpc("anvil_setCode", "0x" + own.registry.hex(), code)
    async with connected(own, chain_node.url) as registry:
        did = did_of(owner)
        with pytest.raises(InvalidInputError, match="sepolia, gno, holesky"):
            await sign_change(registry, did, DEACTIVATE, owner)
        assert (await sign_change(registry, did, DEACTIVATE, owner, accept_replay=True)).nonce == 0


@pytest.mark.parametrize(
    "change",
    [
        AddDelegate("enc", bytes(20), DAY),
        AddDelegate("veriKey", bytes(19), DAY),
        AddDelegate("veriKey", bytes(20), 0),
        AddDelegate("veriKey", bytes(20), 2**200),
        ChangeOwner(bytes(21)),
        SetAttribute("did/pub/Ed25519/veriKey", bytes(31), DAY),
        SetAttribute("did/pub/Ed25519/something", bytes(32), DAY),
        SetAttribute("did/pub/Ed25519", bytes(32), DAY),
        SetAttribute("did/pub/Rsa/veriKey", bytes(32), DAY),
        SetAttribute("did/pub/Multikey/veriKey/base58base58", bytes(32), DAY),
        SetAttribute("did/svc/Inbox/more", b"https://agency.example/", DAY),
        SetAttribute("did/name", b"Ada", DAY),
        SetAttribute("did/svc/Inböx", b"https://agency.example/", DAY),
        SetAttribute("did/svc/Person", b"mailto:ada@agency.example", DAY),
        SetAttribute("did/svc/Person", b"Ada Lovelace", DAY),
        SetAttribute("did/svc/Person", b"https://agency.example/cases/19151210", DAY),
        SetAttribute("did/svc/Person", b"https://agency.example/?q=1", DAY),
        SetAttribute("did/svc/Person", b'{"uri": 19151210}', DAY),
        SetAttribute("did/svc/Person", b"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", DAY),
        SetAttribute("did/svc/N19151210", b"https://agency.example/", DAY),
        RevokeAttribute("did/svc/Person", b"tel:+441234567890"),
    ],
)
async def test_what_does_not_belong_on_a_chain_is_not_sent(
    change: Change, chain_node: Node, network: EthrNetwork
) -> None:
    account = fresh(chain_node)
    height = chain_node.height()
    async with connected(network, chain_node.url) as registry:
        with pytest.raises(InvalidInputError):
            await controller(registry, account).apply(did_of(account), change)
        with pytest.raises(InvalidInputError):
            await sign_change(registry, did_of(account), change, account)
    assert chain_node.height() == height


async def test_what_others_wrote_is_taken_back_whatever_it_says(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    mistake = SetAttribute("did/svc/Office", b"mailto:office@agency.example", DAY)
    async with connected(network, chain_node.url) as registry:
        ours = controller(registry, account)
        with pytest.raises(GuardError):
            await ours.apply(did, mistake.undone)
        for change in (mistake, AddDelegate("other", bytes(20), DAY)):
            sent = await ours.account.send(network.registry, payload(change, account.address), gas=200_000)
            await ours.account.wait(sent, poll_seconds=0.002)
        assert fragments(await resolved(registry, did)) == ["controller", "service-1"]
        await ours.apply(did, mistake.undone)
        await ours.apply(did, RevokeDelegate("other", bytes(20)))
        assert fragments(await resolved(registry, did)) == ["controller"]
        with pytest.raises(GuardError):
            await ours.apply(did, mistake)


async def test_a_change_is_answered_when_it_is_final(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    async with connected(network, chain_node.url, finality=2) as registry:
        ours = controller(registry, account)
        early = await ours.apply(did, AddDelegate("veriKey", bytes(20), DAY), final=False)
        assert fragments(await resolved(registry, did)) == ["controller"]
        with pytest.raises(UnavailableError, match="not final"):
            await resolved(registry, did, version_id=early.version_id)
        with chain_node.mining():
            made = await asyncio.wait_for(ours.apply(did, publish_service("Inbox", INBOX, seconds=DAY)), 60)
        assert fragments(await resolved(registry, did, version_id=made.version_id)) == [
            "controller", "delegate-1", "service-1",
        ]  # fmt: skip
        assert made.gas_used < 100_000


async def test_a_fork_takes_a_change_out_and_it_is_sent_again(chain_node: Node, network: EthrNetwork) -> None:
    account = fresh(chain_node)
    did = did_of(account)
    delegate = AddDelegate("veriKey", bytes(20), DAY)
    async with connected(network, chain_node.url) as newest, connected(network, chain_node.url, finality=3) as registry:
        waiting = asyncio.create_task(controller(registry, account).apply(did, delegate))
        for _ in range(1000):
            if len(fragments(await resolved(newest, did))) == 2:
                break
            await asyncio.sleep(0.002)
        chain_node.rpc("anvil_reorg", 1, [])
        with chain_node.mining():
            made = await waiting
        found = await resolved(registry, did)
        assert (found.metadata.version_id, fragments(found)) == (made.version_id, ["controller", "delegate-1"])


async def test_an_unfunded_account_learns_why(chain_node: Node, network: EthrNetwork) -> None:
    poor = LocalSigner(secrets.token_bytes(31).rjust(32, b"\1"))
    async with connected(network, chain_node.url) as registry:
        with pytest.raises((VerificationError, UnavailableError), match=r"refuse|funds"):
            await controller(registry, poor).apply(did_of(poor), DEACTIVATE)

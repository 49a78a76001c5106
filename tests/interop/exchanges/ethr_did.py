"""ethr-did and ethr-did-resolver, the npm packages of the method's authors: one chain, written and read both ways."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

from ssi.did.backends.ethr_controller import EthrController, sign_change
from ssi.did.ethr.changes import (
    DEACTIVATE,
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
    check_change,
)
from ssi.did.ethr.identifier import ethr_did
from ssi.did.ethr.publish import publish_agreement_key, publish_key, publish_service
from ssi.did.methods.ethr import DidEthr
from ssi.keys import Curve, PrivateKey
from ssi.net.evm.signer import LocalSigner
from tests.evm.registry import NAME, controller, signer
from tests.interop.exchanges import _npm
from tests.interop.exchanges._ethr import Chain, chain, comparable, todays
from tests.interop.matrix import HERE, THERE, exchange

RESOLVER, WRITER = "ethr-did-resolver", "ethr-did"
DAY = 86_400
LONG = 30 * DAY
INBOX = "https://agency.example/inbox"
ENDPOINT: Any = {"uri": "https://agency.example/didcomm", "accept": ["didcomm/v2"]}


def secret() -> bytes:
    """Return a key below the order of the curve."""
    return secrets.token_bytes(31).rjust(32, b"\1")


def public_key(key: bytes) -> Any:
    return PrivateKey.from_raw(Curve.SECP256K1, key).public_key


async def written(ours: EthrController, did: str, *changes: Change) -> list[str]:
    return [(await ours.apply(did, change)).version_id for change in changes]


@exchange(RESOLVER, "did:ethr, accounts and keys that nobody changed", THERE)
def unchanged_ours_there() -> None:
    async def run() -> None:
        async with chain() as both:
            key = public_key(secret())
            for did in (
                ethr_did(secrets.token_bytes(20), network=NAME),
                ethr_did(key, network=NAME),
                ethr_did(key, network="0x7a69"),
            ):
                await both.same(did)

    asyncio.run(run())


@exchange(RESOLVER, "did:ethr, delegates, keys, services", THERE)
def entries_ours_there() -> None:
    async def run() -> None:
        async with chain() as both:
            key = secret()
            did, ours = ethr_did(public_key(key), network=NAME), controller(both.registry, signer(both.node, key))
            keys = [
                publish_key(PrivateKey.generate(c).public_key, seconds=LONG) for c in (Curve.ED25519, Curve.SECP256K1)
            ]
            keys += [publish_agreement_key(secrets.token_bytes(32), seconds=LONG)]
            versions = await written(
                ours,
                did,
                *keys,
                publish_key(PrivateKey.generate(Curve.ED25519).public_key, seconds=LONG, purpose="sigAuth"),
                AddDelegate("veriKey", secrets.token_bytes(20), LONG),
                AddDelegate("sigAuth", secrets.token_bytes(20), LONG),
                AddDelegate("veriKey", secrets.token_bytes(20), 60),  # over by now: the chain began yesterday
                publish_service("Inbox", INBOX, seconds=LONG),
                publish_service("DIDCommMessaging", ENDPOINT, seconds=LONG),
                keys[0].undone,
            )
            documents = await both.same(did, [None, *versions])
            assert len(documents[0]["verificationMethod"]) == 2 + 5
            assert [service["serviceEndpoint"] for service in documents[0]["service"]] == [INBOX, ENDPOINT]

    asyncio.run(run())


@exchange(RESOLVER, "did:ethr, rotated, deactivated, every version", THERE)
def rotated_ours_there() -> None:
    async def run() -> None:
        async with chain() as both:
            first, second = secret(), signer(both.node, secret())
            did = ethr_did(public_key(first), network=NAME)
            ours = controller(both.registry, signer(both.node, first))
            versions = await written(
                ours, did, publish_service("Inbox", INBOX, seconds=LONG), ChangeOwner(second.address)
            )
            later = controller(both.registry, second)
            versions += await written(later, did, AddDelegate("veriKey", bytes(20), LONG))
            await both.same(did, [None, *versions])
            versions += await written(later, did, DEACTIVATE)
            documents = await both.same(did, ["1", *versions, None])
            assert [len(document["verificationMethod"]) for document in documents] == [2, 2, 1, 2, 0, 0]

    asyncio.run(run())


@exchange(RESOLVER, "did:ethr, signed and sent by a relay", THERE)
def relayed_ours_there() -> None:
    async def run() -> None:
        async with chain() as both:
            key, heir = secret(), LocalSigner(secret())
            owner, relay = LocalSigner(key), controller(both.registry, signer(both.node, secret()))
            did = ethr_did(public_key(key), network=NAME)
            service = publish_service("Inbox", INBOX, seconds=LONG)
            changes: list[Change] = [
                service,
                AddDelegate("sigAuth", bytes(20), LONG),
                service.undone,
                ChangeOwner(heir.address),
            ]
            for change in changes:
                await relay.relay(await sign_change(both.registry, did, change, owner))
            last = await relay.relay(await sign_change(both.registry, did, service, heir))
            await both.same(did, [None, last.version_id])

    asyncio.run(run())


@exchange(
    RESOLVER,
    "did:ethr, a delegate in the block that revokes it",
    HERE,
    differs="it shows a delegate once more in the version that revokes it; the contract's validDelegate says that its "
    'time is over (ERC-1056), and the specification has a revocation change the document ("Delegate Keys")',
)
def revoked_theirs_here() -> None:
    async def run() -> None:
        async with chain() as both:
            account = signer(both.node, secret())
            did, delegate = ethr_did(account.address, network=NAME), secrets.token_bytes(20)
            ours = controller(both.registry, account)
            added, revoked = await written(
                ours, did, AddDelegate("veriKey", delegate, LONG), RevokeDelegate("veriKey", delegate)
            )
            await both.same(did, [None, added])
            (theirs,) = both.theirs([f"{did}?versionId={revoked}"])
            shown = todays(theirs["didDocument"])
            assert shown["verificationMethod"][1]["id"] == f"{did}#delegate-2"
            document = comparable((await DidEthr([both.registry]).resolve(did, version_id=revoked)).document.raw)
            assert len(document["verificationMethod"]) == 1
            account_id = shown["verificationMethod"].pop()["blockchainAccountId"]
            assert account_id.lower().endswith(delegate.hex())
            shown["assertionMethod"].pop()
            assert document == shown

    asyncio.run(run())


@exchange(RESOLVER, "did:ethr, eight random histories", HERE)
def random_theirs_here() -> None:
    """Both read the same chain: whatever was done, in every version that both show alike."""

    async def run() -> None:
        draw = random.Random(1056)
        async with chain() as both:
            for _ in range(8):
                key = secret()
                did = ethr_did(public_key(key), network=NAME)
                versions = await _random(both, draw, did, LocalSigner(key))
                both.node.mine()  # the newest block revokes nothing: see the exchange before
                await both.same(did, [None, *versions, str(both.node.height())])

    asyncio.run(run())


async def _random(both: Chain, draw: random.Random, did: str, owner: LocalSigner) -> list[str]:
    """Change a DID a dozen times; return the versions, but those of blocks that revoke a delegate."""
    accounts = [draw.randbytes(20) for _ in range(3)]
    raw = [PrivateKey.generate(curve).public_key for curve in (Curve.ED25519, Curve.SECP256K1, Curve.P256)]
    names = [
        f"did/pub/{name}/{purpose}"
        for purpose in ("veriKey", "sigAuth")
        for name in ("Ed25519", "Secp256k1", "Multikey")
    ]
    values = [key.to_raw() if at < 2 else b"\x80\x24" + key.to_raw() for at, key in enumerate(raw)] * 2
    attributes = [*zip(names, values, strict=True), ("did/pub/X25519/enc", draw.randbytes(32)),
                  ("did/svc/Inbox", INBOX.encode()),
                  ("did/svc/Other", b'["https://a.example/", "https://b.example/"]')]  # fmt: skip
    versions: list[str] = []
    account = signer(both.node, owner_secret := secret())
    ours = controller(both.registry, signer(both.node, owner_secret))
    relay = controller(both.registry, signer(both.node, secret()))
    await relay.relay(await sign_change(both.registry, did, ChangeOwner(account.address), owner))
    for _ in range(draw.randrange(8, 18)):
        seconds = draw.choice((5, LONG, LONG))
        name, value = draw.choice(attributes)
        kind, delegate = draw.choice(("veriKey", "sigAuth")), draw.choice(accounts)
        change: Change = draw.choice(
            (AddDelegate(kind, delegate, seconds), RevokeDelegate(kind, delegate), SetAttribute(name, value, seconds),
             SetAttribute(name, value, LONG), RevokeAttribute(name, value))
        )  # fmt: skip
        check_change(change)
        made = await ours.apply(did, change)
        if not isinstance(change, RevokeDelegate):
            versions.append(made.version_id)
        if draw.random() < 0.2:
            both.node.mine(draw.randrange(1, 4))
            versions.append(str(both.node.height()))
    if draw.random() < 0.3:
        versions.append((await ours.apply(did, DEACTIVATE)).version_id)
    return versions


def theirs_write(both: Chain, identifier: str, *steps: dict[str, Any]) -> str:
    """Let the peer write; return the DID that it names."""
    return str(_npm.ask_ethr(action="write", identifier=identifier, steps=steps, **both.place)["did"])


def step(key: bytes, method: str, *args: Any) -> dict[str, Any]:
    return {"method": method, "args": args, "as": "0x" + key.hex()}


@exchange(WRITER, "did:ethr, created, changed, rotated, deactivated", HERE)
def written_theirs_here() -> None:
    async def run() -> None:
        async with chain() as both:
            first, second = secret(), secret()
            for key in (first, second):
                signer(both.node, key)
            identifier = "0x" + public_key(first).to_raw().hex()
            heir, delegate = LocalSigner(second), "0x" + "5d" * 20
            ed25519 = "0x" + PrivateKey.generate(Curve.ED25519).public_key.to_raw().hex()
            did = theirs_write(
                both,
                identifier,
                step(first, "setAttribute", "did/pub/Ed25519/veriKey/base64", ed25519, LONG),
                step(first, "setAttribute", "did/svc/Inbox", INBOX, LONG),
                step(first, "addDelegate", delegate, {"delegateType": "sigAuth", "expiresIn": LONG}),
                step(first, "addDelegate", "0x" + "6e" * 20, {"expiresIn": LONG}),
                step(first, "revokeDelegate", "0x" + "6e" * 20),
                step(first, "changeOwner", "0x" + heir.address.hex()),
            )
            assert did == ethr_did(public_key(first), network=NAME)
            (document,) = await _ours(both, did)
            fragments = [method["id"].partition("#")[2] for method in document["verificationMethod"]]
            assert fragments == ["controller", "delegate-1", "delegate-2"]
            assert document["verificationMethod"][1]["type"] == "Ed25519VerificationKey2020"
            assert document["service"][0]["serviceEndpoint"] == INBOX
            theirs_write(both, identifier, step(second, "revokeAttribute", "did/svc/Inbox", INBOX))
            (document,) = await _ours(both, did)
            assert "service" not in document
            theirs_write(both, identifier, step(second, "changeOwner", "0x" + "00" * 20))
            assert (await DidEthr([both.registry]).resolve(did)).metadata.deactivated

    asyncio.run(run())


@exchange(WRITER, "did:ethr, signed and sent by a relay", HERE)
def relayed_theirs_here() -> None:
    async def run() -> None:
        async with chain() as both:
            owner, heir, relay = secret(), secret(), secret()
            signer(both.node, relay)
            identifier, account = "0x" + public_key(owner).to_raw().hex(), "0x" + LocalSigner(heir).address.hex()

            def signed(
                method: str, *, hash: list[Any], before: list[Any], after: tuple[Any, ...] = ()
            ) -> dict[str, Any]:
                own = {"signed": "0x" + owner.hex(), "as": "0x" + relay.hex()}
                return {"method": method, "hash": hash, "before": before, "after": after, **own}

            did = theirs_write(
                both,
                identifier,
                signed("setAttributeSigned", hash=["did/svc/Inbox", INBOX, LONG],
                       before=["did/svc/Inbox", INBOX, LONG]),
                signed("addDelegateSigned", hash=["veriKey", account, LONG], before=[account],
                       after=({"delegateType": "veriKey", "expiresIn": LONG},)),
                signed("revokeDelegateSigned", hash=["veriKey", account], before=[account, "veriKey"]),
                signed("revokeAttributeSigned", hash=["did/svc/Inbox", INBOX], before=["did/svc/Inbox", INBOX]),
                signed("addDelegateSigned", hash=["sigAuth", account, LONG], before=[account],
                       after=({"delegateType": "sigAuth", "expiresIn": LONG},)),
                signed("changeOwnerSigned", hash=[account], before=[account]),
            )  # fmt: skip
            (document,) = await _ours(both, did)
            assert [m["id"].partition("#")[2] for m in document["verificationMethod"]] == ["controller", "delegate-3"]
            assert document["verificationMethod"][0]["blockchainAccountId"].lower().endswith(account[2:])

    asyncio.run(run())


async def _ours(both: Chain, did: str) -> list[dict[str, Any]]:
    """Return our newest document of what they wrote; their own resolver says the same."""
    return await both.same(did)

"""Nothing is fetched while verifying: every format, suite and kind of DID, with the interpreter itself as witness."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.jose import envelope_vc_jwt, sign_vc_jwt
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.jwk import did_jwk
from ssi.did.methods.key import did_key
from ssi.did.methods.peer2 import PeerKey, did_peer_2
from ssi.did.methods.peer4 import did_peer_4
from ssi.did.resolver import default_resolver
from ssi.encoding.base64url import b64_encode
from ssi.encoding.jsonld import BUNDLED
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.net import HttpDoor
from ssi.proofs.derive import derive_proof
from ssi.proofs.plain import PlainCryptosuite
from ssi.proofs.suites import SUITES, is_selective, issuing_suite
from ssi.protocols.vc_api import VerifyRequest
from ssi.testing import TestClock, TestFormat, TestWorld, broken_presentations
from ssi.testing.issuer import FORMATS
from ssi.testing.issuer import SUITES as TEST_SUITES
from ssi.types import JsonObject
from tests.flows.offices import verifier
from tests.flows.test_bundle import made, registry_of
from tests.no_network import NetworkUsedError, no_network
from verifier import CouldNotCheck, Policy, Refused, Trust, Verifier
from verifier.bundle import OfflineBundle
from verifier.documents import DocumentVerifier

V2, LEGACY = "https://www.w3.org/ns/credentials/v2", "https://w3id.org/security/suites/ed25519-2020/v1"
ALL_SUITES = [(name, curve) for name, curves in SUITES.items() for curve in curves]
IRI = "https://town.example/types/Permit"


def by_peer_2(key: PublicKey) -> tuple[str, str]:
    did = did_peer_2([PeerKey(key.to_multikey(), "assertionMethod")])
    return did, f"{did}#key-1"


def by_peer_4(key: PublicKey) -> tuple[str, str]:
    method = {"id": "#key", "type": "Multikey", "publicKeyMultibase": key.to_multikey()}
    did = did_peer_4({"verificationMethod": [method], "assertionMethod": ["#key"]})
    return did, f"{did}#key"


def by_key(key: PublicKey) -> tuple[str, str]:
    did = did_key(key)
    return did, f"{did}#{did.removeprefix('did:key:')}"


def by_jwk(key: PublicKey) -> tuple[str, str]:
    did = did_jwk(key.to_jwk())
    return did, f"{did}#0"


DIDS: list[Callable[[PublicKey], tuple[str, str]]] = [by_key, by_jwk, by_peer_2, by_peer_4]


class Author:
    """An issuer whose DID says its key."""

    def __init__(self, curve: Curve, did_of: Callable[[PublicKey], tuple[str, str]] = by_key) -> None:
        self.curve, self.did_of, self.kms, self.clock = curve, did_of, MemoryKms(), TestClock()

    async def begin(self) -> Author:
        self.key = await self.kms.generate("key", curve=self.curve, purpose=KeyPurpose.CREDENTIAL)
        self.did, self.kid = self.did_of(self.key)
        return self

    def document(self, *contexts: str, **members: Any) -> JsonObject:
        return {
            "@context": [V2, *contexts],
            "type": ["VerifiableCredential", IRI],
            "issuer": self.did,
            "credentialSubject": {"name": "zone A", "description": "at all times"},
            **members,
        }

    async def proven(self, suite: str) -> str:
        contexts = (LEGACY,) if suite == "Ed25519Signature2020" else ()
        secured = await secure_credential(
            parse_credential(self.document(*contexts), contexts=contexts),
            kms=self.kms,
            label="key",
            verification_method=self.kid,
            created=self.clock(),
            suite=issuing_suite(suite, self.key, ["/issuer"]),
        )
        if is_selective(suite):
            secured = derive_proof(secured, selective_pointers=["/credentialSubject/name", "/type"])
        return json.dumps(secured)

    async def jwt(self, **members: Any) -> str:
        rules: dict[str, Any] = {"kms": self.kms, "label": "key", "kid": self.kid, "issued_at": self.clock()}
        return await sign_vc_jwt(parse_credential(self.document(**members), contexts=()), **rules)

    async def cose(self) -> str:
        credential = parse_credential(self.document(), contexts=())
        return b64_encode(await sign_vc_cose(credential, kms=self.kms, label="key", kid=self.kid))

    async def sd_jwt(self) -> str:
        issued = await issue_sd_jwt_vc(
            {"name": "zone A"},
            vct=IRI,
            issuer=self.did,
            kid=self.kid,
            disclosable=[("name",)],
            kms=self.kms,
            label="key",
            issued_at=self.clock(),
        )
        return issued.compact

    def verifier(self, **changes: Any) -> Verifier:
        policy: dict[str, Any] = {
            "audience": "https://office.example",
            "holder_binding": "not-required",
            "status": "not-checked",
            "max_list_age_seconds": 60,
            "trust": (Trust(type=IRI, issuers=(self.did,)),),
            "contexts": (LEGACY,),
        }
        return Verifier(Policy(**{**policy, **changes}), resolver=default_resolver(now=self.clock), now=self.clock)

    def documents(self) -> DocumentVerifier:
        return DocumentVerifier(
            resolver=default_resolver(now=self.clock), contexts=BUNDLED, now=self.clock, lists=lambda _: None
        )


@pytest.mark.parametrize(("suite", "curve"), ALL_SUITES)
async def test_every_suite(suite: str, curve: Curve) -> None:
    author = await Author(curve).begin()
    text = await author.proven(suite)
    with no_network():
        assert (await author.verifier().verify(text)).claims["name"] == "zone A"
        assert "proof" in (await author.documents().credential(VerifyRequest(json.loads(text)))).checks


@pytest.mark.parametrize("did_of", DIDS)
async def test_every_did_that_says_its_keys_and_every_envelope(did_of: Callable[[PublicKey], tuple[str, str]]) -> None:
    author = await Author(Curve.P256, did_of).begin()
    shown = [await author.jwt(), await author.cose(), await author.sd_jwt(), await author.proven("ecdsa-rdfc-2019")]
    enveloped = envelope_vc_jwt(shown[0]).to_object()
    with no_network():
        for text in shown:
            assert (await author.verifier().verify(text)).claims["name"] == "zone A"
        assert await author.documents().credential(VerifyRequest(enveloped))


@pytest.mark.parametrize("suite", TEST_SUITES)
@pytest.mark.parametrize("form", FORMATS)
async def test_every_format_by_the_ledger_and_by_a_bundle(form: TestFormat, suite: str) -> None:
    """Issuers with did:webvh, status lists, holder binding: what they need is what the caller gave."""
    world = await TestWorld.open()
    text, data, registry = await world.shown(form, cryptosuite=suite), await made(world), await registry_of(world)
    with no_network():
        assert await verifier(world, fresh=True).verify(text, nonce=world.nonce)
        bundle = OfflineBundle.open(data, registry=registry)
        office = bundle.verifier(verifier(world).policy, now=world.clock)
        assert await office.verify(text, nonce=world.nonce)


async def test_nor_for_what_is_refused() -> None:
    world = await TestWorld.open()
    async for broken in broken_presentations(world):
        with no_network(), suppress(Exception):
            await verifier(world, fresh=True).verify(broken.text, nonce=world.nonce)


@pytest.mark.parametrize(
    "members",
    [
        {"@context": [V2, "https://attacker.example/context"]},
        {"issuer": "did:web:attacker.example"},
        {"credentialSchema": {"id": "https://attacker.example/schema", "type": "JsonSchema"}},
        {"relatedResource": {"id": "https://attacker.example/x", "digestSRI": "sha384-" + "A" * 64}},
        {"termsOfUse": {"id": "https://attacker.example/terms", "type": "Terms"}},
        {"refreshService": {"id": "https://attacker.example/refresh", "type": "Refresh"}},
        {"renderMethod": {"id": "https://attacker.example/render.svg", "type": "TemplateRenderMethod"}},
        {"evidence": {"id": "https://attacker.example/evidence", "type": "Evidence"}},
    ],
)
async def test_no_address_in_a_credential_is_asked(members: JsonObject) -> None:
    """Nor one of another issuer, nor a context that policy allows and nobody gave."""
    author = await Author(Curve.P256).begin()
    document = {**author.document(), **members}
    issuer, contexts = document["issuer"], ("https://attacker.example/context",)
    credential = parse_credential(document, contexts=contexts)
    rules: dict[str, Any] = {"kms": author.kms, "label": "key", "issued_at": author.clock()}
    text = await sign_vc_jwt(credential, kid=author.kid if issuer == author.did else f"{issuer}#key", **rules)
    secured = await secure_credential(
        credential,
        kms=author.kms,
        label="key",
        verification_method=author.kid,
        created=author.clock(),
        issuer_is_controller=False,
    )
    graph = {**secured, "proof": {**secured["proof"], "cryptosuite": "ecdsa-rdfc-2019"}}
    trust = (Trust(type=IRI, issuers=(issuer,), signers=(author.did,), issuer_is_controller=False),)
    office = author.verifier(trust=trust, contexts=contexts, credential_schema="when-present")
    with no_network():
        for shown in (text, json.dumps(secured), json.dumps(graph)):
            with suppress(Refused, CouldNotCheck):
                await office.verify(shown)


def swallowed(fetch: Callable[[], object]) -> None:
    with suppress(Exception):
        fetch()


WAYS: dict[str, Callable[[], object]] = {
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/"),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
    "names": lambda: socket.getaddrinfo("attacker.example", 443),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "program": lambda: subprocess.run(["true"], check=True),
}
ASYNC_WAYS: dict[str, Callable[[], Awaitable[object]]] = {
    "streams": lambda: asyncio.open_connection("127.0.0.1", 9),
    "names": lambda: asyncio.get_running_loop().getaddrinfo("attacker.example", 443),
    "door": lambda: HttpDoor()("https://attacker.example/"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("way", WAYS)
def test_the_guard_finds_every_way(way: str) -> None:
    with pytest.raises(NetworkUsedError), no_network():
        swallowed(WAYS[way])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", ASYNC_WAYS)
async def test_the_guard_finds_every_way_of_asyncio(way: str) -> None:
    with pytest.raises(NetworkUsedError), no_network(), suppress(Exception):
        await ASYNC_WAYS[way]()


async def test_a_fetch_that_somebody_adds_fails_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard at work: a suite that looks something up on the way, and takes no answer for an answer."""
    verify = PlainCryptosuite.verify

    def curious(self: PlainCryptosuite, *args: Any, **options: Any) -> None:
        swallowed(lambda: urllib.request.urlopen("https://www.w3.org/ns/credentials/v2"))
        verify(self, *args, **options)

    monkeypatch.setattr(PlainCryptosuite, "verify", curious)
    with pytest.raises(NetworkUsedError, match="urllib"):
        await test_every_suite("ecdsa-rdfc-2019", Curve.P256)
    monkeypatch.undo()
    await test_every_suite("ecdsa-rdfc-2019", Curve.P256)

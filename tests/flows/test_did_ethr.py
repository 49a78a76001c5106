"""An agency issues under its did:ethr, from its first key to its end; a relying party asks a real node."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.vcdm import parse_credential
from ssi.did.backends.ethr import EthrRegistry
from ssi.did.ethr import DEACTIVATE, ethr_did, publish_key
from ssi.did.resolver import ResolutionCache, default_resolver
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from tests.evm.node import node
from tests.evm.registry import NAME, connected, controller, deployed, signer
from verifier import CouldNotCheck, Policy, Refused, Trust, VerifiedPresentation, Verifier

DAY = 86_400


class Office:
    """A relying party that accepts one agency."""

    def __init__(self, registry: EthrRegistry, agency: str) -> None:
        self.registry = registry
        self.agency = agency

    async def verify(self, credential: str, **changes: Any) -> VerifiedPresentation:
        policy = Policy(
            audience="https://office.example",
            holder_binding="not-required",
            status="not-checked",
            max_list_age_seconds=DAY,
            trust=(Trust(type="Residence", issuers=(self.agency,)),),
            **changes,
        )
        # Each look is a new one, as after the time that an answer is kept.
        resolver = default_resolver(ethr=[self.registry], cache=ResolutionCache(ttl_seconds=0))
        return await Verifier(policy, resolver=resolver).verify(credential)

    async def refusal(self, credential: str, **changes: Any) -> str:
        with pytest.raises(Refused) as refused:
            await self.verify(credential, **changes)
        return str(refused.value)


async def issued(kms: MemoryKms, label: str, kid: str) -> str:
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "Residence"],
        "issuer": kid.partition("#")[0],
        "credentialSubject": {"name": "resident"},
    }
    credential = parse_credential(document, contexts=())
    return await sign_vc_jwt(credential, kms=kms, label=label, kid=kid, issued_at=int(time.time()))


async def test_an_agency_from_its_first_key_to_its_end() -> None:
    secret, kms = secrets.token_bytes(31).rjust(32, b"\1"), MemoryKms()
    own, published = PrivateKey.from_raw(Curve.SECP256K1, secret), PrivateKey.generate(Curve.ED25519)
    await kms.add("own", own, purpose=KeyPurpose.CREDENTIAL)
    await kms.add("published", published, purpose=KeyPurpose.CREDENTIAL)
    did = ethr_did(own.public_key, network=NAME)
    # A day behind the office's clock, so that blocks of the same second as a signature are no question here.
    with node("--timestamp", str(int(time.time()) - DAY)) as chain_node:
        network = await deployed(chain_node)
        async with connected(network, chain_node.url) as registry:
            office, agency = Office(registry, did), controller(registry, signer(chain_node, secret))
            first = await issued(kms, "own", f"{did}#controllerKey")
            assert (await office.verify(first)).issuer == did

            change = publish_key(published.public_key, seconds=30 * DAY)
            await agency.apply(did, change)
            second = await issued(kms, "published", f"{did}#delegate-1")
            assert (await office.verify(second)).claims == {"name": "resident"}
            wrong = await issued(kms, "published", f"{did}#controllerKey")
            assert "signature" in await office.refusal(wrong)
            account = await issued(kms, "own", f"{did}#controller")
            assert "no public key" in await office.refusal(account)

            # Between the signature and the revocation time passes on the chain, too.
            chain_node.rpc("evm_setNextBlockTimestamp", int(time.time()) + 10)
            await agency.apply(did, change.undone)
            assert "no such verification method" in await office.refusal(second)
            until = int(time.time()) + DAY
            assert await office.verify(second, accept_superseded_keys_until=until)
            assert await office.verify(first)

            await agency.apply(did, DEACTIVATE)
            for credential in (first, second):
                assert "deactivated" in await office.refusal(credential, accept_superseded_keys_until=until)
        with pytest.raises(CouldNotCheck):
            await office.verify(first)

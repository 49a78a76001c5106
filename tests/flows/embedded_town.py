"""A town whose credentials, presentations and lists have embedded proofs, and every change of a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from issuer import CredentialType, Issuer
from issuer.publishing import StatusSettings
from ssi.credentials.data_integrity import secure_presentation
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.proofs.data_integrity import add_further_proof, jcs_suite_for
from ssi.testing import TestFederation
from ssi.types import JsonObject, JsonValue
from tests.flows.stores import memory_store
from tests.flows.town import AUDIENCE, CLAIMS, RESIDENCE, strict
from verifier import Trust, VerifiedPresentation, Verifier
from wallet import Wallet
from wallet.stores.memory import MemoryWalletStore

NONCE = "n-1"
TYPE = CredentialType(
    name="residence",
    vct=RESIDENCE.vct,
    types=RESIDENCE.types,
    contexts=RESIDENCE.contexts,
    schema={**RESIDENCE.schema, "additionalProperties": False},
    validity_days=365,
    formats=("ldp_vc", "vc+jwt", "dc+sd-jwt"),
)


class Town:
    """An agency whose credentials and lists have proofs of one suite, a citizen's wallet and an office."""

    async def open(self, curve: Curve = Curve.P256, *, embedded: bool = True) -> Town:
        self.federation = await TestFederation.found()
        self.clock, self.registry = self.federation.clock, self.federation.registry
        agency = await self.federation.enrol("town", types=[TYPE.vct, *TYPE.types])
        self.issuer = Issuer(
            agency,
            store=await memory_store(),
            registry=self.registry,
            catalogue=[TYPE],
            status_base="https://town.example/status",
            now=self.clock,
            status=StatusSettings(embedded_proof=embedded),
        )
        self.clock.advance(1)
        for purpose in (KeyPurpose.CREDENTIAL, KeyPurpose.LIST):
            await self.issuer.rotate_key(purpose, curve=curve)
            self.clock.advance(1)
        self.resolver = default_resolver(log_source=self.registry, now=self.clock)
        self.wallet = await Wallet.open(
            MemoryWalletStore(), passphrase="open sesame", resolver=self.resolver, now=self.clock
        )
        return self

    def verifier(self, **changes: Any) -> Verifier:
        trust = (Trust(type="ResidenceCertificate", accredited=True, schema=TYPE.schema),)
        return Verifier(
            strict(**{"trust": trust, **changes}),
            resolver=self.resolver,
            lists=self.issuer,
            registry=self.registry,
            now=self.clock,
        )

    async def issue(self, reference: str = "case-17", *, curve: Curve = Curve.P256, **options: Any) -> str:
        """Issue to a new key of the wallet, and return the credential's text."""
        key = await self.wallet.new_key(curve)
        issued = await self.issuer.issue("residence", CLAIMS, reference=reference, holder=key, **options)
        return issued.credential

    async def shown(self, reference: str = "case-17", *, curve: Curve = Curve.P256) -> str:
        """Issue, receive and present."""
        card = await self.wallet.add(await self.issue(reference, curve=curve))
        return await self.wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)

    async def secured(self, key: PublicKey, *members: Any) -> str:
        """Present ``members`` by hand under ``key`` of the wallet, whoever they were issued to."""
        did = did_key(key)
        presentation = await secure_presentation(
            members,
            kms=self.wallet.kms,
            label=await self.wallet.kms.label_of(key),
            verification_method=f"{did}#{did.removeprefix('did:key:')}",
            holder=did,
            domain=AUDIENCE,
            challenge=NONCE,
            created=self.clock(),
            contexts=TYPE.contexts,
        )
        return json.dumps(presentation)

    async def beside_a_notary(self, document: JsonObject) -> tuple[JsonObject, str]:
        """Return ``document`` with a second proof, and the DID of the notary who added it."""
        key = await self.federation.kms.generate("notary", curve=Curve.ED25519, purpose=KeyPurpose.CREDENTIAL)
        did = did_key(key)
        both: JsonObject = await add_further_proof(
            document,
            kms=self.federation.kms,
            label="notary",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=f"{did}#{did.removeprefix('did:key:')}",
            proof_purpose="assertionMethod",
            created=self.clock(),
            suite=jcs_suite_for(key),
        )
        return both, did

    async def verify(self, text: str, **changes: Any) -> VerifiedPresentation:
        return await self.verifier(**changes).verify(text, nonce=NONCE)


def changed_leaves(value: JsonValue) -> Iterator[JsonValue]:
    """Yield copies of ``value``, in each of which one leaf or one member's name is another."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield {(f"{key}x" if key == name else key): each for key, each in value.items()}
            yield {key: each for key, each in value.items() if key != name}
            yield from ({**value, name: other} for other in changed_leaves(member))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield [each for at, each in enumerate(value) if at != index]
            yield from ([*value[:index], other, *value[index + 1 :]] for other in changed_leaves(element))
    elif isinstance(value, str):
        last = value[-1:]
        yield value[:-1] + ("a" if last != "a" else "b")
    else:
        yield None

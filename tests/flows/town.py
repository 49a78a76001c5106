"""A registry, an agency and a benefits office, for the flows that need every part in the test's hands."""

from __future__ import annotations

import json
from typing import Any

from issuer import CredentialType, Issuer
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.credentials.data_integrity import secure_presentation
from ssi.credentials.jose import sign_vp_jwt
from ssi.credentials.sd_jwt import bind, present
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.status import AnchoringPolicy
from ssi.testing import TestFederation, TestHolder
from verifier import Policy, Trust, Verifier

RESIDENCE = CredentialType(
    name="residence",
    vct="https://town.example/credentials/residence",
    types=("ResidenceCertificate",),
    contexts=("https://www.w3.org/ns/credentials/examples/v2",),
    schema={
        "type": "object",
        "properties": {"given_name": {"type": "string"}, "address": {"type": "object"}},
        "required": ["given_name"],
    },
    validity_days=365,
    formats=("dc+sd-jwt", "vc+jwt", "ldp_vc"),
)
CLAIMS = {"given_name": "Aino", "address": {"locality": "Kerava", "country": "FI"}}
AUDIENCE = "https://benefits.example"


def strict(**changes: Any) -> Policy:
    """Return a policy that asks for everything, of issuers that are accredited for a residence."""
    members: dict[str, Any] = {
        "audience": AUDIENCE,
        "holder_binding": "required",
        "status": "required",
        "max_list_age_seconds": 86_400,
        "trust": tuple(Trust(type=name, accredited=True) for name in (RESIDENCE.vct, *RESIDENCE.types)),
        "anchoring": AnchoringPolicy(max_staleness_seconds=86_400, max_unanchored_seconds=0),
        "contexts": RESIDENCE.contexts,
    }
    return Policy(**{**members, **changes})


class Town:
    """A registry, an agency and a benefits office, with a clock that the test sets."""

    async def open(self) -> Town:
        self.federation = await TestFederation.found()
        self.clock = self.federation.clock
        self.registry = self.federation.registry
        self.citizen = await TestHolder.create(clock=self.clock)
        self.holder = self.citizen.key
        agency = await self.federation.enrol("town", types=[RESIDENCE.vct, *RESIDENCE.types])
        self.store = await SqliteIssuerStore.open(":memory:")
        self.issuer = Issuer(
            agency,
            store=self.store,
            registry=self.registry,
            catalogue=[RESIDENCE],
            status_base="https://town.example/status",
            now=self.clock,
        )
        return self

    def verifier(self, **changes: Any) -> Verifier:
        return Verifier(
            strict(**changes),
            resolver=default_resolver(log_source=self.registry, now=self.clock),
            lists=self.issuer,
            registry=self.registry,
            now=self.clock,
        )

    async def show(self, credential: str, format: str, nonce: str) -> str:
        if format == "ldp_vc":
            did = did_key(self.holder)
            shown = await secure_presentation(
                [json.loads(credential)],
                kms=self.citizen.kms,
                label="holder",
                verification_method=f"{did}#{did.removeprefix('did:key:')}",
                holder=did,
                domain=AUDIENCE,
                challenge=nonce,
                created=self.clock(),
                contexts=RESIDENCE.contexts,
            )
            return json.dumps(shown)
        if format == "vc+jwt":
            return await sign_vp_jwt(
                [credential],
                kms=self.citizen.kms,
                label="holder",
                kid=None,
                holder=None,
                audience=AUDIENCE,
                nonce=nonce,
                issued_at=self.clock(),
            )
        return await bind(
            present(credential, [("address", "locality")]),
            kms=self.citizen.kms,
            label="holder",
            nonce=nonce,
            audience=AUDIENCE,
            now=self.clock(),
        )

"""Issue, hold, present, verify, revoke, refuse: the three roles in one process, on one ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from issuer import CredentialType, Issuer
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.credentials.data_integrity import secure_presentation
from ssi.credentials.jose import sign_vp_jwt
from ssi.credentials.sd_jwt import bind, present
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.errors import ConflictError
from ssi.status import AnchoringPolicy
from ssi.testing import TestFederation, TestHolder
from verifier import Policy, Refused, Trust, Verifier

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
        policy: dict[str, Any] = {
            "audience": AUDIENCE,
            "holder_binding": "required",
            "status": "required",
            "max_list_age_seconds": 86_400,
            "trust": (Trust(type=RESIDENCE.vct, accredited=True), Trust(type="ResidenceCertificate", accredited=True)),
            "anchoring": AnchoringPolicy(max_staleness_seconds=86_400, max_unanchored_seconds=0),
            "contexts": RESIDENCE.contexts,
        }
        return Verifier(
            Policy(**{**policy, **changes}),
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


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    opened = await Town().open()
    yield opened
    await opened.store.close()


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt", "ldp_vc"])
async def test_main_job(town: Town, format: Any) -> None:
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-17", format=format, holder=town.holder)
    verifier = town.verifier()
    shown = await verifier.verify(await town.show(issued.credential, format, "n-1"), nonce="n-1")
    expected = {"address": {"locality": "Kerava"}} if format == "dc+sd-jwt" else CLAIMS
    if format == "ldp_vc":
        expected = {"id": did_key(town.holder), **CLAIMS}
    assert shown.claims == expected
    assert shown.holder == town.holder
    assert [check.outcome for check in shown.report.checks if check.name != "schema"].count("passed") >= 6
    town.clock.advance(10)
    change = await town.issuer.suspend(reference="case-17", reason="under review", by="registry office")
    assert change.references == ("case-17",)
    assert change.anchored
    town.clock.advance(400)
    with pytest.raises(Refused) as suspended:
        await verifier.verify(await town.show(issued.credential, format, "n-2"), nonce="n-2")
    assert suspended.value.check == "status"
    await town.issuer.unsuspend(reference="case-17")
    town.clock.advance(400)
    await verifier.verify(await town.show(issued.credential, format, "n-3"), nonce="n-3")
    await town.issuer.revoke(reference="case-17", reason="moved away")
    town.clock.advance(400)
    with pytest.raises(Refused, match="revoked"):
        await verifier.verify(await town.show(issued.credential, format, "n-4"), nonce="n-4")
    with pytest.raises(ConflictError):
        await town.issuer.unsuspend(reference="case-17")

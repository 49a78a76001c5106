"""An agency's portable DID moves: what it signed under its old name stays what it was, and so does what is revoked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.vcdm import parse_credential
from ssi.did.resolver import default_resolver
from ssi.did.webvh import DocumentKey, WebvhLog, build_document, create_did, move_did, update_did
from ssi.encoding.base64url import b64_encode
from ssi.encoding.timestamps import format_seconds
from ssi.errors import DidNotFoundError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.status import StatusFormat
from ssi.status.content import MINIMUM_ENTRIES
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from ssi.status.reference import build_bitstring_entry
from ssi.testing import TestClock
from ssi.testing.sources import MemoryLists
from ssi.types import JsonObject
from verifier import Policy, Refused, Trust, VerifiedPresentation, Verifier

V2 = "https://www.w3.org/ns/credentials/v2"
FORMATS = ["vc+jwt", "vc+cose", "ldp_vc"]


class Agency:
    """An issuer with a portable DID, whose log is to be had under each of its names."""

    async def start(self) -> Agency:
        self.clock, self.kms, self.lists = TestClock(), MemoryKms(), MemoryLists()
        self.states: dict[int, CredentialState] = {}
        keys = [
            DocumentKey(label, await self.kms.generate(label, curve=Curve.P256, purpose=purpose))
            for label, purpose in (("credential-1", KeyPurpose.CREDENTIAL), ("list-1", KeyPurpose.LIST))
        ]
        made = await create_did(
            kms=self.kms,
            name="agency",
            domain="agency.example",
            document=lambda did: build_document(did, keys=keys),
            portable=True,
            now=self.clock(),
        )
        self.log: WebvhLog = made.log
        self.old = self.log.did
        self.clock.advance(100)
        return self

    async def did_log(self, did: str) -> bytes:
        if did not in {version.did for version in self.log.versions}:
            raise DidNotFoundError("no such log")
        return self.log.log

    async def move(self) -> None:
        moved = await move_did(
            self.log, kms=self.kms, name="agency", domain="new.example", path=["city"], now=self.clock()
        )
        self.log = moved.log
        self.clock.advance(100)

    async def rotate(self) -> None:
        """Put another credential key in the place of the first."""
        key = await self.kms.generate("credential-2", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
        keys = [DocumentKey("credential-2", key), DocumentKey("list-1", await self.kms.public_key("list-1"))]
        document = build_document(self.log.did, keys=keys, also_known_as=[self.old])
        made = await update_did(self.log, kms=self.kms, name="agency", now=self.clock(), document=document)
        self.log = made.log
        self.clock.advance(100)

    def family(self, issuer: str) -> StatusFamily:
        uri = "https://agency.example/status/1"
        return StatusFamily(format=StatusFormat.BITSTRING, issuer=issuer, uri=uri, entries=MINIMUM_ENTRIES)

    async def issue(self, format: str, index: int) -> str:
        """Issue under the old name, whatever the DID is called by now."""
        references = self.family(self.old).references(index)
        document: JsonObject = {
            "@context": [V2],
            "type": ["VerifiableCredential", "Residence"],
            "issuer": self.old,
            "validFrom": format_seconds(self.clock()),
            "credentialSubject": {"given_name": "Aino"},
            "credentialStatus": [build_bitstring_entry(reference) for reference in references],
        }
        credential, kid = parse_credential(document, contexts=()), f"{self.old}#credential-1"
        if format == "vc+jwt":
            return await sign_vc_jwt(credential, kms=self.kms, label="credential-1", kid=kid, issued_at=self.clock())
        if format == "vc+cose":
            made = await sign_vc_cose(credential, kms=self.kms, label="credential-1", kid=kid, issued_at=self.clock())
            return b64_encode(made)
        return json.dumps(
            await secure_credential(
                credential, kms=self.kms, label="credential-1", verification_method=kid, created=self.clock()
            )
        )

    async def publish(self, issuer: str | None = None) -> None:
        """Sign the lists under the name that the DID has now."""
        named = issuer or self.log.did
        for made in await publish_lists(
            self.family(named),
            StatusArray(MINIMUM_ENTRIES, self.states.items()),
            kms=self.kms,
            label="list-1",
            kid=f"{named}#list-1",
            now=self.clock(),
            embedded_proof=True,
        ):
            self.lists.serve(made.served())

    async def verify(self, text: str, registry: Any = None, **changes: Any) -> VerifiedPresentation:
        """Verify with nothing remembered."""
        policy: dict[str, Any] = {
            "audience": "https://benefits.example",
            "holder_binding": "not-required",
            "status": "required",
            "max_list_age_seconds": 86_400,
            "trust": (Trust(type="Residence", issuers=(self.old,)),),
        }
        verifier = Verifier(
            Policy(**{**policy, **changes}),
            resolver=default_resolver(log_source=self, now=self.clock),
            lists=self.lists,
            registry=registry,
            now=self.clock,
        )
        return await verifier.verify(text)


@pytest.mark.parametrize("format", FORMATS)
async def test_signed_and_listed_before_the_move(format: str) -> None:
    agency = await Agency().start()
    text = await agency.issue(format, 7)
    await agency.publish()
    agency.clock.advance(10)
    await agency.verify(text)
    await agency.move()
    assert agency.log.did != agency.old
    await agency.verify(text)
    await agency.publish()
    found = await agency.verify(text)
    assert (found.issuer, found.claims) == (agency.old, {"given_name": "Aino"})
    agency.states[7] = CredentialState.REVOKED
    agency.clock.advance(10)
    await agency.publish()
    with pytest.raises(Refused, match="revoked"):
        await agency.verify(text)


@pytest.mark.parametrize("format", FORMATS)
async def test_a_key_that_was_replaced_after_the_move(format: str) -> None:
    """Under the old name too it counts for what it signed while it was in force, before the move and after it."""
    agency = await Agency().start()
    before = await agency.issue(format, 1)
    agency.clock.advance(10)
    await agency.move()
    after = await agency.issue(format, 2)
    agency.clock.advance(10)
    await agency.rotate()
    late = await agency.issue(format, 3)
    agency.clock.advance(10)
    await agency.publish()
    until = agency.clock() + 60
    for text in (before, after):
        with pytest.raises(Refused) as refused:
            await agency.verify(text)
        assert refused.value.check == "signature"
        await agency.verify(text, accept_superseded_keys_until=until)
    with pytest.raises(Refused, match="when it says to have signed"):
        await agency.verify(late, accept_superseded_keys_until=until)


class Declared:
    """A registry that knows one key as compromised, under one name."""

    size, checkpoint_time = 1, None

    def __init__(self, agency: Agency, kid: str) -> None:
        self.agency, self.kid = agency, kid

    def view(self) -> Declared:
        return self

    def did_log(self, did: str) -> bytes:
        return self.agency.log.log

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        return at if kid == self.kid else None

    def newest_commitment(self, uri: str) -> None:
        return None


@pytest.mark.parametrize("key", ["credential-1", "list-1"])
async def test_a_key_declared_compromised_under_either_name_is_so_under_both(key: str) -> None:
    agency = await Agency().start()
    text = await agency.issue("ldp_vc", 7)
    await agency.move()
    for listed_by in (agency.log.did, agency.old):
        await agency.publish(listed_by)
        for name in (agency.old, agency.log.did):
            with pytest.raises(Refused, match="compromised"):
                await agency.verify(text, Declared(agency, f"{name}#{key}"))
        await agency.verify(text, Declared(agency, f"{agency.old}#list-2"))


async def test_a_list_of_somebody_else_is_not_the_agencys() -> None:
    agency, other = await Agency().start(), await Agency().start()
    text = await agency.issue("vc+jwt", 7)
    await agency.move()
    await other.publish()
    agency.lists = other.lists
    with pytest.raises(Refused, match="issuer or of a delegate"):
        await agency.verify(text)

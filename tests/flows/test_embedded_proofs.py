"""A credential with an embedded proof from issuer to verifier: keys that the caller resolves, a list with a proof."""

from __future__ import annotations

import json

import pytest

from ssi.credentials.data_integrity import (
    DataIntegrityPresentation,
    check_holder,
    found_keys,
    read_presentation,
    secure_credential,
    secure_presentation,
    verify_presentation,
)
from ssi.credentials.vcdm import check_credential
from ssi.did.methods.jwk import did_jwk
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidSignatureError, ProofPurposeError, StatusError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, jcs_suite_for
from ssi.status import StatusPolicy, check_status, parse_references, parse_status_list, verify_status_list
from ssi.status.bitstring import build_bitstring_claims
from ssi.status.lists import CredentialState, StatusArray
from ssi.status.reference import StatusFormat, StatusReference, build_bitstring_entry
from ssi.types import JsonObject

NOW = 1_800_000_000
URI = "https://agency.example/status/1"
DOMAIN, CHALLENGE = "https://verifier.example", "Xy-1"
ENTRIES = 1 << 17
VALID, REVOKED = 7, 8


class Parties:
    """An agency and a holder with their keys and DIDs."""

    def __init__(self) -> None:
        self.kms = MemoryKms()

    async def start(self) -> None:
        """Draw the keys."""
        agency = await self.kms.generate("agency", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
        holder = await self.kms.generate("holder", curve=Curve.ED25519, purpose=KeyPurpose.HOLDER)
        self.agency, self.holder = did_key(agency), did_jwk(holder.to_jwk())
        self.agency_method = f"{self.agency}#{self.agency.removeprefix('did:key:')}"
        self.holder_method = f"{self.holder}#0"

    async def issue(self, index: int) -> JsonObject:
        """Return a credential for the holder whose status is at ``index``."""
        reference = StatusReference(format=StatusFormat.BITSTRING, uri=URI, index=index, purpose="revocation")
        document = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"],
            "issuer": self.agency,
            "validFrom": "2026-01-01T00:00:00Z",
            "credentialSubject": {"id": self.holder, "name": "Zoë"},
            "credentialStatus": build_bitstring_entry(reference),
        }
        return await secure_credential(
            check_credential(document, contexts=()),
            kms=self.kms,
            label="agency",
            verification_method=self.agency_method,
            created=NOW,
        )

    async def present(self, *credentials: JsonObject) -> str:
        """Return the text that goes to the verifier."""
        shown = await secure_presentation(
            credentials,
            kms=self.kms,
            label="holder",
            verification_method=self.holder_method,
            holder=self.holder,
            domain=DOMAIN,
            challenge=CHALLENGE,
            created=NOW,
        )
        return json.dumps(shown)

    async def status_list(self) -> str:
        """Return the agency's list, its proof embedded too."""
        states = StatusArray(ENTRIES, [(REVOKED, CredentialState.REVOKED)])
        key = await self.kms.public_key("agency")
        secured = await add_proof(
            build_bitstring_claims(
                states.bitstring("revocation"),
                purpose="revocation",
                uri=URI,
                issuer=self.agency,
                issued_at=NOW,
                expires_at=NOW + 600,
                ttl_seconds=60,
            ),
            kms=self.kms,
            label="agency",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=self.agency_method,
            proof_purpose="assertionMethod",
            created=NOW,
            suite=jcs_suite_for(key),
        )
        return json.dumps(secured)


async def accept(text: str, status_list: str) -> DataIntegrityPresentation:
    """Verify as a verifier does: read, resolve, verify, bind to the holder, check the status."""
    unverified = read_presentation(parse_object(text))
    resolver = default_resolver()
    keys = {needed: await resolver.key(needed.verification_method, needed.purpose) for needed in unverified.keys}
    verified = verify_presentation(
        unverified,
        keys=found_keys(keys),
        now=NOW,
        domain=DOMAIN,
        challenge=CHALLENGE,
        max_age_seconds=300,
        contexts=(),
    )
    for credential in verified.credentials:
        check_holder(credential, verified)
        issuer = credential.credential.issuer
        listed = parse_status_list(status_list)
        key = await resolver.key(listed.kid or "", "assertionMethod")
        for reference in parse_references(credential.credential.raw):
            believed = verify_status_list(listed, key, expected_uri=reference.uri, issuer=issuer, now=NOW)
            policy = StatusPolicy(max_age_seconds=600)
            check_status(reference, believed, issuers=(issuer,), now=NOW, policy=policy)
    return verified


async def test_issue_present_verify_and_revoke() -> None:
    parties = Parties()
    await parties.start()
    status_list = await parties.status_list()
    verified = await accept(await parties.present(await parties.issue(VALID)), status_list)
    assert verified.credentials[0].credential.subjects[0]["name"] == "Zoë"
    with pytest.raises(StatusError, match="revoked"):
        await accept(await parties.present(await parties.issue(REVOKED)), status_list)
    with pytest.raises(InvalidSignatureError):
        await accept((await parties.present(await parties.issue(VALID))).replace("Zo\\u00eb", "Zoe"), status_list)


async def test_a_key_that_is_not_listed_for_the_purpose_is_not_found() -> None:
    """A did:jwk whose key is for encryption lists it for no signature."""
    parties = Parties()
    await parties.start()
    holder = await parties.kms.public_key("holder")
    parties.holder = did_jwk({**holder.to_jwk(), "use": "enc"})
    parties.holder_method = f"{parties.holder}#0"
    with pytest.raises(ProofPurposeError):
        await accept(await parties.present(await parties.issue(VALID)), await parties.status_list())

"""openvc-core: eddsa-jcs-2022 and ecdsa-jcs-2019 on credentials, presentations and Bitstring Status Lists."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any, NamedTuple

import pytest
from openvc import OpenvcError, VerificationPolicy, signing_key_from_jwk
from openvc import verify_credential as verify_openvc
from openvc.proof.di_jcs import EcdsaJcsProofSuite, EddsaJcsProofSuite
from openvc.status import CredentialRevoked
from openvc.status import bitstring as peer_bitstring
from openvc.status import issue as peer_issue

from ssi.credentials.data_integrity import (
    KeyNeeded,
    found_keys,
    read_credential,
    read_presentation,
    secure_credential,
    secure_presentation,
    verify_credential,
    verify_presentation,
)
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.errors import InvalidSignatureError, StatusError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import parse_jws, verify_jws
from ssi.proofs.data_integrity import KeyLookup, add_proof, jcs_suite_for
from ssi.status import StatusFormat, StatusPolicy, check_status, parse_references, parse_status_list, verify_status_list
from ssi.status.bitstring import build_bitstring_claims
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange

WITH_STATUS = "VC, eddsa-jcs-2022, its status in our list"
DIFFERS = "the peer signs the proof's @context and leaves it out of the proof; put back (3.3.1), the proof holds here"
GOOD, REVOKED, ENTRIES = 3, 4, 1 << 17
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"


class Party(NamedTuple):
    """A signer with one key: here in a key store, there a signing key."""

    key: PrivateKey
    suite: Any

    @property
    def did(self) -> str:
        """The did:key of the signer."""
        return did_key(self.key.public_key)

    @property
    def method(self) -> str:
        """Its verification method."""
        return f"{self.did}#{self.did.removeprefix('did:key:')}"

    def store(self, purpose: KeyPurpose) -> MemoryKms:
        """Return a key store that holds the key."""
        kms = MemoryKms()
        asyncio.run(kms.add("key", self.key, purpose=purpose))
        return kms

    def theirs(self, document: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Return ``document`` with the peer's proof."""
        signer = signing_key_from_jwk(self.key.to_jwk(), self.method)
        signed: dict[str, Any] = self.suite.add_proof(
            document, signing_key=signer, verification_method=self.method, **options
        )
        return signed


ED, P256, P384 = (
    Party(PrivateKey.generate(curve), suite())
    for curve, suite in (
        (Curve.ED25519, EddsaJcsProofSuite),
        (Curve.P256, EcdsaJcsProofSuite),
        (Curve.P384, EcdsaJcsProofSuite),
    )
)
KEY, ISSUER, METHOD = ED.key, ED.did, ED.method
PARTIES = {"eddsa-jcs-2022": ED, "ecdsa-jcs-2019 P-256": P256, "ecdsa-jcs-2019 P-384": P384}


def credential(index: int | None = None, *, issuer: str = ISSUER) -> dict[str, Any]:
    """Return an unsecured credential of data model 2.0, with a status entry if ``index`` is given."""
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES],
        "type": ["VerifiableCredential"],
        "issuer": issuer,
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:holder", **parties.SUBJECT, "score": 1e21, "small": 1e-7},
    }
    if index is not None:
        document["credentialStatus"] = peer_issue.build_status_list_entry(
            status_list_credential=f"{parties.STATUS_URI}/revocation", index=index
        )
    return document


def ours(document: dict[str, Any], party: Party = ED) -> dict[str, Any]:
    """Return the document with our proof."""
    return asyncio.run(
        secure_credential(
            parse_credential(document, contexts=(EXAMPLES,)),
            kms=party.store(KeyPurpose.CREDENTIAL),
            label="key",
            verification_method=party.method,
            created=parties.now(),
        )
    )


def keys(party: Party) -> KeyLookup:
    """Return the lookup of the party's key for both purposes."""
    purposes = ("assertionMethod", "authentication")
    return found_keys({KeyNeeded(party.method, purpose): party.key.public_key for purpose in purposes})


def revocation_list() -> str:
    """Return our signed list in which one entry is revoked."""

    async def publish() -> str:
        kms = MemoryKms()
        await kms.add("list", KEY, purpose=KeyPurpose.LIST)
        family = StatusFamily(format=StatusFormat.BITSTRING, issuer=ISSUER, uri=parties.STATUS_URI, entries=ENTRIES)
        states = StatusArray(ENTRIES, [(REVOKED, CredentialState.REVOKED)])
        lists = await publish_lists(family, states, kms=kms, label="list", kid=METHOD, now=parties.now())
        return next(item.compact for item in lists if item.purpose == "revocation")

    return asyncio.run(publish())


def mended(secured: dict[str, Any]) -> dict[str, Any]:
    """Return a document of the peer's with the @context that its proof was made with."""
    return {**secured, "proof": {**secured["proof"], "@context": secured["@context"]}}


def believed(document: dict[str, Any], party: Party = ED) -> dict[str, Any]:
    """Return what the peer's proof secures, once the @context that it signed stands in it; as sent it is refused."""
    secured = party.theirs(document)
    arguments: dict[str, Any] = {"keys": keys(party), "now": parties.now(), "contexts": (EXAMPLES,)}
    with pytest.raises(InvalidSignatureError):
        verify_credential(read_credential(secured), **arguments)
    return verify_credential(read_credential(mended(secured)), **arguments).credential.raw


def credential_theirs_here(party: Party) -> None:
    assert believed(credential(issuer=party.did), party) == credential(issuer=party.did)


def credential_ours_there(party: Party) -> None:
    result = verify_openvc(ours(credential(issuer=party.did), party), policy=VerificationPolicy())
    assert result.issuer == party.did


def presentation(party: Party) -> dict[str, Any]:
    """Return an unsecured presentation of a credential of the party's own with our proof."""
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": party.did,
        "verifiableCredential": [ours(credential(issuer=party.did), party)],
    }


def presentation_theirs_here(party: Party) -> None:
    secured = party.theirs(
        presentation(party), proof_purpose="authentication", challenge=parties.NONCE, domain=parties.AUDIENCE
    )
    arguments: dict[str, Any] = {
        "keys": keys(party),
        "now": parties.now(),
        "domain": parties.AUDIENCE,
        "challenge": parties.NONCE,
        "max_age_seconds": 300,
        "contexts": (EXAMPLES,),
    }
    with pytest.raises(InvalidSignatureError):
        verify_presentation(read_presentation(secured), **arguments)
    verified = verify_presentation(read_presentation(mended(secured)), **arguments)
    assert verified.credentials[0].credential.issuer == party.did


def presentation_ours_there(party: Party) -> None:
    shown = asyncio.run(
        secure_presentation(
            presentation(party)["verifiableCredential"],
            kms=party.store(KeyPurpose.HOLDER),
            label="key",
            verification_method=party.method,
            holder=party.did,
            domain=parties.AUDIENCE,
            challenge=parties.NONCE,
            created=parties.now(),
            contexts=(EXAMPLES,),
        )
    )
    asked = {
        "public_key_jwk": party.key.public_key.to_jwk(),
        "expected_proof_purpose": "authentication",
        "expected_domain": parties.AUDIENCE,
    }
    party.suite.verify(shown, expected_challenge=parties.NONCE, **asked)
    with pytest.raises(OpenvcError):
        party.suite.verify(shown, expected_challenge="another", **asked)


def unsigned_list(party: Party) -> dict[str, Any]:
    """Return a list credential of ours in which one entry is revoked."""
    now = parties.now()
    return build_bitstring_claims(
        StatusArray(ENTRIES, [(REVOKED, CredentialState.REVOKED)]).bitstring("revocation"),
        purpose="revocation",
        uri=parties.STATUS_URI,
        issuer=party.did,
        issued_at=now,
        expires_at=now + 600,
        ttl_seconds=300,
    )


def list_theirs_here(party: Party) -> None:
    secured = party.theirs(unsigned_list(party))
    arguments: dict[str, Any] = {"expected_uri": parties.STATUS_URI, "issuer": party.did, "now": parties.now()}
    key = party.key.public_key
    with pytest.raises(InvalidSignatureError):
        verify_status_list(parse_status_list(json.dumps(secured)), key, **arguments)
    verified = verify_status_list(parse_status_list(json.dumps(mended(secured))), key, **arguments)
    assert [index for index in range(8) if verified.data[0] >> (7 - index) & 1] == [REVOKED]


def list_ours_there(party: Party) -> None:
    secured = asyncio.run(
        add_proof(
            unsigned_list(party),
            kms=party.store(KeyPurpose.LIST),
            label="key",
            purpose=KeyPurpose.LIST,
            verification_method=party.method,
            proof_purpose="assertionMethod",
            created=parties.now(),
            suite=jcs_suite_for(party.key.public_key),
        )
    )
    result = verify_openvc(secured, policy=VerificationPolicy())
    subject = (result.credential or {})["credentialSubject"]
    bits = peer_bitstring.decode_bitstring(subject["encodedList"])
    assert [index for index in range(8) if peer_bitstring.get_status_bit(bits, index)] == [REVOKED]


for _name, _party in PARTIES.items():
    for _what, _here, _there in (
        ("VC", credential_theirs_here, credential_ours_there),
        ("VP with VC", presentation_theirs_here, presentation_ours_there),
        ("Bitstring Status List", list_theirs_here, list_ours_there),
    ):
        exchange("openvc-core", f"{_what}, {_name}", HERE, differs=DIFFERS)(partial(_here, _party))
        exchange("openvc-core", f"{_what}, {_name}", THERE)(partial(_there, _party))


@exchange("openvc-core", WITH_STATUS, HERE, differs=DIFFERS)
def status_theirs_here() -> None:
    """The peer's credential with its status entry; the list, which it cannot secure as vc+jwt, is ours."""
    accepted = []
    for index in (GOOD, REVOKED):
        document = believed(credential(index))
        (reference,) = parse_references(document)
        verified = verify_status_list(
            parse_status_list(revocation_list()),
            KEY.public_key,
            expected_uri=reference.uri,
            issuer=ISSUER,
            now=parties.now(),
        )
        try:
            policy = StatusPolicy(max_age_seconds=600)
            check_status(reference, verified, issuers=(ISSUER,), now=parties.now(), policy=policy)
            accepted.append(index)
        except StatusError:
            continue
    assert accepted == [GOOD]


@exchange("openvc-core", WITH_STATUS, THERE)
def status_ours_there() -> None:
    """The peer reads our list once its signature, which it has no format for, has been checked."""
    accepted = []
    for index in (GOOD, REVOKED):
        claims = verify_jws(parse_jws(revocation_list()), KEY.public_key, typ={"vc+jwt"}).claims
        try:
            verify_openvc(ours(credential(index)), resolve_status_list=lambda uri, claims=claims: claims)
            accepted.append(index)
        except CredentialRevoked:
            continue
    assert accepted == [GOOD]

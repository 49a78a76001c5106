"""openvc-core: eddsa-jcs-2022 on a credential, and the status that it names in a Bitstring Status List.

Our side has no façade for credentials with embedded proofs yet; the proof, the shape and the status are checked by the
functions that one will call.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openvc import Ed25519SigningKey, VerificationPolicy, verify_credential
from openvc.proof.di_jcs import EddsaJcsProofSuite
from openvc.status import CredentialRevoked
from openvc.status import issue as peer_issue

from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.errors import InvalidSignatureError, StatusError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import parse_jws, verify_jws
from ssi.proofs.data_integrity import add_proof, verify_proof
from ssi.status import StatusFormat, StatusPolicy, check_status, parse_references, parse_status_list, verify_status_list
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange

FORMAT, WITH_STATUS = "VC, eddsa-jcs-2022", "VC, eddsa-jcs-2022, Bitstring Status List"
DIFFERS = "the peer signs the proof's @context and leaves it out of the proof; put back (3.3.1), the proof holds here"
KEY = PrivateKey.generate(Curve.ED25519)
ISSUER = did_key(KEY.public_key)
METHOD = f"{ISSUER}#{ISSUER.removeprefix('did:key:')}"
GOOD, REVOKED, ENTRIES = 3, 4, 1 << 17


def credential(index: int | None = None) -> dict[str, Any]:
    """Return an unsecured credential of data model 2.0, with a status entry if ``index`` is given."""
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
        "type": ["VerifiableCredential"],
        "issuer": ISSUER,
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:holder", **parties.SUBJECT, "score": 1e21, "small": 1e-7},
    }
    if index is not None:
        document["credentialStatus"] = peer_issue.build_status_list_entry(
            status_list_credential=f"{parties.STATUS_URI}/revocation", index=index
        )
    return document


def theirs(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the peer's proof."""
    signer = Ed25519SigningKey.from_jwk(KEY.to_jwk(), METHOD)
    return EddsaJcsProofSuite().add_proof(document, signing_key=signer, verification_method=METHOD)


def ours(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with our proof."""

    async def sign() -> dict[str, Any]:
        kms = MemoryKms()
        await kms.add("key", KEY, purpose=KeyPurpose.CREDENTIAL)
        return await add_proof(
            document,
            kms=kms,
            label="key",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method=METHOD,
            proof_purpose="assertionMethod",
            created=parties.now(),
        )

    return asyncio.run(sign())


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


def believed(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the peer's proof secures, once the @context that it signed stands in it; as sent it is refused."""
    secured = theirs(document)
    with pytest.raises(InvalidSignatureError):
        verify_proof(secured, key=KEY.public_key, expected_purpose="assertionMethod", now=parties.now())
    secured["proof"]["@context"] = document["@context"]
    return verify_proof(secured, key=KEY.public_key, expected_purpose="assertionMethod", now=parties.now())


@exchange("openvc-core", FORMAT, HERE, differs=DIFFERS)
def theirs_here() -> None:
    assert believed(credential()) == credential()


@exchange("openvc-core", FORMAT, THERE)
def ours_there() -> None:
    result = verify_credential(ours(credential()), policy=VerificationPolicy())
    assert result.issuer == ISSUER


@exchange("openvc-core", WITH_STATUS, HERE, differs=DIFFERS)
def status_theirs_here() -> None:
    """The peer's credential with its status entry; the list, which it cannot secure as vc+jwt, is ours."""
    accepted = []
    for index in (GOOD, REVOKED):
        document = believed(credential(index))
        parse_credential(document, contexts=("https://www.w3.org/ns/credentials/examples/v2",))
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
            verify_credential(ours(credential(index)), resolve_status_list=lambda uri, claims=claims: claims)
            accepted.append(index)
        except CredentialRevoked:
            continue
    assert accepted == [GOOD]

"""openvc-core: SD-JWT VC with key binding, its issuer found by did:key, its status in a Token Status List."""

from __future__ import annotations

import asyncio

from openvc import P256SigningKey, VerificationPolicy, verify_credential
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.status import CredentialRevoked
from openvc.status import issue as peer_issue
from openvc.status import token_status_list as peer_token

from ssi.did.methods.key import did_key
from ssi.errors import StatusError
from ssi.keys import KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.status import StatusFormat, StatusPolicy, check_status, parse_references, parse_status_list, verify_status_list
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from tests.interop.exchanges import _parties as parties
from tests.interop.exchanges import _sd_jwt as ours
from tests.interop.matrix import HERE, THERE, exchange

FORMAT, WITH_STATUS = "SD-JWT VC with key binding", "SD-JWT VC with Token Status List"
GOOD, REVOKED = 3, 4
ENTRIES = 1 << 17


def their_presentation(status: int | None = None) -> str:
    """Return what the peer's issuer makes and its holder presents."""
    suite, claims = SdJwtVcProofSuite(), dict(parties.SUBJECT)
    if status is not None:
        claims |= peer_issue.build_token_status_reference(uri=parties.STATUS_URI, index=status)
    issued = suite.issue(
        {"iss": parties.ISSUER, **claims},
        signing_key=P256SigningKey.from_jwk(parties.ISSUER_KEY.to_jwk(), parties.KID),
        disclosable=["given_name", "family_name", "address"],
        holder_jwk=parties.HOLDER_KEY.public_key.to_jwk(),
        vct=parties.VCT,
        expires_in_s=600,
        decoys=2,
    )
    holder = P256SigningKey.from_jwk(parties.HOLDER_KEY.to_jwk(), "holder")
    return suite.create_presentation(issued, holder_key=holder, audience=parties.AUDIENCE, nonce=parties.NONCE)


@exchange("openvc-core", FORMAT, HERE)
def theirs_here() -> None:
    verified = ours.verify(their_presentation())
    assert {name: verified.claims[name] for name in parties.SUBJECT} == parties.SUBJECT
    assert verified.key_binding is not None


@exchange("openvc-core", FORMAT, THERE)
def ours_there() -> None:
    found = SdJwtVcProofSuite().verify(
        asyncio.run(ours.presentation()),
        public_key_jwk=parties.ISSUER_KEY.public_key.to_jwk(),
        audience=parties.AUDIENCE,
        nonce=parties.NONCE,
        require_key_binding=True,
        expected_vct=parties.VCT,
    )
    assert {name: found.claims[name] for name in ours.EXPECTED} == ours.EXPECTED
    assert "family_name" not in found.claims
    assert found.key_bound


@exchange("openvc-core", WITH_STATUS, HERE)
def status_theirs_here() -> None:
    data = peer_token.new_status_list(ENTRIES, bits=2)
    peer_token.set_status(data, REVOKED, 1, bits=2)
    signer = P256SigningKey.from_jwk(parties.LIST_KEY.to_jwk(), f"{parties.ISSUER}#list")
    compact = peer_issue.build_status_list_token(
        signing_key=signer, uri=parties.STATUS_URI, status_list=data, bits=2, ttl=300, issuer=parties.ISSUER
    )
    accepted = []
    for index in (GOOD, REVOKED):
        (reference,) = parse_references(ours.verify(their_presentation(index)).claims)
        verified = verify_status_list(
            parse_status_list(compact),
            parties.LIST_KEY.public_key,
            expected_uri=reference.uri,
            issuer=parties.ISSUER,
            now=parties.now(),
        )
        try:
            policy = StatusPolicy(max_age_seconds=600)
            check_status(reference, verified, issuers=(parties.ISSUER,), now=parties.now(), policy=policy)
            accepted.append(index)
        except StatusError:
            continue
    assert accepted == [GOOD]


@exchange("openvc-core", WITH_STATUS, THERE)
def status_ours_there() -> None:
    """The peer's whole pipeline: key by did:key, status by our signed list, whose key is the same DID's."""
    issuer = did_key(parties.ISSUER_KEY.public_key)
    accepted = []
    for index in (GOOD, REVOKED):
        text, compact = asyncio.run(_ours_with_status(issuer, index))

        def resolve(uri: str, compact: str = compact) -> object:
            key = parties.ISSUER_KEY.public_key.to_jwk()
            return peer_issue.verify_status_list_token(compact, public_key_jwk=key, expected_uri=uri)

        policy = VerificationPolicy(
            audience=parties.AUDIENCE, nonce=parties.NONCE, require_key_binding=True, expected_vct=parties.VCT
        )
        try:
            result = verify_credential(text, policy=policy, resolve_status_list_token=resolve)
        except CredentialRevoked:
            continue
        assert result.issuer == issuer
        accepted.append(index)
    assert accepted == [GOOD]


async def _ours_with_status(issuer: str, index: int) -> tuple[str, str]:
    family = StatusFamily(format=StatusFormat.TOKEN, issuer=issuer, uri=parties.STATUS_URI, entries=ENTRIES)
    states = StatusArray(ENTRIES, [(REVOKED, CredentialState.REVOKED)])
    lists = MemoryKms()
    await lists.add("list", parties.ISSUER_KEY, purpose=KeyPurpose.LIST)
    kid = f"{issuer}#{issuer.removeprefix('did:key:')}"
    (published,) = await publish_lists(family, states, kms=lists, label="list", kid=kid, now=parties.now())
    status = {"status_list": {"idx": index, "uri": parties.STATUS_URI}}
    return await ours.presentation(status, issuer=issuer, kid=kid), published.compact

"""openvc-core: Token Status Lists, signed, and the encoded list of the Bitstring Status List."""

from __future__ import annotations

import asyncio
import time

from openvc import P256SigningKey
from openvc.status import bitstring as peer_bitstring
from openvc.status import issue as peer_issue
from openvc.status import token_status_list as peer_token

from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.status import (
    StatusFormat,
    StatusPolicy,
    StatusReference,
    StatusState,
    parse_status_list,
    read_status,
    verify_status_list,
)
from ssi.status.bitstring import decode_list, encode_list
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import SignedList, publish_lists
from tests.interop.matrix import HERE, THERE, exchange

ISSUER = "did:web:registry.example"
KID = f"{ISSUER}#key-1"
URI = "https://registry.example/status/1"
ENTRIES = 1 << 17
STATES = {0: CredentialState.VALID, 1: CredentialState.REVOKED, 77: CredentialState.SUSPENDED, ENTRIES - 1: 1}


@exchange("openvc-core", "Token Status List (JWT)", HERE)
def token_theirs_here() -> None:
    private, now = PrivateKey.generate(Curve.P256), int(time.time())
    data = peer_token.new_status_list(ENTRIES, bits=2)
    for index, state in STATES.items():
        peer_token.set_status(data, index, int(state), bits=2)
    signer = P256SigningKey.from_jwk(private.to_jwk(), KID)
    compact = peer_issue.build_status_list_token(
        signing_key=signer, uri=URI, status_list=data, bits=2, expires=now + 600, ttl=300, issuer=ISSUER
    )
    verified = verify_status_list(
        parse_status_list(compact), private.public_key, expected_uri=URI, issuer=ISSUER, now=now
    )
    for index, state in STATES.items():
        reference = StatusReference(format=StatusFormat.TOKEN, uri=URI, index=index)
        policy = StatusPolicy(max_age_seconds=600)
        result = read_status(reference, verified, issuers=(ISSUER,), now=now, policy=policy)
        assert result.value == int(state)
        assert (result.state is StatusState.VALID) is (int(state) == 0)


@exchange("openvc-core", "Token Status List (JWT)", THERE)
def token_ours_there() -> None:
    private = PrivateKey.generate(Curve.P256)
    (published,) = asyncio.run(_publish(private, StatusFormat.TOKEN))
    claims = peer_issue.verify_status_list_token(
        published.compact, public_key_jwk=private.public_key.to_jwk(), expected_uri=URI
    )
    for index, state in STATES.items():
        status = {"status": {"status_list": {"idx": index, "uri": URI}}}
        found = peer_token.check_token_status(status, resolve_status_list_token=lambda uri: claims)
        assert found is not None
        assert found.status == int(state)


@exchange("openvc-core", "Bitstring encodedList", HERE)
def bits_theirs_here() -> None:
    bits = peer_bitstring.new_bitstring(ENTRIES)
    for index in (0, 9, ENTRIES - 1):
        peer_bitstring.set_status_bit(bits, index, 1)
    assert decode_list(peer_bitstring.encode_bitstring(bytes(bits))) == bytes(bits)


@exchange("openvc-core", "Bitstring encodedList", THERE)
def bits_ours_there() -> None:
    states = StatusArray(ENTRIES, ((index, CredentialState.REVOKED) for index in (0, 9, ENTRIES - 1)))
    bits = peer_bitstring.decode_bitstring(encode_list(states.bitstring("revocation")))
    assert [index for index in range(ENTRIES) if peer_bitstring.get_status_bit(bits, index)] == [0, 9, ENTRIES - 1]


async def _publish(private: PrivateKey, format: StatusFormat) -> tuple[SignedList, ...]:
    kms = MemoryKms()
    await kms.add("list", private, purpose=KeyPurpose.LIST)
    family = StatusFamily(format=format, issuer=ISSUER, uri=URI, entries=ENTRIES)
    states = StatusArray(ENTRIES, ((index, CredentialState(state)) for index, state in STATES.items()))
    return await publish_lists(family, states, kms=kms, label="list", kid=KID, now=int(time.time()))

"""Bitstring Status Lists whose proof is embedded: read, verified, and refused where anything does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InvalidInputError, ProofPurposeError, SsiError, StatusError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import PublishedList
from ssi.proofs.data_integrity import add_further_proof, add_proof, jcs_suite_for
from ssi.status import (
    StatusFormat,
    StatusListCache,
    StatusPolicy,
    UnverifiedStatusList,
    VerifiedStatusList,
    check_status,
    parse_status_list,
    read_status,
    status_list_digest,
    verify_status_list,
)
from ssi.status.bitstring import build_bitstring_claims
from ssi.status.folder import ListFolder
from ssi.status.lists import CredentialState, StatusArray
from ssi.status.source import StatusLists
from ssi.types import JsonObject
from tests.unit.proofs.party import altered, leaves
from tests.unit.status.lists import ENTRIES, ISSUER, KEY, KID, NOW, family, signed_lists

REFERENCE = family(StatusFormat.BITSTRING).references(5)[0]
OTHER = family(StatusFormat.BITSTRING).references(6)[0]
POLICY = StatusPolicy(max_age_seconds=600)


def claims(**changed: Any) -> JsonObject:
    states = StatusArray(ENTRIES, [(5, CredentialState.REVOKED)])
    document = build_bitstring_claims(
        states.bitstring("revocation"),
        purpose="revocation",
        uri=REFERENCE.uri,
        issuer=ISSUER,
        issued_at=NOW,
        expires_at=NOW + 3600,
        ttl_seconds=300,
    )
    return {name: value for name, value in {**document, **changed}.items() if value is not None}


async def secured(document: JsonObject, *, key: PrivateKey = KEY, **changed: Any) -> JsonObject:
    kms = MemoryKms()
    await kms.add("list", key, purpose=KeyPurpose.LIST)
    arguments: dict[str, Any] = {
        "kms": kms,
        "label": "list",
        "purpose": KeyPurpose.LIST,
        "verification_method": KID,
        "proof_purpose": "assertionMethod",
        "created": NOW,
        "suite": jcs_suite_for(key.public_key),
    }
    add = add_further_proof if "proof" in document else add_proof
    return await add(document, **{**arguments, **changed})


def verify(document: JsonObject, *, now: int = NOW, key: PrivateKey = KEY, **changed: Any) -> VerifiedStatusList:
    arguments: dict[str, Any] = {"expected_uri": REFERENCE.uri, "issuer": ISSUER, **changed}
    return verify_status_list(parse_status_list(json.dumps(document)), key.public_key, now=now, **arguments)


@pytest.mark.parametrize("curve", [Curve.ED25519, Curve.P256, Curve.P384])
async def test_a_list_with_an_embedded_proof(curve: Curve) -> None:
    key = PrivateKey.generate(curve)
    text = json.dumps(await secured(claims(), key=key)).encode()
    unverified = parse_status_list(text)
    assert (unverified.format, unverified.issuer, unverified.kid) == (StatusFormat.BITSTRING, ISSUER, KID)
    got = verify_status_list(unverified, key.public_key, expected_uri=REFERENCE.uri, issuer=ISSUER, now=NOW)
    assert got.digest == status_list_digest(text)
    assert (got.issued_at, got.expires_at, got.ttl_seconds) == (NOW, NOW + 3600, 300)
    with pytest.raises(StatusError) as refusal:
        check_status(REFERENCE, got, issuers=(ISSUER,), now=NOW, policy=POLICY)
    assert refusal.value.reason == "revoked"
    assert read_status(OTHER, got, issuers=(ISSUER,), now=NOW, policy=POLICY).value == 0


async def test_every_leaf_of_a_list() -> None:
    document = await secured(claims(), options={"expires": "2030-01-01T00:00:00Z"})
    verify(document)
    for path in leaves(document):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify(altered(document, path))


async def test_it_holds_no_longer_than_its_proof_and_is_as_old() -> None:
    document = await secured(claims(validUntil=None, validFrom=None), options={"expires": "2027-01-15T08:01:00Z"})
    got = verify(document)
    assert (got.issued_at, got.expires_at) == (NOW, NOW + 60)
    for now, reason in ((NOW + 60, "expired"), (NOW - 61, "unreliable")):
        with pytest.raises(StatusError) as refusal:
            verify(document, now=now)
        assert refusal.value.reason == reason
    with pytest.raises(StatusError) as refusal:
        verify(await secured(claims()), now=NOW + 3600)
    assert refusal.value.reason == "expired"


async def test_whose_list_it_is() -> None:
    with pytest.raises(VerificationError, match="of its issuer"):
        verify(await secured(claims(), verification_method="did:example:other#lists"))
    with pytest.raises(VerificationError, match="caller named"):
        verify(await secured(claims(issuer="did:example:other")))
    with pytest.raises(VerificationError, match="of its issuer"):
        verify(await secured(claims()), issuer="did:example:other")
    with pytest.raises(VerificationError, match="address"):
        verify(await secured(claims()), expected_uri="https://other.example/")
    with pytest.raises(VerificationError, match="address"):
        verify(await secured(claims(id=None)))
    assert verify(await secured(claims(id=None)), require_id=False).uri == REFERENCE.uri
    with pytest.raises(VerificationError):
        verify(await secured(claims()), key=PrivateKey.generate(Curve.P256))
    with pytest.raises(ProofPurposeError):
        verify(await secured(claims(), proof_purpose="authentication"))


async def test_what_is_no_such_list() -> None:
    document = await secured(claims())
    with pytest.raises(VerificationError, match="set of 2"):
        parse_status_list(json.dumps(await secured(document)))
    for text in (
        "{",
        "{}",
        json.dumps(claims()),
        json.dumps({**document, "proof": []}),
        json.dumps({**document, "issuer": 1}),
        json.dumps(document)[:-1] + ',"issuer":"x"}',
        b'{"\xff":1}',
    ):
        with pytest.raises(InvalidInputError):
            parse_status_list(text)
    with pytest.raises(InvalidInputError):
        parse_status_list(json.dumps(document), max_characters=len(json.dumps(document)) - 1)
    for changed in ({"type": ["VerifiableCredential"]}, {"@context": ["https://www.w3.org/2018/credentials/v1"]}):
        with pytest.raises(InvalidInputError):
            verify(await secured(claims(**changed)))
    with pytest.raises(SsiError):
        verify_status_list(
            UnverifiedStatusList(StatusFormat.BITSTRING, ISSUER, KID, None),
            KEY.public_key,
            expected_uri=REFERENCE.uri,
            issuer=ISSUER,
            now=NOW,
        )


async def test_a_folder_holds_it_too(tmp_path: Path) -> None:
    body = json.dumps(await secured(claims())).encode()
    (tmp_path / "list.jwt").write_bytes(body)
    (tmp_path / "other.jwt").write_text(signed_lists(StatusFormat.TOKEN)[0])
    folder = ListFolder(tmp_path)
    assert (await folder.status_list(REFERENCE.uri)).media_type == "application/vc"
    assert sorted(folder.uris()) == sorted([REFERENCE.uri, family(StatusFormat.TOKEN).uri])
    published = await folder.status_list(REFERENCE.uri)
    assert verify(json.loads(published.body)).uri == REFERENCE.uri


async def test_it_goes_the_way_of_every_list() -> None:
    """The verifier's source fetches, resolves the key by the verification method, verifies and keeps it."""
    body = json.dumps(await secured(claims())).encode() + b"\n"
    asked: list[str | None] = []

    class Source:
        async def status_list(self, uri: str) -> PublishedList:
            return PublishedList(uri, body, "application/vc", None)

    async def resolve_key(unverified: UnverifiedStatusList, issuer: str) -> Any:
        asked.append(unverified.kid)
        return KEY.public_key

    lists = StatusLists(
        source=Source(), resolve_key=resolve_key, cache=StatusListCache(max_age_seconds=60), clock=lambda: NOW
    )
    for _ in range(2):
        got = await lists.get(OTHER, issuers=(ISSUER,))
        assert check_status(OTHER, got, issuers=(ISSUER,), now=NOW, policy=POLICY).value == 0
    assert asked == [KID]

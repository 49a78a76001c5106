"""ssi.credentials.jose: credentials as JWTs."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.credentials.jose import UnverifiedVcJwt, read_vc_jwt, read_vp_jwt, sign_vc_jwt, sign_vc_jwts
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import (
    InvalidInputError,
    InvalidSignatureError,
    KeyBindingError,
    ProofPurposeError,
    SsiError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.curves import JOSE_CURVES
from tests.unit.credentials.jose_by_hand import (
    DOCUMENT,
    HOLDER_KEY,
    ISSUER,
    KID,
    NOW,
    V2,
    credential,
    jwt,
    present,
    two_parties,
    verify,
)


@pytest.fixture
async def kms() -> MemoryKms:
    return await two_parties()


@pytest.mark.parametrize("curve", JOSE_CURVES)
async def test_what_is_signed_verifies(curve: Curve) -> None:
    kms = MemoryKms()
    key = await kms.generate("c", curve=curve, purpose=KeyPurpose.CREDENTIAL)
    compact = await sign_vc_jwt(
        credential(), kms=kms, label="c", kid=KID, issued_at=NOW, expires_at=NOW + 60, holder_key=HOLDER_KEY.public_key
    )
    unverified = read_vc_jwt(compact)
    assert (unverified.issuer, unverified.kid, unverified.types[0]) == (ISSUER, KID, "VerifiableCredential")
    verified = verify(compact, key)
    assert verified.header == {"alg": key.alg, "typ": "vc+jwt", "cty": "vc", "kid": KID}
    assert {name: verified.claims[name] for name in DOCUMENT} == DOCUMENT
    assert (verified.credential.issuer, verified.issued_at, verified.compact) == (ISSUER, NOW, compact)
    assert verified.holder_key() == HOLDER_KEY.public_key


async def test_many_are_signed_in_one_call(kms: MemoryKms) -> None:
    many = [credential(id=f"urn:example:{i}") for i in range(5)]
    keys = [HOLDER_KEY.public_key] * 5
    signed = await sign_vc_jwts(many, kms=kms, label="issuer", kid=KID, issued_at=NOW, holder_keys=keys)
    key = await kms.public_key("issuer")
    assert [verify(one, key).credential.id for one in signed] == [one.id for one in many]
    assert verify(signed[0], key).holder_key() == HOLDER_KEY.public_key
    with pytest.raises(InvalidInputError):
        await sign_vc_jwts(many, kms=kms, label="issuer", kid=KID, holder_keys=keys[:2])


@pytest.mark.parametrize(
    ("members", "options"),
    [
        ({}, {"kid": "did:example:other#key-1"}),
        ({}, {"kid": f"{ISSUER}evil#key-1"}),
        ({}, {"kid": "thumbprint"}),
        ({"iss": "did:example:other"}, {}),
        ({"iat": 5}, {"issued_at": 6}),
        ({"exp": 5}, {"expires_at": 6}),
        ({"cnf": {"kid": "x"}}, {"holder_key": HOLDER_KEY.public_key}),
    ],
    ids=str,
)
async def test_a_contradiction_is_not_signed(
    kms: MemoryKms, members: dict[str, object], options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        await sign_vc_jwt(credential(**members), kms=kms, label="issuer", **{"kid": KID, **options})


async def test_a_proof_inside_is_not_signed(kms: MemoryKms) -> None:
    with pytest.raises(InvalidInputError, match="proof"):
        await sign_vc_jwt(credential(proof={"type": "DataIntegrityProof"}), kms=kms, label="issuer", kid=KID)


async def test_the_holders_key_signs_no_credential(kms: MemoryKms) -> None:
    with pytest.raises(ProofPurposeError):
        await sign_vc_jwt(credential(), kms=kms, label="holder", kid=KID)


@pytest.mark.parametrize("typ", ["vc+jwt", "VC+JWT", "application/vc+jwt"])
def test_the_media_type_is_compared_as_one(typ: str) -> None:
    verify(jwt(header={"typ": typ}))


@pytest.mark.parametrize(
    "typ", ["vp+jwt", "JWT", "vc+sd-jwt", "dc+sd-jwt", "kb+jwt", "statuslist+jwt", "answerable+jwt", "vc", "", None, 7]
)
def test_another_type_is_refused(typ: object) -> None:
    with pytest.raises((VerificationError, InvalidInputError)):
        verify(jwt(header={"typ": typ}))


def test_a_missing_type_is_accepted_only_where_said() -> None:
    compact = jwt(drop=("typ",))
    with pytest.raises(VerificationError):
        verify(compact)
    verify(compact, typ={"vc+jwt", ""})


@pytest.mark.parametrize("cty", ["vp", "JWT", "bad+cty", "", 7, ["vc"]])
def test_another_content_type_is_refused(cty: object) -> None:
    with pytest.raises(VerificationError, match="cty"):
        verify(jwt(header={"cty": cty}))
    verify(jwt(header={"cty": "application/VC"}))


@pytest.mark.parametrize("member", ["vc", "vp", "proof"])
def test_a_wrapped_or_twice_secured_credential_is_refused(member: str) -> None:
    claims: dict[str, Any] = {member: {"type": "DataIntegrityProof"}}
    with pytest.raises(InvalidInputError):
        verify(jwt(**claims))


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"validFrom": "2026-06-01T00:00:00Z"}, ValidityError),
        ({"validUntil": "2026-05-01T00:00:00Z"}, ValidityError),
        ({"exp": NOW}, ValidityError),
        ({"exp": NOW - 0.5}, ValidityError),
        ({"nbf": NOW + 1}, ValidityError),
        ({"iat": NOW + 1}, ValidityError),
        ({"iat": "2026-06-01T00:00:00Z"}, ValidityError),
        ({"exp": str(NOW + 60)}, InvalidInputError),
        ({"exp": True}, InvalidInputError),
        ({"nbf": [0]}, InvalidInputError),
        ({"iat": "yesterday"}, InvalidInputError),
        ({"iat": {}}, InvalidInputError),
        ({"iss": "did:example:other"}, VerificationError),
        ({"iss": ISSUER + "/"}, VerificationError),
        ({"iss": 7}, VerificationError),
        ({"issuer": "did:example:other"}, VerificationError),
        ({"issuer": {"id": "did:example:other"}}, VerificationError),
        ({"type": ["VerifiablePresentation"]}, InvalidInputError),
        ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, InvalidInputError),
        ({"@context": [V2, "https://unknown.example/v1"]}, InvalidInputError),
        ({"credentialSubject": {}}, InvalidInputError),
    ],
    ids=str,
)
def test_a_well_signed_credential_is_still_checked(members: dict[str, Any], error: type[SsiError]) -> None:
    with pytest.raises(error):
        verify(jwt(**members))


@pytest.mark.parametrize(
    "members", [{"nbf": NOW + 60}, {"iat": NOW + 60}, {"validFrom": "2026-05-28T20:27:40Z"}], ids=str
)
def test_a_clock_that_is_ahead_is_tolerated_to_a_point(members: dict[str, Any]) -> None:
    verify(jwt(**members), max_skew_seconds=60)
    with pytest.raises(ValidityError):
        verify(jwt(**members), max_skew_seconds=59)


@pytest.mark.parametrize("members", [{"exp": NOW}, {"validUntil": "2026-05-28T20:26:39Z"}], ids=str)
def test_no_skew_lengthens_a_life(members: dict[str, Any]) -> None:
    with pytest.raises(ValidityError):
        verify(jwt(**members), max_skew_seconds=3600)
    verify(jwt(exp=NOW + 0.5, iat=NOW, validUntil="2026-05-28T20:26:40Z"))


@pytest.mark.parametrize(
    ("header", "claims", "held"),
    [
        ({"kid": KID}, {}, True),
        ({"kid": f"{ISSUER}?versionId=1#key-1"}, {}, True),
        ({"kid": "did:example:other#key-1"}, {}, False),
        ({"kid": "did:example:issuer2#key-1"}, {}, False),
        ({"kid": "did:example:other#key-1"}, {"iss": ISSUER}, False),
        ({"kid": "https://other.example/issuers/1#key-1"}, {}, False),
        ({"kid": "https://other.example/keys/1"}, {}, True),
        ({"kid": "1"}, {"iss": ISSUER}, True),
        ({"kid": "1"}, {}, False),
        ({"kid": "1", "iss": ISSUER}, {}, True),
        ({"kid": "1", "iss": "did:example:other"}, {"iss": ISSUER}, False),
        ({"kid": None}, {}, False),
        ({"kid": None}, {"iss": ISSUER}, True),
    ],
    ids=str,
)
def test_kid_and_iss_agree_with_the_issuer(header: dict[str, Any], claims: dict[str, Any], held: bool) -> None:
    drop = tuple(name for name, value in header.items() if value is None)
    compact = jwt(header=header, drop=drop, **claims)
    if held:
        verify(compact)
    else:
        with pytest.raises(VerificationError):
            verify(compact)


def test_a_kid_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        read_vc_jwt(jwt(header={"kid": 7}))


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"crit": ["exp"]}, {"b64": False}, {"zip": "DEF"}]
)
def test_hostile_headers_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        verify(jwt(header=header))


def test_keys_in_the_header_are_never_used() -> None:
    other = PrivateKey.generate(Curve.P256)
    compact = jwt(key=other, header={"jwk": other.public_key.to_jwk()})
    with pytest.raises(InvalidSignatureError):
        verify(compact)


def test_a_key_of_another_curve_is_refused() -> None:
    with pytest.raises(InvalidSignatureError):
        verify(jwt(), HOLDER_KEY.public_key)
    with pytest.raises(InvalidSignatureError):
        verify(jwt(header={"alg": "EdDSA"}))


def test_every_altered_byte_is_refused() -> None:
    compact = jwt(header={"cty": "vc"}, iat=NOW)
    verify(compact)
    for position, old in enumerate(compact):
        altered = compact[:position] + ("A" if old != "A" else "B") + compact[position + 1 :]
        with pytest.raises((VerificationError, InvalidInputError)):
            verify(altered)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in _leaves(item, (*path, name))]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in _leaves(item, (*path, i))]
    return [path]


def test_every_altered_leaf_is_refused() -> None:
    head, _, signature = jwt().split(".")
    for path in _leaves(DOCUMENT):
        changed = copy.deepcopy(DOCUMENT)
        target: Any = changed
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = 8 if target[path[-1]] == 7 else "2026-01-02T00:00:00Z"
        compact = f"{head}.{b64url_encode(json.dumps(changed).encode())}.{signature}"
        with pytest.raises(SsiError):
            verify(compact)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_read_or_refused(data: str | bytes) -> None:
    for read in (read_vc_jwt, read_vp_jwt):
        with pytest.raises(InvalidInputError):
            read(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_members = st.sampled_from(["iss", "issuer", "kid", "exp", "nbf", "iat", "cnf", "aud", "typ", "cty", "type", "holder"])


@settings(max_examples=150)
@given(st.dictionaries(_members, _json, max_size=4), st.dictionaries(_members, _json, max_size=3))
def test_any_signed_claims_are_believed_or_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    compact = jwt(header=header, **claims)
    for check in (lambda: verify(compact).holder_key(), lambda: present(compact)):
        try:
            check()
        except SsiError:
            continue


@pytest.mark.parametrize("cnf", [{}, {"kid": "did:example:1#k"}, {"jkt": "x"}, "x", [], {"jwk": "x"}])
def test_a_binding_that_cannot_be_checked_fails_closed(cnf: object) -> None:
    with pytest.raises(KeyBindingError):
        verify(jwt(cnf=cnf)).holder_key()


def test_the_unverified_value_cannot_be_changed() -> None:
    unverified: UnverifiedVcJwt = read_vc_jwt(jwt())
    with pytest.raises(AttributeError):
        unverified.issuer = "did:example:other"  # type: ignore[misc]
    assert b64url_decode(unverified.jws.compact.split(".")[0])

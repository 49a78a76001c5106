"""ssi.credentials.jose: credentials and presentations as JWTs."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.credentials.enveloped import VerifiedCredential, VerifiedPresentation, check_holder
from ssi.credentials.jose import (
    UnverifiedVcJwt,
    envelope_vc_jwt,
    read_vc_jwt,
    read_vp_jwt,
    sign_vc_jwt,
    sign_vc_jwts,
    sign_vp_jwt,
    verify_vc_jwt,
    verify_vp_jwt,
)
from ssi.credentials.presentation import Envelope
from ssi.credentials.vcdm import Credential, check_credential
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
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.curves import JOSE_CURVES
from ssi.keys.jws import build_jws, signing_input

V2 = "https://www.w3.org/ns/credentials/v2"
ISSUER = "did:example:issuer"
HOLDER = "did:example:holder"
KID = f"{ISSUER}#key-1"
NOW = 1_780_000_000
DOCUMENT: dict[str, Any] = {
    "@context": [V2],
    "type": ["VerifiableCredential", "https://town.example/#Residence"],
    "issuer": ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": {"id": HOLDER, "familyName": "Muster", "n": 7},
}
KEY = PrivateKey.generate(Curve.P256)
HOLDER_KEY = PrivateKey.generate(Curve.ED25519)


def credential(**members: object) -> Credential:
    return check_credential({**copy.deepcopy(DOCUMENT), **members}, contexts=())


def jwt(
    claims: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
    key: PrivateKey = KEY,
    drop: tuple[str, ...] = (),
    **more: object,
) -> str:
    """A VC-JWT by hand: DOCUMENT with ``more``, or ``claims``, under a default header with ``header`` set."""
    merged = {"alg": key.public_key.alg, "typ": "vc+jwt", "kid": KID, **(header or {})}
    merged = {name: value for name, value in merged.items() if name not in drop}
    message = signing_input(merged, {**DOCUMENT, **more} if claims is None else claims)
    return build_jws(message, key.sign(message))


def verify(compact: str, key: PublicKey = KEY.public_key, **options: Any) -> VerifiedCredential:
    return verify_vc_jwt(read_vc_jwt(compact), key, **{"now": NOW, "contexts": (), "max_skew_seconds": 0, **options})


@pytest.fixture
async def kms() -> MemoryKms:
    store = MemoryKms()
    await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    await store.generate("holder", curve=Curve.ED25519, purpose=KeyPurpose.HOLDER)
    return store


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


def present(compact: str, key: PublicKey = KEY.public_key, **options: Any) -> VerifiedPresentation:
    rules: dict[str, Any] = {"audience": "https://v.example", "nonce": "n-1", "max_age_seconds": 60}
    return verify_vp_jwt(
        read_vp_jwt(compact), key, **{"now": NOW, "contexts": (), "max_skew_seconds": 0, **rules, **options}
    )


async def presentation(kms: MemoryKms, **options: Any) -> str:
    return await sign_vp_jwt(
        **{
            "credentials": [jwt()],
            "kms": kms,
            "label": "holder",
            "kid": f"{HOLDER}#key-1",
            "holder": HOLDER,
            "audience": "https://v.example",
            "nonce": "n-1",
            "issued_at": NOW,
            **options,
        }
    )


async def test_a_presentation_carries_enveloped_credentials(kms: MemoryKms) -> None:
    key = await kms.public_key("holder")
    sd_jwt = Envelope("application/dc+sd-jwt", "a.b.c~d~")
    compact = await presentation(kms, credentials=[jwt(), sd_jwt], identifier="urn:uuid:1", expires_at=NOW + 5)
    assert read_vp_jwt(compact).holder == HOLDER
    verified = present(compact, key)
    assert verified.credentials == (envelope_vc_jwt(jwt_text := verified.credentials[0].data), sd_jwt)
    assert verify(jwt_text).credential.issuer == ISSUER
    assert (verified.presentation.id, verified.issued_at) == ("urn:uuid:1", NOW)
    assert verified.header["typ"] == "vp+jwt"


@pytest.mark.parametrize(
    ("options", "rules", "error"),
    [
        ({"nonce": "n-2"}, {}, VerificationError),
        ({"nonce": None}, {}, VerificationError),
        ({"audience": "https://other.example"}, {}, VerificationError),
        ({"audience": None}, {}, VerificationError),
        ({"issued_at": NOW - 61}, {}, ValidityError),
        ({"issued_at": NOW + 1}, {}, ValidityError),
        ({"expires_at": NOW}, {}, ValidityError),
        ({}, {"typ": {"vc+jwt"}}, VerificationError),
        ({}, {"nonce": ""}, VerificationError),
    ],
    ids=str,
)
async def test_a_presentation_for_another_moment_is_refused(
    kms: MemoryKms, options: dict[str, Any], rules: dict[str, Any], error: type[SsiError]
) -> None:
    compact = await presentation(kms, **options)
    with pytest.raises(error):
        present(compact, await kms.public_key("holder"), **rules)


async def test_what_is_not_asked_is_not_checked_if_said(kms: MemoryKms) -> None:
    compact = await presentation(kms, nonce=None, audience=None, issued_at=5)
    present(compact, await kms.public_key("holder"), nonce=None, audience=None, max_age_seconds=None)


def vp(claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    merged = {
        "@context": [V2],
        "type": "VerifiablePresentation",
        "holder": HOLDER,
        "aud": ["https://other.example", "https://v.example"],
        "nonce": "n-1",
        "iat": NOW,
        **claims,
    }
    return jwt(claims=merged, header={"typ": "vp+jwt", "kid": f"{HOLDER}#k", **(header or {})})


def test_an_audience_among_others_is_accepted() -> None:
    present(vp({}))


@pytest.mark.parametrize(
    "claims",
    [
        {"vp": {}},
        {"verifiableCredential": ["eyJh"]},
        {"verifiableCredential": []},
        {"verifiableCredential": [{**DOCUMENT, "issuer": HOLDER}]},
        {"verifiableCredential": [{**DOCUMENT}]},
        {"verifiableCredential": [{"@context": V2, "type": "EnvelopedVerifiableCredential", "id": "not-a-credential"}]},
        {"verifiableCredential": [{"@context": V2, "type": "EnvelopedVerifiableCredential", "id": "data:,x"}]},
        {
            "verifiableCredential": [
                {"@context": V2, "type": ["EnvelopedVerifiableCredential", "X"], "id": "data:a/b,x"}
            ]
        },
        {"verifiableCredential": [{"type": "EnvelopedVerifiableCredential", "id": "data:a/b,x"}]},
        {"verifiableCredential": [{"@context": V2, "type": "EnvelopedVerifiableCredential", "id": "data:a/b,x"}] * 65},
        {"holder": "did:example:other"},
        {"holder": {"name": "Acme"}},
        {"iss": "did:example:other"},
        {"type": ["VerifiableCredential"]},
        {"termsOfUse": {}},
        {"id": 5},
        {"iat": None},
        {"@context": V2},
    ],
    ids=lambda claims: str(claims)[:60],
)
def test_a_malformed_presentation_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises((InvalidInputError, VerificationError)):
        present(vp(claims))


async def test_a_presentation_is_no_credential_and_the_other_way_round(kms: MemoryKms) -> None:
    with pytest.raises(SsiError):
        verify(await presentation(kms), await kms.public_key("holder"))
    with pytest.raises(SsiError):
        present(jwt())


async def test_a_string_in_a_presentation_is_a_vc_jwt(kms: MemoryKms) -> None:
    with pytest.raises(InvalidInputError, match="media type"):
        await presentation(kms, credentials=["a.b.c~d~"])
    with pytest.raises(InvalidInputError):
        await presentation(kms, kid="did:example:other#key-1")


async def test_the_presenter_is_the_one_the_credential_was_issued_to(kms: MemoryKms) -> None:
    key = await kms.public_key("holder")
    by_key = verify(jwt(cnf={"jwk": key.to_jwk()}))
    by_subject = verify(jwt())
    stranger = verify(jwt(credentialSubject=[{"id": HOLDER}, {"id": "did:example:other"}]))
    other_key = verify(jwt(cnf={"jwk": HOLDER_KEY.public_key.to_jwk()}))
    shown = present(await presentation(kms), key)
    anonymous = present(await presentation(kms, holder=None, kid=None), key)
    check_holder(by_key, shown)
    check_holder(by_key, anonymous)
    check_holder(by_subject, shown)
    for refused in ((by_subject, anonymous), (stranger, shown), (other_key, shown), (other_key, anonymous)):
        with pytest.raises(KeyBindingError):
            check_holder(*refused)


@pytest.mark.parametrize("cnf", [{}, {"kid": "did:example:1#k"}, {"jkt": "x"}, "x", [], {"jwk": "x"}])
def test_a_binding_that_cannot_be_checked_fails_closed(cnf: object) -> None:
    with pytest.raises(KeyBindingError):
        verify(jwt(cnf=cnf)).holder_key()


def test_the_unverified_value_cannot_be_changed() -> None:
    unverified: UnverifiedVcJwt = read_vc_jwt(jwt())
    with pytest.raises(AttributeError):
        unverified.issuer = "did:example:other"  # type: ignore[misc]
    assert b64url_decode(unverified.jws.compact.split(".")[0])

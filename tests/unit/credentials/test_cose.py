"""vc+cose and vp+cose: issued, verified, and refused for everything that an issuer or holder did not say."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.credentials.cose import (
    envelope_vc_cose,
    read_vc_cose,
    read_vp_cose,
    sign_vc_cose,
    sign_vp_cose,
    verify_vc_cose,
    verify_vp_cose,
)
from ssi.credentials.enveloped import check_holder
from ssi.credentials.presentation import Envelope, build_presentation, parse_envelope, parse_presentation
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.base64url import b64_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, KeyBindingError, ValidityError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.cose import (
    ALG,
    CONTENT_TYPE,
    CWT_CLAIMS,
    KID,
    TYP,
    build_sign1,
    encode_header,
    parse_sign1,
    sig_structure,
)
from ssi.keys.cose_key import cose_key
from ssi.keys.jws import encode_json

NOW = 1_800_000_000
ISSUER, HOLDER = "did:web:agency.example", "did:example:holder"
KEY, HOLDER_KEY = PrivateKey.generate(Curve.P256), PrivateKey.generate(Curve.ED25519)
DOCUMENT: dict[str, Any] = {
    "@context": [VC_V2_CONTEXT],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2036-01-01T00:00:00Z",
    "credentialSubject": {"id": HOLDER, "name": "resident"},
}
CREDENTIAL = parse_credential(DOCUMENT, contexts=())
HEADER: dict[Any, Any] = {
    ALG: -7,
    CONTENT_TYPE: "application/vc",
    KID: f"{ISSUER}#1".encode(),
    TYP: "application/vc+cose",
}
NO_CHALLENGE: dict[str, Any] = {"audience": None, "nonce": None, "max_age_seconds": None}


@pytest.fixture
async def kms() -> MemoryKms:
    store = MemoryKms()
    await store.add("issuer", KEY, purpose=KeyPurpose.CREDENTIAL)
    await store.add("holder", HOLDER_KEY, purpose=KeyPurpose.HOLDER)
    return store


def secured(header: Any = HEADER, document: Any = DOCUMENT, unprotected: Any = None) -> bytes:
    payload = document if isinstance(document, bytes) else encode_json(document)
    signature = KEY.sign(sig_structure(header, encode_header(header), payload))
    return build_sign1(header, payload, signature, unprotected=unprotected)


def verify(data: bytes | str, *, now: int = NOW, **rules: Any) -> Any:
    return verify_vc_cose(read_vc_cose(data), KEY.public_key, now=now, contexts=(), **rules)


async def issue(kms: MemoryKms, **rules: Any) -> bytes:
    return await sign_vc_cose(CREDENTIAL, kms=kms, label="issuer", **{"kid": f"{ISSUER}#1", **rules})


async def test_issued_and_verified(kms: MemoryKms) -> None:
    data = await issue(kms, issued_at=NOW, expires_at=NOW + 10, holder_key=HOLDER_KEY.public_key)
    unverified = read_vc_cose(data)
    assert (unverified.issuer, unverified.types, unverified.kid) == (ISSUER, ("VerifiableCredential",), f"{ISSUER}#1")
    protected = parse_sign1(data, tagged=True).protected
    assert {ALG, CONTENT_TYPE, KID, TYP, CWT_CLAIMS} == protected.keys()
    assert protected[CWT_CLAIMS] == {4: NOW + 10, 6: NOW, 8: {1: cose_key(HOLDER_KEY.public_key)}}
    for text in (data, b64_encode(data), b64_encode(data).rstrip("=")):
        verified = verify(text)
        assert verified.credential.raw == DOCUMENT
        assert verified.holder_key() == HOLDER_KEY.public_key
        assert verified.issued_at == NOW
        assert verified.header == {
            "alg": "ES256",
            "typ": "application/vc+cose",
            "cty": "application/vc",
            "kid": f"{ISSUER}#1",
        }
        assert verified.compact == b64_encode(data)
    for now, match in ((NOW + 10, "expired"), (NOW - 61, "made at")):
        with pytest.raises(ValidityError, match=match):
            verify(data, now=now)
    with pytest.raises(InvalidSignatureError):
        verify_vc_cose(read_vc_cose(data), PrivateKey.generate(Curve.P256).public_key, now=NOW, contexts=())


async def test_a_kid_that_is_no_url_takes_iss_with_it(kms: MemoryKms) -> None:
    data = await issue(kms, kid="thumbprint")
    assert parse_sign1(data).protected[CWT_CLAIMS] == {1: ISSUER}
    assert verify(data).claims["iss"] == ISSUER
    assert CWT_CLAIMS not in parse_sign1(await issue(kms)).protected
    for kid in ("did:web:other.example#1", "https://other.example/#1"):
        with pytest.raises(InvalidInputError, match="verification method"):
            await issue(kms, kid=kid)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({TYP: "application/vp+cose"}, VerificationError),
        ({TYP: "application/vc+jwt"}, VerificationError),
        ({TYP: None}, InvalidInputError),
        ({CONTENT_TYPE: "application/vp"}, VerificationError),
        ({CONTENT_TYPE: 50}, VerificationError),
        ({CWT_CLAIMS: {1: "did:web:other.example"}}, VerificationError),
        ({CWT_CLAIMS: []}, InvalidInputError),
        ({CWT_CLAIMS: {1: 5}}, InvalidInputError),
        ({CWT_CLAIMS: {4: float("nan")}}, InvalidInputError),
        ({CWT_CLAIMS: {4: float("inf")}}, InvalidInputError),
        ({CWT_CLAIMS: {4: "tomorrow"}}, InvalidInputError),
        ({CWT_CLAIMS: {4: True}}, InvalidInputError),
        ({CWT_CLAIMS: {4: NOW}}, ValidityError),
        ({CWT_CLAIMS: {5: NOW + 61}}, ValidityError),
        ({CWT_CLAIMS: {8: {}}}, InvalidInputError),
        ({CWT_CLAIMS: {8: {1: {1: 2}}}}, InvalidInputError),
        ({CWT_CLAIMS: {10: b"\xff"}}, InvalidInputError),
        ({KID: b"did:web:other.example#1"}, VerificationError),
        ({KID: b"https://other.example/keys#1"}, VerificationError),
    ],
)
def test_headers_that_are_refused(change: dict[int, Any], error: type[Exception]) -> None:
    header = {label: value for label, value in {**HEADER, **change}.items() if value is not None or label == TYP}
    with pytest.raises(error):
        verify(secured(header))


def test_headers_that_are_accepted() -> None:
    assert verify(secured({**HEADER, CONTENT_TYPE: "VC"}))
    assert verify(secured({**HEADER, KID: b"\xff\xfe"})).header.get("kid") is None
    assert verify(secured({label: HEADER[label] for label in (ALG, TYP)}))
    assert verify(secured({**HEADER, CWT_CLAIMS: {1: ISSUER, 2: HOLDER, 3: ["a"], 7: b"id", 99: 1, "x": []}}))
    assert verify(secured({label: value for label, value in HEADER.items() if label != TYP}), typ={"vc+cose", ""})
    with pytest.raises(VerificationError, match="typ"):
        verify(secured({label: value for label, value in HEADER.items() if label != TYP}))


def test_claims_in_the_payload_count_and_may_not_differ() -> None:
    assert verify(secured(document={**DOCUMENT, "exp": NOW + 1})).claims["exp"] == NOW + 1
    with pytest.raises(ValidityError):
        verify(secured(document={**DOCUMENT, "exp": NOW}))
    with pytest.raises(VerificationError, match="exp"):
        verify(secured({**HEADER, CWT_CLAIMS: {4: NOW + 5}}, {**DOCUMENT, "exp": NOW + 9}))


@pytest.mark.parametrize(
    "document",
    [
        {**DOCUMENT, "vc": {}},
        {**DOCUMENT, "proof": {"type": "DataIntegrityProof"}},
        {**DOCUMENT, "issuer": 5},
        {**DOCUMENT, "@context": []},
        b"[]",
        b'{"a":1,"a":2}',
        b"\xff",
        b"",
    ],
)
def test_payloads_that_are_refused(document: Any) -> None:
    with pytest.raises(InvalidInputError):
        verify(secured(document=document))


def test_other_envelopes_are_refused() -> None:
    detached = build_sign1(HEADER, None, KEY.sign(b""))
    for data in (detached, b"", "", "not base64!", secured().hex(), b64_encode(secured()) + " ", "A"):
        with pytest.raises(InvalidInputError):
            verify(data)
    with pytest.raises(InvalidInputError, match="protected"):
        verify(secured(unprotected={CWT_CLAIMS: {1: ISSUER}}))


def test_validity_of_the_credential() -> None:
    with pytest.raises(ValidityError, match="valid until"):
        verify(secured(), now=2_100_000_000)
    with pytest.raises(ValidityError, match="valid from"):
        verify(secured(), now=1_700_000_000)


async def present(kms: MemoryKms, envelopes: list[Envelope], **rules: Any) -> bytes:
    told = {"audience": "x509", "nonce": "n-1", "kid": f"{HOLDER}#1", "issued_at": NOW, **rules}
    return await sign_vp_cose(build_presentation(envelopes, holder=HOLDER), kms=kms, label="holder", **told)


async def test_presented_in_base64_and_verified(kms: MemoryKms) -> None:
    credential = await issue(kms, holder_key=HOLDER_KEY.public_key)
    data = await present(kms, [envelope_vc_cose(credential), Envelope("application/vc+jwt", "a.b.c")])
    unverified = read_vp_cose(b64_encode(data))
    assert (unverified.holder, unverified.kid) == (HOLDER, f"{HOLDER}#1")
    assert b"data:application/vc+cose;base64," in encode_json(unverified.payload)
    rules: dict[str, Any] = {"audience": "x509", "nonce": "n-1", "max_age_seconds": 60}
    shown = verify_vp_cose(unverified, HOLDER_KEY.public_key, now=NOW, contexts=(), **rules)
    first, second = shown.credentials
    assert (first.media_type, first.base64, second.base64) == ("application/vc+cose", True, False)
    verified = verify(first.data)
    assert verified.credential == CREDENTIAL
    check_holder(verified, shown)
    for change, error in (
        ({"audience": "other"}, VerificationError),
        ({"nonce": "n-2"}, VerificationError),
        ({"now": NOW + 61}, ValidityError),
        ({"typ": {"vc+cose"}}, VerificationError),
    ):
        with pytest.raises(error):
            verify_vp_cose(unverified, HOLDER_KEY.public_key, contexts=(), **{"now": NOW, **rules, **change})
    with pytest.raises(InvalidSignatureError):
        verify_vp_cose(unverified, KEY.public_key, now=NOW, contexts=(), **rules)


def test_envelopes_in_base64() -> None:
    envelope = envelope_vc_cose(secured())
    assert parse_envelope(envelope.to_object(), contexts=()) == envelope
    for encoding, data in (
        (";base64", envelope.data.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D")),
        (";BASE64", envelope.data.rstrip("=")),
        (";base64url", envelope.data.replace("+", "-").replace("/", "_")),
        (";charset=x;base64", envelope.data),
    ):
        value = {**envelope.to_object(), "id": f"data:application/vc+cose{encoding},{data}"}
        read = parse_envelope(value, contexts=())
        assert read.base64
        assert verify(read.data).credential == CREDENTIAL
    plain = {**envelope.to_object(), "id": "data:application/vc+jwt,a.b%2Bc"}
    assert parse_envelope(plain, contexts=()) == Envelope("application/vc+jwt", "a.b%2Bc")


async def test_a_stranger_is_not_the_holder(kms: MemoryKms) -> None:
    credential = verify(await issue(kms, holder_key=KEY.public_key))
    data = await present(kms, [Envelope("application/vc+jwt", "a.b.c")], audience=None, nonce=None)
    shown = verify_vp_cose(read_vp_cose(data), HOLDER_KEY.public_key, now=NOW, contexts=(), **NO_CHALLENGE)
    with pytest.raises(KeyBindingError):
        check_holder(credential, shown)


async def test_only_enveloped_credentials_are_presented(kms: MemoryKms) -> None:
    own = {**DOCUMENT, "issuer": HOLDER}
    document = {
        "@context": [VC_V2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": HOLDER,
        "verifiableCredential": [own],
    }
    presentation = parse_presentation(document, contexts=())
    rules: dict[str, Any] = {"kms": kms, "label": "holder", "kid": f"{HOLDER}#1", "audience": None, "nonce": None}
    with pytest.raises(InvalidInputError, match="envelope"):
        await sign_vp_cose(presentation, issued_at=NOW, **rules)
    header = {**HEADER, TYP: "application/vp+cose", CONTENT_TYPE: "application/vp", KID: f"{HOLDER}#1".encode()}
    with pytest.raises(VerificationError, match="envelope"):
        verify_vp_cose(read_vp_cose(secured(header, document)), KEY.public_key, now=NOW, contexts=(), **NO_CHALLENGE)


async def test_what_the_envelope_adds_is_not_in_the_document(kms: MemoryKms) -> None:
    claimed = parse_credential({**DOCUMENT, "exp": NOW + 5}, contexts=())
    with pytest.raises(InvalidInputError, match="exp"):
        await sign_vc_cose(claimed, kms=kms, label="issuer", kid=f"{ISSUER}#1", expires_at=NOW + 9)

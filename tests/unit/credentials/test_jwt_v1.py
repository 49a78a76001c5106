"""JWTs of data model 1.1: claims and members agree or fill each other in, and no JWT of today is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.contexts import VC_V1_CONTEXT, VC_V2_CONTEXT
from ssi.credentials.jose import read_vc_jwt
from ssi.credentials.jwt_v1 import read_jwt_vc, read_jwt_vp, verify_jwt_vc, verify_jwt_vp
from ssi.credentials.presentation import Envelope
from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError, ValidityError, VerificationError
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import build_jws, signing_input

ISSUER = "https://university.example/issuers/1"
KEY = PrivateKey.generate(Curve.P256)
NOW = 1_600_000_000
VC: dict[str, Any] = {
    "@context": [VC_V1_CONTEXT],
    "type": ["VerifiableCredential"],
    "credentialSubject": {"id": "did:example:a"},
}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "nbf": 1_577_836_800,
    "exp": 1_609_459_200,
    "jti": "urn:uuid:1",
    "sub": "did:example:a",
    "vc": VC,
}


def signed(claims: dict[str, Any], typ: str | None = "JWT", key: PrivateKey = KEY) -> str:
    header = {"alg": key.public_key.alg, "kid": "k"} | ({} if typ is None else {"typ": typ})
    data = signing_input(header, claims)
    return build_jws(data, key.sign(data))


def verified(claims: dict[str, Any], **arguments: Any) -> Any:
    options: dict[str, Any] = {"now": NOW, "contexts": {VC_V1_CONTEXT}} | arguments
    return verify_jwt_vc(read_jwt_vc(signed(claims)), KEY.public_key, **options)


@pytest.mark.parametrize("typ", ["JWT", "jwt", None])
def test_claims_become_members(typ: str | None) -> None:
    read = read_jwt_vc(signed(CLAIMS, typ))
    assert (read.issuer, read.kid) == (ISSUER, "k")
    held = verify_jwt_vc(read, KEY.public_key, now=NOW, contexts={VC_V1_CONTEXT}).credential
    assert (held.issuer, held.id) == (ISSUER, "urn:uuid:1")
    assert (held.valid_from, held.valid_until) == (CLAIMS["nbf"], CLAIMS["exp"])
    assert held.raw["issuanceDate"] == "2020-01-01T00:00:00Z"


def test_data_model_2_in_the_old_envelope() -> None:
    document = {**VC, "@context": [VC_V2_CONTEXT], "issuer": {"id": ISSUER}}
    held = verified({"iss": ISSUER, "exp": 1_700_000_000, "vc": document}, contexts=()).credential
    assert held.valid_until == 1_700_000_000
    assert held.issuer == ISSUER


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"vc": {**VC, "issuer": "https://other.example"}}, VerificationError),
        ({"vc": {**VC, "id": "urn:uuid:2"}}, VerificationError),
        ({"vc": {**VC, "credentialSubject": {"id": "did:example:b"}}}, VerificationError),
        ({"vc": {**VC, "credentialSubject": [{"id": "did:example:a"}]}}, InvalidInputError),
        ({"vc": {**VC, "issuanceDate": "2021-01-01T00:00:00Z"}}, VerificationError),
        ({"vc": {**VC, "expirationDate": "2031-01-01T00:00:00Z"}}, VerificationError),
        ({"vc": {**VC, "proof": {"type": "x"}}}, InvalidInputError),
        ({"vc": "text"}, InvalidInputError),
        ({"nbf": "soon"}, InvalidInputError),
        ({"exp": 1_599_999_999}, ValidityError),
        ({"nbf": 1_600_000_100}, ValidityError),
        ({"iss": "https://other.example/2", "vc": {**VC, "issuer": ISSUER}}, VerificationError),
    ],
)
def test_what_disagrees_or_is_no_credential_is_refused(changed: dict[str, Any], error: type[SsiError]) -> None:
    with pytest.raises(error):
        verified({**CLAIMS, **changed})


def test_a_jwt_of_today_is_none_of_these_and_the_other_way_round() -> None:
    with pytest.raises(VerificationError):
        verify_jwt_vc(read_jwt_vc(signed(CLAIMS, "vc+jwt")), KEY.public_key, now=NOW, contexts={VC_V1_CONTEXT})
    with pytest.raises(InvalidInputError):
        read_jwt_vc(signed({**VC, "issuer": ISSUER}, "JWT"))
    with pytest.raises(InvalidInputError):
        read_vc_jwt(signed(CLAIMS))


def test_another_key_did_not_sign_it() -> None:
    other = PrivateKey.generate(Curve.P256).public_key
    with pytest.raises(InvalidSignatureError):
        verify_jwt_vc(read_jwt_vc(signed(CLAIMS)), other, now=NOW, contexts={VC_V1_CONTEXT})


def presentation(*members: object, **claims: object) -> str:
    document = {"@context": [VC_V1_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": list(members)}
    return signed({"iss": "did:example:h", "aud": "https://v.example", "nonce": "n", "vp": document, **claims})


def check(compact: str, **arguments: Any) -> Any:
    options: dict[str, Any] = {
        "audience": "https://v.example",
        "nonce": "n",
        "max_age_seconds": None,
        "contexts": {VC_V1_CONTEXT},
    }
    return verify_jwt_vp(read_jwt_vp(compact), KEY.public_key, now=NOW, **options | arguments)


def test_a_presentation_answers_its_request() -> None:
    envelope = Envelope("application/jwt", signed(CLAIMS))
    held = check(presentation(envelope.to_object()))
    assert held.presentation.holder == "did:example:h"
    assert held.credentials == (envelope,)
    for changed in ({"audience": "https://w.example"}, {"nonce": "m"}):
        with pytest.raises(VerificationError):
            check(presentation(envelope.to_object()), **changed)
    with pytest.raises(ValidityError):
        check(presentation(envelope.to_object()), max_age_seconds=60)
    with pytest.raises(VerificationError):
        check(presentation({**VC, "issuer": ISSUER, "issuanceDate": "2020-01-01T00:00:00Z", "proof": {"type": "x"}}))

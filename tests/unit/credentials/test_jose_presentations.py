"""ssi.credentials.jose: presentations as JWTs, for one audience and moment and by whom the credential names."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.enveloped import check_holder
from ssi.credentials.jose import envelope_vc_jwt, read_vp_jwt, sign_vp_jwt
from ssi.credentials.presentation import Envelope
from ssi.errors import InvalidInputError, KeyBindingError, SsiError, ValidityError, VerificationError
from ssi.keys.backends.memory import MemoryKms
from tests.unit.credentials.jose_by_hand import (
    DOCUMENT,
    HOLDER,
    HOLDER_KEY,
    ISSUER,
    NOW,
    V2,
    jwt,
    present,
    two_parties,
    verify,
)


@pytest.fixture
async def kms() -> MemoryKms:
    return await two_parties()


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

"""ssi.credentials.vc_sd_jwt: W3C credentials whose holder chooses what to show."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.sd_jwt import KeyBindingPolicy, bind, issue_sd_jwt, present
from ssi.credentials.vc_sd_jwt import VerifiedVcSdJwt, read_vc_sd_jwt, sign_vc_sd_jwt, verify_vc_sd_jwt
from ssi.credentials.vcdm import check_credential
from ssi.errors import (
    DisclosureError,
    InvalidInputError,
    KeyBindingError,
    SsiError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms

ISSUER = "did:example:issuer"
KID = f"{ISSUER}#key-1"
NOW = 1_780_000_000
DOCUMENT: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": {"familyName": "Muster", "birthDate": "1990-01-01", "address": {"locality": "Town"}},
}
PATHS = [("credentialSubject", "familyName"), ("credentialSubject", "birthDate")]
POLICY = KeyBindingPolicy(nonce="n-1", audience="https://v.example", max_age_seconds=60)


@pytest.fixture
async def kms() -> MemoryKms:
    store = MemoryKms()
    await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    await store.generate("holder", curve=Curve.P256, purpose=KeyPurpose.HOLDER)
    return store


async def issued(kms: MemoryKms, **members: object) -> str:
    credential = check_credential({**DOCUMENT, **members}, contexts=())
    holder = await kms.public_key("holder")
    rules: dict[str, Any] = {"kms": kms, "label": "issuer", "kid": KID, "issued_at": NOW, "holder_key": holder}
    return (await sign_vc_sd_jwt(credential, disclosable=PATHS, **rules)).compact


def verify(text: str, key: PublicKey, **options: Any) -> VerifiedVcSdJwt:
    rules: dict[str, Any] = {"now": NOW, "contexts": (), "key_binding": None, **options}
    return verify_vc_sd_jwt(read_vc_sd_jwt(text), key, **rules)


async def test_the_holder_shows_what_it_chooses(kms: MemoryKms) -> None:
    key = await kms.public_key("issuer")
    shown = present(await issued(kms), [PATHS[0]])
    bound = await bind(shown, kms=kms, label="holder", nonce="n-1", audience="https://v.example", now=NOW)
    verified = verify(bound, key, key_binding=POLICY)
    assert verified.credential.subjects == ({"familyName": "Muster", "address": {"locality": "Town"}},)
    assert verified.disclosed_paths == (PATHS[0],)
    assert (verified.header["typ"], verified.header["cty"], verified.header["kid"]) == ("vc+sd-jwt", "vc", KID)
    assert verified.key_binding is not None
    assert verified.key_binding.key == await kms.public_key("holder")
    with pytest.raises(KeyBindingError):
        verify(shown, key, key_binding=POLICY)
    assert verify(shown, key).key_binding is None


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"validUntil": "2026-05-01T00:00:00Z"}, ValidityError),
        ({"validFrom": "2026-06-01T00:00:00Z"}, ValidityError),
        ({"iss": ISSUER}, None),
    ],
)
async def test_the_data_model_is_checked(
    kms: MemoryKms, members: dict[str, object], error: type[SsiError] | None
) -> None:
    text, key = await issued(kms, **members), await kms.public_key("issuer")
    if error is None:
        verify(text, key)
    else:
        with pytest.raises(error):
            verify(text, key)


@pytest.mark.parametrize("member", ["type", "issuer", "validUntil", "credentialStatus", "cnf", "@context"])
async def test_an_issuer_conceals_nothing_that_decides(kms: MemoryKms, member: str) -> None:
    credential = check_credential(DOCUMENT, contexts=())
    with pytest.raises(InvalidInputError, match="plain sight"):
        await sign_vc_sd_jwt(credential, disclosable=[(member,)], kms=kms, label="issuer", kid=KID)


async def foreign(kms: MemoryKms, path: tuple[str, ...], typ: str = "vc+sd-jwt", **members: object) -> str:
    header = {"kid": KID}
    claims = {**DOCUMENT, **members}
    return (await issue_sd_jwt(claims, disclosable=[path], typ=typ, kms=kms, label="issuer", header=header)).compact


async def test_a_foreign_issuer_may_conceal_type_and_issuer_but_no_limit(kms: MemoryKms) -> None:
    key = await kms.public_key("issuer")
    verify(await foreign(kms, ("type",)), key)
    verify(await foreign(kms, ("issuer",), iss=ISSUER), key)
    with pytest.raises(SsiError):
        verify(present(await foreign(kms, ("type",)), []), key)
    with pytest.raises(DisclosureError):
        verify(await foreign(kms, ("validUntil",)), key)
    with pytest.raises((DisclosureError, VerificationError)):
        verify(await foreign(kms, ("issuer",), iss="did:example:other"), key)


@pytest.mark.parametrize("typ", ["dc+sd-jwt", "vp+sd-jwt", "vc+jwt", "jwt"])
async def test_another_type_is_refused(kms: MemoryKms, typ: str) -> None:
    with pytest.raises(VerificationError):
        verify(await foreign(kms, ("credentialSubject", "familyName"), typ), await kms.public_key("issuer"))


async def test_every_altered_byte_is_refused(kms: MemoryKms) -> None:
    text, key = await issued(kms), await kms.public_key("issuer")
    for position in range(0, len(text) - 1, 3):
        altered = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(SsiError):
            verify(altered, key)

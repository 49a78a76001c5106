"""vp+sd-jwt: a presentation whose parts may be withheld."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.credentials.presentation import Envelope, build_presentation, parse_presentation
from ssi.credentials.sd_jwt import issue_sd_jwt, present
from ssi.credentials.vp_sd_jwt import read_vp_sd_jwt, sign_vp_sd_jwt, verify_vp_sd_jwt
from ssi.errors import DisclosureError, InvalidInputError, InvalidSignatureError, ValidityError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms

NOW = 1_800_000_000
HOLDER = "did:example:holder"
KEY = PrivateKey.generate(Curve.P256)
ENVELOPES = [Envelope("application/vc+jwt", "a.b.c"), Envelope("application/vc+sd-jwt", "a.b.c~d~")]
RULES: dict[str, Any] = {"audience": "v", "nonce": "n-1", "max_age_seconds": 60, "now": NOW, "contexts": ()}


@pytest.fixture
async def kms() -> MemoryKms:
    store = MemoryKms()
    await store.add("holder", KEY, purpose=KeyPurpose.HOLDER)
    await store.add("issuer", KEY, purpose=KeyPurpose.CREDENTIAL)
    return store


async def sign(kms: MemoryKms, paths: Any, **rules: Any) -> str:
    told = {"kid": f"{HOLDER}#1", "audience": "v", "nonce": "n-1", "issued_at": NOW, **rules}
    presentation = build_presentation(ENVELOPES, holder=HOLDER, identifier="urn:uuid:1")
    return (await sign_vp_sd_jwt(presentation, disclosable=paths, kms=kms, label="holder", **told)).compact


def verify(text: str, **change: Any) -> Any:
    return verify_vp_sd_jwt(read_vp_sd_jwt(text), KEY.public_key, **{**RULES, **change})


async def test_signed_and_disclosed(kms: MemoryKms) -> None:
    text = await sign(kms, [("holder",), ("verifiableCredential", 0)], expires_at=NOW + 30)
    whole = verify(text)
    assert whole.presentation.holder == HOLDER
    assert list(whole.credentials) == ENVELOPES
    assert whole.issued_at == NOW
    unverified = read_vp_sd_jwt(text)
    assert (unverified.holder, unverified.kid) == (HOLDER, f"{HOLDER}#1")
    part = verify(present(text, []))
    assert part.presentation.holder is None
    assert list(part.credentials) == ENVELOPES[1:]
    assert part.disclosed_paths == ()


async def test_refused(kms: MemoryKms) -> None:
    text = await sign(kms, [("id",)], expires_at=NOW + 30)
    for change, error in (
        ({"audience": "w"}, VerificationError),
        ({"nonce": "n-2"}, VerificationError),
        ({"now": NOW + 30}, ValidityError),
        ({"now": NOW + 29, "max_age_seconds": 28}, ValidityError),
    ):
        with pytest.raises(error):
            verify(text, **change)
    with pytest.raises(InvalidSignatureError):
        verify_vp_sd_jwt(read_vp_sd_jwt(text), PrivateKey.generate(Curve.P256).public_key, **RULES)
    claims = {"@context": [VC_V2_CONTEXT], "type": "VerifiablePresentation", "holder": HOLDER, "exp": NOW + 9}
    rules: dict[str, Any] = {"kms": kms, "label": "issuer", "header": {"kid": f"{HOLDER}#1", "cty": "vp"}}
    unbound: dict[str, Any] = {"audience": None, "nonce": None, "max_age_seconds": None}
    other = (await issue_sd_jwt(claims, disclosable=[], typ="vc+sd-jwt", **rules)).compact
    with pytest.raises(VerificationError, match="typ"):
        verify(other, **unbound)
    hidden = (await issue_sd_jwt(claims, disclosable=[("exp",)], typ="vp+sd-jwt", **rules)).compact
    with pytest.raises(DisclosureError, match="exp"):
        verify(hidden, **unbound)
    two = {**claims, "iss": "did:example:other"}
    named = (await issue_sd_jwt(two, disclosable=[("holder",)], typ="vp+sd-jwt", **rules)).compact
    with pytest.raises(VerificationError):
        verify(named, **unbound)


async def test_not_signed(kms: MemoryKms) -> None:
    with pytest.raises(InvalidInputError, match="plain sight"):
        await sign(kms, [("nonce",)])
    presentation = parse_presentation(
        {"@context": [VC_V2_CONTEXT], "type": "VerifiablePresentation", "aud": "x"}, contexts=()
    )
    with pytest.raises(InvalidInputError, match="aud"):
        await sign_vp_sd_jwt(
            presentation, disclosable=[], kms=kms, label="holder", kid="k", audience="v", nonce=None, issued_at=NOW
        )
    own = parse_presentation(
        {
            "@context": [VC_V2_CONTEXT],
            "type": "VerifiablePresentation",
            "holder": HOLDER,
            "verifiableCredential": {
                "@context": [VC_V2_CONTEXT],
                "type": "VerifiableCredential",
                "issuer": HOLDER,
                "credentialSubject": {"name": "x"},
            },
        },
        contexts=(),
    )
    with pytest.raises(InvalidInputError, match="envelope"):
        await sign_vp_sd_jwt(
            own, disclosable=[], kms=kms, label="holder", kid="k", audience=None, nonce=None, issued_at=NOW
        )
    with pytest.raises(InvalidInputError, match="kid"):
        read_vp_sd_jwt(
            (await issue_sd_jwt({}, disclosable=[], typ="x", kms=kms, label="issuer", header={"kid": 5})).compact
        )

"""JWTs put together by hand, so that tests may break any rule, and their verification with a fixed clock."""

from __future__ import annotations

import copy
from typing import Any

from ssi.credentials.enveloped import VerifiedCredential, VerifiedPresentation
from ssi.credentials.jose import read_vc_jwt, read_vp_jwt, verify_vc_jwt, verify_vp_jwt
from ssi.credentials.vcdm import Credential, check_credential
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
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


def present(compact: str, key: PublicKey = KEY.public_key, **options: Any) -> VerifiedPresentation:
    rules: dict[str, Any] = {"audience": "https://v.example", "nonce": "n-1", "max_age_seconds": 60}
    return verify_vp_jwt(
        read_vp_jwt(compact), key, **{"now": NOW, "contexts": (), "max_skew_seconds": 0, **rules, **options}
    )


async def two_parties() -> MemoryKms:
    """Keys of an issuer and a holder, by these labels."""
    store = MemoryKms()
    await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    await store.generate("holder", curve=Curve.ED25519, purpose=KeyPurpose.HOLDER)
    return store

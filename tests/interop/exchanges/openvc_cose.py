"""openvc-core: our ``vc+cose`` as a COSE_Sign1, COSE_Key and CBOR. It signs none, and has no ``vc+cose`` of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openvc import cbor, cose

from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.cbor import decode_cbor, encode_cbor
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.cose_key import cose_key, public_key_of
from tests.interop.matrix import HERE, THERE, exchange

CURVES = (Curve.P256, Curve.P384, Curve.ED25519)
ISSUER = "did:web:registry.example"
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "credentialSubject": {"id": "did:example:1", "name": "straße \U0001f511 ✓"},
}


@exchange("openvc-core", "COSE_Sign1 (vc+cose)", THERE)
def ours_there() -> None:
    for curve in CURVES:
        encoded, public = asyncio.run(_issue(curve))
        sign1 = cose.parse_sign1(cbor.decode(encoded))
        assert cose.verify_sign1(sign1, public_jwk=public.to_jwk())
        assert sign1.payload is not None
        assert json.loads(sign1.payload) == CREDENTIAL
        altered = cose.parse_sign1(cbor.decode(encoded[:-1] + bytes([encoded[-1] ^ 1])))
        assert not cose.verify_sign1(altered, public_jwk=public.to_jwk())
        assert cose.cose_key_to_jwk(cbor.decode(encode_cbor(cose_key(public)))).items() >= public.to_jwk().items()


@exchange("openvc-core", "CBOR, COSE_Key", HERE)
def theirs_here() -> None:
    for curve in CURVES:
        _, public = asyncio.run(_issue(curve))
        value = {"key": cose_key(public), -1: [1, -500, True, None, "é", b"\x00"], 10: {100: "a", -1: "b", "aa": 0}}
        encoded = cbor.encode(value)
        assert encoded == encode_cbor(value)
        assert public_key_of(decode_cbor(encoded, deterministic=True)["key"]) == public


async def _issue(curve: Curve) -> tuple[bytes, PublicKey]:
    kms = MemoryKms()
    public = await kms.generate("key", curve=curve, purpose=KeyPurpose.CREDENTIAL)
    credential = parse_credential(CREDENTIAL, contexts=())
    encoded = await sign_vc_cose(
        credential, kms=kms, label="key", kid=f"{ISSUER}#1", issued_at=1_800_000_000, holder_key=public
    )
    return encoded, public

"""joserfc: compact JWS with each of our algorithms, as a credential would be secured."""

from __future__ import annotations

import asyncio
import json
import warnings

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import parse_jws, sign_jws, verify_jws
from tests.interop.matrix import HERE, THERE, exchange

CLAIMS = {"issuer": "did:web:registry.example", "type": ["VerifiableCredential"], "text": "straße \U0001f511 ✓"}
ALGORITHMS = {Curve.P256: "ES256", Curve.P384: "ES384", Curve.SECP256K1: "ES256K", Curve.ED25519: "EdDSA"}
REGISTRY = jws.JWSRegistry(algorithms=list(ALGORITHMS.values()))


def peer_key(jwk: dict[str, object]) -> ECKey | OKPKey:
    """Return the peer's form of a JWK."""
    text = json.dumps(jwk)
    return OKPKey.import_key(json.loads(text)) if jwk["kty"] == "OKP" else ECKey.import_key(json.loads(text))


def without_deprecation() -> warnings.catch_warnings[None]:
    """Return a context in which the peer's remark on the name EdDSA, which RFC 9864 replaces, is no error."""
    return warnings.catch_warnings(action="ignore", category=SecurityWarning)


@exchange("joserfc", "JWS, four algorithms", HERE)
def theirs_here() -> None:
    for curve, alg in ALGORITHMS.items():
        private = PrivateKey.generate(curve)
        header = {"alg": alg, "typ": "vc+jwt"}
        with without_deprecation():
            compact = jws.serialize_compact(header, json.dumps(CLAIMS), peer_key(private.to_jwk()), registry=REGISTRY)
        verified = verify_jws(parse_jws(compact), private.public_key, typ={"vc+jwt"})
        assert verified.claims == CLAIMS


@exchange("joserfc", "JWS, four algorithms", THERE)
def ours_there() -> None:
    for curve, alg in ALGORITHMS.items():
        compact, public = asyncio.run(_sign(curve))
        with without_deprecation():
            found = jws.deserialize_compact(compact, peer_key(public.to_jwk()), registry=REGISTRY)
        assert json.loads(found.payload) == CLAIMS
        assert found.headers()["alg"] == alg


async def _sign(curve: Curve) -> tuple[str, PublicKey]:
    kms = MemoryKms()
    public = await kms.generate("key", curve=curve, purpose=KeyPurpose.CREDENTIAL)
    compact = await sign_jws({"typ": "vc+jwt"}, dict(CLAIMS), kms=kms, label="key", purpose=KeyPurpose.CREDENTIAL)
    return compact, public

"""sd-jwt: the reference implementation in Python, with nested and array disclosures and key binding."""

from __future__ import annotations

import asyncio
from typing import Any

from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from tests.interop.exchanges import _parties as parties
from tests.interop.exchanges import _sd_jwt as ours
from tests.interop.matrix import HERE, THERE, exchange


def their_presentation() -> str:
    """Return what the peer's issuer makes and its holder presents."""
    address = {SDObj(key) if key == "locality" else key: value for key, value in parties.SUBJECT["address"].items()}
    claims: dict[Any, Any] = {
        "iss": parties.ISSUER,
        "iat": parties.now(),
        "exp": parties.now() + 600,
        "vct": parties.VCT,
        SDObj("given_name"): parties.SUBJECT["given_name"],
        SDObj("family_name"): parties.SUBJECT["family_name"],
        SDObj("address"): address,
        "nationalities": [SDObj(value) for value in parties.SUBJECT["nationalities"]],
        "resident_since": parties.SUBJECT["resident_since"],
    }
    issued = SDJWTIssuer(
        claims,
        JWK(**parties.ISSUER_KEY.to_jwk()),
        JWK(**parties.HOLDER_KEY.public_key.to_jwk()),
        add_decoy_claims=True,
        extra_header_parameters={"typ": "dc+sd-jwt", "kid": parties.KID},
    )
    holder = SDJWTHolder(issued.sd_jwt_issuance)
    chosen = {"given_name": True, "address": {"locality": True}, "nationalities": [False, True]}
    holder.create_presentation(chosen, parties.NONCE, parties.AUDIENCE, JWK(**parties.HOLDER_KEY.to_jwk()))
    return str(holder.sd_jwt_presentation)


@exchange("sd-jwt", "SD-JWT VC with key binding", HERE)
def theirs_here() -> None:
    verified = ours.verify(their_presentation())
    assert {name: verified.claims[name] for name in ours.EXPECTED} == ours.EXPECTED
    assert "family_name" not in verified.claims
    assert verified.key_binding is not None


@exchange("sd-jwt", "SD-JWT VC with key binding", THERE)
def ours_there() -> None:
    issuer_key = JWK(**parties.ISSUER_KEY.public_key.to_jwk())
    text = asyncio.run(ours.presentation())
    found = SDJWTVerifier(text, lambda *_: issuer_key, parties.AUDIENCE, parties.NONCE).get_verified_payload()
    assert {name: found[name] for name in ours.EXPECTED} == ours.EXPECTED
    assert "family_name" not in found

"""The peers' way of doing what the rows measure, set up as well as their documentation allows.

Source:  the public interfaces of joserfc, openvc-core and sd-jwt.
Input:   the keys and claims of tests/bench/subjects.py.
Shapes:  each function returns cases whose keys are parsed beforehand.
I/O:     none.
Errors:  ImportError if the packages of the interop extra are missing.
"""

from __future__ import annotations

from typing import Any

import sd_jwt.common
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey
from jwcrypto.jwk import JWK
from openvc import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.proof.vc_jwt import VcJwtProofSuite
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from tests.bench import subjects
from tests.bench.harness import Case


def vc_jwt_verify() -> list[Case]:
    """joserfc verifies the signature only; openvc also checks validity and shape."""
    key = ECKey.import_key(subjects.jwk(private=False))
    token = joserfc_jws.serialize_compact(
        {"alg": "ES256", "typ": "vc+jwt"}, subjects.message(), ECKey.import_key(subjects.jwk())
    )
    suite, public, theirs = VcJwtProofSuite(), subjects.jwk(private=False), vc_jwt_token()
    return [
        Case("joserfc (JWS only)", lambda: joserfc_jws.deserialize_compact(token, key)),
        Case("openvc", lambda: suite.verify(theirs, public_key_jwk=public)),
    ]


def vc_jwt_token() -> str:
    """Return the credential as openvc signs it."""
    return VcJwtProofSuite().sign(subjects.credential(), signing_key=_openvc_key())


def vc_jwt_issue() -> list[Case]:
    """One credential signed by each."""
    key, suite, signer = ECKey.import_key(subjects.jwk()), VcJwtProofSuite(), _openvc_key()
    credential = subjects.credential()

    def joserfc() -> str:
        return joserfc_jws.serialize_compact({"alg": "ES256", "typ": "vc+jwt"}, subjects.message(), key)

    return [
        Case("joserfc (JWS only)", joserfc),
        Case("openvc", lambda: suite.sign(credential, signing_key=signer)),
    ]


def sd_jwt_claims() -> dict[str, Any]:
    """Return the claims of an SD-JWT VC with twenty that can be disclosed."""
    return {"iss": subjects.ISSUER, "iat": subjects.NOW, "vct": "https://registry.example/residence", **subjects.CLAIMS}


def sd_jwt_verify() -> list[Case]:
    """A presentation of all twenty claims with a key binding, as each peer makes it."""
    suite, public = SdJwtVcProofSuite(), subjects.jwk(private=False)
    issued = _openvc_issue(suite)
    holder = P256SigningKey.from_jwk(subjects.jwk("holder"), "holder")
    bound = suite.create_presentation(issued, holder_key=holder, audience=subjects.AUDIENCE, nonce=subjects.NONCE)
    theirs = _sd_jwt_presentation()
    issuer_key = JWK(**public)

    def openvc() -> object:
        return suite.verify(
            bound,
            public_key_jwk=public,
            audience=subjects.AUDIENCE,
            nonce=subjects.NONCE,
            require_key_binding=True,
            kb_max_age_s=86_400,
        )

    def reference() -> object:
        verifier = SDJWTVerifier(theirs, lambda *_: issuer_key, subjects.AUDIENCE, subjects.NONCE)
        return verifier.get_verified_payload()

    return [Case("sd-jwt", reference), Case("openvc", openvc)]


def sd_jwt_issue() -> list[Case]:
    """Twenty disclosures, bound to a holder key."""
    suite = SdJwtVcProofSuite()
    issuer, holder, claims = JWK(**subjects.jwk()), JWK(**subjects.jwk("holder", private=False)), _marked()
    return [
        Case("sd-jwt", lambda: SDJWTIssuer(claims, issuer, holder)),
        Case("openvc", lambda: _openvc_issue(suite)),
    ]


def _openvc_key() -> P256SigningKey:
    return P256SigningKey.from_jwk(subjects.jwk(), subjects.KID)


def _openvc_issue(suite: SdJwtVcProofSuite) -> str:
    return suite.issue(
        sd_jwt_claims(),
        signing_key=_openvc_key(),
        disclosable=list(subjects.CLAIMS),
        holder_jwk=subjects.jwk("holder", private=False),
    )


def _marked() -> dict[Any, Any]:
    marked = {sd_jwt.common.SDObj(name): value for name, value in subjects.CLAIMS.items()}
    return {"iss": subjects.ISSUER, "iat": subjects.NOW, "vct": "https://registry.example/residence", **marked}


def _sd_jwt_presentation() -> str:
    issuer = SDJWTIssuer(_marked(), JWK(**subjects.jwk()), JWK(**subjects.jwk("holder", private=False)))
    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(
        dict.fromkeys(subjects.CLAIMS, True), subjects.NONCE, subjects.AUDIENCE, JWK(**subjects.jwk("holder"))
    )
    return str(holder.sd_jwt_presentation)

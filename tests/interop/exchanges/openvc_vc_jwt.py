"""openvc-core: VC-JWT. The peer follows data model 1.1 here, so each side must refuse what the other makes.

Its VC-JWT is the encoding of data model 1.1 (a ``vc`` claim under ``typ: JWT``); W3C "Securing Verifiable Credentials
using JOSE and COSE", 3.1, which we follow, says that ``vc`` MUST NOT be present. What both share is compared instead:
the signature and the header of our ``vc+jwt`` hold under the peer's JWS functions.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openvc import P256SigningKey, verify_signature
from openvc.proof.errors import ClaimsInvalid
from openvc.proof.vc_jwt import VcJwtProofSuite

from ssi.credentials.jose import read_vc_jwt, sign_vc_jwt, verify_vc_jwt
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.base64url import b64url_decode
from ssi.errors import SsiError
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange

FORMAT = "VC-JWT"
DIFFERS = "the peer writes and reads the vc claim of data model 1.1, which vc+jwt forbids"
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": parties.ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:holder"},
}


@exchange("openvc-core", FORMAT, HERE, differs=DIFFERS)
def theirs_here() -> None:
    signer = P256SigningKey.from_jwk(parties.ISSUER_KEY.to_jwk(), parties.KID)
    compact = VcJwtProofSuite().sign(CREDENTIAL, signing_key=signer, expires_in_s=600)
    with pytest.raises(SsiError):
        verify_vc_jwt(read_vc_jwt(compact), parties.ISSUER_KEY.public_key, now=parties.now(), contexts=())


@exchange("openvc-core", FORMAT, THERE, differs=DIFFERS)
def ours_there() -> None:
    compact = asyncio.run(_sign())
    public = parties.ISSUER_KEY.public_key.to_jwk()
    message, _, signature = compact.rpartition(".")
    assert verify_signature(
        alg="ES256", public_jwk=public, signing_input=message.encode(), signature=b64url_decode(signature)
    )
    with pytest.raises(ClaimsInvalid):
        VcJwtProofSuite().verify(compact, public_key_jwk=public)


async def _sign() -> str:
    credential = parse_credential(CREDENTIAL, contexts=())
    return await sign_vc_jwt(credential, kms=await parties.kms(), label="issuer", kid=parties.KID)

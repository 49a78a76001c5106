"""Our side of the SD-JWT exchanges: issue, choose, bind; and verify with key binding."""

from __future__ import annotations

from ssi.credentials.sd_jwt import (
    KeyBindingPolicy,
    VerifiedSdJwtVc,
    bind,
    issue_sd_jwt_vc,
    present,
    read_sd_jwt_vc,
    verify_sd_jwt_vc,
)
from ssi.types import JsonObject
from tests.interop.exchanges import _parties as parties

DISCLOSABLE = [("given_name",), ("family_name",), ("address",), ("address", "locality"), ("nationalities", None)]
SHOWN = [("given_name",), ("address", "locality"), ("nationalities", 1)]
EXPECTED = {
    "given_name": parties.SUBJECT["given_name"],
    "address": parties.SUBJECT["address"],
    "nationalities": ["SE"],
    "resident_since": 2019,
}


async def issue(status: JsonObject | None, issuer: str, kid: str) -> str:
    """Return an SD-JWT VC with nested and array disclosures and a decoy."""
    issued = await issue_sd_jwt_vc(
        parties.SUBJECT,
        vct=parties.VCT,
        issuer=issuer,
        kid=kid,
        disclosable=DISCLOSABLE,
        kms=await parties.kms(),
        label="issuer",
        issued_at=parties.now(),
        valid_until=parties.now() + 600,
        holder_key=parties.HOLDER_KEY.public_key,
        status=status,
        decoys={(): 2},
    )
    return issued.compact


async def presentation(
    status: JsonObject | None = None, *, issuer: str = parties.ISSUER, kid: str = parties.KID
) -> str:
    """Return a presentation of the chosen claims, bound to the challenge."""
    return await bind(
        present(await issue(status, issuer, kid), SHOWN),
        kms=await parties.kms(),
        label="holder",
        nonce=parties.NONCE,
        audience=parties.AUDIENCE,
        now=parties.now(),
    )


def verify(text: str) -> VerifiedSdJwtVc:
    """Return what a verifier believes of a bound presentation that is fresh."""
    policy = KeyBindingPolicy(nonce=parties.NONCE, audience=parties.AUDIENCE, max_age_seconds=60)
    key = parties.ISSUER_KEY.public_key
    return verify_sd_jwt_vc(read_sd_jwt_vc(text), key, now=parties.now(), key_binding=policy)

"""Turn checked claims into a credential of one format.

Source:  SD-JWT VC (draft-ietf-oauth-sd-jwt-vc), W3C VCDM 2.0 secured by VC-JOSE-COSE.
Input:   a catalogue entry, claims that match its schema, and the row that the store made for them.
Shapes:  times are Unix seconds.
I/O:     the key store.
Errors:  InvalidInputError, and those of ``Kms.sign``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Kms, PublicKey
from ssi.registry.organisation import NamedKey
from ssi.status import StatusFormat, StatusReference
from ssi.status.reference import build_bitstring_entry, build_status_claim
from ssi.types import JsonObject

from .catalogue import CredentialType, Format
from .store import Issued

STATUS_FORMAT: Final[dict[Format, StatusFormat]] = {
    "dc+sd-jwt": StatusFormat.TOKEN,
    "vc+jwt": StatusFormat.BITSTRING,
}
"""Each credential format has the list format that its verifiers know."""


class Signer(msgspec.Struct, frozen=True):
    """Who signs: the issuer's DID, its key, and the store that the key is in."""

    issuer: str
    key: NamedKey
    kms: Kms


async def sign_credential(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    """Return the compact credential that ``row`` stands for."""
    sign = _vc_jwt if row.format == "vc+jwt" else _sd_jwt_vc
    return await sign(entry, claims, row, references, signer)


async def _sd_jwt_vc(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    issued = await issue_sd_jwt_vc(
        claims,
        vct=entry.vct,
        issuer=signer.issuer,
        kid=signer.key.kid,
        disclosable=entry.withholdable(claims),
        kms=signer.kms,
        label=signer.key.label,
        issued_at=row.issued_at,
        valid_until=row.valid_until,
        holder_key=_holder(row),
        status=build_status_claim(references[0]) if references else None,
        decoys={(): entry.decoys} if entry.decoys else {},
    )
    return issued.compact


async def _vc_jwt(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    document: JsonObject = {
        "@context": [VC_V2_CONTEXT, *entry.contexts],
        "id": row.id,
        "type": ["VerifiableCredential", *entry.types],
        "issuer": signer.issuer,
        "validFrom": format_seconds(row.issued_at),
        "validUntil": format_seconds(row.valid_until),
        "credentialSubject": dict(claims),
    }
    if references:
        document["credentialStatus"] = [build_bitstring_entry(reference) for reference in references]
    credential = parse_credential(document, contexts=entry.contexts)
    return await sign_vc_jwt(
        credential,
        kms=signer.kms,
        label=signer.key.label,
        kid=signer.key.kid,
        issued_at=row.issued_at,
        holder_key=_holder(row),
    )


def _holder(row: Issued) -> PublicKey | None:
    return None if row.holder is None else PublicKey.from_multikey(row.holder)

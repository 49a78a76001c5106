"""Turn checked claims into a credential of one format.

Source:  SD-JWT VC (draft-ietf-oauth-sd-jwt-vc), W3C VCDM 2.0 secured by VC-JOSE-COSE or by a Data Integrity proof; the
         formats' names are those of OpenID4VCI 1.0, appendix A.
Input:   a catalogue entry, claims that match its schema, and the row that the store made for them.
Shapes:  times are Unix seconds. A holder's key stands in ``cnf``; in an ``ldp_vc``, whose readers know no ``cnf``, it
         is the subject, as a did:key.
I/O:     the key store.
Errors:  InvalidInputError, and those of ``Kms.sign``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.credentials.vcdm import Credential, parse_credential
from ssi.did.methods.key import did_key
from ssi.encoding.base64url import b64_encode
from ssi.encoding.jsonld import to_quads
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Kms, PublicKey
from ssi.proofs.selective.pointers import core_pointers, pointer_to
from ssi.proofs.suites import issuing_suite
from ssi.registry.organisation import NamedKey
from ssi.status import StatusFormat, StatusReference
from ssi.status.reference import build_bitstring_entry, build_status_claim
from ssi.types import JsonObject

from .catalogue import CredentialType, Format, paths_of
from .store import Draft, Issued

STATUS_FORMAT: Final[dict[Format, StatusFormat]] = {
    "dc+sd-jwt": StatusFormat.TOKEN,
    "vc+jwt": StatusFormat.BITSTRING,
    "vc+cose": StatusFormat.BITSTRING,
    "ldp_vc": StatusFormat.BITSTRING,
}
"""Each credential format has the list format that its verifiers know."""


class Signer(msgspec.Struct, frozen=True):
    """Who signs: the issuer's DID, its key, and the store that the key is in."""

    issuer: str
    key: NamedKey
    kms: Kms


def check_signable(entry: CredentialType, claims: JsonObject, draft: Draft, key: PublicKey) -> None:
    """Raise now what signing would raise, before the store gives ``draft`` a row and an index.

    Raises InvalidInputError, VerificationError (the suite does not fit the key), CanonicalizationError (a claim that
    no context of the type defines).
    """
    if draft.format == "dc+sd-jwt":
        return
    subject = claims if draft.holder is None else {"id": "did:example:holder", **claims}
    document = _document(entry, subject, draft, issuer="did:example:issuer")
    credential = parse_credential(document, contexts=entry.contexts)
    if draft.format == "ldp_vc" and entry.cryptosuite is not None:
        issuing_suite(entry.cryptosuite, key, _mandatory(entry, credential.raw))
        if entry.reads_jsonld:
            to_quads(credential.raw, contexts=entry.jsonld_contexts, compact=True)


async def sign_credential(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    """Return the text of the credential that ``row`` stands for: compact, JSON for an ``ldp_vc``, base64 of COSE."""
    sign = {"dc+sd-jwt": _sd_jwt_vc, "vc+jwt": _vc_jwt, "vc+cose": _vc_cose, "ldp_vc": _ldp_vc}[row.format]
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
    return await sign_vc_jwt(
        _credential(entry, claims, row, references, signer.issuer),
        kms=signer.kms,
        label=signer.key.label,
        kid=signer.key.kid,
        issued_at=row.issued_at,
        holder_key=_holder(row),
    )


async def _vc_cose(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    signed = await sign_vc_cose(
        _credential(entry, claims, row, references, signer.issuer),
        kms=signer.kms,
        label=signer.key.label,
        kid=signer.key.kid,
        issued_at=row.issued_at,
        holder_key=_holder(row),
    )
    return b64_encode(signed)


async def _ldp_vc(
    entry: CredentialType, claims: JsonObject, row: Issued, references: tuple[StatusReference, ...], signer: Signer
) -> str:
    holder = _holder(row)
    subject = claims if holder is None else {"id": did_key(holder), **claims}
    credential = _credential(entry, subject, row, references, signer.issuer)
    suite = None
    if entry.cryptosuite is not None:
        suite = issuing_suite(entry.cryptosuite, signer.key.public_key, _mandatory(entry, credential.raw))
    secured = await secure_credential(
        credential,
        kms=signer.kms,
        label=signer.key.label,
        verification_method=signer.key.kid,
        created=row.issued_at,
        suite=suite,
        jsonld_contexts=entry.jsonld_contexts,
    )
    return msgspec.json.encode(secured).decode()


def _mandatory(entry: CredentialType, document: JsonObject) -> list[str]:
    """Return pointers to what the holder of ``document`` cannot withhold, where the suite leaves a choice.

    Beside the claims that the catalogue always shows, these are whom it is about, and whatever a holder could gain by
    leaving out.
    """
    there = set(paths_of(document["credentialSubject"]))
    always = [path for path in (("id",), *entry.always_shown) if path in there]
    named = ["/name"] if entry.title else []
    return [*core_pointers(document), *named, *(pointer_to(("credentialSubject", *path)) for path in always)]


def _credential(
    entry: CredentialType, subject: JsonObject, row: Issued, references: tuple[StatusReference, ...], issuer: str
) -> Credential:
    """Return the W3C credential, whichever way it is secured."""
    document = _document(entry, subject, row, issuer)
    if references:
        document["credentialStatus"] = [build_bitstring_entry(reference) for reference in references]
    return parse_credential(document, contexts=entry.contexts)


def _document(entry: CredentialType, subject: JsonObject, row: Issued | Draft, issuer: str) -> JsonObject:
    document: JsonObject = {
        "@context": [VC_V2_CONTEXT, *entry.contexts],
        "id": row.id,
        "type": ["VerifiableCredential", *entry.types],
        "issuer": issuer,
        "validFrom": format_seconds(row.issued_at),
        "validUntil": format_seconds(row.valid_until),
        "credentialSubject": dict(subject),
    }
    if entry.title:
        document["name"] = [{"@value": text, "@language": language} for language, text in entry.title.items()]
    return document


def _holder(row: Issued) -> PublicKey | None:
    return None if row.holder is None else PublicKey.from_multikey(row.holder)

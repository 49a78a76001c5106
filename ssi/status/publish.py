"""Build and sign the lists of a family.

Source:  draft-ietf-oauth-status-list-20, section 5.1; W3C Bitstring Status List v1.0, section 3.1, secured as vc+jwt
         (W3C Securing VCs using JOSE and COSE, section 3.1.1) or by a Data Integrity proof.
Shapes:  times are Unix seconds. ``digest`` is what the ledger commits to.
I/O:     awaits the key store; nothing is stored or sent.
Errors:  InvalidInputError, VerificationError (no suite of that name fits the key), and those of ``Kms.sign``.
"""

from __future__ import annotations

import msgspec

from ssi.errors import InvalidInputError
from ssi.keys import KeyPurpose, Kms
from ssi.keys.jws import sign_jws
from ssi.ports import PublishedList
from ssi.proofs.data_integrity import add_proof
from ssi.proofs.suites import jcs_suite_for, suite_for
from ssi.status.bitstring import (
    CREDENTIAL_MEDIA_TYPE,
    CREDENTIAL_TYP,
    EMBEDDED_MEDIA_TYPE,
    build_bitstring_claims,
)
from ssi.status.lists import StatusArray, StatusFamily
from ssi.status.reference import StatusFormat
from ssi.status.token import TOKEN_MEDIA_TYPE, TOKEN_TYP, build_token_claims
from ssi.status.verify import status_list_digest
from ssi.types import JsonObject


class UnsignedList(msgspec.Struct, frozen=True, kw_only=True):
    """A list ready to be signed: header (without ``alg``) and claims."""

    purpose: str
    uri: str
    header: JsonObject
    claims: JsonObject
    media_type: str


class SignedList(msgspec.Struct, frozen=True, kw_only=True):
    """A signed list, with what is served beside it and what its StatusCommitment says."""

    purpose: str
    uri: str
    compact: str
    """The compact JWS, or the JSON text of a list with an embedded proof."""
    media_type: str
    digest: str
    valid_from: int
    valid_until: int
    ttl_seconds: int

    def served(self, receipt: bytes | None = None) -> PublishedList:
        """Return what a web server or another part of the process hands out, with the receipt once there is one."""
        return PublishedList(self.uri, self.compact.encode(), self.media_type, receipt)


def build_lists(family: StatusFamily, states: StatusArray, *, kid: str, now: int) -> tuple[UnsignedList, ...]:
    """Return the lists of ``family`` with ``states``, issued at ``now``: two for a bitstring family, else one.

    ``kid`` names the signing key, as a DID URL where the issuer is a DID. Raises InvalidInputError if ``states`` has
    another number of entries than ``family``.
    """
    if states.entries != family.entries:
        raise InvalidInputError(f"expected {family.entries} states, got {states.entries}")
    until, ttl = now + family.lifetime_seconds, family.ttl_seconds
    lists: list[UnsignedList] = []
    for purpose, uri in family.list_uris:
        if family.format is StatusFormat.TOKEN:
            header: JsonObject = {"kid": kid, "typ": TOKEN_TYP}
            media_type = TOKEN_MEDIA_TYPE
            claims = build_token_claims(
                states.token_list(),
                bits=2,
                uri=uri,
                issuer=family.issuer,
                issued_at=now,
                expires_at=until,
                ttl_seconds=ttl,
            )
        else:
            header = {"kid": kid, "typ": CREDENTIAL_TYP, "cty": "vc"}
            media_type = CREDENTIAL_MEDIA_TYPE
            claims = build_bitstring_claims(
                states.bitstring(purpose),
                purpose=purpose,
                uri=uri,
                issuer=family.issuer,
                issued_at=now,
                expires_at=until,
                ttl_seconds=ttl,
            )
        lists.append(UnsignedList(purpose=purpose, uri=uri, header=header, claims=claims, media_type=media_type))
    return tuple(lists)


async def publish_lists(
    family: StatusFamily,
    states: StatusArray,
    *,
    kms: Kms,
    label: str,
    kid: str,
    now: int,
    embedded_proof: bool = False,
    cryptosuite: str | None = None,
) -> tuple[SignedList, ...]:
    """Return the signed lists of ``family``; the key ``label`` has the purpose LIST.

    ``embedded_proof`` secures bitstring lists by a proof of ``cryptosuite``, by default the JCS suite of the key;
    token lists are always JWTs. ``now`` should be later than at the last publication: verifiers tell two lists of one
    address apart by their second. Raises as ``build_lists`` and ``Kms.sign``.
    """
    published: list[SignedList] = []
    for unsigned in build_lists(family, states, kid=kid, now=now):
        media_type = unsigned.media_type
        if embedded_proof and family.format is StatusFormat.BITSTRING:
            media_type = EMBEDDED_MEDIA_TYPE
            text = await _embed(unsigned, kms=kms, label=label, kid=kid, now=now, cryptosuite=cryptosuite)
        else:
            text = await sign_jws(unsigned.header, unsigned.claims, kms=kms, label=label, purpose=KeyPurpose.LIST)
        published.append(
            SignedList(
                purpose=unsigned.purpose,
                uri=unsigned.uri,
                compact=text,
                media_type=media_type,
                digest=status_list_digest(text.encode()),
                valid_from=now,
                valid_until=now + family.lifetime_seconds,
                ttl_seconds=family.ttl_seconds,
            )
        )
    return tuple(published)


async def _embed(unsigned: UnsignedList, *, kms: Kms, label: str, kid: str, now: int, cryptosuite: str | None) -> str:
    key = await kms.public_key(label)
    secured = await add_proof(
        unsigned.claims,
        kms=kms,
        label=label,
        purpose=KeyPurpose.LIST,
        verification_method=kid,
        proof_purpose="assertionMethod",
        created=now,
        suite=jcs_suite_for(key) if cryptosuite is None else suite_for(cryptosuite, key),
    )
    return msgspec.json.encode(secured).decode()

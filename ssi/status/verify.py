"""From the bytes of a signed status list to a list that may be believed.

Source:  draft-ietf-oauth-status-list-20, sections 5.1 and 8.3; W3C Bitstring Status List v1.0, section 3.2.
Input:   a compact JWS of typ ``statuslist+jwt`` or ``vc+jwt``, or a Bitstring Status List credential with an embedded
         proof (``application/vc``), and the key that its issuer's DID document gives for assertions.
Shapes:  times are Unix seconds; ``digest`` is unpadded base64url of the SHA-256 of the compact JWS or JSON text.
I/O:     none. Fetching and key resolution are the caller's (``ssi.status.source``).
Errors:  InvalidInputError (malformed), InvalidSignatureError, VerificationError (wrong typ, issuer or address),
         StatusError (outside its validity period).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.gate import parse_object
from ssi.errors import StatusError, ValidityError, VerificationError
from ssi.keys import PublicKey
from ssi.keys.jws import UnverifiedJws, VerifiedJws, media_type, parse_jws, verify_jws
from ssi.proofs.data_integrity import DataIntegrityProof, parse_proofs, verify_one
from ssi.status.bitstring import CREDENTIAL_TYP, EMBEDDED_MEDIA_TYPE, claimed_issuer, parse_bitstring_claims
from ssi.status.content import MAX_LIST_CHARACTERS, ListContent, optional_text
from ssi.status.deflate import MAX_EXPANDED_BYTES
from ssi.status.reference import StatusFormat
from ssi.status.token import TOKEN_TYP, parse_token_claims
from ssi.types import JsonObject

CLOCK_SKEW_SECONDS: Final = 60
FORMAT_BY_TYP: Final = {TOKEN_TYP: StatusFormat.TOKEN, CREDENTIAL_TYP: StatusFormat.BITSTRING}
TYP_BY_FORMAT: Final = {form: typ for typ, form in FORMAT_BY_TYP.items()}


class EmbeddedList(msgspec.Struct, frozen=True):
    """A list credential with its embedded proof, and the digest of the text that it came as."""

    document: JsonObject
    proof: DataIntegrityProof
    digest: str


class UnverifiedStatusList(msgspec.Struct, frozen=True):
    """A signed list before its signature was checked: what is needed to find the key, and nothing more."""

    format: StatusFormat
    issuer: str | None
    """The issuer that the list claims; a token list need not name one."""
    kid: str | None
    """The ``kid`` of the header, or the verification method of the embedded proof."""
    jws: UnverifiedJws | None
    """The list in its envelope, None if it has an embedded proof."""
    embedded: EmbeddedList | None = None

    @property
    def media_type(self) -> str:
        """What the list is served as."""
        return f"application/{TYP_BY_FORMAT[self.format]}" if self.embedded is None else EMBEDDED_MEDIA_TYPE

    def unverified_claims(self) -> JsonObject:
        """Return what the list says of itself, to find out which list it is and for nothing else."""
        if self.embedded is not None:
            return self.embedded.document
        return {} if self.jws is None else self.jws.unverified_claims()


class VerifiedStatusList(msgspec.Struct, frozen=True, kw_only=True):
    """A list that its issuer signed. It holds from ``issued_at`` until ``expires_at``, if it says either."""

    format: StatusFormat
    uri: str
    issuer: str
    data: bytes
    size: int | None
    purposes: tuple[str, ...]
    issued_at: int | None
    expires_at: int | None
    ttl_seconds: int | None
    digest: str


def status_list_digest(compact: str | bytes) -> str:
    """Return what a ledger commits to: unpadded base64url of the SHA-256 of the signed list's bytes."""
    return b64url_encode(sha256(compact.encode("ascii") if isinstance(compact, str) else compact).digest())


def parse_status_list(compact: str | bytes, *, max_characters: int = MAX_LIST_CHARACTERS) -> UnverifiedStatusList:
    """Read which format, issuer and key a signed list claims. The list itself is not expanded.

    ``compact`` is a compact JWS, or the JSON text of a list credential with one embedded proof. Raises
    InvalidInputError if it is neither, of at most ``max_characters`` with the members that say this, VerificationError
    if its typ is that of no status list or if it has a set of proofs.
    """
    if compact[:1] in ("{", b"{"):
        return _parse_embedded(compact, max_characters)
    jws = parse_jws(compact, max_bytes=max_characters)
    form = FORMAT_BY_TYP.get(media_type(jws.header))
    if form is None:
        raise VerificationError(f"expected a status list of typ {' or '.join(FORMAT_BY_TYP)}")
    claims = jws.unverified_claims()
    issuer = optional_text(claims, "iss") if form is StatusFormat.TOKEN else claimed_issuer(claims)
    return UnverifiedStatusList(form, issuer, optional_text(jws.header, "kid"), jws)


def verify_status_list(
    unverified: UnverifiedStatusList,
    key: PublicKey,
    *,
    expected_uri: str,
    issuer: str,
    now: int,
    require_id: bool = True,
    max_expanded_bytes: int = MAX_EXPANDED_BYTES,
) -> VerifiedStatusList:
    """Return the list that ``issuer`` signed with ``key`` for ``expected_uri``.

    ``key`` is one that ``issuer`` has for this use. ``require_id=False`` accepts a bitstring list without ``id``, which
    the standard allows: the list is then bound to its address by nothing but the connection it came over.
    Raises InvalidSignatureError, VerificationError, StatusError or InvalidInputError, in the order of the checks.
    """
    if unverified.jws is not None:
        return accept_status_list(
            verify_jws(unverified.jws, key, typ=(TYP_BY_FORMAT[unverified.format],)),
            expected_uri=expected_uri,
            issuer=issuer,
            now=now,
            require_id=require_id,
            max_expanded_bytes=max_expanded_bytes,
        )
    if unverified.embedded is None:
        raise VerificationError("expected a status list in an envelope or with a proof")
    content = _verify_embedded(unverified.embedded, key, issuer, now, max_expanded_bytes)
    return _accept(content, unverified.embedded.digest, expected_uri, issuer, now, require_id)


def accept_status_list(
    verified: VerifiedJws,
    *,
    expected_uri: str,
    issuer: str,
    now: int,
    require_id: bool = True,
    max_expanded_bytes: int = MAX_EXPANDED_BYTES,
) -> VerifiedStatusList:
    """Return the list in a JWS whose key was found in another way, such as a certificate chain of ``issuer``.

    Arguments and errors as for ``verify_status_list``.
    """
    form = FORMAT_BY_TYP.get(media_type(verified.header))
    if form is None:
        raise VerificationError(f"expected a status list of typ {' or '.join(FORMAT_BY_TYP)}")
    _check_kid(optional_text(verified.header, "kid"), issuer)
    parse = parse_token_claims if form is StatusFormat.TOKEN else parse_bitstring_claims
    content = parse(verified.claims, max_bytes=max_expanded_bytes)
    return _accept(content, status_list_digest(verified.compact), expected_uri, issuer, now, require_id)


def check_validity(content: ListContent, *, now: int) -> None:
    """Raise StatusError unless ``now`` lies in the list's validity period.

    A start up to a minute ahead is taken for a difference between clocks; the end is taken as it stands.
    """
    for start in (content.issued_at, content.not_before):
        if start is not None and start > now + CLOCK_SKEW_SECONDS:
            raise StatusError(f"expected a status list that holds at {now}, got one from {start}")
    if content.expires_at is not None and content.expires_at <= now:
        raise StatusError(f"expected a status list that holds at {now}, got one until {content.expires_at}", "expired")


def _check_kid(kid: str | None, issuer: str) -> None:
    """Refuse a DID URL of another DID: the header then says that the issuer's key is somebody else's."""
    if kid is not None and kid.startswith("did:") and kid.partition("#")[0].partition("?")[0] != issuer:
        raise VerificationError("expected the kid of a status list to be of its issuer's DID")


def _parse_embedded(text: str | bytes, max_characters: int) -> UnverifiedStatusList:
    document = parse_object(text, max_bytes=max_characters)
    proofs = parse_proofs(document.get("proof"))
    if len(proofs) != 1:
        raise VerificationError(f"expected a status list with one proof, got a set of {len(proofs)}")
    digest = b64url_encode(sha256(text.encode("utf-8") if isinstance(text, str) else text).digest())
    embedded = EmbeddedList(document, proofs[0], digest)
    issuer, method = claimed_issuer(document), proofs[0].verification_method
    return UnverifiedStatusList(StatusFormat.BITSTRING, issuer, method, None, embedded)


def _verify_embedded(
    embedded: EmbeddedList, key: PublicKey, issuer: str, now: int, max_expanded_bytes: int
) -> ListContent:
    """Return what the list says, for no longer than its proof holds and as old as its proof if it does not say."""
    proof = embedded.proof
    if proof.controller != issuer:
        raise VerificationError("expected the verification method of a status list to be of its issuer")
    try:
        document = verify_one(embedded.document, proof, key=key, expected_purpose="assertionMethod", now=now)
    except ValidityError as exc:
        reason = "expired" if proof.expires is not None and proof.expires <= now else "unreliable"
        raise StatusError(f"expected a status list whose proof holds at {now}", reason) from exc
    content = parse_bitstring_claims(document, max_bytes=max_expanded_bytes)
    ends = [end for end in (content.expires_at, proof.expires) if end is not None]
    return msgspec.structs.replace(
        content,
        expires_at=min(ends, default=None),
        issued_at=proof.created if content.issued_at is None else content.issued_at,
    )


def _accept(
    content: ListContent, digest: str, expected_uri: str, issuer: str, now: int, require_id: bool
) -> VerifiedStatusList:
    if content.issuer not in (None, issuer):
        raise VerificationError("expected a status list of the issuer that the caller named")
    if content.uri != expected_uri and (content.uri is not None or require_id):
        raise VerificationError("expected a status list that names the address the credential refers to")
    check_validity(content, now=now)
    return VerifiedStatusList(
        format=content.format,
        uri=expected_uri,
        issuer=issuer,
        data=content.data,
        size=content.size,
        purposes=content.purposes,
        issued_at=content.issued_at,
        expires_at=content.expires_at,
        ttl_seconds=content.ttl_seconds,
        digest=digest,
    )

"""Read a credential as its holder: what it is, which key it is bound to, what can be withheld and found.

Source:  RFC 9901 section 7.2 (the holder's view), SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) section 2.2, W3C VC-JOSE-COSE
         sections 3.1 and 4, W3C Data Integrity 1.0 (``ldp_vc``), RFC 7800 section 3.2 (cnf).
Input:   the text that an issuer delivered, compact or JSON, untrusted.
Shapes:  claim paths as in ``ssi.credentials.sd_jwt.paths``, from the root of the processed payload; times are Unix
         seconds. A search path stands for an element of an array by None, wherever it is in it.
I/O:     none; ``verify_issuer`` awaits the resolver.
Errors:  InvalidInputError, DisclosureError, KeyBindingError; from ``verify_issuer`` also those of verification and
         resolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.credentials.claims import check_no_wrapping, confirmation_key
from ssi.credentials.data_integrity import UnverifiedCredential, found_keys, read_credential, verify_credential
from ssi.credentials.jose import VC_JWT_TYPES, UnverifiedVcJwt, read_vc_jwt, verify_vc_jwt
from ssi.credentials.sd_jwt import (
    NEVER_DISCLOSABLE,
    SD_JWT_VC_TYPES,
    ClaimPath,
    UnverifiedSdJwtVc,
    holder_view,
    read_sd_jwt_vc,
    verify_sd_jwt_vc,
)
from ssi.credentials.sd_jwt.validity import numeric_date
from ssi.credentials.vcdm import Credential, parse_credential
from ssi.credentials.vcdm_v1 import parse_any_credential
from ssi.did.document import DidDocument, parse_document
from ssi.did.resolver import Resolver
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import DisclosureError, InvalidInputError, KeyBindingError, VerificationError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue

from .selective import shown_to_oneself, withholdable

Format: TypeAlias = Literal["dc+sd-jwt", "vc+jwt", "ldp_vc"]

PROTOCOL_CLAIMS: Final = NEVER_DISCLOSABLE | {"iat"}
"""Members of an SD-JWT VC that are not about the subject."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A stored credential without its claims."""

    id: str
    """Random, of this wallet alone; 32 hexadecimal digits."""
    format: Format
    type: str
    """``vct``, or the first type beside VerifiableCredential."""
    types: tuple[str, ...]
    issuer: str | None
    key: str | None
    """Thumbprint of the wallet's key that it is bound to; None for a bearer credential."""
    added_at: int
    verified_at: int | None
    """When the issuer's signature was verified here; None if no resolver was there to do it."""
    valid_from: int | float | None
    valid_until: int | float | None
    withholdable: tuple[ClaimPath, ...]
    """Claims that the holder may show or not; all others are always shown."""


class CardContent(msgspec.Struct, frozen=True, kw_only=True):
    """A card with what it says."""

    card: Card
    credential: str
    """As it was delivered."""
    claims: JsonObject
    """The payload with everything disclosed."""

    def __repr__(self) -> str:
        return f"CardContent({self.card.id})"  # without claims: a repr ends up in logs


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that was read; only its shape is certain."""

    text: str
    format: Format
    types: tuple[str, ...]
    issuer: str | None
    kid: str | None
    key: PublicKey | None
    """The key that it is bound to."""
    holder: str | None
    """The subject's DID, where that is what names the key."""
    valid_from: int | float | None
    valid_until: int | float | None
    claims: JsonObject
    """The processed payload, everything disclosed."""
    disclosures: dict[ClaimPath, str]
    """Path of each claim that can be withheld to the text of its disclosure; in an ``ldp_vc`` to its JSON pointer."""
    chosen: bool
    """Whether the holder chooses what to show."""
    unverified: UnverifiedSdJwtVc | UnverifiedVcJwt | UnverifiedCredential

    def __repr__(self) -> str:
        return f"Delivered({self.format}, {self.types[0]})"  # without claims: a repr ends up in logs

    def subject_claims(self) -> list[tuple[ClaimPath, JsonValue]]:
        """Return the objects that hold claims about a subject, and their paths."""
        if self.format != "dc+sd-jwt":
            subjects = self.claims["credentialSubject"]
            if type(subjects) is dict:
                return [(("credentialSubject",), subjects)]
            return [(("credentialSubject", index), subject) for index, subject in enumerate(subjects)]
        return [((), {name: value for name, value in self.claims.items() if name not in PROTOCOL_CLAIMS})]


def read_delivered(credential: str | bytes) -> Delivered:
    """Parse what an issuer delivered, in any format."""
    if isinstance(credential, bytes):
        try:
            credential = credential.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidInputError("expected a credential in UTF-8") from exc
    text = credential.strip()
    if text.startswith("{"):
        return _read_ldp_vc(text)
    if not text.isascii():
        raise InvalidInputError("expected a compact credential in ASCII")
    return _read_sd_jwt(text) if "~" in text else _read_vc_jwt(text)


def card_of(delivered: Delivered, record_id: bytes, *, added_at: int, verified_at: int | None) -> Card:
    """Return the card of what was delivered."""
    return Card(
        id=record_id.hex(),
        format=delivered.format,
        type=delivered.types[0],
        types=delivered.types,
        issuer=delivered.issuer,
        key=None if delivered.key is None else delivered.key.thumbprint(),
        added_at=added_at,
        verified_at=verified_at,
        valid_from=delivered.valid_from,
        valid_until=delivered.valid_until,
        withholdable=tuple(delivered.disclosures),
    )


async def verify_issuer(delivered: Delivered, resolver: Resolver, *, now: int) -> None:
    """Raise unless the issuer's signature holds under a key that its DID gives for assertions, and now is in time."""
    if isinstance(delivered.unverified, UnverifiedCredential):
        await _verify_proofs(delivered.unverified, resolver, now)
        return
    key = await _issuer_key(delivered, resolver, now)
    if isinstance(delivered.unverified, UnverifiedVcJwt):
        contexts = _contexts(delivered.claims)
        verify_vc_jwt(delivered.unverified, key, now=now, contexts=contexts, inline_contexts=True)
    else:
        verify_sd_jwt_vc(delivered.unverified, key, now=now, key_binding=None)


def leaves(value: JsonValue, path: ClaimPath = (), *, elements: bool = False) -> Iterator[tuple[ClaimPath, JsonValue]]:
    """Yield path and value of everything in ``value`` that holds nothing else; ``elements`` puts None for indexes."""
    if type(value) is dict and value:
        for name, member in value.items():
            yield from leaves(member, (*path, name), elements=elements)
    elif type(value) is list and value:
        for index, element in enumerate(value):
            yield from leaves(element, (*path, None if elements else index), elements=elements)
    else:
        yield path, value


def search_keys(delivered: Delivered) -> set[bytes]:
    """Return what the claims of a credential are found by, to be turned into tags.

    Claims of a W3C credential are found by their path in the payload and by that in their subject, so that one search
    finds all formats.
    """
    found: set[bytes] = set()
    for root, claims in delivered.subject_claims():
        for path, value in leaves(claims, elements=True):
            if path and type(value) not in (dict, list):
                found.add(search_key(path, value))
                found.add(search_key((*root, *path), value))
    return found


def search_key(path: Sequence[str | int | None], value: JsonValue) -> bytes:
    """Return the bytes that stand for "``value`` at ``path``". Raises InvalidInputError for a value that holds others.

    Indexes count as None: a search asks whether a value is in an array, not where.
    """
    if type(value) in (dict, list):
        raise InvalidInputError("expected to search for text, a number, true, false or null")
    return jcs([[None if type(step) is int else step for step in path], value])


def shown_paths(delivered: Delivered, disclosed: Iterable[str]) -> tuple[ClaimPath, ...]:
    """Return the paths of all claims about a subject that a presentation with these disclosures shows."""
    shown = frozenset(disclosed)
    hidden = {path for path, disclosure in delivered.disclosures.items() if disclosure not in shown}
    return tuple(
        path
        for root, claims in delivered.subject_claims()
        for path, _ in leaves(claims, root)
        if path and not any(path[:end] in hidden for end in range(1, len(path) + 1))
    )


def document_of(did: str) -> DidDocument | None:
    """Return the document of a DID that is a key, or None for another DID. Raises InvalidDidError."""
    if did.startswith("did:jwk:"):
        from ssi.did.methods.jwk import build_jwk_document

        return parse_document(build_jwk_document(did), did=did)
    if did.startswith("did:key:"):
        from ssi.did.methods.key import build_key_document

        return parse_document(build_key_document(did), did=did)
    return None


def _read_sd_jwt(text: str) -> Delivered:
    unverified = read_sd_jwt_vc(text)
    _check_typ(unverified.sd_jwt.header, SD_JWT_VC_TYPES)
    view = holder_view(text)
    claims = view.claims
    for path in view.disclosed:
        if path[0] in NEVER_DISCLOSABLE:
            raise DisclosureError(f"{path[0]} must not be selectively disclosed")
    others = claims.get("aka_vcts", [])
    if type(others) is not list or not all(type(other) is str for other in others):
        raise InvalidInputError("expected aka_vcts to be an array of type names")
    numeric_date(claims, "iat")
    return Delivered(
        text=text,
        format="dc+sd-jwt",
        types=(unverified.vct, *others),
        issuer=unverified.issuer,
        kid=unverified.kid,
        key=confirmation_key(claims),
        holder=None,
        valid_from=numeric_date(claims, "nbf"),
        valid_until=numeric_date(claims, "exp"),
        claims=claims,
        disclosures=view.disclosed,
        chosen=True,
        unverified=unverified,
    )


def _read_vc_jwt(text: str) -> Delivered:
    unverified = read_vc_jwt(text)
    _check_typ(unverified.jws.header, VC_JWT_TYPES)
    claims = unverified.jws.unverified_claims()
    check_no_wrapping(claims)
    credential = parse_credential(claims, contexts=_contexts(claims), inline_contexts=True)
    key, holder = _bound_key(claims, credential)
    ends = [end for end in (credential.valid_until, numeric_date(claims, "exp")) if end is not None]
    return Delivered(
        text=text,
        format="vc+jwt",
        types=tuple(name for name in credential.types if name != "VerifiableCredential") or credential.types,
        issuer=credential.issuer,
        kid=unverified.kid,
        key=key,
        holder=holder,
        valid_from=credential.valid_from,
        valid_until=min(ends, default=None),
        claims=claims,
        disclosures={},
        chosen=False,
        unverified=unverified,
    )


def _read_ldp_vc(text: str) -> Delivered:
    unverified = read_credential(parse_object(text))
    claims = {name: value for name, value in unverified.document.items() if name != "proof"}
    credential = parse_any_credential(claims, contexts=_contexts(claims), inline_contexts=True)
    key, holder = _bound_key(claims, credential)
    pointers = withholdable(unverified.document)
    ends = [credential.valid_until, *(proof.expires for proof in unverified.proofs)]
    return Delivered(
        text=text,
        format="ldp_vc",
        types=tuple(name for name in credential.types if name != "VerifiableCredential") or credential.types,
        issuer=credential.issuer,
        kid=unverified.proofs[0].verification_method,
        key=key,
        holder=holder,
        valid_from=credential.valid_from,
        valid_until=min((end for end in ends if end is not None), default=None),
        claims=claims,
        disclosures=pointers or {},
        chosen=pointers is not None,
        unverified=unverified,
    )


def _bound_key(claims: JsonObject, credential: Credential) -> tuple[PublicKey | None, str | None]:
    """The key in ``cnf``; else that of the subject, where every subject is the same key-based DID."""
    key = confirmation_key(claims)
    identifiers = {subject.get("id") for subject in credential.subjects}
    holder = next(iter(identifiers)) if len(identifiers) == 1 else None
    document = document_of(holder) if type(holder) is str else None
    if document is None:
        return key, None
    keys = list(document.keys("authentication").values())
    if key is not None:
        return key, holder if keys == [key] else None
    if len(keys) != 1:
        raise KeyBindingError("expected the subject's DID to have a key that signs presentations")
    return keys[0], holder


async def _verify_proofs(unverified: UnverifiedCredential, resolver: Resolver, now: int) -> None:
    """Verify all proofs, of which one has to be the issuer's: the base proof, if there is one."""
    keys = {need: await resolver.key(need.verification_method, need.purpose, at=now) for need in unverified.keys}
    contexts = _contexts(unverified.document)
    for number, document in enumerate(shown_to_oneself(unverified.document)):
        verify_credential(
            read_credential(document),
            keys=found_keys(keys),
            now=now,
            contexts=contexts,
            inline_contexts=True,
            issuer_is_controller=number == 0,
        )


async def _issuer_key(delivered: Delivered, resolver: Resolver, now: int) -> PublicKey:
    issuer, kid = delivered.issuer, delivered.kid
    if issuer is None or not issuer.startswith("did:"):
        raise VerificationError("expected an issuer that is a DID, to verify its signature")
    if kid is None:
        keys = (await resolver.resolve(issuer)).document.keys("assertionMethod", at=now)
        if len(keys) != 1:
            raise VerificationError("expected kid to say which of the issuer's keys signed")
        kid = next(iter(keys))
    elif not kid.startswith("did:"):
        kid = f"{issuer}#{kid.removeprefix('#')}"
    if kid.partition("#")[0] != issuer:
        raise VerificationError("expected kid to be a verification method of the issuer")
    return await resolver.key(kid, "assertionMethod", at=now)


def _contexts(claims: JsonObject) -> list[str]:
    """A holder keeps what it is given: which contexts are known is for the verifier to say."""
    contexts = claims.get("@context")
    return [context for context in contexts if type(context) is str] if type(contexts) is list else []


def _check_typ(header: JsonObject, accepted: frozenset[str]) -> None:
    typ = header.get("typ")
    if type(typ) is not str or typ.lower().removeprefix("application/") not in accepted:
        raise InvalidInputError(f"expected a credential of type {' or '.join(sorted(accepted))}")

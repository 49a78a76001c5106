"""Read a credential that an issuer delivered, in any format: what it is, which key it is bound to, what it says.

Source:  RFC 9901 section 7.2 (the holder's view), SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) section 2.2, W3C VC-JOSE-COSE
         sections 3.1, 3.3 and 4, W3C Data Integrity 1.0 (``ldp_vc``), RFC 7800 section 3.2 (cnf).
Input:   the text that an issuer delivered, compact, JSON or base64 of a COSE_Sign1, untrusted.
Shapes:  claim paths as in ``ssi.credentials.sd_jwt.paths``, from the root of the processed payload; times are Unix
         seconds.
I/O:     none.
Errors:  InvalidInputError, DisclosureError, KeyBindingError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.credentials.about import About, about
from ssi.credentials.claims import check_no_wrapping, confirmation_key
from ssi.credentials.cose import UnverifiedVcCose, check_own_claims, read_vc_cose
from ssi.credentials.data_integrity import UnverifiedCredential, read_credential
from ssi.credentials.jose import VC_JWT_TYPES, UnverifiedVcJwt, read_vc_jwt
from ssi.credentials.sd_jwt import (
    NEVER_DISCLOSABLE,
    SD_JWT_VC_TYPES,
    ClaimPath,
    UnverifiedSdJwtVc,
    holder_view,
    read_sd_jwt_vc,
)
from ssi.credentials.sd_jwt.validity import numeric_date
from ssi.credentials.vcdm import Credential, parse_credential
from ssi.credentials.vcdm_v1 import parse_any_credential
from ssi.did.document import DidDocument, parse_document
from ssi.encoding.base64url import b64_encode
from ssi.encoding.gate import parse_object
from ssi.errors import DisclosureError, InvalidInputError, KeyBindingError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue

from .selective import withholdable

Format: TypeAlias = Literal["dc+sd-jwt", "vc+jwt", "vc+cose", "ldp_vc"]

PROTOCOL_CLAIMS: Final = NEVER_DISCLOSABLE | {"iat"}
"""Members of an SD-JWT VC that are not about the subject."""
SIGN1: Final = b"\xd2"
"""How a COSE_Sign1 with its tag begins: with no character of the other formats."""


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
    unverified: UnverifiedSdJwtVc | UnverifiedVcJwt | UnverifiedVcCose | UnverifiedCredential
    about: About = About()
    """Of a W3C credential: its names for people, and members that nobody checks."""

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
    if isinstance(credential, bytes) and credential.startswith(SIGN1):
        return _read_vc_cose(b64_encode(credential))
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
    if "~" in text:
        return _read_sd_jwt(text)
    return _read_vc_jwt(text) if "." in text else _read_vc_cose(text)


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
    credential = parse_credential(claims, contexts=contexts_of(claims), inline_contexts=True)
    ends = [numeric_date(claims, "exp")]
    return _in_data_model("vc+jwt", text, credential, claims, unverified, kid=unverified.kid, ends=ends)


def _read_vc_cose(text: str) -> Delivered:
    unverified = read_vc_cose(text)
    claims = check_own_claims(unverified)
    credential = parse_credential(unverified.payload, contexts=contexts_of(claims), inline_contexts=True)
    ends = [numeric_date(claims, "exp")]
    text = b64_encode(unverified.sign1.encoded)
    return _in_data_model("vc+cose", text, credential, claims, unverified, kid=unverified.kid, ends=ends)


def _read_ldp_vc(text: str) -> Delivered:
    unverified = read_credential(parse_object(text))
    claims = {name: value for name, value in unverified.document.items() if name != "proof"}
    credential = parse_any_credential(claims, contexts=contexts_of(claims), inline_contexts=True)
    kid, ends = unverified.proofs[0].verification_method, [proof.expires for proof in unverified.proofs]
    choice = withholdable(unverified.document)
    return _in_data_model("ldp_vc", text, credential, claims, unverified, kid=kid, ends=ends, choice=choice)


def _in_data_model(
    form: Format,
    text: str,
    credential: Credential,
    claims: JsonObject,
    unverified: UnverifiedVcJwt | UnverifiedVcCose | UnverifiedCredential,
    *,
    kid: str | None,
    ends: Sequence[int | float | None],
    choice: dict[ClaimPath, str] | None = None,
) -> Delivered:
    """A credential of the W3C data model, however secured; ``ends`` are the ends that the envelope or proofs say."""
    key, holder = _bound_key(claims, credential)
    named = tuple(name for name in credential.types if name != "VerifiableCredential")
    return Delivered(
        text=text,
        format=form,
        types=named or credential.types,
        issuer=credential.issuer,
        kid=kid,
        key=key,
        holder=holder,
        valid_from=credential.valid_from,
        valid_until=min((end for end in (credential.valid_until, *ends) if end is not None), default=None),
        claims=claims,
        disclosures=choice or {},
        chosen=choice is not None,
        unverified=unverified,
        about=about(credential),
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


def contexts_of(claims: JsonObject) -> list[str]:
    """A holder keeps what it is given: which contexts are known is for the verifier to say."""
    contexts = claims.get("@context")
    return [context for context in contexts if type(context) is str] if type(contexts) is list else []


def _check_typ(header: JsonObject, accepted: frozenset[str]) -> None:
    typ = header.get("typ")
    if type(typ) is not str or typ.lower().removeprefix("application/") not in accepted:
        raise InvalidInputError(f"expected a credential of type {' or '.join(sorted(accepted))}")

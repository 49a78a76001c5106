"""The one ledger entry that is no statement: a line of a did:webvh log, its members allow-listed.

Source:  did:webvh 1.0, "The DID Log File" and "DID Method Parameters"; the project's answerability text, 2.1 (last
         point) and 6 (G02, G04, G05, G06, G12).
Input:   one line of a did.jsonl, verbatim and without its line feed.
Shapes:  the id is base64url(SHA-256(line)); times are the specification's UTC date-times.
I/O:     none. Hash chain, key rotation and proof are checked by ``ssi.did.webvh`` (see ``ssi.registry.guard``).
Errors:  GuardError: G02 a member that a ledger line may not have, G04, G05, G06, G12.

A DID document is open by its standard; on the ledger it is closed, since an open member could carry anything.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError
from ssi.ledger.rules import check_did, check_method_id, check_name, check_uri, check_url, refuse_numbers
from ssi.registry.types import DidText, UriText
from ssi.types import JsonObject

_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_Multikey: TypeAlias = Annotated[str, Meta(pattern=rf"^z{_BASE58}{{40,200}}\Z")]
_Multihash: TypeAlias = Annotated[str, Meta(pattern=rf"^{_BASE58}{{40,100}}\Z")]
_KeyText: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,90}\Z")]
_DateTime: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z\Z")]
_MethodId: TypeAlias = Annotated[
    str, Meta(pattern=r"^(did:[A-Za-z0-9.:%_-]+)?#[A-Za-z0-9._~-]{1,160}\Z", max_length=1024)
]
VersionId: TypeAlias = Annotated[str, Meta(pattern=rf"^[1-9][0-9]{{0,8}}-{_BASE58}{{40,100}}\Z")]
_WitnessId: TypeAlias = Annotated[str, Meta(pattern=rf"^did:key:z{_BASE58}{{40,200}}\Z")]
_ProofMethod: TypeAlias = Annotated[str, Meta(pattern=rf"^did:key:z{_BASE58}{{40,200}}#z{_BASE58}{{40,200}}\Z")]
_Word: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:/-]{1,80}\Z")]


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the line; members not named here are refused."""


class _Witness(_Closed, frozen=True, kw_only=True):
    id: _WitnessId


class _Witnesses(_Closed, frozen=True, kw_only=True):
    threshold: Annotated[int, Meta(ge=0, le=256)] | UnsetType = UNSET
    witnesses: Annotated[tuple[_Witness, ...], Meta(max_length=64)] | UnsetType = UNSET


class _Parameters(_Closed, frozen=True, kw_only=True):
    method: Annotated[str, Meta(pattern=r"^did:webvh:[0-9]+\.[0-9]+\Z", max_length=20)] | UnsetType = UNSET
    scid: _Multihash | UnsetType = UNSET
    update_keys: Annotated[tuple[_Multikey, ...], Meta(max_length=64)] | UnsetType = msgspec.field(
        name="updateKeys", default=UNSET
    )
    next_key_hashes: Annotated[tuple[_Multihash, ...], Meta(max_length=64)] | UnsetType = msgspec.field(
        name="nextKeyHashes", default=UNSET
    )
    portable: bool | UnsetType = UNSET
    witness: _Witnesses | UnsetType = UNSET
    watchers: Annotated[tuple[UriText, ...], Meta(max_length=64)] | UnsetType = UNSET
    deactivated: bool | UnsetType = UNSET
    ttl: Annotated[int, Meta(ge=0, le=2**31)] | UnsetType = UNSET


class _Jwk(_Closed, frozen=True, kw_only=True):
    kty: _Word
    crv: _Word | UnsetType = UNSET
    x: _KeyText | UnsetType = UNSET
    y: _KeyText | UnsetType = UNSET
    alg: _Word | UnsetType = UNSET
    use: _Word | UnsetType = UNSET
    kid: _KeyText | UnsetType = UNSET
    key_ops: Annotated[tuple[_Word, ...], Meta(max_length=8)] | UnsetType = UNSET


_Relationships: TypeAlias = Literal[
    "authentication", "assertionMethod", "keyAgreement", "capabilityInvocation", "capabilityDelegation"
]


class _Method(_Closed, frozen=True, kw_only=True):
    id: _MethodId
    type: _Word
    # Two did:webvh implementations leave out the controller and write a purpose, which no standard has. Their logs may
    # be anchored all the same: neither says anything of a person.
    controller: DidText | UnsetType = UNSET
    purpose: _Relationships | UnsetType = UNSET
    multibase: Annotated[str, Meta(pattern=r"^[zu][A-Za-z0-9_-]{40,200}\Z")] | UnsetType = msgspec.field(
        name="publicKeyMultibase", default=UNSET
    )
    base58: _Multihash | UnsetType = msgspec.field(name="publicKeyBase58", default=UNSET)
    jwk: _Jwk | UnsetType = msgspec.field(name="publicKeyJwk", default=UNSET)


class _Service(_Closed, frozen=True, kw_only=True):
    id: Annotated[str, Meta(pattern=r"^(did:[A-Za-z0-9.:%_-]+)?#[A-Za-z0-9._~-]{1,80}\Z", max_length=1024)]
    type: UriText | Annotated[tuple[UriText, ...], Meta(min_length=1, max_length=8)]
    endpoint: UriText | Annotated[tuple[UriText, ...], Meta(min_length=1, max_length=8)] = msgspec.field(
        name="serviceEndpoint"
    )
    context: UriText | UnsetType = msgspec.field(name="@context", default=UNSET)


_Methods: TypeAlias = Annotated[tuple[_Method, ...], Meta(max_length=64)] | UnsetType
_Relationship: TypeAlias = Annotated[tuple[_MethodId | _Method, ...], Meta(max_length=64)] | UnsetType


class _Document(_Closed, frozen=True, kw_only=True, rename="camel"):
    context: Annotated[tuple[UriText, ...], Meta(max_length=16)] | UriText | UnsetType = msgspec.field(
        name="@context", default=UNSET
    )
    id: DidText
    # A pattern on the text beside an array makes msgspec 0.22 free what it does not own: the text is matched below.
    controller: UriText | Annotated[tuple[UriText, ...], Meta(max_length=16)] | UnsetType = UNSET
    also_known_as: Annotated[tuple[UriText, ...], Meta(max_length=16)] | UnsetType = UNSET
    verification_method: _Methods = UNSET
    authentication: _Relationship = UNSET
    assertion_method: _Relationship = UNSET
    key_agreement: _Relationship = UNSET
    capability_invocation: _Relationship = UNSET
    capability_delegation: _Relationship = UNSET
    service: Annotated[tuple[_Service, ...], Meta(max_length=16)] | UnsetType = UNSET


class LineProof(_Closed, frozen=True, kw_only=True, rename="camel"):
    """A Data Integrity proof under a did:key, of a line or of a witness."""

    type: Literal["DataIntegrityProof"]
    cryptosuite: _Word
    verification_method: _ProofMethod
    created: _DateTime
    proof_purpose: _Word
    proof_value: Annotated[str, Meta(pattern=rf"^z{_BASE58}{{80,100}}\Z")]


class _Line(_Closed, frozen=True, kw_only=True, rename="camel"):
    version_id: VersionId
    version_time: _DateTime
    parameters: _Parameters
    state: _Document
    proof: LineProof | Annotated[tuple[LineProof, ...], Meta(min_length=1, max_length=8)]


class DidLogEntry(msgspec.Struct, frozen=True):
    """A line whose shape a ledger may hold; that it continues the DID's log is not shown yet."""

    id: str
    did: str
    number: int
    """The version number at the start of ``versionId``."""
    entry: bytes
    raw: JsonObject

    @property
    def type(self) -> str:
        """The name of this kind of entry."""
        return "DidLogEntry"


_CONTEXT_HOSTS: Final = ("https://www.w3.org/ns/", "https://w3id.org/", "https://identity.foundation/")


def parse_did_line(entry: bytes, raw: JsonObject) -> DidLogEntry:
    """Return the line ``entry``, whose JSON is ``raw``, as a ledger entry, its members allow-listed.

    Raises GuardError if a member or text may not stand on the ledger.
    """
    if entry[:1] != b"{" or entry[-1:] != b"}":
        raise GuardError("G02", "a did:webvh line starts with { and ends with }")
    try:
        line = msgspec.convert(raw, _Line)
    except msgspec.ValidationError as exc:
        _, found, path = str(exc).rpartition(" - at ")
        where = f" at {path}" if found else ""
        raise GuardError("G02", f"a did:webvh line has a member that is not allowed or misshapen{where}") from exc
    _check_document(line.state)
    for url in line.parameters.watchers or ():
        check_url(url, "parameters.watchers")
    number = int(line.version_id.partition("-")[0])
    return DidLogEntry(b64url_encode(sha256(entry).digest()), line.state.id, number, entry, raw)


def _check_document(document: _Document) -> None:
    """Apply the text rules to everything in the document that somebody chose."""
    check_did(document.id, "state.id")
    for url in _several(document.context):
        if not url.startswith(_CONTEXT_HOSTS):
            raise GuardError("G02", "state.@context has a context that DID documents do not use")
        check_url(url, "state.@context")
    for did in _several(document.controller):
        _check_did_text(did)
        check_did(did, "state.controller")
    for uri in _several(document.also_known_as):
        check_uri(uri, "state.alsoKnownAs")
    for method in document.verification_method or ():
        _check_method(method)
    for listed in (
        document.authentication,
        document.assertion_method,
        document.key_agreement,
        document.capability_invocation,
        document.capability_delegation,
    ):
        for item in listed or ():
            if isinstance(item, _Method):
                _check_method(item)
            else:
                check_method_id(item, "state: a verification relationship")
    for service in document.service or ():
        _check_service(service)


def _check_did_text(did: str) -> None:
    try:
        msgspec.convert(did, DidText)
    except msgspec.ValidationError as exc:
        raise GuardError("G02", "state.controller is not a DID") from exc


def _check_method(method: _Method) -> None:
    if method.controller:
        check_did(method.controller, "state: controller of a verification method")
    check_method_id(method.id, "state: id of a verification method")
    refuse_numbers(method.type, "state: type of a verification method")
    if isinstance(method.jwk, _Jwk):
        key = method.jwk
        for word in (key.kty, key.crv or "", key.alg or "", key.use or "", *(key.key_ops or ())):
            refuse_numbers(word, "state: publicKeyJwk")


def _check_service(service: _Service) -> None:
    did, _, fragment = service.id.partition("#")
    if did:
        check_did(did, "state.service.id")
    check_name(fragment, "state.service.id")
    for name in _several(service.type):
        check_name(name, "state.service.type")
    for uri in _several(service.endpoint):
        check_uri(uri, "state.service.serviceEndpoint")
    if service.context is not UNSET:
        if not service.context.startswith(_CONTEXT_HOSTS):
            raise GuardError("G02", "state.service.@context is none that DID documents use")
        check_url(service.context, "state.service.@context")


def _several(value: str | tuple[str, ...] | UnsetType) -> tuple[str, ...]:
    if isinstance(value, UnsetType):
        return ()
    return (value,) if isinstance(value, str) else value

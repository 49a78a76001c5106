"""Read a DID document and give out its keys, each only for what the document lists it for.

Source:  W3C DID Core v1.0 and v1.1, sections 5.2 to 5.4; W3C Controlled Identifiers v1.0, sections 2.1 (documents), 2.2
         (verification methods), 2.3 (relationships) and 3.3 (retrieval of a verification method).
Input:   the JSON object of a document that came through the parse gate, and the DID that it was resolved for, or, for
         a controlled identifier document, the https URL.
Shapes:  verification method ids are absolute (``did:…#key``) once read; times are Unix seconds.
I/O:     none. pydid's model is built on first access only: verifying never needs it.
Errors:  InvalidInputError (not a DID document, or one that must not be used: duplicate ids, a published private key),
         VerificationError and ProofPurposeError (the document gives no key for this purpose).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ssi.did.parse import check_identifier, check_identifier_url, parse_did
from ssi.did.verification_method import VerificationMethod, parse_verification_method, public_key_of
from ssi.errors import InvalidDidError, InvalidInputError, ProofPurposeError, UnavailableError, VerificationError
from ssi.keys import PublicKey
from ssi.types import JsonObject, JsonValue

RELATIONSHIPS: Final = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)


class Service(msgspec.Struct, frozen=True):
    """One service of a document (DID Core 5.4, Controlled Identifiers 2.1.4, where ``id`` may be left out)."""

    id: str | None
    type: tuple[str, ...]
    endpoint: JsonValue
    raw: JsonObject


class DidDocument:
    """A DID document whose shape was checked; made by ``parse_document``.

    ``raw`` is the JSON object as it was received, and must not be changed: only it is hashed, signed or served again.
    """

    __slots__ = ("_keys", "_methods", "_model", "_relationships", "id", "raw", "services")

    def __init__(
        self,
        raw: JsonObject,
        *,
        methods: Mapping[str, VerificationMethod],
        relationships: Mapping[str, frozenset[str]],
        services: tuple[Service, ...],
    ) -> None:
        self.id: Final[str] = raw["id"]
        self.raw: Final = raw
        self.services: Final = services
        self._methods = methods
        self._relationships = relationships
        self._keys: dict[tuple[str, str], tuple[PublicKey, int | None]] = {}
        self._model: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DidDocument) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"DidDocument({self.id})"

    @property
    def verification_methods(self) -> tuple[VerificationMethod, ...]:
        """Every verification method, embedded ones included, in the order of the document."""
        return tuple(self._methods.values())

    def key(self, verification_method_id: str, relationship: str, *, at: int | None = None) -> PublicKey:
        """Return the key of a verification method that ``relationship`` lists (Controlled Identifiers 3.3).

        ``verification_method_id`` is absolute or a fragment (``#key-1``). ``at`` is the Unix time asked about; a method
        that expires or is revoked gives no key without it.
        Raises ProofPurposeError if the relationship does not list the method, and VerificationError if the document
        has no such method, another DID controls it, it has no key that is supported here, or its time is over.
        """
        found = self._keys.get((verification_method_id, relationship))
        if found is None:
            method = self._method(verification_method_id, relationship)
            found = (public_key_of(method), method.ends_at)
            self._keys[verification_method_id, relationship] = found
        key, ends_at = found
        if ends_at is not None and (at is None or at >= ends_at):
            raise VerificationError("verification method has expired or is revoked, or no time was given to check it")
        return key

    def keys(self, relationship: str, *, at: int | None = None) -> dict[str, PublicKey]:
        """Return the usable keys of ``relationship`` by their absolute verification method id.

        What ``key`` would refuse is left out, and so are references to other documents.
        Raises InvalidInputError if the relationship is none of DID Core's.
        """
        listed = self._listed(relationship)
        found: dict[str, PublicKey] = {}
        for method_id in self._methods:
            if method_id in listed:
                try:
                    found[method_id] = self.key(method_id, relationship, at=at)
                except (VerificationError, UnavailableError):  # The latter: a key of BBS, and its extra is missing.
                    continue
        return found

    @property
    def model(self) -> Any:
        """The document as a ``pydid.DIDDocument``, built once. Raises InvalidInputError if pydid cannot read it."""
        if self._model is None:
            from ssi.did.model import build_model

            self._model = build_model(self.raw)
        return self._model

    def method(self, verification_method_id: str) -> VerificationMethod | None:
        """Return the verification method with this id, absolute or a fragment, whoever controls it; None if none."""
        return self._methods.get(self._absolute(verification_method_id))

    def service(self, service_id: str) -> Service | None:
        """Return the service with this id, absolute or a fragment; None if there is none."""
        absolute = self._absolute(service_id)
        return next((service for service in self.services if service.id == absolute), None)

    def authorised(self, verification_method_id: str, relationship: str) -> VerificationMethod:
        """Return the verification method if ``relationship`` lists it and the subject controls it, as ``key`` asks.

        Its key is not read: for methods whose type is not supported here. Raises what ``key`` raises.
        """
        return self._method(verification_method_id, relationship)

    def to_json(self) -> bytes:
        """Return the document as JSON, members in the order they came in; not the bytes that were received."""
        return msgspec.json.encode(self.raw)

    def _absolute(self, text: str) -> str:
        return f"{self.id}{text}" if text.startswith("#") else text

    def _listed(self, relationship: str) -> frozenset[str]:
        if relationship not in RELATIONSHIPS:
            raise InvalidInputError(f"unknown verification relationship, expected one of {', '.join(RELATIONSHIPS)}")
        return self._relationships.get(relationship, frozenset())

    def _method(self, method_id: str, relationship: str) -> VerificationMethod:
        listed = self._listed(relationship)
        absolute = self._absolute(method_id)
        method = self._methods.get(absolute)
        if method is None:
            raise VerificationError(f"the document of {self.id} has no such verification method")
        if absolute not in listed:
            raise ProofPurposeError(f"{self.id} does not list the verification method in {relationship}")
        # An id or a controller of another DID would let this document speak for that one.
        if method.controller != self.id or not absolute.startswith(f"{self.id}#"):
            raise VerificationError(f"{self.id} does not control the verification method")
        return method


def parse_document(raw: JsonValue, *, did: str, absolute_ids: bool = False) -> DidDocument:
    """Return the document of ``did``, its shape checked.

    With ``absolute_ids`` relative ids of verification methods and services are refused, as did:web asks.
    Raises InvalidInputError, and InvalidDidError if ``did`` is malformed or the document's id is another.
    """
    parse_did(did)
    return _parse(raw, did, absolute_ids)


def parse_controlled_document(raw: JsonValue, *, identifier: str) -> DidDocument:
    """Return the controlled identifier document of ``identifier``: an https URL, or a DID (Controlled Identifiers 2.1).

    Raises InvalidInputError, and InvalidDidError if the identifier is neither or the document's id is another. pydid
    has no model of such a document: ``model`` raises InvalidInputError if the identifier is no DID.
    """
    return _parse(raw, check_identifier(identifier), absolute_ids=False)


def _parse(raw: JsonValue, did: str, absolute_ids: bool) -> DidDocument:
    if not isinstance(raw, dict):
        raise InvalidInputError("a DID document is a JSON object")
    if raw.get("id") != did:
        raise InvalidDidError(f"the document's id is not {did}")
    methods: dict[str, VerificationMethod] = {}
    for item in _array(raw, "verificationMethod"):
        _add(methods, parse_verification_method(item, did=did, absolute_ids=absolute_ids))
    relationships: dict[str, frozenset[str]] = {}
    for name in RELATIONSHIPS:
        listed: set[str] = set()
        for item in _array(raw, name):
            if isinstance(item, str):
                listed.add(_absolute(item, did, absolute_ids))
            else:
                method = parse_verification_method(item, did=did, absolute_ids=absolute_ids)
                _add(methods, method)
                listed.add(method.id)
        relationships[name] = frozenset(listed)
    return DidDocument(
        raw, methods=methods, relationships=relationships, services=_services(raw, did=did, absolute_ids=absolute_ids)
    )


def _add(methods: dict[str, VerificationMethod], method: VerificationMethod) -> None:
    if method.id in methods:
        raise InvalidInputError("two verification methods have the same id")
    methods[method.id] = method


def _array(raw: JsonObject, name: str) -> list[Any]:
    value = raw.get(name, [])
    if not isinstance(value, list):
        raise InvalidInputError(f"{name} is an array")
    return value


def _absolute(text: str, did: str, absolute_ids: bool) -> str:
    if text.startswith("#") and not absolute_ids:
        text = f"{did}{text}"
    return check_identifier_url(text)


def _services(raw: JsonObject, *, did: str, absolute_ids: bool) -> tuple[Service, ...]:
    services: list[Service] = []
    seen: set[str] = set()
    for item in _array(raw, "service"):
        if not isinstance(item, dict) or "serviceEndpoint" not in item:
            raise InvalidInputError("a service has a type and a serviceEndpoint")
        kind = item.get("type")
        types = [kind] if isinstance(kind, str) else kind
        if not isinstance(types, list) or not types or not all(isinstance(name, str) for name in types):
            raise InvalidInputError("a service's type is a string or an array of strings")
        service_id = item.get("id")
        if "id" in item:
            if not isinstance(service_id, str) or not service_id:
                raise InvalidInputError("a service's id is a string")
            # A service id is any URI (5.4), so only ours are brought to their absolute form.
            if service_id.startswith("#") and not absolute_ids:
                service_id = f"{did}{service_id}"
            if service_id in seen:
                raise InvalidInputError("two services have the same id")
            seen.add(service_id)
        services.append(Service(service_id, tuple(types), item["serviceEndpoint"], item))
    return tuple(services)

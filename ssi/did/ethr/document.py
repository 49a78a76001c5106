"""Build the document of a did:ethr from its events.

Source:  ETHR DID Method Specification, "Enumerating Contract Events to build the DID Document", "`id` properties of
         entries", "JSON-LD Context Definition", "Delete (Revoke)".
Input:   the events up to the version asked for, oldest first, and the time that validity is measured at.
Shapes:  ``at`` and ``expires`` are Unix seconds; an entry is valid up to and including its ``valid_to``.
I/O:     none.
Errors:  InvalidInputError without the extra ``countersigned[evm]``.

Each event about delegates and keys has the next number, and each about services, whether or not an entry comes of it.
The last event about an entry decides. Where it was over with its own block, as a revocation is, the entry is gone from
that block on: the contract says so, and a version would else show for ever what it revoked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from ssi.did.ethr.attributes import (
    KEY_PREFIX,
    RECOVERY,
    SECP256K1,
    SERVICE_PREFIX,
    attribute_parts,
    endpoint,
    key_material,
    relationships,
)
from ssi.did.ethr.events import AttributeChanged, DelegateChanged, Event, OwnerChanged
from ssi.did.ethr.identifier import NO_ADDRESS, EthrDid, format_address
from ssi.types import JsonObject, JsonValue

DID_CONTEXT: Final = "https://www.w3.org/ns/did/v1"
RECOVERY_CONTEXT: Final = "https://w3id.org/security/suites/secp256k1recovery-2020/v2"
SECURITY_CONTEXT: Final = "https://w3id.org/security/v2"

_SUITE_CONTEXTS: Final = {
    "Ed25519VerificationKey2020": "https://w3id.org/security/suites/ed25519-2020/v1",
    "X25519KeyAgreementKey2020": "https://w3id.org/security/suites/x25519-2020/v1",
    "Multikey": "https://w3id.org/security/multikey/v1",
}
_TERMS: Final[dict[str, JsonValue]] = {
    "publicKeyHex": "https://w3id.org/security#publicKeyHex",
    "publicKeyJwk": {"@id": "https://w3id.org/security#publicKeyJwk", "@type": "@json"},
    "publicKeyBase64": "https://w3id.org/security#publicKeyBase64",
}


class Built(msgspec.Struct, frozen=True):
    """A document, and what its metadata says of it."""

    document: JsonObject
    deactivated: bool
    expires: int | None
    """When the first of its entries ends; None if none does."""


class _Entry(msgspec.Struct, frozen=True):
    """A verification method and where it is listed, or a service."""

    content: JsonObject
    listed: tuple[str, ...]
    valid_to: int


class _State:
    """What the events so far come to."""

    def __init__(self, did: EthrDid, chain_id: int, at: int) -> None:
        self.did = did.did
        self.chain_id = chain_id
        self.at = at
        self.owner = did.address
        self.methods: dict[tuple[str, str, bytes], _Entry] = {}
        self.services: dict[tuple[str, bytes], _Entry] = {}
        self._methods_counted = 0
        self._services_counted = 0

    def take(self, event: Event) -> None:
        if isinstance(event, OwnerChanged):
            self.owner = event.owner
        elif isinstance(event, DelegateChanged):
            self._delegate(event)
        elif event.name is not None and event.name.startswith(KEY_PREFIX):
            self._key(event, event.name)
        elif event.name is not None and event.name.startswith(SERVICE_PREFIX):
            self._service(event, event.name)

    def recovery_method(self, fragment: str, account: bytes) -> JsonObject:
        """Return the verification method of an account, which is known by its address alone."""
        return {
            "id": f"{self.did}#{fragment}",
            "type": RECOVERY,
            "controller": self.did,
            "blockchainAccountId": f"eip155:{self.chain_id}:{format_address(account)}",
        }

    def _delegate(self, event: DelegateChanged) -> None:
        if event.kind is None:
            return
        self._methods_counted += 1
        key = ("delegate", event.kind, event.delegate)
        if event.kind not in ("veriKey", "sigAuth") or not self._holds(event):
            self.methods.pop(key, None)
            return
        method = self.recovery_method(f"delegate-{self._methods_counted}", event.delegate)
        self.methods[key] = _Entry(method, relationships(event.kind), event.valid_to)

    def _key(self, event: AttributeChanged, name: str) -> None:
        self._methods_counted += 1
        parts = attribute_parts(name)
        key = ("attribute", name, event.value)
        material = key_material(parts[0], parts[2], event.value) if parts and self._holds(event) else None
        if parts is None or material is None:
            self.methods.pop(key, None)
            return
        fragment = f"delegate-{self._methods_counted}"
        kind = material.pop("type")
        method = {"id": f"{self.did}#{fragment}", "type": kind, "controller": self.did, **material}
        self.methods[key] = _Entry(method, relationships(parts[1]), event.valid_to)

    def _service(self, event: AttributeChanged, name: str) -> None:
        self._services_counted += 1
        parts = attribute_parts(name)
        place = endpoint(event.value) if parts and self._holds(event) else None
        if parts is None or place is None:
            self.services.pop((name, event.value), None)
            return
        content = {"id": f"{self.did}#service-{self._services_counted}", "type": parts[0], "serviceEndpoint": place}
        self.services[name, event.value] = _Entry(content, (), event.valid_to)

    def _holds(self, event: DelegateChanged | AttributeChanged) -> bool:
        return event.valid_to > event.time and event.valid_to >= self.at


def build_document(did: EthrDid, events: Iterable[Event], *, chain_id: int, at: int) -> Built:
    """Return the document that ``events`` give to ``did`` at the time ``at``."""
    state = _State(did, chain_id, at)
    for event in events:
        state.take(event)
        # The contract lets the key of the DID write on after this; the specification does not.
        if state.owner == NO_ADDRESS:
            return Built(_deactivated(did.did), True, None)
    methods = [state.recovery_method("controller", state.owner)]
    if did.public_key is not None and state.owner == did.address:
        jwk = did.public_key.to_jwk()
        key_id = f"{did.did}#controllerKey"
        methods.append({"id": key_id, "type": SECP256K1, "controller": did.did, "publicKeyJwk": jwk})
    listed: dict[str, list[JsonValue]] = {
        "authentication": [method["id"] for method in methods],
        "assertionMethod": [method["id"] for method in methods],
        "keyAgreement": [],
    }
    for entry in state.methods.values():
        methods.append(entry.content)
        for relationship in entry.listed:
            listed[relationship].append(entry.content["id"])
    services = [entry.content for entry in state.services.values()]
    document: JsonObject = {
        "@context": _context(methods),
        "id": did.did,
        "verificationMethod": methods,
        **{name: ids for name, ids in listed.items() if ids},
        **({"service": services} if services else {}),
    }
    ends = [entry.valid_to for entry in (*state.methods.values(), *state.services.values())]
    return Built(document, False, min(ends, default=None))


def _context(methods: list[JsonObject]) -> JsonValue:
    """Return the contexts that define what the verification methods use, and no others."""
    types = {method["type"] for method in methods}
    members = {member for method in methods for member in method}
    contexts: list[JsonValue] = [DID_CONTEXT, RECOVERY_CONTEXT]
    if SECP256K1 in types or "publicKeyBase58" in members:
        contexts.append(SECURITY_CONTEXT)
    contexts += [url for kind, url in _SUITE_CONTEXTS.items() if kind in types]
    if terms := {name: meaning for name, meaning in _TERMS.items() if name in members}:
        contexts.append(terms)
    return contexts


def _deactivated(did: str) -> JsonObject:
    return {
        "@context": DID_CONTEXT,
        "id": did,
        "verificationMethod": [],
        "assertionMethod": [],
        "authentication": [],
    }

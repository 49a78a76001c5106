"""A small world of organisations for the registry's tests: keys, DID logs and signed statements, made without waiting.

Everything is signed by real keys; the DID log lines are built here from the specification's steps, so that a test may
also build wrong ones.
"""

from __future__ import annotations

import json
from typing import Any

from ssi.did.webvh.hashing import entry_hash, scid_of
from ssi.did.webvh.keys import did_key_method
from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import base58btc_encode
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import build_jws, signing_input
from ssi.proofs.data_integrity import EDDSA_JCS_2022
from ssi.registry.statement import statement_id
from ssi.registry.types import (
    Accreditation,
    AccreditationRefs,
    Ending,
    EndingRefs,
    StatementBody,
    StatusCommitment,
    build_payload,
)
from ssi.types import JsonObject

NOW = 1_790_000_000
DAY = 86_400


class Organisation:
    """A named organisation with a did:webvh DID, an update key and a statement key."""

    def __init__(
        self, domain: str, *, curve: Curve = Curve.P256, created: int = NOW - 1_000, **parameters: Any
    ) -> None:
        self.update = PrivateKey.generate(Curve.ED25519)
        self.keys = {"key-1": PrivateKey.generate(curve)}
        self.lines: list[bytes] = []
        self._head = ""
        self._scid = "{SCID}"
        self.did = f"did:webvh:{{SCID}}:{domain}"
        self._created = created
        self._parameters = parameters
        self.lines.append(self._first())

    @property
    def kid(self) -> str:
        """The verification method of the first statement key."""
        return f"{self.did}#key-1"

    def document(self, **more: Any) -> JsonObject:
        """The DID document with the present keys."""
        methods = [
            {
                "id": f"{self.did}#{name}",
                "type": "Multikey",
                "controller": self.did,
                "publicKeyMultibase": key.public_key.to_multikey(),
            }
            for name, key in self.keys.items()
        ]
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": self.did,
            "verificationMethod": methods,
            "assertionMethod": [method["id"] for method in methods],
            **more,
        }

    def _first(self) -> bytes:
        parameters = {
            "method": "did:webvh:1.0",
            "scid": "{SCID}",
            "updateKeys": [self.update.public_key.to_multikey()],
            **self._parameters,
        }
        entry = {
            "versionId": "{SCID}",
            "versionTime": format_seconds(self._created),
            "parameters": parameters,
            "state": self.document(),
        }
        self._scid = scid_of(entry)
        self.did = self.did.replace("{SCID}", self._scid)
        text = json.dumps(entry).replace("{SCID}", self._scid)
        return self._sign(json.loads(text), number=1, predecessor=self._scid)

    def next_line(
        self, *, parameters: JsonObject | None = None, state: JsonObject | None = None, number: int | None = None
    ) -> bytes:
        """Return the line after the newest, and make it the newest."""
        number = number or len(self.lines) + 1
        entry = {
            "versionTime": format_seconds(self._created + number),
            "parameters": parameters or {},
            "state": state or self.document(),
        }
        line = self._sign({"versionId": "", **entry}, number=number, predecessor=self._head)
        self.lines.append(line)
        return line

    @property
    def version_id(self) -> str:
        """The versionId of the newest line."""
        return self._head

    def back(self, version_id: str) -> None:
        """Forget the newest line: the next one is its rival."""
        self.lines.pop()
        self._head = version_id

    def move(self, domain: str) -> bytes:
        """Return the line that gives the DID its new name."""
        old, self.did = self.did, f"did:webvh:{self._scid}:{domain}"
        return self.next_line(state=self.document(alsoKnownAs=[old]))

    def _sign(self, entry: JsonObject, *, number: int, predecessor: str) -> bytes:
        head = f"{number}-{entry_hash(entry, predecessor)}"
        entry = {**entry, "versionId": head}
        self._head = head
        proof = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": did_key_method(self.update.public_key),
            "created": entry["versionTime"],
            "proofPurpose": "assertionMethod",
        }
        signature = self.update.sign(EDDSA_JCS_2022.hash_data(entry, proof))
        return json.dumps({**entry, "proof": [{**proof, "proofValue": base58btc_encode(signature)}]}).encode()

    def sign(self, body: StatementBody | JsonObject, *, key: str = "key-1", **header: Any) -> bytes:
        """Return a statement by this organisation; ``header`` replaces or adds members."""
        private = self.keys[key]
        alg = "Ed25519" if private.public_key.curve is Curve.ED25519 else "ES256"
        payload = body if isinstance(body, dict) else build_payload(body)
        protected = {"typ": "answerable+jwt", "alg": alg, "kid": f"{self.did}#{key}", **header}
        message = signing_input({name: value for name, value in protected.items() if value is not None}, payload)
        return build_jws(message, private.sign(message)).encode()

    def accredit(self, subject: str, role: str, *, by: bytes | None = None, iat: int = NOW, **more: Any) -> bytes:
        """Return an accreditation of ``subject`` by this organisation."""
        members: dict[str, Any] = {
            "answerable_to": (),
            "valid_from": NOW - 30 * DAY,
            "valid_until": NOW + 365 * DAY,
            **more,
        }
        if by is not None:
            members["refs"] = AccreditationRefs(by=statement_id(by))
        return self.sign(Accreditation(iss=self.did, iat=iat, subject=subject, role=role, **members))  # type: ignore[arg-type]

    def commit(self, uri: str, epoch: int, *, digest: bytes = b"list", iat: int = NOW, **more: Any) -> bytes:
        """Return a status commitment of this organisation."""
        members: dict[str, Any] = {"valid_from": NOW, "valid_until": NOW + DAY, **more}
        text = b64url_encode(digest.ljust(32, b"\0"))
        return self.sign(StatusCommitment(iss=self.did, iat=iat, uri=uri, epoch=epoch, digest=text, **members))

    def end(self, target: bytes | str, reason: str, *, effective: int = NOW, iat: int = NOW, **more: Any) -> bytes:
        """Return an ending by this organisation of a statement, or of an entry id."""
        identifier = target if isinstance(target, str) else statement_id(target)
        refs = EndingRefs(ends=identifier)
        return self.sign(Ending(iss=self.did, iat=iat, reason=reason, effective=effective, refs=refs, **more))  # type: ignore[arg-type]


class Witness:
    """Somebody who approves versions of DIDs."""

    def __init__(self) -> None:
        self.key = PrivateKey.generate(Curve.ED25519)
        self.id = did_key_method(self.key.public_key).partition("#")[0]

    def proof(self, version_id: str, *, created: int = NOW - 500) -> JsonObject:
        """Return a witness proof for ``version_id``."""
        config = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": did_key_method(self.key.public_key),
            "created": format_seconds(created),
            "proofPurpose": "assertionMethod",
        }
        signature = self.key.sign(EDDSA_JCS_2022.hash_data({"versionId": version_id}, config))
        return {**config, "proofValue": base58btc_encode(signature)}


def witnessed_by(threshold: int, *witnesses: Witness) -> JsonObject:
    """Return the ``witness`` parameter that names them."""
    return {"threshold": threshold, "witnesses": [{"id": witness.id} for witness in witnesses]}


def approval(version_id: str, *witnesses: Witness) -> bytes:
    """Return the ledger entry by which they approve a version."""
    proofs = [witness.proof(version_id) for witness in witnesses]
    return json.dumps({"versionId": version_id, "proof": proofs}).encode()


class World:
    """A root, an agency that may issue residence certificates, and the entries that make it so."""

    URI = "https://agency.example/status/1"
    TYPE = "https://credentials.example/residence"

    def __init__(self) -> None:
        self.root = Organisation("root.example")
        self.agency = Organisation("agency.example", curve=Curve.ED25519)
        self.organisation = self.root.accredit(self.agency.did, "organisation")
        self.issuer = self.root.accredit(self.agency.did, "issuer", types=(self.TYPE,))
        self.entries = [self.root.lines[0], self.organisation, self.agency.lines[0], self.issuer]
